/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * route: sets the routes of a table as a whole, after comparing with the kernel
 * (libnl-route-3).
 *
 * All our routes have the protocol number LINK_RTPROT.
 */
#ifndef ROUTE_H
#define ROUTE_H

#include <stdbool.h>
#include <stdint.h>

struct link;
struct prefix;
struct prefix_set;

/* The routes of ours that a table is to have, and no others. */
struct route_table {
	const struct prefix_set *set; /* by the device; sorted */
	unsigned		 ifindex;
	bool unreachable[2]; /* the default route; IPv4, IPv6 */
	/*
	 * Called for a route that cannot be added; -EEXIST: another program has
	 * a route to the same network.  Returns `error` to give up, 0 to
	 * continue.  NULL: continues after -EEXIST only.
	 */
	int (*on_failure)(void *arg, const struct prefix *network, int error);
	void *arg;
};

/*
 * Adds missing routes to the table, then removes the rest: in a table of ours
 * all other routes, in the main table our other routes by that device.  Returns
 * how many routes another program had changed, or a negative errno value.
 * Without IPv6 on this host, IPv6 routes are ignored.
 */
int route_set(struct link *link, uint32_t table,
    const struct route_table *routes);

/*
 * Adds the networks of this host's links, except of the device with that index,
 * as in the main table; unsorted. 0 or a negative errno value.
 */
int route_get_local(struct link *link, unsigned ifindex,
    struct prefix_set *local);

#endif /* ROUTE_H */
