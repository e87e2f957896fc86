/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * read_hint: predicts whether the next read returns one small packet, to save a
 * second, empty read.
 *
 * To look for a second one costs a system call, or part of one, before the
 * first can go on or the next thread can run.  Where single ones with pauses
 * between them are the rule it is not worth it: if there are more after all,
 * the loop comes again.
 *
 * A pause is measured from turn to turn, so a long turn looks like one.
 * Therefore every READ_HINT_TRUST times there is a second read anyway.
 */
#ifndef READ_HINT_H
#define READ_HINT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/mono.h"

#define READ_HINT_PAUSE_US 100
#define READ_HINT_MAX_LEN  512 /* a longer one may be part of a stream */
#define READ_HINT_ENOUGH   4	  /* so many in a row are the rule */
#define READ_HINT_TRUST    8

struct read_hint {
	struct mono last;
	unsigned    n; /* in a row */
};

static inline bool
read_hint_is_likely(const struct read_hint *hint, struct mono now)
{
	return hint->n >= READ_HINT_ENOUGH &&
	    mono_sub(now, hint->last) > READ_HINT_PAUSE_US;
}

/*
 * Records that in the turn of `now`, `n` packets of `len` bytes in all were
 * read.
 */
static inline void
read_hint_note(struct read_hint *hint, struct mono now, unsigned n, size_t len)
{
	bool alone = n <= 1 && len <= READ_HINT_MAX_LEN &&
	    mono_sub(now, hint->last) > READ_HINT_PAUSE_US;

	hint->n = alone ? hint->n + 1 : 0;
	if (hint->n == READ_HINT_ENOUGH + READ_HINT_TRUST)
		hint->n = READ_HINT_ENOUGH - 1;
	hint->last = now;
}

#endif /* READ_HINT_H */
