/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * link: interfaces, their addresses and bridge ports, by rtnetlink
 * (libnl-route-3).  No shell.
 *
 * All return 0, or what their comment says, or a negative errno value.  Adding
 * what exists already, and removing what does not exist, succeeds.
 */
#ifndef LINK_H
#define LINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"

struct nl_addr;
struct nl_msg;
struct prefix_set;

/* Netlink, also for route.c and rules.c. */
struct link {
	struct nl_sock *sock;
	struct nl_sock *dumps; /* the kernel filters what this one asks for */
};

struct link *link_open(void);		    /* NULL: it cannot be opened */
void	     link_close(struct link *link); /* NULL is fine */

struct link_facts {
	int	index, mtu;
	int	master; /* index of its bridge; 0: it is not a port */
	bool	is_up;	/* administratively up (IFF_UP) */
	bool	is_bridge;
	uint8_t mac[6]; /* zeros: it has none */
};

/*
 * Asks for all of a kind: `type` and `header` are the request's, and `attr`, if
 * not 0, is one more filter.  Where the kernel is too old to filter, there come
 * others, too.
 */
int link_dump(struct link *link, int type, const void *header, size_t size,
    int attr, uint32_t value, int (*on_row)(struct nl_msg *msg, void *arg),
    void *arg);

/* What an interface is now, or -ENODEV. */
int link_look(struct link *link, const char *name, struct link_facts *facts);
/* What ports a bridge has, beside one of them. */
struct link_ports {
	int	 bridge, port; /* what is asked for */
	unsigned n, mtu;       /* of the others: how many, the least */
	int	 state; /* of that one: a BR_STATE_*; -1: it is none of them */
};
int link_get_ports(struct link *link, struct link_ports *ports);
/* The addresses of an interface, with their prefixes; sorted. */
int link_get_addresses(struct link *link, const char *name,
    struct prefix_set *set);
int link_index(struct link *link, const char *name); /* or -ENODEV */

/*
 * Sets the length of the queue (by netlink, since the ioctl is refused in user
 * namespaces), and clears the flag MULTICAST if the device is to be `unicast`.
 */
int link_set_queue_len(struct link *link, const char *name, unsigned len,
    bool unicast);
/* `mtu` 0 leaves the MTU alone. */
int link_set_up(struct link *link, const char *name, unsigned mtu);
/* -EEXIST: there is an interface of that name. */
int link_make_bridge(struct link *link, const char *name,
    const uint8_t mac[6]);
/* -EBUSY: it has ports and is not removed. -EINVAL: it is not a bridge. */
int link_remove_bridge(struct link *link, const char *name);
/* Out of another bridge, if it is a port of one. */
int link_enslave(struct link *link, const char *name, const char *bridge);

int link_add_address(struct link *link, const char *name,
    const struct prefix *address);
int link_remove_address(struct link *link, const char *name,
    const struct prefix *address);

/* The protocol number of our routes and rules. */
#define LINK_RTPROT 155

/*
 * Conversion between libnl's addresses and ours.  The caller puts it; NULL: out
 * of memory.
 */
struct nl_addr *link_to_nl(const struct prefix *prefix);
/* False: not an IPv4 or IPv6 address. */
bool link_from_nl(struct prefix *prefix, struct nl_addr *addr);

/* Converts a result of libnl to 0 or a negative errno value. */
int link_errno(int error);

/* The networks of this host's interfaces. */
struct link_lans {
	struct link_lan {
		struct prefix network;
		char	      ifname[16];
	} *v; /* owned: free() */
	size_t n;
};

/*
 * The addresses with prefixes of every interface except `except`, without
 * loopback and link-local ones.  The caller frees `lans`; on failure it is
 * empty.
 */
int link_get_lans(struct link *link, const char *except,
    struct link_lans *lans);

/* The one with the longest prefix that overlaps `network`; NULL: none. */
const struct link_lan *link_find_lan(const struct link_lans *lans,
    const struct prefix *network);
/* One that is equal to `network` or contains it. */
const struct link_lan *link_find_around(const struct link_lans *lans,
    const struct prefix *network);

/* An interface's name as the kernel allows it, and no way up a path. */
bool link_is_name(const char *name, size_t len);

#endif /* LINK_H */
