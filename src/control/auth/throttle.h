/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * throttle: who tried in vain, and how long it must wait now.
 *
 * Three scores: one a (site, network), one a network whatever the site, and one
 * a site whatever the network; a network is an IPv4 address or an IPv6 /64.
 * An attempt counts when it begins (so that hanging up does not undo it) and is
 * forgiven when it succeeds.  A few are free; then each doubles the delay, from
 * one second to five minutes, and quiet time lets it fall again.
 *
 * Not a weapon: the address a site last came from is held neither to the site's
 * score nor to its network's, so attempts from elsewhere, or at other sites,
 * delay nobody who is known.  Their pair's score counts, or whoever shares that
 * address could guess without end; a token gets in all the same.  Names
 * are scored as they are claimed, whether there is such a site or not, so that
 * the answers tell nothing.
 *
 * Memory is bounded: when the table is full, the entry that would be forgotten
 * soonest makes room.  Pure: the caller passes the time.
 */
#ifndef THROTTLE_H
#define THROTTLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/mono.h"
#include "conf/conf.h"

#define THROTTLE_ENTRIES  4096
#define THROTTLE_FREE	  5   /* attempts before the first delay */
#define THROTTLE_MAX_SEC  300 /* the longest delay */

struct throttle;

/* NULL when there is no memory. */
struct throttle *throttle_new(void);
void		 throttle_free(struct throttle *throttle);

/*
 * How many seconds (rounded up) an attempt of `site` from `from` must wait; 0:
 * it may go on.  `usual` says that `from` is where the site last logged in from.
 * Changes nothing.
 */
unsigned throttle_wait(const struct throttle *throttle, const char *site,
    const struct addr *from, bool usual, struct mono now);

/* An attempt begins: it counts. */
void throttle_charge(struct throttle *throttle, const char *site,
    const struct addr *from, struct mono now);
/* It was right: its charge, and what (site, network) had, is forgiven. */
void throttle_forgive(struct throttle *throttle, const char *site,
    const struct addr *from, struct mono now);

/* It was judged neither right nor wrong: its own charge alone is taken back. */
void throttle_undo(struct throttle *throttle, const char *site,
    const struct addr *from, struct mono now);

/* For status: who is held off now, longest first; returns how many, <= max. */
struct throttle_row {
	char	    site[CONF_NAME_MAX + 1]; /* "": any */
	struct addr from;		     /* family 0: anywhere */
	unsigned    attempts, wait_sec;
};
size_t throttle_list(const struct throttle *throttle, struct throttle_row *rows,
    size_t max, struct mono now);

#endif /* THROTTLE_H */
