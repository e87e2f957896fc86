/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * lane_liveness: detects whether a lane still carries what we send.
 *
 * Only a reply to one of our ECHOs proves that: the peer's datagrams may arrive
 * while none of ours do (a firewall that lets one direction pass). So a lane
 * sends an ECHO once per `keepalive`, and twice a second while frames go out.
 * Without a reply it asks again, until the lane is suspect and its frames go
 * another way.  Then it asks less and less often, until a reply comes.
 *
 * A hub leaves most of that to its sites: while a site sends ECHOs on an idle
 * lane, once per `keepalive`, the hub sends only every fourth.
 *
 *            frames out for 500 ms, keepalive, or the other end asks twice
 *   TRUSTED ------------------------------------> ASKING
 *      ^  ^------------- a reply ------------------'  | none for 1.25 s,
 *      |                                              v or 4 round trips
 *      '--------------- a reply ------------------ SUSPECT
 *
 * Pure: no clock, no lane.  The caller sends the ECHOs and passes the time.
 */
#ifndef LANE_LIVENESS_H
#define LANE_LIVENESS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/mono.h"

/* Tuned together: in all less than 3 s. */
#define LANE_LIVENESS_ASK_US	   (500 * MONO_MS)  /* of frames without a reply */
#define LANE_LIVENESS_AGAIN_US   (125 * MONO_MS)  /* between ECHOs without a reply */
#define LANE_LIVENESS_AFTER_US   (1250 * MONO_MS) /* of asking, until suspect, at least */
#define LANE_LIVENESS_LATEST_US  (2250 * MONO_MS) /* the same, at most */
#define LANE_LIVENESS_ROUNDS	   4		    /* round trips, within these limits */
#define LANE_LIVENESS_ASKS	   5		    /* ECHOs without a reply, at least */
#define LANE_LIVENESS_BACKOFF_US (3 * MONO_SEC)   /* the longest pause */
#define LANE_LIVENESS_YIELD	   4 /* keepalives between ours, while the other end asks */

enum lane_liveness_state { LANE_LIVENESS_TRUSTED, LANE_LIVENESS_ASKING,
    LANE_LIVENESS_SUSPECT };

struct lane_liveness {
	enum lane_liveness_state state;
	bool		   sent;     /* frames were sent since the last reply */
	struct mono	   answered; /* time of the last reply */
	struct mono	   first_echo;   /* time of the first ECHO since then */
	unsigned	   echoes;     /* ECHOs since then: a stall of ours is no proof */
	struct mono	   due;	     /* time of the next ECHO */
	struct mono	   peer_asked; /* by the other end, if that leads */
	int64_t		   keepalive_us;
	int64_t		   pause_us; /* while suspect */
};

/* The lane is up: trusts it, and sends an ECHO at once. */
void lane_liveness_start(struct lane_liveness *liveness, int64_t keepalive_us,
    struct mono now);

/* Records that frames go out by the lane. */
static inline void
lane_liveness_sent(struct lane_liveness *liveness)
{
	liveness->sent = true;
}

/* A reply to one of our ECHOs came. */
void lane_liveness_answered(struct lane_liveness *liveness, struct mono now);

/*
 * A hub got an ECHO of the site, so it may wait with its own.  It does not wait
 * if the site asks again at once: the site had no reply then.
 */
void lane_liveness_peer_asked(struct lane_liveness *liveness, struct mono now);

/*
 * Advances the time; returns true if an ECHO is to be sent now.  `rtt_us` is
 * the latest round trip, 0 if unknown.
 */
bool lane_liveness_tick(struct lane_liveness *liveness, int64_t rtt_us,
    struct mono now);

/* True if it must be called every 20 ms. */
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
