/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * lone: whether what there is to read will be a single small thing.
 *
 * To look for a second one costs a system call, or part of one, before the
 * first can go on or the next thread can run.  Where lone ones with pauses
 * between them are the rule it is not worth it: if there are more after all,
 * the loop comes again.
 *
 * A pause is from turn to turn, and a long turn looks like one: so each
 * LONE_TRUST times there is a look all the same.
 */
#ifndef LONE_H
#define LONE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/mono.h"

#define LONE_PAUSE_US 100
#define LONE_MAX_LEN  512 /* a longer one may be part of a stream */
#define LONE_ENOUGH   4	  /* of them in a row are the rule */
#define LONE_TRUST    8

struct lone {
	struct mono last;
	unsigned    n; /* in a row */
};

static inline bool
lone_is_likely(const struct lone *lone, struct mono now)
{
	return lone->n >= LONE_ENOUGH &&
	    mono_sub(now, lone->last) > LONE_PAUSE_US;
}

/* In the turn of `now`, `n` were read, of `len` bytes in all. */
static inline void
lone_note(struct lone *lone, struct mono now, unsigned n, size_t len)
{
	bool alone = n <= 1 && len <= LONE_MAX_LEN &&
	    mono_sub(now, lone->last) > LONE_PAUSE_US;

	lone->n = alone ? lone->n + 1 : 0;
	if (lone->n == LONE_ENOUGH + LONE_TRUST)
		lone->n = LONE_ENOUGH - 1;
	lone->last = now;
}

#endif /* LONE_H */
