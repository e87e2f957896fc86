/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * rules: policy routing by rtnetlink: four rules, and a table of our own.
 *
 *	31028: from all fwmark 0x90/0xf0 lookup main	 our own sockets
 *	31029: from all uidrange U-U lookup main	 the resolver's
 *	31030: from all lookup main suppress_prefixlength 0   local networks
 *	31031: from all lookup 155007			 and what is left
 *
 * in both families.  What our table has no route for goes on to the rules
 * behind, as though there were none of ours: an empty table changes nothing.
 * Table and preferences follow from the name of our device, so two daemons of a
 * host do not share them; all have the protocol number LINK_RTPROT.
 *
 * Rules outlive us, and so does what is unreachable in the table: journal.c
 * has them.  Routes by the device go with it.
 *
 * Nothing is remembered: each call compares with the kernel.  All return a
 * negative errno value on failure, else how much was changed.  IPv6 on a host
 * that has none is success.
 */
#ifndef RULES_H
#define RULES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct link;

/* Whose packets stay in the main table. */
struct rules_exempt {
	uint32_t mark, mask; /* our sockets' */
	uid_t	 resolver;   /* user of our DNS queries */
};

/* The table of the device of that name. */
uint32_t rules_table(const char *device);
bool	 rules_is_table(uint32_t table);

/* All of them, those of IPv6 too. */
int rules_add(struct link *link, uint32_t table,
    const struct rules_exempt *exempt);

/* Takes them away; what cannot be taken is left. */
int rules_remove(struct link *link, uint32_t table);

/*
 * Others' rules in front of ours that can take what is not local: how many, and
 * the first of them in `text`.
 */
int rules_get_front(struct link *link, uint32_t table, char *text,
    size_t size);

#endif /* RULES_H */
