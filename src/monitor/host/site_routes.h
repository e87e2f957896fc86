/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * site_routes: a server's routes to the networks of its sites (tun).
 *
 * They follow the configuration; with the device they go.  Zeroed storage is
 * none.  One site's trouble is not the others': a route that cannot be is a
 * line in the log, and is tried again with the next change.
 */
#ifndef SITE_ROUTES_H
#define SITE_ROUTES_H

#include <stdbool.h>

#include "monitor/host/prefix_set.h"

struct conf;
struct link;

struct site_routes {
	struct prefix_set set; /* those that are there */
};

/* By `device`: adds what is missing, removes what nobody has any more. */
void site_routes_follow(struct site_routes *routes, struct link *link,
    const char *device, bool has_ipv6, const struct conf *conf);
/* Adds the networks of every enabled site; unsorted.  False: no memory. */
bool site_routes_add(struct prefix_set *set, const struct conf *conf);
/* Forgets them; the kernel's stay. */
void site_routes_fini(struct site_routes *routes);

#endif /* SITE_ROUTES_H */
