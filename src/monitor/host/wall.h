/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * wall: a packet filter for traffic that must use the tunnel (libnftables).
 *
 * Policy routing alone (rules.h) leaks if another program removes a rule or
 * adds one in front.  Therefore a chain at postrouting, behind the rules and
 * routes of all programs, drops packets to certain networks, forwarded ones
 * included, except:
 *
 *	what leaves by lo or by our device
 *	our own mark, to address and port of a server
 *	DNS queries of the resolver's user
 *	a local network
 *	what keeps a link alive: ND, RS, MLD, IGMP, DHCP
 *
 * There are two tables with this chain.  "tombolo_ID_live" (flags owner)
 * survives `nft flush ruleset` and no other program can change it, but the
 * kernel removes it with the process.  "tombolo_ID_block" stays if the daemon
 * is killed (when-down = block), but any program can remove it; wall_set()
 * restores it.  Its comment contains the command that removes it for good.  ID
 * is the number of our routing table.
 *
 * A third table, "tombolo_ID_mark" (flags owner), sets our mark on packets to
 * our sockets and to the resolver, before any reverse path check.
 */
#ifndef WALL_H
#define WALL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct endpoint;
struct prefix_set;
struct wall;

/* Identifies this daemon; the string is borrowed. */
struct wall_owner {
	uint32_t    table;
	const char *device;
	uid_t	    resolver;
	uint32_t    mark, mask;
};

/* The contents of the chain; all borrowed, the sets are sorted and merged. */
struct wall_rules {
	const struct prefix_set *walled; /* none: no wall */
	const struct prefix_set *local;
	const struct endpoint	*servers;
	size_t			 nservers;
	bool			 stays; /* if the daemon is killed */
};

/*
 * Creates the table of marks only; logs if that fails.  `socket` is for the
 * comment.  NULL: no nftables.
 */
struct wall *wall_new(const struct wall_owner *owner, const char *socket);

/*
 * Frees it.  The tables go with it, except the one for a killed daemon, see
 * wall_remove().  NULL is fine.
 */
void wall_free(struct wall *wall);

/*
 * Compares with the kernel, and replaces tables that differ in one transaction.
 * Returns 1 if another program had changed them, 0 if not, or a negative errno
 * value, which is logged; then the previous tables stay.
 */
int wall_set(struct wall *wall, const struct wall_rules *rules);

/*
 * Whether packets to our sockets get our mark: this needs nft_socket in the
 * kernel.
 */
bool wall_marks(const struct wall *wall);

/* The number of packets dropped since wall_new(). */
uint64_t wall_dropped(struct wall *wall);

/*
 * Removes what is left of the wall with this table number, whoever created it;
 * logs.
 */
void wall_remove(uint32_t table);

#endif /* WALL_H */
