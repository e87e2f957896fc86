/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "datapath/lane/lane_liveness.h"

static int64_t yielding(const struct lane_liveness *suspect);
static int64_t first_wait(int64_t rtt_us);
static int64_t patience(int64_t rtt_us);
static bool may_ask(struct lane_liveness *suspect, int64_t rtt_us,
    struct mono now);
static bool ask_again(struct lane_liveness *suspect, int64_t rtt_us,
    struct mono now);
static bool ask_suspect(struct lane_liveness *suspect, struct mono now);

void
lane_liveness_start(struct lane_liveness *suspect, int64_t keepalive_us,
    struct mono now)
{
	*suspect = (struct lane_liveness) { .state = LANE_LIVENESS_TRUSTED,
		.answered = now, .due = now, .keepalive_us = keepalive_us };
}

void
lane_liveness_answered(struct lane_liveness *suspect, struct mono now)
{
	suspect->state = LANE_LIVENESS_TRUSTED;
	suspect->sent = false;
	suspect->answered = now;
	suspect->due = mono_add(now, suspect->keepalive_us);
	/* The other end asks by itself: it goes first. */
	if (mono_sub(now, suspect->was_asked) < suspect->keepalive_us)
		suspect->due = mono_add(now, yielding(suspect));
}

void
lane_liveness_asked(struct lane_liveness *suspect, struct mono now)
{
	bool again = mono_sub(now,
	    suspect->was_asked) < 2 * LANE_LIVENESS_AGAIN_US;
	struct mono latest = mono_add(suspect->answered,
	    LANE_LIVENESS_YIELD * suspect->keepalive_us);

	suspect->was_asked = now;
	if (suspect->state != LANE_LIVENESS_TRUSTED ||
	    mono_is_due(suspect->due, now))
		return;
	if (again && mono_sub(now, suspect->answered) >= LANE_LIVENESS_ASK_US) {
		suspect->due = now;
		return;
	}
	suspect->due = mono_add(now, yielding(suspect));
	if (suspect->due.us > latest.us)
		suspect->due = latest;
}

bool
lane_liveness_tick(struct lane_liveness *suspect, int64_t rtt_us,
    struct mono now)
{
	switch (suspect->state) {
	case LANE_LIVENESS_TRUSTED:
		return may_ask(suspect, rtt_us, now);
	case LANE_LIVENESS_ASKING:
		return ask_again(suspect, rtt_us, now);
	case LANE_LIVENESS_SUSPECT:
		return mono_is_due(suspect->due, now) &&
		    ask_suspect(suspect, now);
	}
	return false;
}

/* It may be a little late; when it falls silent it is for us to ask. */
static int64_t
yielding(const struct lane_liveness *suspect)
{
	return suspect->keepalive_us * 9 / 8 + LANE_LIVENESS_ASK_US;
}

static bool
may_ask(struct lane_liveness *suspect, int64_t rtt_us, struct mono now)
{
	bool busy = suspect->sent &&
	    mono_sub(now, suspect->answered) >= LANE_LIVENESS_ASK_US;

	if (!busy && !mono_is_due(suspect->due, now))
		return false;
	suspect->state = LANE_LIVENESS_ASKING;
	suspect->asked = now;
	suspect->asks = 1;
	suspect->due = mono_add(now, first_wait(rtt_us));
	return true;
}

/* On a long line an answer takes longer than a question is worth. */
static int64_t
first_wait(int64_t rtt_us)
{
	int64_t us = rtt_us + rtt_us / 4;

	if (us < LANE_LIVENESS_AGAIN_US)
		return LANE_LIVENESS_AGAIN_US;
	return us < LANE_LIVENESS_AFTER_US ? us : LANE_LIVENESS_AFTER_US;
}

static bool
ask_again(struct lane_liveness *suspect, int64_t rtt_us, struct mono now)
{
	if (suspect->asks >= LANE_LIVENESS_ASKS &&
	    mono_sub(now, suspect->asked) > patience(rtt_us)) {
		suspect->state = LANE_LIVENESS_SUSPECT;
		suspect->pause_us = LANE_LIVENESS_AGAIN_US;
		return ask_suspect(suspect, now);
	}
	if (!mono_is_due(suspect->due, now))
		return false;
	suspect->asks++;
	suspect->due = mono_add(now, LANE_LIVENESS_AGAIN_US);
	return true;
}

/* A slow line is not a dead one. */
static int64_t
patience(int64_t rtt_us)
{
	int64_t us = rtt_us * LANE_LIVENESS_ROUNDS;

	if (us < LANE_LIVENESS_AFTER_US)
		return LANE_LIVENESS_AFTER_US;
	return us < LANE_LIVENESS_LATEST_US ? us : LANE_LIVENESS_LATEST_US;
}

static bool
ask_suspect(struct lane_liveness *suspect, struct mono now)
{
	suspect->pause_us *= 2;
	if (suspect->pause_us > LANE_LIVENESS_BACKOFF_US)
		suspect->pause_us = LANE_LIVENESS_BACKOFF_US;
	suspect->due = mono_add(now, suspect->pause_us);
	return true;
}
