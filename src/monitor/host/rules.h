/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * rules: policy routing by rtnetlink: four rules, and a table of our own.
 *
 *	31028: from all fwmark 0x90/0xf0 lookup main	 our own sockets
 *	31029: from all uidrange U-U lookup main	 the resolver's
 *	31030: from all lookup main suppress_prefixlength 0   local networks
 *	31031: from all lookup 155007			 and what is left
 *
 * in both families.  A destination that our table has no route for is looked up
 * by the rules behind these, so an empty table changes nothing.  The number of
 * the table and the preferences are derived from the name of our device, so two
 * daemons on one host do not share them.  All rules have the protocol number
 * LINK_RTPROT.
 *
 * Rules and unreachable routes outlive the daemon, so they are in the journal
 * (journal.c).  The kernel removes routes by the device with it.
 *
 * There is no state here: each call compares with the kernel.  All return a
 * negative errno value on failure, otherwise how many objects were changed.
 * Without IPv6 on this host, IPv6 rules are ignored.
 */
#ifndef RULES_H
#define RULES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct link;

/* The packets that use the main table. */
struct rules_exempt {
	uint32_t mark, mask; /* of our sockets */
	uid_t	 resolver;   /* the user whose DNS queries these are */
};

/* The number of the table for the device of that name. */
uint32_t rules_table(const char *device);
bool	 rules_is_table(uint32_t table);

/* Sets all rules, IPv4 and IPv6. */
int rules_add(struct link *link, uint32_t table,
    const struct rules_exempt *exempt);

/* Removes them, as far as possible. */
int rules_remove(struct link *link, uint32_t table);

/*
 * The number of rules of other programs that precede ours and can match traffic
 * that is not local; the first of them as `text`.
 */
int rules_get_front(struct link *link, uint32_t table, char *text,
    size_t size);

#endif /* RULES_H */
