/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * link: interfaces, their addresses and bridge ports, by rtnetlink
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

struct nl_addr;

/* A netlink connection, also for route.c and rules.c. */
struct link {
	struct nl_sock *sock;
};

struct link *link_open(void);		    /* NULL when there is none to be had */
void	     link_close(struct link *link); /* NULL is fine */

struct link_facts {
	int	index, mtu;
	int	master; /* the bridge's index; 0: it is no port */
	bool	is_up;	/* the administrator has set it up (IFF_UP) */
	bool	is_bridge;
	uint8_t mac[6]; /* zeros: it has none */
};

/* What an interface is now, or -ENODEV. */
int link_look(struct link *link, const char *name, struct link_facts *facts);
int link_index(struct link *link, const char *name); /* or -ENODEV */

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

/* The protocol number of our routes and rules. */
#define LINK_RTPROT 155

/* Between libnl's addresses and ours.  The caller puts it; NULL: no memory. */
struct nl_addr *link_to_nl(const struct prefix *prefix);
/* False: not an IPv4 or IPv6 address. */
bool link_from_nl(struct prefix *prefix, struct nl_addr *addr);

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
