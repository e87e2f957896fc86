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
 * takes them back; from then on only our table and the wall change.  Wide
 * routes lie in the table, others in the main one (assign.c).  Where IPv4 goes
 * through the tunnel and no ::/0 does, IPv6 is unreachable: it would show who
 * we are.  With `block` what goes through is also unreachable behind its routes.
 *
 * What goes through, or nowhere, is walled (wall.h): it leaves in the clear by
 * no other program's rules and routes.  policy_check() puts back what others
 * have removed.
 */
#ifndef POLICY_H
#define POLICY_H

#include <stdbool.h>
#include <stddef.h>

#include "base/mono.h"
#include "monitor/host/prefix_set.h"
#include "proc/request.h"

struct journal;
struct policy;
struct vet;

/*
 * Touches nothing yet.  All is borrowed; `vet` has device, configuration and
 * servers.  NULL when there is no memory.
 */
struct policy *policy_new(struct journal *journal, const struct vet *vet);
void	       policy_free(struct policy *policy); /* NULL is fine */

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

/*
 * Compares with the kernel and repairs; the networks of this host's links and
 * the servers may be others by now.  Logs what somebody else had changed.
 */
void policy_check(struct policy *policy);

/* Whether the last time is a minute ago; then it is now. */
bool policy_may_say(struct mono *said);

/* What was so at the last check; all but DNS. */
void policy_egress(const struct policy *policy, struct request_egress *egress);

#endif /* POLICY_H */
