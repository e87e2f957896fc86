/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * lane_liveness: whether a lane still carries what we send.
 *
 * Only an answer to an ECHO of our own proves that: what the other end sends
 * may arrive while nothing of ours does (a firewall that lets one direction
 * pass).  So one is asked for every `keepalive`, and twice a second while
 * frames go out; unanswered, again and again, until the lane is suspect and its
 * frames go another way.  Then it is asked more and more seldom, until an
 * answer comes.
 *
 * A hub leaves most of that to its sites: while a site asks by an idle lane, as it
 * does once a `keepalive`, the hub asks by it every fourth.
 *
 *            frames out for 500 ms, keepalive, or the other end asks twice
 *   TRUSTED ------------------------------------> ASKING
 *      ^  ^------------- an answer -----------------'  | none for 1.25 s,
 *      |                                               v or 4 round trips
 *      '--------------- an answer ----------------- SUSPECT
 *
 * Pure: no clock, no lane.  The caller sends the ECHOs and passes the time.
 */
#ifndef LANE_LIVENESS_H
#define LANE_LIVENESS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/mono.h"

/* They only make sense beside each other: all in all less than 3 s. */
#define LANE_LIVENESS_ASK_US	   (500 * MONO_MS)  /* of frames without an answer */
#define LANE_LIVENESS_AGAIN_US   (125 * MONO_MS)  /* while one is waited for */
#define LANE_LIVENESS_AFTER_US   (1250 * MONO_MS) /* of asking, at least */
#define LANE_LIVENESS_LATEST_US  (2250 * MONO_MS) /* the same at most */
#define LANE_LIVENESS_ROUNDS	   4		    /* round trips, between the two */
#define LANE_LIVENESS_ASKS	   5		    /* ECHOs unanswered, at least */
#define LANE_LIVENESS_BACKOFF_US (3 * MONO_SEC)   /* the longest pause */
#define LANE_LIVENESS_YIELD	   4 /* keepalives, while the other end asks */

enum lane_liveness_state { LANE_LIVENESS_TRUSTED, LANE_LIVENESS_ASKING,
    LANE_LIVENESS_SUSPECT };

struct lane_liveness {
	enum lane_liveness_state state;
	bool		   sent;     /* frames, since the last answer */
	struct mono	   answered; /* the last answer */
	struct mono	   asked;    /* the first ECHO since then */
	unsigned	   asks;     /* since then; a stall of ours is no proof */
	struct mono	   due;	     /* the next ECHO */
	struct mono	   was_asked; /* by the other end, where that leads */
	int64_t		   keepalive_us;
	int64_t		   pause_us; /* while suspect */
};

/* The lane is up: trusted, and asked at once. */
void lane_liveness_start(struct lane_liveness *liveness, int64_t keepalive_us,
    struct mono now);

/* Frames go out by it. */
static inline void
lane_liveness_sent(struct lane_liveness *liveness)
{
	liveness->sent = true;
}

/* An answer to one of our ECHOs came. */
void lane_liveness_answered(struct lane_liveness *liveness, struct mono now);

/*
 * A site asked its hub, which may wait.  Not when it asks again at once: it has had
 * no answer then, so the hub asks, too.
 */
void lane_liveness_asked(struct lane_liveness *liveness, struct mono now);

/*
 * Moves on with the time; true: send an ECHO now.  `rtt_us` is the latest round
 * trip, 0 while it is unknown.
 */
bool lane_liveness_tick(struct lane_liveness *liveness, int64_t rtt_us,
    struct mono now);

/* Whether it wants to be called every 20 ms. */
static inline bool
lane_liveness_is_busy(const struct lane_liveness *liveness)
{
	return liveness->state == LANE_LIVENESS_ASKING;
}

static inline bool
lane_liveness_is_suspect(const struct lane_liveness *liveness)
{
	return liveness->state == LANE_LIVENESS_SUSPECT;
}

#endif /* LANE_LIVENESS_H */
