/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * wall: what may leave this host while the tunnel is to have its traffic
 * (libnftables).
 *
 * Policy routing alone (rules.h) leaks when another program takes a rule away,
 * or has one in front.  So a chain at postrouting, behind everybody's rules
 * and routes, forwarded packets included, drops what is for a walled network
 * unless it is one of:
 *
 *	what leaves by lo or by our device
 *	our own mark, to address and port of a server
 *	DNS queries of the resolver's user
 *	a local network
 *	what keeps a link alive: ND, RS, MLD, IGMP, DHCP
 *
 * The chain is there twice.  "tombolo_ID_live" (flags owner) survives `nft flush
 * ruleset` and nobody can change it, but it goes with the process.
 * "tombolo_ID_block" stays when we are killed (when-down = block), but anybody
 * can remove it: wall_set() puts it back.  Its comment has the command that
 * removes it for good.  ID is the number of our routing table.
 *
 * A third table, "tombolo_ID_mark" (flags owner), puts our mark on answers to
 * our sockets and to the resolver, before anybody's reverse path check.
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

/* Who we are; the string is borrowed. */
struct wall_owner {
	uint32_t    table;
	const char *device;
	uid_t	    resolver;
	uint32_t    mark, mask;
};

/* What the chain says; all borrowed, the sets sorted and merged. */
struct wall_rules {
	const struct prefix_set *walled; /* none: no wall */
	const struct prefix_set *local;
	const struct endpoint	*servers;
	size_t			 nservers;
	bool			 stays; /* when we are killed */
};

/*
 * Makes the table of marks only; logs its failure.  `socket` is for the
 * comment.  NULL: no nftables.
 */
struct wall *wall_new(const struct wall_owner *owner, const char *socket);

/* Goes, but for what stays: wall_remove().  NULL is fine. */
void wall_free(struct wall *wall);

/*
 * Compares with the kernel, and replaces what is not so in one transaction.
 * Returns 1 when somebody else had changed it, else 0, or a negative errno
 * value, logged; then what was there is there.
 */
int wall_set(struct wall *wall, const struct wall_rules *rules);

/* Whether answers get our mark: not without nft_socket in the kernel. */
bool wall_marks(const struct wall *wall);

/* Packets that it dropped since wall_new(). */
uint64_t wall_dropped(struct wall *wall);

/* Takes away what stayed of that table's wall, whoever made it; logs. */
void wall_remove(uint32_t table);

#endif /* WALL_H */
