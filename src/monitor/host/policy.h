/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * policy: which of this host's traffic goes through the tunnel if the hub takes
 * all of it.
 *
 *              policy_set()           policy_bypass()
 *   nothing ---------------> THROUGH -----------------> nothing
 *      |                        ^
 *      '----> BLOCKED ----------'
 *     policy_block()
 *
 * The rules (rules.h) are set by the first call and stay until the journal is
 * undone; after that only our table and the wall change.  Routes for all
 * traffic are in our table, others in the main table (assign.c).  If IPv4 goes
 * through the tunnel and there is no ::/0, IPv6 is made unreachable, since it
 * would reveal this host's address.  With `block`, there are also unreachable
 * routes behind those through the tunnel.
 *
 * Traffic that goes through the tunnel or is blocked is also filtered by the
 * wall (wall.h), so that rules and routes of other programs cannot send it out
 * in the clear. policy_check() restores what others have removed.
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
 * Changes nothing yet.  All arguments are borrowed; `vet` has device,
 * configuration and the hubs' addresses.  NULL: out of memory.
 */
struct policy *policy_new(struct journal *journal, const struct vet *vet);
void	       policy_free(struct policy *policy); /* NULL is fine */

/*
 * Blocks all traffic, except to networks in the main table that are not a
 * default route. 0 or a negative errno value.
 */
int policy_block(struct policy *policy);

/*
 * Sends traffic to `wide` (sorted; copied) through the tunnel, instead of the
 * previous routes; an empty set: nothing. 0, or a negative errno value; then
 * nothing has changed.
 */
int policy_set(struct policy *policy, const struct prefix_set *wide,
    bool block);

/* Sends no traffic through the tunnel and blocks none. */
void policy_bypass(struct policy *policy);

/*
 * Compares with the kernel and restores; also follows changes of the networks
 * of this host's links and of the hubs' addresses.  Logs what another program
 * had changed.
 */
void policy_check(struct policy *policy);

/*
 * A limit of one log line a minute: true if `*said` is a minute ago, and sets
 * it to now.
 */
bool policy_may_say(struct mono *said);

/* The result of the last check; all but DNS. */
void policy_egress(const struct policy *policy, struct request_egress *egress);

#endif /* POLICY_H */
