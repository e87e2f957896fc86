/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "datapath/lane/pmtu.h"

#include "unit.h"

#define MAX 1472
#define NEVER INT64_MAX

/* A path: it swallows what is larger than `carries`, and some of the rest. */
struct path {
	size_t	 carries;
	unsigned loss; /* of 100, there and back together */
	int64_t	 rtt_us;
	uint64_t seed;
};

struct sim {
	struct pmtu pmtu;
	struct mono now;
	struct path path;
	unsigned    probes; /* how many were sent */
	bool	    idle;   /* no frames go out */
	struct {
		size_t	    size;
		struct mono at;
	} answers[64];
	unsigned nanswers;
};

static struct sim
sim_start(size_t max, size_t carries, unsigned loss, int64_t rtt_us)
{
	struct sim sim = {
		.now = { 50 * MONO_SEC },
		.path = { carries, loss, rtt_us, carries + 1000 * loss },
	};

	pmtu_init(&sim.pmtu, max, sim.now);
	ck_assert_uint_eq(sim.pmtu.current, PMTU_BASE);
	return sim;
}

static void
send_probe(struct sim *sim, size_t size)
{
	sim->probes++;
	ck_assert_uint_ge(size, PMTU_BASE);
	ck_assert_uint_le(size, sim->pmtu.max);
	if (size > sim->path.carries ||
	    unit_below(&sim->path.seed, 100) < sim->path.loss)
		return;
	ck_assert_uint_lt(sim->nanswers, nitems(sim->answers));
	sim->answers[sim->nanswers].size = size;
	sim->answers[sim->nanswers++].at = mono_add(sim->now, sim->path.rtt_us);
}

static void
deliver(struct sim *sim)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < sim->nanswers; i++) {
		size_t before = sim->pmtu.current;

		if (!mono_is_due(sim->answers[i].at, sim->now)) {
			sim->answers[kept++] = sim->answers[i];
			continue;
		}
		ck_assert_int_eq(pmtu_answered(&sim->pmtu, sim->answers[i].size,
				     sim->now),
		    sim->pmtu.current != before);
	}
	sim->nanswers = kept;
}

/* Runs on for `us`, or until the search is done when `us` is NEVER. */
static void
sim_run(struct sim *sim, int64_t us)
{
	struct mono begun = sim->now;

	while (us == NEVER ? sim->pmtu.state != PMTU_DONE :
			     mono_sub(sim->now, begun) < us) {
		struct mono next = sim->pmtu.due;
		size_t	    size;

		if (!sim->idle)
			pmtu_sent(&sim->pmtu);
		if (mono_is_due(next, sim->now) &&
		    !pmtu_is_due(&sim->pmtu, sim->now))
			next.us = INT64_MAX;
		for (unsigned i = 0; i < sim->nanswers; i++) {
			if (sim->answers[i].at.us < next.us)
				next = sim->answers[i].at;
		}
		if (us != NEVER && next.us > begun.us + us)
			next.us = begun.us + us;
		if (next.us > sim->now.us)
			sim->now = next;
		deliver(sim);
		size = pmtu_tick(&sim->pmtu, sim->now);
		if (size > 0)
			send_probe(sim, size);
		ck_assert_uint_ge(sim->pmtu.current, PMTU_BASE);
		ck_assert_uint_le(sim->pmtu.current, sim->pmtu.max);
		ck_assert_msg(us != NEVER ||
			mono_sub(sim->now, begun) < 600 * MONO_SEC,
		    "the search has no end");
	}
}

static bool
is_close(const struct sim *sim)
{
	return sim->pmtu.current <= sim->path.carries &&
	    sim->path.carries - sim->pmtu.current < PMTU_STEP;
}

START_TEST(a_full_path_takes_one_probe)
{
	struct sim sim = sim_start(MAX, MAX, 0, 20 * MONO_MS);

	sim_run(&sim, 20 * MONO_MS);
	ck_assert_uint_eq(sim.pmtu.current, MAX);
	ck_assert_uint_eq(sim.probes, 1);
	sim_run(&sim, 10 * MONO_SEC);
	ck_assert_int_eq(sim.pmtu.state, PMTU_DONE);
	ck_assert_uint_eq(sim.probes, 1);
}
END_TEST

