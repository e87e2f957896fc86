/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vet: whether this host accepts what a hub assigns to it.
 *
 * The server is authentic, and yet not the master of this host: it gets not all
 * of its traffic without the administrator's leave, nor what means something
 * only locally (loopback, link-local, multicast); nor may our address be in a
 * network of the host's, or in the server's.  Routes that would take such a
 * network away are no reason to refuse: want.h leaves them out.
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
	bool		   all[2]; /* it is all traffic: IPv4, IPv6 */
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

/*
 * Removes the widest prefixes, one length at a time, until the rest is not all
 * traffic; private networks stay.  Sorts.  True: some were removed.
 */
bool vet_narrow(struct prefix_set *set);

/*
 * Whether they are all traffic, together: IPv4, IPv6.  A site's own networks, and
 * what makes no sense, do not count.  False: out of memory.
 */
bool vet_sum_up(const struct conf *conf, const struct prefix *addresses,
    size_t naddresses, const struct prefix *routes, size_t nroutes,
    bool is_all[2]);
/* Whether `route` is a part of that. */
bool vet_is_wide(const bool is_all[2], const struct prefix *route);

/*
 * Checks that DNS servers are not on this host or its links, and that domains
 * are valid.
 */
int vet_dns(const struct dns_list *list, char *why, size_t why_size);

#endif /* VET_H */
