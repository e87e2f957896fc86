/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * suspect: whether a lane still carries what we send.
 *
 * Only an answer to an ECHO of our own proves that: what the other end sends
 * may arrive while nothing of ours does (a firewall that lets one direction
 * pass).  So one is asked for every `keepalive`, and twice a second while
 * frames go out; unanswered, again and again, until the lane is suspect and its
 * frames go another way.  Then it is asked more and more seldom, until an
 * answer comes.
 *
 * A server leaves most of that to its sites: while a site asks by an idle lane,
 * as it does once a `keepalive`, the server asks by it every fourth.
 *
 *            frames out for 500 ms, keepalive, or the other end asks twice
 *   TRUSTED ------------------------------------> ASKING
 *      ^  ^------------- an answer -----------------'  | none for 1.25 s,
 *      |                                               v or 4 round trips
 *      '--------------- an answer ----------------- SUSPECT
 *
 * Pure: no clock, no lane.  The caller sends the ECHOs and passes the time.
 */
#ifndef SUSPECT_H
#define SUSPECT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/mono.h"

/* They only make sense beside each other: all in all less than 3 s. */
#define SUSPECT_ASK_US	   (500 * MONO_MS)  /* of frames without an answer */
#define SUSPECT_AGAIN_US   (125 * MONO_MS)  /* while one is waited for */
#define SUSPECT_AFTER_US   (1250 * MONO_MS) /* of asking, at least */
#define SUSPECT_LATEST_US  (2250 * MONO_MS) /* the same at most */
#define SUSPECT_ROUNDS	   4		    /* round trips, between the two */
#define SUSPECT_ASKS	   5		    /* ECHOs unanswered, at least */
#define SUSPECT_BACKOFF_US (3 * MONO_SEC)   /* the longest pause */
#define SUSPECT_YIELD	   4 /* keepalives, while the other end asks */

enum suspect_state { SUSPECT_TRUSTED, SUSPECT_ASKING, SUSPECT_SUSPECT };

struct suspect {
	enum suspect_state state;
	bool		   sent;     /* frames, since the last answer */
	struct mono	   answered; /* the last answer */
	struct mono	   asked;    /* the first ECHO since then */
	unsigned	   asks;     /* since then; a stall of ours is no proof */
	struct mono	   due;	     /* the next ECHO */
	struct mono	   was_asked; /* by the other end; a server's */
	int64_t		   keepalive_us;
	int64_t		   pause_us; /* while suspect */
};

/* The lane is up: trusted, and asked at once. */
void suspect_start(struct suspect *suspect, int64_t keepalive_us,
    struct mono now);

/* Frames go out by it. */
static inline void
suspect_sent(struct suspect *suspect)
{
	suspect->sent = true;
}

/* An answer to one of our ECHOs came. */
void suspect_answered(struct suspect *suspect, struct mono now);

/*
 * A site asked its server, which may wait.  Not when it asks again at once: it
 * has had no answer then, so the server asks, too.
 */
void suspect_asked(struct suspect *suspect, struct mono now);

/*
 * Moves on with the time; true: send an ECHO now.  `rtt_us` is the latest round
 * trip, 0 while it is unknown.
 */
bool suspect_tick(struct suspect *suspect, int64_t rtt_us, struct mono now);

/* Whether it wants to be called every 20 ms. */
static inline bool
suspect_is_busy(const struct suspect *suspect)
{
	return suspect->state == SUSPECT_ASKING;
}

static inline bool
suspect_is_suspect(const struct suspect *suspect)
{
	return suspect->state == SUSPECT_SUSPECT;
}

#endif /* SUSPECT_H */