/* The figures are those that doc/ may give. */
START_TEST(every_path_is_found_within_a_step)
{
	unsigned most = 0;
	int64_t	 longest = 0;

	for (size_t carries = PMTU_BASE; carries <= MAX; carries++) {
		struct sim  sim = sim_start(MAX, carries, 0, 20 * MONO_MS);
		struct mono begun = sim.now;

		sim_run(&sim, NEVER);
		ck_assert_msg(is_close(&sim), "%zu: %zu", carries,
		    sim.pmtu.current);
		if (sim.probes > most)
			most = sim.probes;
		if (mono_sub(sim.now, begun) > longest)
			longest = mono_sub(sim.now, begun);
	}
	/* 3 times the largest, the base, then at most 5 halvings. */
	ck_assert_uint_le(most, 3 + 1 + 5 * 3);
	ck_assert_int_le(longest, 17 * MONO_SEC);
}
END_TEST

START_TEST(loss_costs_probes_not_the_result)
{
	unsigned close = 0, all = 0;

	for (unsigned loss = 5; loss <= 30; loss += 5) {
		for (size_t carries = PMTU_BASE; carries <= MAX; carries++) {
			struct sim sim = sim_start(MAX, carries, loss,
			    40 * MONO_MS);

			sim_run(&sim, NEVER);
			ck_assert_uint_le(sim.pmtu.current, carries);
			all++;
			close += is_close(&sim);
		}
	}
	/* At 30 % three in a row are lost now and then. */
	ck_assert_msg(close * 100 > all * 90, "%u of %u", close, all);
}
END_TEST

START_TEST(answers_later_than_the_timer_count)
{
	static const size_t paths[] = { PMTU_BASE, 1300, 1464, MAX };

	for (size_t i = 0; i < nitems(paths); i++) {
		struct sim sim = sim_start(MAX, paths[i], 0, 1500 * MONO_MS);

		sim_run(&sim, NEVER);
		sim_run(&sim, 5 * MONO_SEC);
		ck_assert_msg(is_close(&sim), "%zu: %zu", paths[i],
		    sim.pmtu.current);
	}
}
END_TEST

START_TEST(small_and_odd_limits)
{
	static const size_t limits[] = { 0, 100, PMTU_BASE, PMTU_BASE + 1,
		PMTU_BASE + PMTU_STEP, 8972, 65000 };

	for (size_t i = 0; i < nitems(limits); i++) {
		size_t	   max = limits[i] > PMTU_BASE ? limits[i] : PMTU_BASE;
		struct sim sim = sim_start(limits[i], max, 0, MONO_MS);

		ck_assert_uint_eq(sim.pmtu.max, max);
		sim_run(&sim, NEVER);
		ck_assert_uint_eq(sim.pmtu.current, max);
	}
}
END_TEST

START_TEST(a_black_hole_is_left_behind)
{
	struct sim  sim = sim_start(MAX, MAX, 0, 20 * MONO_MS);
	struct mono begun;

	sim_run(&sim, NEVER);
	sim.path.carries = 1400;
	begun = sim.now;
	while (sim.pmtu.current > 1400)
		sim_run(&sim, MONO_SEC);
	ck_assert_int_le(mono_sub(sim.now, begun),
	    PMTU_CONFIRM_US + 4 * PMTU_PROBE_US);
	sim_run(&sim, NEVER);
	ck_assert(is_close(&sim));
}
END_TEST

/* A byte costs money on some lines. */
START_TEST(of_an_idle_path_nothing_is_asked)
{
	struct sim  sim = sim_start(MAX, MAX, 0, 20 * MONO_MS);
	struct mono begun;
	unsigned    before;

	sim_run(&sim, NEVER);
	sim.idle = true;
	sim_run(&sim, PMTU_CONFIRM_US + MONO_SEC);
	before = sim.probes;
	sim.path.carries = 1400;
	sim_run(&sim, 2 * PMTU_RAISE_US);
	ck_assert_uint_eq(sim.probes, before);
	/* What it has become is found out by the first frames. */
	sim.idle = false;
	begun = sim.now;
	while (sim.pmtu.current > 1400)
		sim_run(&sim, MONO_SEC);
	ck_assert_int_le(mono_sub(sim.now, begun), 4 * PMTU_PROBE_US);
	sim_run(&sim, NEVER);
	ck_assert(is_close(&sim));
}
END_TEST

START_TEST(an_outage_does_not_leave_the_path_small)
{
	static const int64_t outages[] = { 1, 5, 40, 100, 1000, 5000 };

	for (size_t i = 0; i < nitems(outages); i++) {
		struct sim sim = sim_start(MAX, MAX, 0, 20 * MONO_MS);

		sim_run(&sim, 29 * MONO_SEC);
		sim.path.carries = 0;
		sim_run(&sim, outages[i] * MONO_SEC);
		sim.path.carries = MAX;
		sim_run(&sim, 3 * MONO_SEC);
		ck_assert_msg(sim.pmtu.current == MAX, "after %d s: %zu",
		    (int)outages[i], sim.pmtu.current);
	}
}
END_TEST

