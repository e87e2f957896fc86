/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A lane that sends, on a path that answers or does not, a tick every 20 ms (or
 * 250 ms while nothing is asked), as a worker does it.
 */
#include "datapath/lane/lane_liveness.h"

#include "unit.h"

#define KEEPALIVE (10 * MONO_SEC)

struct sim {
	struct lane_liveness suspect;
	struct mono    now;
	bool	       answers; /* the path */
	int64_t	       rtt_us;
	bool	       frames; /* go out all the time */
	int64_t	       other_asks_us; /* the other end, how often; 0: never */
	struct mono    other_next;
	unsigned       loss;   /* of 100, there and back together */
	uint64_t       seed;
	unsigned       asks;
	struct mono    on_the_way[256];
	unsigned       n;
};

static struct sim
sim_start(int64_t rtt_us)
{
	struct sim sim = { .now = { 100 * MONO_SEC }, .answers = true,
		.rtt_us = rtt_us, .seed = 3 };

	sim.other_next = sim.now;
	lane_liveness_start(&sim.suspect, KEEPALIVE, sim.now);
	return sim;
}

static void
step(struct sim *sim, int64_t us)
{
	unsigned kept = 0;

	sim->now = mono_add(sim->now, us);
	for (unsigned i = 0; i < sim->n; i++) {
		if (mono_is_due(sim->on_the_way[i], sim->now))
			lane_liveness_answered(&sim->suspect, sim->now);
		else
			sim->on_the_way[kept++] = sim->on_the_way[i];
	}
	sim->n = kept;
	while (sim->other_asks_us != 0 &&
	    mono_is_due(sim->other_next, sim->now)) {
		lane_liveness_peer_asked(&sim->suspect, sim->other_next);
		sim->other_next = mono_add(sim->other_next, sim->other_asks_us);
	}
	if (sim->frames)
		lane_liveness_sent(&sim->suspect);
	if (!lane_liveness_tick(&sim->suspect, sim->rtt_us, sim->now))
		return;
	sim->asks++;
	ck_assert_uint_lt(sim->n, nitems(sim->on_the_way));
	if (sim->answers && unit_below(&sim->seed, 100) >= sim->loss)
		sim->on_the_way[sim->n++] = mono_add(sim->now, sim->rtt_us);
}

static void
run_for(struct sim *sim, int64_t us)
{
	struct mono end = mono_add(sim->now, us);

	while (sim->now.us < end.us)
		step(sim, lane_liveness_is_busy(&sim->suspect) ? 20 * MONO_MS :
							   250 * MONO_MS);
}

/* How long until it is suspect, or is no longer; at most `most`. */
static int64_t
time_until(struct sim *sim, bool suspect, int64_t most)
{
	struct mono start = sim->now;

	while (lane_liveness_is_suspect(&sim->suspect) != suspect &&
	    mono_sub(sim->now, start) < most)
		run_for(sim, 1);
	return mono_sub(sim->now, start);
}

START_TEST(a_path_that_answers_is_never_suspect)
{
	static const int64_t rtts[] = { 1, 20, 300, 600, 1200 };

	for (size_t i = 0; i < nitems(rtts); i++) {
		struct sim sim = sim_start(rtts[i] * MONO_MS);

		sim.frames = true;
		ck_assert_int_ge(time_until(&sim, true, 600 * MONO_SEC),
		    600 * MONO_SEC);
		/* A handful of small records a second. */
		ck_assert_uint_lt(sim.asks, 600 * 10);
	}
}
END_TEST

START_TEST(an_idle_lane_is_asked_once_a_keepalive)
{
	struct sim sim = sim_start(20 * MONO_MS);

	run_for(&sim, 605 * MONO_SEC);
	ck_assert_uint_ge(sim.asks, 58);
	ck_assert_uint_le(sim.asks, 62);
}
END_TEST

START_TEST(it_is_asked_more_seldom_while_the_other_end_asks)
{
	struct sim sim = sim_start(20 * MONO_MS);
	unsigned   before;

	sim.other_asks_us = KEEPALIVE;
	run_for(&sim, 20 * KEEPALIVE);
	before = sim.asks;
	run_for(&sim, 120 * KEEPALIVE);
	ck_assert_uint_ge(sim.asks - before, 28);
	ck_assert_uint_le(sim.asks - before, 30);
}
END_TEST

/* Its round trip is known then, before there are frames. */
START_TEST(an_idle_lane_is_asked_at_the_start)
{
	struct sim sim = sim_start(20 * MONO_MS);

	sim.other_asks_us = KEEPALIVE;
	run_for(&sim, 300 * MONO_MS);
	ck_assert_uint_eq(sim.asks, 1);
}
END_TEST

START_TEST(on_a_long_line_one_question_is_enough)
{
	static const int64_t rtts[] = { 100, 150, 300, 600, 900 };

	for (size_t i = 0; i < nitems(rtts); i++) {
		struct sim sim = sim_start(rtts[i] * MONO_MS);
		unsigned   before;

		run_for(&sim, 5 * MONO_SEC);
		before = sim.asks;
		run_for(&sim, 60 * KEEPALIVE);
		ck_assert_uint_ge(sim.asks - before, 52);
		ck_assert_uint_le(sim.asks - before, 60);
	}
}
END_TEST

/* Nothing of it arrives any more. */
START_TEST(when_the_other_end_falls_silent_it_is_asked)
{
	for (int64_t sec = 100; sec < 140; sec++) {
		struct sim sim = sim_start(20 * MONO_MS);

		sim.other_asks_us = KEEPALIVE;
		run_for(&sim, sec * MONO_SEC);
		sim.other_asks_us = 0;
		sim.answers = false;
		ck_assert_int_lt(time_until(&sim, true, 60 * MONO_SEC),
		    KEEPALIVE * 9 / 8 + 3 * MONO_SEC);
	}
}
END_TEST

