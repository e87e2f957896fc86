/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * policy: what of a site's traffic goes through the tunnel, when a hub is to
 * have all of it.
 *
 * The rules (rules.h) come with the first of it and stay until the journal
 * takes them back; from then on only our table and the wall change.  Wide
 * routes lie in the table, others in the main one (reconcile.h).  Where IPv4
 * goes through the tunnel and no ::/0 does, IPv6 is unreachable: it would show
 * who we are.  With `block` what goes through is also unreachable behind its
 * routes.
 *
 * What goes through, or nowhere, is walled (wall.h): it leaves in the clear by
 * no other program's rules and routes.  Nothing of this waits when others have
 * changed it.
 */
#ifndef POLICY_H
#define POLICY_H

#include <stdbool.h>
#include <stddef.h>

#include "proc/request.h"

struct journal;
struct policy;
struct repairs;
struct vet;
struct want;

/*
 * Changes nothing yet.  All arguments are borrowed; `vet` has device,
 * configuration and the hubs' addresses.  NULL: out of memory.
 */
struct policy *policy_new(struct journal *journal, const struct vet *vet);
void	       policy_free(struct policy *policy); /* NULL is fine */

/*
 * Compares with the kernel what is wanted of it, and makes it so.  `is_news`:
 * it was not wanted before; else others have changed what is not so, which goes
 * to `repairs`.  0, or a negative errno value: some of it cannot be.
 */
int policy_set(struct policy *policy, const struct want *want, bool is_news,
    struct repairs *repairs);

/* The networks of this host's links may be others by now. */
void policy_forget_local(struct policy *policy);

/* The result of the last check; all but DNS. */
void policy_egress(const struct policy *policy, struct request_egress *egress);

#endif /* POLICY_H */
