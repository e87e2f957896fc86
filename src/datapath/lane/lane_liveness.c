/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "datapath/lane/lane_liveness.h"

static int64_t yielding(const struct lane_liveness *liveness);
static int64_t first_wait(int64_t rtt_us);
static int64_t patience(int64_t rtt_us);
static bool may_ask(struct lane_liveness *liveness, int64_t rtt_us,
    struct mono now);
static bool ask_again(struct lane_liveness *liveness, int64_t rtt_us,
    struct mono now);
static bool ask_suspect(struct lane_liveness *liveness, struct mono now);

void
lane_liveness_start(struct lane_liveness *liveness, int64_t keepalive_us,
    struct mono now)
{
	*liveness = (struct lane_liveness) { .state = LANE_LIVENESS_TRUSTED,
		.answered = now, .due = now, .keepalive_us = keepalive_us };
}

void
lane_liveness_answered(struct lane_liveness *liveness, struct mono now)
{
	liveness->state = LANE_LIVENESS_TRUSTED;
	liveness->sent = false;
	liveness->answered = now;
	liveness->due = mono_add(now, liveness->keepalive_us);
	/* The other end asks by itself: let it go first. */
	if (mono_sub(now, liveness->peer_asked) < liveness->keepalive_us)
		liveness->due = mono_add(now, yielding(liveness));
}

void
lane_liveness_peer_asked(struct lane_liveness *liveness, struct mono now)
{
	bool again = mono_sub(now,
	    liveness->peer_asked) < 2 * LANE_LIVENESS_AGAIN_US;
	struct mono latest = mono_add(liveness->answered,
	    LANE_LIVENESS_YIELD * liveness->keepalive_us);

	liveness->peer_asked = now;
	if (liveness->state != LANE_LIVENESS_TRUSTED ||
	    mono_is_due(liveness->due, now))
		return;
	if (again && mono_sub(now, liveness->answered) >= LANE_LIVENESS_ASK_US) {
		liveness->due = now;
		return;
	}
	liveness->due = mono_add(now, yielding(liveness));
	if (liveness->due.us > latest.us)
		liveness->due = latest;
}

bool
lane_liveness_tick(struct lane_liveness *liveness, int64_t rtt_us,
    struct mono now)
{
	switch (liveness->state) {
	case LANE_LIVENESS_TRUSTED:
		return may_ask(liveness, rtt_us, now);
	case LANE_LIVENESS_ASKING:
		return ask_again(liveness, rtt_us, now);
	case LANE_LIVENESS_SUSPECT:
		return mono_is_due(liveness->due, now) &&
		    ask_suspect(liveness, now);
	}
	return false;
}

/* The other end may be a little late; if it stays silent, we ask. */
static int64_t
yielding(const struct lane_liveness *liveness)
{
	return liveness->keepalive_us * 9 / 8 + LANE_LIVENESS_ASK_US;
}

static bool
may_ask(struct lane_liveness *liveness, int64_t rtt_us, struct mono now)
{
	bool busy = liveness->sent &&
	    mono_sub(now, liveness->answered) >= LANE_LIVENESS_ASK_US;

	if (!busy && !mono_is_due(liveness->due, now))
		return false;
	liveness->state = LANE_LIVENESS_ASKING;
	liveness->first_echo = now;
	liveness->echoes = 1;
	liveness->due = mono_add(now, first_wait(rtt_us));
	return true;
}

/*
 * On a path with a long round trip a reply takes longer than the usual pause.
 */
static int64_t
first_wait(int64_t rtt_us)
{
	int64_t us = rtt_us + rtt_us / 4;

	if (us < LANE_LIVENESS_AGAIN_US)
		return LANE_LIVENESS_AGAIN_US;
	return us < LANE_LIVENESS_AFTER_US ? us : LANE_LIVENESS_AFTER_US;
}

static bool
ask_again(struct lane_liveness *liveness, int64_t rtt_us, struct mono now)
{
	if (liveness->echoes >= LANE_LIVENESS_ASKS &&
	    mono_sub(now, liveness->first_echo) > patience(rtt_us)) {
		liveness->state = LANE_LIVENESS_SUSPECT;
		liveness->pause_us = LANE_LIVENESS_AGAIN_US;
		return ask_suspect(liveness, now);
	}
	if (!mono_is_due(liveness->due, now))
		return false;
	liveness->echoes++;
	liveness->due = mono_add(now, LANE_LIVENESS_AGAIN_US);
	return true;
}

/* Allows for paths with a long round trip. */
static int64_t
patience(int64_t rtt_us)
{
	int64_t us = rtt_us * LANE_LIVENESS_ROUNDS;

	if (us < LANE_LIVENESS_AFTER_US)
		return LANE_LIVENESS_AFTER_US;
	return us < LANE_LIVENESS_LATEST_US ? us : LANE_LIVENESS_LATEST_US;
}

static bool
ask_suspect(struct lane_liveness *liveness, struct mono now)
{
	liveness->pause_us *= 2;
	if (liveness->pause_us > LANE_LIVENESS_BACKOFF_US)
		liveness->pause_us = LANE_LIVENESS_BACKOFF_US;
	liveness->due = mono_add(now, liveness->pause_us);
	return true;
}
