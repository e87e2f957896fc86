/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "datapath/suspect.h"

static int64_t yielding(const struct suspect *suspect);
static int64_t first_wait(int64_t rtt_us);
static int64_t patience(int64_t rtt_us);
static bool may_ask(struct suspect *suspect, int64_t rtt_us, struct mono now);
static bool ask_again(struct suspect *suspect, int64_t rtt_us,
    struct mono now);
static bool ask_suspect(struct suspect *suspect, struct mono now);

void
suspect_start(struct suspect *suspect, int64_t keepalive_us, struct mono now)
{
	*suspect = (struct suspect) { .state = SUSPECT_TRUSTED,
		.answered = now, .due = now, .keepalive_us = keepalive_us };
}

void
suspect_answered(struct suspect *suspect, struct mono now)
{
	suspect->state = SUSPECT_TRUSTED;
	suspect->sent = false;
	suspect->answered = now;
	suspect->due = mono_add(now, suspect->keepalive_us);
	/* The other end asks by itself: it goes first. */
	if (mono_sub(now, suspect->was_asked) < suspect->keepalive_us)
		suspect->due = mono_add(now, yielding(suspect));
}

void
suspect_asked(struct suspect *suspect, struct mono now)
{
	bool again = mono_sub(now, suspect->was_asked) < 2 * SUSPECT_AGAIN_US;
	struct mono latest = mono_add(suspect->answered,
	    SUSPECT_YIELD * suspect->keepalive_us);

	suspect->was_asked = now;
	if (suspect->state != SUSPECT_TRUSTED ||
	    mono_is_due(suspect->due, now))
		return;
	if (again && mono_sub(now, suspect->answered) >= SUSPECT_ASK_US) {
		suspect->due = now;
		return;
	}
	suspect->due = mono_add(now, yielding(suspect));
	if (suspect->due.us > latest.us)
		suspect->due = latest;
}

bool
suspect_tick(struct suspect *suspect, int64_t rtt_us, struct mono now)
{
	switch (suspect->state) {
	case SUSPECT_TRUSTED:
		return may_ask(suspect, rtt_us, now);
	case SUSPECT_ASKING:
		return ask_again(suspect, rtt_us, now);
	case SUSPECT_SUSPECT:
		return mono_is_due(suspect->due, now) &&
		    ask_suspect(suspect, now);
	}
	return false;
}

/* It may be a little late; when it falls silent it is for us to ask. */
static int64_t
yielding(const struct suspect *suspect)
{
	return suspect->keepalive_us * 9 / 8 + SUSPECT_ASK_US;
}

static bool
may_ask(struct suspect *suspect, int64_t rtt_us, struct mono now)
{
	bool busy = suspect->sent &&
	    mono_sub(now, suspect->answered) >= SUSPECT_ASK_US;

	if (!busy && !mono_is_due(suspect->due, now))
		return false;
	suspect->state = SUSPECT_ASKING;
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

	if (us < SUSPECT_AGAIN_US)
		return SUSPECT_AGAIN_US;
	return us < SUSPECT_AFTER_US ? us : SUSPECT_AFTER_US;
}

static bool
ask_again(struct suspect *suspect, int64_t rtt_us, struct mono now)
{
	if (suspect->asks >= SUSPECT_ASKS &&
	    mono_sub(now, suspect->asked) > patience(rtt_us)) {
		suspect->state = SUSPECT_SUSPECT;
		suspect->pause_us = SUSPECT_AGAIN_US;
		return ask_suspect(suspect, now);
	}
	if (!mono_is_due(suspect->due, now))
		return false;
	suspect->asks++;
	suspect->due = mono_add(now, SUSPECT_AGAIN_US);
	return true;
}

/* A slow line is not a dead one. */
static int64_t
patience(int64_t rtt_us)
{
	int64_t us = rtt_us * SUSPECT_ROUNDS;

	if (us < SUSPECT_AFTER_US)
		return SUSPECT_AFTER_US;
	return us < SUSPECT_LATEST_US ? us : SUSPECT_LATEST_US;
}

static bool
ask_suspect(struct suspect *suspect, struct mono now)
{
	suspect->pause_us *= 2;
	if (suspect->pause_us > SUSPECT_BACKOFF_US)
		suspect->pause_us = SUSPECT_BACKOFF_US;
	suspect->due = mono_add(now, suspect->pause_us);
	return true;
}
