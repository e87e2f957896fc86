/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * route: the routes of a table, as a whole, compared with the kernel
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

/* What a table is to have of ours, and only that. */
struct route_table {
	const struct prefix_set *set; /* by the device; sorted */
	unsigned		 ifindex;
	bool unreachable[2]; /* what has no better route; IPv4, IPv6 */
	/*
	 * A route of the set cannot be added; -EEXIST: somebody else has one to
	 * the same network.  Returns `error` to give up, 0 to go on.  NULL: goes on
	 * after -EEXIST only.
	 */
	int (*on_failure)(void *arg, const struct prefix *network, int error);
	void *arg;
};

/*
 * Makes the table have these: what is missing is added before the rest is
 * removed.  The rest is all others in a table of ours; in the main table, ours by
 * that device.  Returns how much somebody else had changed, or a negative errno
 * value.  IPv6 on a host that has none is success.
 */
int route_set(struct link *link, uint32_t table,
    const struct route_table *routes);

/*
 * Adds the networks that the main table has on a link of this host, other than
 * the device of that index; unsorted.  0 or a negative errno value.
 */
int route_get_local(struct link *link, unsigned ifindex,
    struct prefix_set *local);

#endif /* ROUTE_H */
