/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * want: what this daemon wants of the host's network.  Pure: it follows from
 * the configuration, from what the hub assigned, and from what the host has;
 * network.c compares it with the kernel.
 *
 * A hub's routes have to share a site with the networks that it has already.
 * One that is equal to a network of the site's own, or in it, is left out; of
 * one that contains such a network, or a hub's address, the rest goes through
 * the tunnel.
 */
#ifndef WANT_H
#define WANT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/addr.h"
#include "monitor/host/prefix_set.h"

struct conf;
struct link_lans;

#define WANT_TAP_MTU	1500
#define WANT_TUN_MTU	1400

/* What a site does with traffic that is for no local network. */
enum want_egress {
	WANT_BYPASS,  /* it leaves as though we were not there */
	WANT_BLOCKED, /* it does not leave */
	WANT_TUNNEL,  /* as assigned */
};

/* Where from; all borrowed, the sets sorted. */
struct want_facts {
	const struct conf      *conf;
	bool			has_ipv6;   /* else there is nothing of it */
	bool			has_bridge; /* one that is not of our making */
	unsigned		port_mtu;   /* the least of its others; 0: none */
	unsigned		bridge_mtu; /* 0: there is no bridge */
	const struct link_lans *lans;	    /* without the device's own */
	/* Of a site: */
	enum want_egress	 egress;
	const struct prefix_set *addresses, *routes; /* assigned */
	const struct endpoint	*servers;
	size_t			 nservers;
};

struct want_left {
	struct prefix network;
	char	      ifname[16]; /* that has `lan`; "": it is the hub itself */
	struct prefix lan;
};

struct want {
	unsigned	  mtu;
	bool		  makes_bridge;
	bool		  on_bridge; /* it has the addresses */
	struct prefix_set addresses;
	struct prefix_set routes; /* by the device, in the main table */
	struct prefix_set connected; /* the same, with the addresses */
	/* Our own table: what there is by the device, and behind that. */
	struct prefix_set wide;
	bool		  unreachable[2]; /* IPv4, IPv6 */
	bool		  blocks; /* the device drops what comes by it */
	struct want_left *left;
	size_t		  nleft;
};

/* All sets are sorted then.  0 or -ENOMEM; free it in any case. */
int  want_make(struct want *want, const struct want_facts *facts);
void want_fini(struct want *want);

/* Adds the networks of every enabled site; unsorted.  False: out of memory. */
bool want_add_sites(struct prefix_set *set, const struct conf *conf);

#endif /* WANT_H */
