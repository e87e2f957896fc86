/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * site_routes: a hub's routes to the networks of its sites (tun).
 *
 * They follow the configuration; the kernel removes them with the device.  A
 * route that cannot be added is logged and does not affect other sites; it is
 * tried again at the next change.
 */
#ifndef SITE_ROUTES_H
#define SITE_ROUTES_H

#include <stdbool.h>

struct conf;
struct link;
struct prefix_set;
struct tapdev;

/* Adds missing routes by `dev`, and removes those that no site has any more. */
void site_routes_follow(struct link *link, struct tapdev *dev, bool has_ipv6,
    const struct conf *conf);
/* Adds the networks of all enabled sites; unsorted.  False: out of memory. */
bool site_routes_add(struct prefix_set *set, const struct conf *conf);

#endif /* SITE_ROUTES_H */
