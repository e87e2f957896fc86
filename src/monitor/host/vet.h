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
 *
 * What "all traffic" is, all_traffic.h says.
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

#define VET_MAX_SERVERS 64 /* addresses of all servers that are told apart */

/* All pointers are borrowed. */
struct vet {
	struct link	  *link;
	const struct conf *conf;
	const char	  *device; /* its networks do not count as the host's */
	unsigned	   ifindex; /* its */
	struct endpoint	   servers[VET_MAX_SERVERS]; /* outer addresses */
	size_t		   nservers, next_server;
	struct link_lans   lans; /* while an assignment is judged, */
	char		  *why;	 /* as this is, for the reason */
	size_t		   why_size;
	bool		   all[2]; /* the last one was all traffic: IPv4, IPv6 */
};

/*
 * Judges an assignment as a whole.  0, or a negative errno value with the
 * reason in `why`; who cannot ask this host for its networks refuses.
 */
int vet_assignment(struct vet *vet, const struct request_network *assignment,
    char *why, size_t why_size);

/* One more of the servers' addresses, or the proxy's; the oldest makes room. */
void vet_add_server(struct vet *vet, const struct endpoint *server);
/* The same where the configuration has an address; false: it has a name. */
bool vet_add_literal(struct vet *vet, const char *host, uint16_t port);

/* Returns `error`, with the reason where vet_assignment() was to put it. */
int vet_refuse(const struct vet *vet, int error, const char *fmt, ...)
    __attribute__((__format__(printf, 3, 4)));

/*
 * Takes the widest out, a length at a time, until what is left is not all
 * traffic; what is private stays.  Sorts; true: some went.
 */
bool vet_narrow(struct prefix_set *set);

/* Whether `route` is a part of all traffic, by the last assignment. */
bool vet_is_wide(const struct vet *vet, const struct prefix *route);

/* DNS servers anywhere but on this host or its links, and true domains. */
int vet_dns(const struct dns_list *list, char *why, size_t why_size);

#endif /* VET_H */
