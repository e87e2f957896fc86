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

#include "base/addr.h"

struct prefix_set;
struct rules;

/* Whose packets stay in the main table. */
struct rules_exempt {
	uint32_t mark, mask; /* our sockets' */
	uid_t	 resolver;   /* user of our DNS queries */
};

/* What a table is to have of ours, and only that. */
struct rules_routes {
	const struct prefix_set *set; /* by the device; sorted */
	unsigned		 ifindex;
	bool unreachable[2]; /* what has no better route; IPv4, IPv6 */
};

/* A netlink connection; NULL when there is none to be had. */
struct rules *rules_open(void);
void	      rules_close(struct rules *rules); /* NULL is fine */

/* The table of the device of that name. */
uint32_t rules_table(const char *device);
bool	 rules_is_table(uint32_t table);

/* All of them, those of IPv6 too. */
int rules_add(struct rules *rules, uint32_t table,
    const struct rules_exempt *exempt);

/* Takes them away, and what is in the table; what cannot be taken is left. */
int rules_remove(struct rules *rules, uint32_t table);

/*
 * Makes the table hold these routes: what is missing comes before what is too
 * much goes.  In a table of ours everything else is too much; in the main table
 * other routes by our device with our protocol number, and where somebody else
 * has a route to the same network, that stays.
 */
int rules_set_routes(struct rules *rules, uint32_t table,
    const struct rules_routes *routes);

/*
 * Adds the networks that the main table has on a link of this host, other than
 * our device; unsorted.
 */
int rules_get_local(struct rules *rules, unsigned ifindex,
    struct prefix_set *local);

/*
 * Others' rules in front of ours that look up another table than main: how
 * many, and the first of them in `text`.
 */
int rules_get_front(struct rules *rules, uint32_t table, char *text,
    size_t size);

#endif /* RULES_H */