/* Nothing of ours arrives any more: it asks again and again. */
START_TEST(when_the_other_end_hears_nothing_it_is_asked)
{
	for (int64_t sec = 100; sec < 140; sec++) {
		struct sim sim = sim_start(20 * MONO_MS);

		sim.other_asks_us = KEEPALIVE;
		run_for(&sim, sec * MONO_SEC);
		sim.other_asks_us = LANE_LIVENESS_AGAIN_US;
		sim.other_next = sim.now;
		sim.answers = false;
		ck_assert_int_lt(time_until(&sim, true, 60 * MONO_SEC),
		    4 * MONO_SEC);
	}
}
END_TEST

START_TEST(one_that_asks_all_the_time_is_asked_twice_a_second)
{
	struct sim sim = sim_start(20 * MONO_MS);

	sim.other_asks_us = 20 * MONO_MS;
	run_for(&sim, 600 * MONO_SEC);
	ck_assert_uint_le(sim.asks, 600 * 3);
	ck_assert(!lane_liveness_is_suspect(&sim.suspect));
}
END_TEST

START_TEST(a_black_hole_is_found_within_three_seconds)
{
	static const int64_t rtts[] = { 1, 20, 300, 600, 1200 };

	for (size_t i = 0; i < nitems(rtts); i++) {
		struct sim sim = sim_start(rtts[i] * MONO_MS);

		sim.frames = true;
		run_for(&sim, 20 * MONO_SEC);
		sim.answers = false;
		sim.n = 0;
		ck_assert_int_lt(time_until(&sim, true, 60 * MONO_SEC),
		    3 * MONO_SEC);
	}
}
END_TEST

START_TEST(frames_on_a_lane_that_died_while_idle_find_out_as_fast)
{
	struct sim sim = sim_start(20 * MONO_MS);

	run_for(&sim, 15 * MONO_SEC);
	sim.answers = false;
	run_for(&sim, 3 * MONO_SEC);
	ck_assert(!lane_liveness_is_suspect(&sim.suspect));
	sim.frames = true;
	ck_assert_int_lt(time_until(&sim, true, 60 * MONO_SEC), 3 * MONO_SEC);
}
END_TEST

START_TEST(what_the_other_end_sends_proves_nothing)
{
	/* Nor does what it asks: only an answer makes a lane trusted. */
	struct sim sim = sim_start(20 * MONO_MS);

	sim.other_asks_us = LANE_LIVENESS_AGAIN_US;
	sim.answers = false;
	run_for(&sim, 5 * MONO_SEC);
	ck_assert(lane_liveness_is_suspect(&sim.suspect));
	sim.frames = true;
	run_for(&sim, 60 * MONO_SEC);
	ck_assert(lane_liveness_is_suspect(&sim.suspect));
}
END_TEST

START_TEST(a_suspect_lane_is_asked_more_and_more_seldom)
{
	struct sim sim = sim_start(20 * MONO_MS);
	unsigned   before;

	sim.frames = true;
	sim.answers = false;
	run_for(&sim, 20 * MONO_SEC);
	before = sim.asks;
	run_for(&sim, 300 * MONO_SEC);
	ck_assert_uint_ge(sim.asks - before, 90);
	ck_assert_uint_le(sim.asks - before, 105);
	/* And is back soon after the path is. */
	sim.answers = true;
	ck_assert_int_lt(time_until(&sim, false, 60 * MONO_SEC), 4 * MONO_SEC);
}
END_TEST

START_TEST(loss_is_no_black_hole)
{
	static const unsigned losses[] = { 10, 20, 36 };

	for (size_t i = 0; i < nitems(losses); i++) {
		struct sim sim = sim_start(50 * MONO_MS);

		sim.frames = true;
		sim.loss = losses[i];
		ck_assert_msg(time_until(&sim, true, 300 * MONO_SEC) >=
			300 * MONO_SEC,
		    "%u of 100 echoes lost", losses[i]);
	}
}
END_TEST

START_TEST(a_stall_of_ours_is_no_proof)
{
	struct sim sim = sim_start(20 * MONO_MS);

	sim.frames = true;
	run_for(&sim, 5 * MONO_SEC);
	while (!lane_liveness_is_busy(&sim.suspect))
		step(&sim, 20 * MONO_MS);
	step(&sim, 5 * MONO_SEC);
	ck_assert(!lane_liveness_is_suspect(&sim.suspect));
	run_for(&sim, 10 * MONO_SEC);
	ck_assert(!lane_liveness_is_suspect(&sim.suspect));
}
END_TEST

UNIT_MAIN("lane_liveness", a_path_that_answers_is_never_suspect,
    an_idle_lane_is_asked_once_a_keepalive,
    it_is_asked_more_seldom_while_the_other_end_asks,
    when_the_other_end_falls_silent_it_is_asked,
    when_the_other_end_hears_nothing_it_is_asked,
    one_that_asks_all_the_time_is_asked_twice_a_second,
    an_idle_lane_is_asked_at_the_start, on_a_long_line_one_question_is_enough,
    a_black_hole_is_found_within_three_seconds,
    frames_on_a_lane_that_died_while_idle_find_out_as_fast,
    what_the_other_end_sends_proves_nothing,
    a_suspect_lane_is_asked_more_and_more_seldom, loss_is_no_black_hole,
    a_stall_of_ours_is_no_proof)
