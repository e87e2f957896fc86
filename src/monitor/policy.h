/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * policy: what of this host's traffic goes through the tunnel, when a server
 * is to have all of it.
 *
 *              policy_set()           policy_bypass()
 *   nothing ---------------> THROUGH -----------------> nothing
 *      |                        ^
 *      '----> BLOCKED ----------'
 *     policy_block()
 *
 * The rules (rules.h) come with the first of it and stay until the journal
 * takes them back; from then on only our table changes.  Wide routes lie in
 * it, others in the main table (assign.c).  Where IPv4 goes through the tunnel
 * and no ::/0 does, IPv6 is unreachable: it would show who we are.  With
 * `block` what goes through is also unreachable behind its routes, so that it
 * does not leave another way when those vanish, even if the device does.
 */
#ifndef POLICY_H
#define POLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/addr.h"
#include "monitor/prefix_set.h"
#include "proc/request.h"

struct journal;
struct policy;

/*
 * Touches nothing yet.  `journal` is borrowed; `device` is copied.  NULL when
 * there is no memory.
 */
struct policy *policy_new(struct journal *journal, const char *device,
    unsigned ifindex);
void	       policy_free(struct policy *policy); /* NULL is fine */

/* Whether `network` is as good as everything, or a part of that. */
bool policy_is_wide(const struct prefix *network);

/*
 * Nothing leaves but to networks of the main table's that are no default
 * route.  0 or a negative errno value.
 */
int policy_block(struct policy *policy);

/*
 * `wide` through the tunnel (sorted; copied), instead of what was before;
 * empty: nothing.  0, or a negative errno value and it is as it was.
 */
int policy_set(struct policy *policy, const struct prefix_set *wide,
    bool block);

/* Nothing goes through it, nothing is blocked. */
void policy_bypass(struct policy *policy);

/* Where packets of this family (AF_INET, AF_INET6) go now. */
enum request_way policy_way(const struct policy *policy, sa_family_t family);

#endif /* POLICY_H */
