/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * site_routes: a server's routes to the networks of its sites (tun).
 *
 * They follow the configuration, and go with the device.  One site's trouble is
 * not the others': a route that cannot be added is a line in the log, and is
 * tried again with the next change.
 */
#ifndef SITE_ROUTES_H
#define SITE_ROUTES_H

#include <stdbool.h>

struct conf;
struct link;
struct prefix_set;
struct tapdev;

/* By `dev`: adds what is missing, removes what nobody has any more. */
void site_routes_follow(struct link *link, struct tapdev *dev, bool has_ipv6,
    const struct conf *conf);
/* Adds the networks of every enabled site; unsorted.  False: no memory. */
bool site_routes_add(struct prefix_set *set, const struct conf *conf);

#endif /* SITE_ROUTES_H */
