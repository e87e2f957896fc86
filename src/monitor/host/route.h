/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * route: sets the routes of a table as a whole, after comparing with the kernel
 * (libnl-route-3).
 *
 * All our routes have the protocol number LINK_RTPROT.  Of the main table the
 * kernel gives us no others, however many there are.
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
	/*
	 * Those of its addresses, which the kernel makes with them; sorted.  NULL:
	 * none.  One that is missing is added as one of ours.
	 */
	const struct prefix_set *connected;
	unsigned		 ifindex;
	bool unreachable[2]; /* the default route; IPv4, IPv6 */
	/*
	 * A route of the set is missing: whether to add it now.  NULL: yes.  Of a
	 * connected one that was it is told, too.
	 */
	bool (*on_missing)(void *arg, const struct prefix *network);
	/*
	 * It cannot be added; -EEXIST: somebody else has one to the same network.
	 * Returns `error` to give up, 0 to go on.  NULL: gives up.
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
 * Adds the networks that the main table has on a link of this host, other than
 * the device of that index; unsorted.  0 or a negative errno value.  It looks at
 * the whole table, so ask when that may be news only.
 */
int route_get_local(struct link *link, unsigned ifindex,
    struct prefix_set *local);

#endif /* ROUTE_H */
