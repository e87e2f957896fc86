/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * link: interfaces, addresses, routes and bridge ports, by rtnetlink
 * (libnl-route-3).  No shell.
 *
 * All return 0 (or what they say) or a negative errno value.  Adding what is
 * there already, and removing what is not, is success.
 */
#ifndef LINK_H
#define LINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"

struct prefix_set;

/* A netlink connection; NULL when there is none to be had. */
struct link;

struct link *link_open(void);
void	     link_close(struct link *link); /* NULL is fine */

/* The interface's index, or -ENODEV. */
int link_index(struct link *link, const char *name);
/* Its MTU, or a negative errno value. */
int link_mtu(struct link *link, const char *name);
int link_mac(struct link *link, const char *name, uint8_t mac[6]);
bool link_is_bridge(struct link *link, const char *name);
/* Whether the administrator has set it up (IFF_UP). */
bool link_is_up(struct link *link, const char *name);

/*
 * How many packets may wait (the ioctl is refused in user namespaces), and that
 * a device which is to be `unicast` has not the flag MULTICAST.
 */
int link_set_queue_len(struct link *link, const char *name, unsigned len,
    bool unicast);
/* `mtu` 0 leaves the MTU alone. */
int link_set_up(struct link *link, const char *name, unsigned mtu);
/* -EEXIST when there is an interface of that name. */
int link_make_bridge(struct link *link, const char *name,
    const uint8_t mac[6]);
/* -EBUSY when it has a port: then it stays.  -EINVAL: it is no bridge. */
int link_remove_bridge(struct link *link, const char *name);
/* -EBUSY when it is a port of another bridge. */
int link_enslave(struct link *link, const char *name, const char *bridge);

int link_add_address(struct link *link, const char *name,
    const struct prefix *address);
int link_remove_address(struct link *link, const char *name,
    const struct prefix *address);

/*
 * A route to `network` by the device itself, with our protocol number
 * (LINK_RTPROT).  -EEXIST when somebody else has a route to the very same
 * network in the main table; theirs stays.
 */
#define LINK_RTPROT 155
int link_add_route(struct link *link, const char *name,
    const struct prefix *network);
int link_remove_route(struct link *link, const char *name,
    const struct prefix *network);

/* What a table is to have of ours, and only that. */
struct link_routes {
	const struct prefix_set *set; /* by the device; sorted */
	unsigned		 ifindex;
	bool unreachable[2]; /* what has no better route; IPv4, IPv6 */
};

/*
 * Makes the table hold these, as compared with the kernel: what is missing
 * comes before what is too much goes.  In a table of ours everything else is too
 * much; in the main table other routes of ours by that device, and where
 * somebody else has a route to the same network, that stays.  Returns how much
 * somebody else had changed.
 */
int link_set_routes(struct link *link, uint32_t table,
    const struct link_routes *routes);

/*
 * Adds the networks that the main table has on a link of this host, other than
 * the device of that index; unsorted.
 */
int link_get_local(struct link *link, unsigned ifindex,
    struct prefix_set *local);

/* What libnl returned, as 0 or a negative errno value. */
int link_errno(int error);

/* Networks that interfaces of this host have. */
struct link_lans {
	struct link_lan {
		struct prefix network;
		char	      ifname[16];
	} *v; /* owned: free() */
	size_t n;
};

/*
 * Of every interface but `except`: its addresses with their prefixes; without
 * loopback and link-local.  Then `lans` is the caller's; on failure it is empty.
 */
int link_get_lans(struct link *link, const char *except,
    struct link_lans *lans);

/* The one with the longest prefix that overlaps `network`; NULL: none. */
const struct link_lan *link_find_lan(const struct link_lans *lans,
    const struct prefix *network);

#endif /* LINK_H */
