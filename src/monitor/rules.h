/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * rules: policy routing by rtnetlink: four rules, and a table of our own.
 *
 *	31028: from all fwmark 0x746f6d62 lookup main	 our own sockets
 *	31029: from all uidrange U-U lookup main	 the resolver's
 *	31030: from all lookup main suppress_prefixlength 0   local networks
 *	31031: from all lookup 155007			 and what is left
 *
 * in both families.  What our table has no route for goes on to the rules
 * behind, as though there were none of ours: an empty table changes nothing.
 * Table and preferences follow from the index of our device, so two daemons
 * of a host do not share them; all have the protocol number LINK_RTPROT.
 *
 * Rules outlive us, and so does what is unreachable in the table: journal.c
 * has them.  Routes by the device go with it.
 *
 * All return 0 or a negative errno value.  Adding what is there already, and
 * removing what is not, is success; so is IPv6 on a host that has none.
 */
#ifndef RULES_H
#define RULES_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/addr.h"

/* SO_MARK of every socket that we make: "tomb". */
#define RULES_MARK 0x746f6d62u

struct rules;

/* A netlink connection; NULL when there is none to be had. */
struct rules *rules_open(void);
void	      rules_close(struct rules *rules); /* NULL is fine */

/* The table of the device with that index; 0: there is no such device. */
uint32_t rules_table(unsigned ifindex);
bool	 rules_is_table(uint32_t table);

/* All of them, those of IPv6 too.  `resolver` is the user of our DNS queries. */
int rules_add(struct rules *rules, uint32_t table, uid_t resolver);

/* Takes them away, and what is unreachable; what cannot be taken is left. */
int rules_remove(struct rules *rules, uint32_t table);

/* A route by the device; with index 0 one that says "unreachable". */
int rules_add_route(struct rules *rules, uint32_t table,
    const struct prefix *network, unsigned ifindex);
int rules_remove_route(struct rules *rules, uint32_t table,
    const struct prefix *network, unsigned ifindex);

#endif /* RULES_H */
