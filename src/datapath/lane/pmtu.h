/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pmtu: finds the largest UDP payload that a path carries (RFC 8899).
 *
 * It probes with padded ECHO items, sent with DF: first the largest possible
 * size, then it bisects between what passed and what failed, down to steps of
 * PMTU_STEP. Before the first reply it uses only PMTU_BASE. While frames are
 * sent, it confirms the size every 30 s and tries a larger one after ten
 * minutes.  It falls back to PMTU_BASE and searches again if full-size probes
 * are lost while small ones pass (a black hole). It does not probe an unused
 * path.
 *
 *              largest answered / bisected to the end
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

#define PMTU_BASE	1200 /* RFC 8899 5.1.2: assumed to pass */
#define PMTU_STEP	16
#define PMTU_MAX_PROBES 3
#define PMTU_PROBE_US	(1 * MONO_SEC) /* until a probe without a reply counts as lost */
#define PMTU_FIRST_US	(250 * MONO_MS) /* the same before the first RTT */
#define PMTU_RAISE_US	(600 * MONO_SEC)
#define PMTU_CONFIRM_US (30 * MONO_SEC) /* a full-size probe while DONE */

enum pmtu_state { PMTU_SEARCHING, PMTU_DONE };

struct pmtu {
	enum pmtu_state state;
	size_t		max;	 /* never probe above */
	size_t		current; /* largest that may be sent now */
	size_t		low, high; /* known to pass; not known to fail */
	bool		suspect; /* PMTU_BASE must pass first */
	size_t		probe; /* size being probed; 0: none */
	unsigned	tries; /* how often it was sent */
	struct mono	due; /* when to act next */
	struct mono	raise_at;
	bool		sent; /* frames were sent since the size was confirmed */
};

/* `max` is the largest UDP payload to try (at least PMTU_BASE). */
void pmtu_init(struct pmtu *pmtu, size_t max, struct mono now);

/* Records that frames go out on the path. */
static inline void
pmtu_sent(struct pmtu *pmtu)
{
	pmtu->sent = true;
}

/* True if pmtu_tick() has something to do. */
static inline bool
pmtu_is_due(const struct pmtu *pmtu, struct mono now)
{
	bool resting = pmtu->state == PMTU_DONE && pmtu->probe == 0;

	return mono_is_due(pmtu->due, now) && (pmtu->sent || !resting);
}

/*
 * Call it when pmtu_is_due(): returns the size of the datagram to send as a
 * probe now, or 0. `current` falls here if a black hole is detected.
 */
size_t pmtu_tick(struct pmtu *pmtu, struct mono now);

/* A probe of `size` bytes was answered.  True if `current` changed. */
bool pmtu_answered(struct pmtu *pmtu, size_t size, struct mono now);

/*
 * The kernel refused a datagram of `size` (EMSGSIZE). True if `current`
 * changed.
 */
bool pmtu_refused(struct pmtu *pmtu, size_t size, struct mono now);

#endif /* PMTU_H */
