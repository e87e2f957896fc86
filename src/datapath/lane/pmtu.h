/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pmtu: the largest UDP payload that a path carries (RFC 8899).
 *
 * Searches with ECHO items padded to the size in question, sent with DF: first
 * the largest size that could be, then halving between what worked and what
 * did not, down to steps of PMTU_STEP.  Until the first answer it trusts only
 * PMTU_BASE.  While frames are sent, what was found is confirmed every 30 s, and
 * a larger size tried after ten minutes; it falls back to PMTU_BASE and searches
 * anew when full-size probes die while small ones live (a black hole).  A path
 * that nobody uses is left alone until somebody does.
 *
 *              largest answered / halved to the end
 *   SEARCHING ------------------------------------> DONE
 *       ^   <--- raise timer, or black hole --------  |
 *
 * Pure: it says when to send which size; the lane sends.
 */
#ifndef PMTU_H
#define PMTU_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/mono.h"

#define PMTU_BASE	1200 /* RFC 8899 5.1.2: a datagram that passes */
#define PMTU_STEP	16
#define PMTU_MAX_PROBES 3
#define PMTU_PROBE_US	(1 * MONO_SEC) /* until an unanswered probe is lost */
#define PMTU_FIRST_US	(250 * MONO_MS) /* the same before the first RTT */
#define PMTU_RAISE_US	(600 * MONO_SEC)
#define PMTU_CONFIRM_US (30 * MONO_SEC) /* a full-size probe while DONE */

enum pmtu_state { PMTU_SEARCHING, PMTU_DONE };

struct pmtu {
	enum pmtu_state state;
	size_t		max;	 /* never probe above */
	size_t		current; /* what may be sent now */
	size_t		low, high; /* known to pass; not known to fail */
	bool		suspect; /* PMTU_BASE must answer before all else */
	size_t		probe; /* size under way; 0: none */
	unsigned	tries; /* how often it was sent */
	struct mono	due; /* when to act next */
	struct mono	raise_at;
	bool		sent; /* frames, since the size was confirmed */
};

/* `max` is the largest UDP payload worth a try (at least PMTU_BASE). */
void pmtu_init(struct pmtu *pmtu, size_t max, struct mono now);

/* Frames go out on that path. */
static inline void
pmtu_sent(struct pmtu *pmtu)
{
	pmtu->sent = true;
}

/* Whether it is time to act. */
static inline bool
pmtu_is_due(const struct pmtu *pmtu, struct mono now)
{
	bool resting = pmtu->state == PMTU_DONE && pmtu->probe == 0;

	return mono_is_due(pmtu->due, now) && (pmtu->sent || !resting);
}

/*
 * Call when pmtu_is_due(): gives the size of the datagram to send as a
 * probe now, or 0 for none.  `current` falls here when a black hole shows.
 */
size_t pmtu_tick(struct pmtu *pmtu, struct mono now);

/* A probe of `size` bytes was answered.  True when `current` changed. */
bool pmtu_answered(struct pmtu *pmtu, size_t size, struct mono now);

/* The kernel refused a datagram of `size` (EMSGSIZE).  True when changed. */
bool pmtu_refused(struct pmtu *pmtu, size_t size, struct mono now);

#endif /* PMTU_H */
