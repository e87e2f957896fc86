/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vet: whether this host takes what a server assigns to it.
 *
 * The server is authentic, and yet not the master of this host: its routes may
 * not take the host's own networks away, nor all of its traffic without the
 * administrator's leave, nor what means something only locally (loopback,
 * link-local, multicast).  And a tunnel cannot carry itself: a route around
 * the server's own outer address would send our datagrams back to us, unless
 * it is one of those that our own packets are kept out of (policy.h).
 */
#ifndef VET_H
#define VET_H

#include <stddef.h>

#include "conf/conf.h"

struct dns_list;
struct link;

/* All borrowed. */
struct vet {
	struct link	  *link;
	const struct conf *conf;
	const char	  *device; /* its networks do not count as the host's */
	const struct addr *servers; /* the server's own, outer addresses */
	size_t		   nservers;
};

/* 0, or a negative errno value with the reason in `why`. */
int vet_address(const struct vet *vet, const struct prefix *address, char *why,
    size_t why_size);
int vet_route(const struct vet *vet, const struct prefix *route, char *why,
    size_t why_size);
/* DNS servers anywhere but on this host or its links, and true domains. */
int vet_dns(const struct dns_list *list, char *why, size_t why_size);

#endif /* VET_H */