START_TEST(a_path_that_is_dead_at_first_is_found_later)
{
	struct sim sim = sim_start(MAX, 0, 0, 20 * MONO_MS);

	sim_run(&sim, 60 * MONO_SEC);
	ck_assert_uint_eq(sim.pmtu.current, PMTU_BASE);
	ck_assert_int_eq(sim.pmtu.state, PMTU_SEARCHING);
	/* Patient: about one a second. */
	ck_assert_uint_le(sim.probes, 70);
	sim.path.carries = MAX;
	sim_run(&sim, 2 * MONO_SEC);
	ck_assert_uint_eq(sim.pmtu.current, MAX);
}
END_TEST

START_TEST(a_path_that_grows_is_noticed_in_ten_minutes)
{
	struct sim sim = sim_start(MAX, 1300, 0, 200 * MONO_MS);

	sim_run(&sim, NEVER);
	ck_assert(is_close(&sim));
	sim.path.carries = MAX;
	sim_run(&sim, PMTU_RAISE_US - MONO_SEC);
	ck_assert(sim.pmtu.current <= 1300);
	sim_run(&sim, 2 * MONO_SEC);
	ck_assert_uint_eq(sim.pmtu.current, MAX);
}
END_TEST

START_TEST(a_raise_in_vain_keeps_what_was_known)
{
	struct sim sim = sim_start(MAX, 1400, 0, 20 * MONO_MS);
	size_t	   before;

	sim_run(&sim, NEVER);
	before = sim.pmtu.current;
	for (unsigned i = 0; i < 2000; i++) {
		sim_run(&sim, MONO_SEC);
		ck_assert_uint_ge(sim.pmtu.current, before);
		ck_assert_uint_le(sim.pmtu.current, 1400);
	}
	ck_assert_uint_gt(sim.probes, 2000 / 30);
}
END_TEST

START_TEST(the_kernel_s_refusal_is_believed_at_once)
{
	struct pmtu pmtu;
	struct mono now = { 0 };

	pmtu_init(&pmtu, MAX, now);
	ck_assert_uint_eq(pmtu_tick(&pmtu, now), MAX);
	/* The link is smaller: no waiting. */
	ck_assert(!pmtu_refused(&pmtu, MAX, now));
	ck_assert_uint_eq(pmtu_tick(&pmtu, now), PMTU_BASE);
	pmtu_answered(&pmtu, PMTU_BASE, now);
	while (pmtu.state != PMTU_DONE) {
		size_t size = pmtu_tick(&pmtu, now);

		if (size > 1432)
			pmtu_refused(&pmtu, size, now);
		else if (size > 0)
			pmtu_answered(&pmtu, size, now);
	}
	ck_assert_uint_le(pmtu.current, 1432);
	ck_assert_uint_gt(pmtu.current, 1432 - PMTU_STEP);

	/* A refusal of what was known to pass. */
	ck_assert(pmtu_refused(&pmtu, pmtu.current, now));
	ck_assert_uint_eq(pmtu.current, PMTU_BASE);
	ck_assert_int_eq(pmtu.state, PMTU_SEARCHING);
	/* The floor is never refused. */
	ck_assert(!pmtu_refused(&pmtu, PMTU_BASE, now));
	ck_assert(!pmtu_refused(&pmtu, 10, now));
	ck_assert_uint_eq(pmtu.current, PMTU_BASE);
}
END_TEST

START_TEST(strange_answers_are_ignored)
{
	struct pmtu pmtu;
	struct mono now = { 0 };

	pmtu_init(&pmtu, MAX, now);
	ck_assert_uint_eq(pmtu_tick(&pmtu, now), MAX);
	ck_assert(!pmtu_answered(&pmtu, MAX + 1, now));
	ck_assert(!pmtu_answered(&pmtu, 40, now));
	ck_assert_uint_eq(pmtu.current, PMTU_BASE);
	ck_assert(pmtu_answered(&pmtu, MAX, now));
	ck_assert(!pmtu_answered(&pmtu, MAX, now));
	ck_assert_uint_eq(pmtu.current, MAX);
}
END_TEST

UNIT_MAIN("pmtu", a_full_path_takes_one_probe,
    every_path_is_found_within_a_step, loss_costs_probes_not_the_result,
    answers_later_than_the_timer_count, small_and_odd_limits,
    a_black_hole_is_left_behind, of_an_idle_path_nothing_is_asked,
    an_outage_does_not_leave_the_path_small,
    a_path_that_is_dead_at_first_is_found_later,
    a_path_that_grows_is_noticed_in_ten_minutes,
    a_raise_in_vain_keeps_what_was_known,
    the_kernel_s_refusal_is_believed_at_once, strange_answers_are_ignored)
