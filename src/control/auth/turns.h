/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * turns: how much of what is scarce strangers may take, so that who is known
 * finds some left.
 *
 * PAM's helpers and tls-srp's credentials are given out by processes that count
 * what an engine asks for: the monitor ends one that asks too often, the keeper
 * refuses.  An engine that is at peace must never get there, whatever a crowd
 * does to it.  So who comes from where its site last logged in has a share of
 * its own, and both shares together are less than what is granted.
 *
 * Zeroed storage is the beginning.  Pure: the caller passes the time, and
 * counts what is under way.
 */
#ifndef TURNS_H
#define TURNS_H

#include <stdbool.h>

#include "base/bucket.h"

#define TURNS_PAM_STRANGERS	  8 /* of their conversations at once */
#define TURNS_PAM_NETWORK	  4 /* of one network's strangers */
#define TURNS_PAM_NETWORK_USUAL 8 /* of those where a site lives */

struct turns {
	struct bucket pam_strangers, pam_usual, srp_strangers;
};

/*
 * One more conversation with PAM: while `strangers` of theirs and `near` of any
 * from the same network are under way.  False: not now.
 */
bool turns_take_pam(struct turns *turns, bool usual, unsigned strangers,
    unsigned near, struct mono now);

/* One more credential for tls-srp. */
bool turns_take_tls_srp(struct turns *turns, bool usual, struct mono now);

#endif /* TURNS_H */
