/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vet: whether this host accepts what a hub assigns to it.
 *
 * The hub is authenticated, but it does not control this host.  Its routes may
 * not take over the host's own networks, nor all traffic unless the
 * administrator allows that, nor networks that are local to each host or link
 * (loopback, link-local, multicast).  A route that contains the hub's own outer
 * address would send our datagrams into the tunnel, unless the rules keep our
 * packets out of it (policy.h).
 *
 * all_traffic.h defines "all traffic".
 */
#ifndef VET_H
#define VET_H

#include <stdbool.h>
#include <stddef.h>

#include "conf/conf.h"
#include "monitor/host/link.h"

struct dns_list;
struct prefix_set;
struct request_network;

#define VET_MAX_SERVERS 64 /* addresses of hubs and proxy, at most */

/* All pointers are borrowed. */
struct vet {
	struct link	  *link;
	const struct conf *conf;
	const char	  *device; /* its networks are not the host's own */
	unsigned	   ifindex; /* its */
	struct endpoint	   servers[VET_MAX_SERVERS]; /* outer addresses */
	size_t		   nservers, next_server;
	struct link_lans   lans; /* while an assignment is checked: */
	char		  *why;	 /* the buffer for the reason */
	size_t		   why_size;
	bool		   all[2]; /* it had all traffic: IPv4, IPv6 */
};

/*
 * Checks an assignment as a whole. 0, or a negative errno value with the reason
 * in `why`; also if this host's networks cannot be listed.
 */
int vet_assignment(struct vet *vet, const struct request_network *assignment,
    char *why, size_t why_size);

/*
 * Adds an address of a hub or the proxy; the oldest is removed if the list is
 * full.
 */
void vet_add_server(struct vet *vet, const struct endpoint *server);
/* The same if `host` is an address; false: it is a name. */
bool vet_add_literal(struct vet *vet, const char *host, uint16_t port);

/* Returns `error`; puts the reason into the buffer of vet_assignment(). */
int vet_refuse(const struct vet *vet, int error, const char *fmt, ...)
    __attribute__((__format__(printf, 3, 4)));

/*
 * Removes the widest prefixes, one length at a time, until the rest is not all
 * traffic; private networks stay.  Sorts.  True: some were removed.
 */
bool vet_narrow(struct prefix_set *set);

/* Whether `route` is a part of all traffic in the last assignment. */
bool vet_is_wide(const struct vet *vet, const struct prefix *route);

/*
 * Checks that DNS servers are not on this host or its links, and that domains
 * are valid.
 */
int vet_dns(const struct dns_list *list, char *why, size_t why_size);

#endif /* VET_H */
