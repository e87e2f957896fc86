/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A tick a second, as a client makes it; lanes die and come back. */
#include "control/lane_repair.h"

#include "unit.h"

static struct lane_repair repair;
static struct mono   now;

/* The next step that is not nothing, and how many seconds it took. */
static enum lane_repair_step
next_step(uint32_t dead, bool hopeful, unsigned limit, unsigned *sec)
{
	enum lane_repair_step step = LANE_REPAIR_NOTHING;

	for (*sec = 0; step == LANE_REPAIR_NOTHING && *sec < limit; ++*sec) {
		now = mono_add(now, MONO_SEC);
		step = lane_repair_tick(&repair, dead, hopeful, now);
	}
	return step;
}

static void
begin(void)
{
	repair = (struct lane_repair) { 0 };
	now = (struct mono) { 100 * MONO_SEC };
}

START_TEST(a_dead_lane_is_probed_and_made_anew_within_seconds)
{
	unsigned sec;

	begin();
	ck_assert_int_eq(next_step(0x4, true, 9, &sec), LANE_REPAIR_PROBE);
	ck_assert_uint_eq(sec, 1);
	ck_assert_int_eq(next_step(0x4, true, 9, &sec), LANE_REPAIR_REBUILD);
	ck_assert_uint_eq(sec, 2);
	ck_assert_uint_eq(repair.lanes, 0x4);
}
END_TEST

START_TEST(what_answers_the_probe_is_left_alone)
{
	unsigned sec;

	begin();
	ck_assert_int_eq(next_step(0x6, true, 9, &sec), LANE_REPAIR_PROBE);
	ck_assert_int_eq(lane_repair_tick(&repair, 0x4, true, now),
	    LANE_REPAIR_NOTHING);
	ck_assert_int_eq(next_step(0x6, true, 9, &sec), LANE_REPAIR_REBUILD);
	ck_assert_uint_eq(repair.lanes, 0x4);
	begin();
	ck_assert_int_eq(next_step(0x6, true, 9, &sec), LANE_REPAIR_PROBE);
	ck_assert_int_eq(next_step(0, true, 300, &sec), LANE_REPAIR_NOTHING);
}
END_TEST

START_TEST(where_nothing_lives_other_ports_are_tried_seldom)
{
	unsigned probe, sec;

	begin();
	for (unsigned i = 0; i < 10; i++) {
		ck_assert_int_eq(next_step(0x3, false, 9, &probe),
		    LANE_REPAIR_PROBE);
		ck_assert_int_eq(next_step(0x3, false, 99, &sec),
		    LANE_REPAIR_REBUILD);
		ck_assert_uint_ge(probe + sec, 30);
		ck_assert_uint_le(probe + sec, 60);
		ck_assert_uint_eq(repair.lanes, 0x3);
	}
}
END_TEST

/* One comes back: the others may be about to, and are asked first. */
START_TEST(hope_begins_with_a_probe_and_does_not_wait)
{
	unsigned sec;

	begin();
	ck_assert_int_eq(next_step(0x3, false, 9, &sec), LANE_REPAIR_PROBE);
	ck_assert_int_eq(next_step(0x3, false, 40, &sec), LANE_REPAIR_NOTHING);
	ck_assert_int_eq(next_step(0x2, true, 1, &sec), LANE_REPAIR_PROBE);
	ck_assert_int_eq(next_step(0x2, true, 9, &sec), LANE_REPAIR_REBUILD);
	ck_assert_uint_eq(sec, 2);
	/* An attempt that had none does not put it off. */
	begin();
	ck_assert_int_eq(next_step(0x3, false, 9, &sec), LANE_REPAIR_PROBE);
	ck_assert_int_eq(next_step(0x3, false, 99, &sec), LANE_REPAIR_REBUILD);
	ck_assert_int_eq(next_step(0x3, true, 1, &sec), LANE_REPAIR_PROBE);
	ck_assert_int_eq(next_step(0x3, true, 9, &sec), LANE_REPAIR_REBUILD);
	ck_assert_uint_eq(sec, 2);
}
END_TEST

START_TEST(attempts_that_do_not_help_become_seldom)
{
	static const unsigned least[] = { 3, 5, 10, 20, 40, 60, 60 };
	unsigned	      probe, sec;

	begin();
	for (size_t i = 0; i < nitems(least); i++) {
		ck_assert_int_eq(next_step(0x1, true, 9, &probe),
		    LANE_REPAIR_PROBE);
		ck_assert_int_eq(next_step(0x1, true, 99, &sec),
		    LANE_REPAIR_REBUILD);
		ck_assert_uint_eq(probe + sec, least[i]);
	}
	/* Well for long enough, it is as new. */
	ck_assert_int_eq(next_step(0, true, 10, &sec), LANE_REPAIR_NOTHING);
	ck_assert_int_gt(repair.pause_us, 0);
	ck_assert_int_eq(next_step(0, true, 60, &sec), LANE_REPAIR_NOTHING);
	ck_assert_int_eq(repair.pause_us, 0);
}
END_TEST

UNIT_MAIN("repair", a_dead_lane_is_probed_and_made_anew_within_seconds,
    what_answers_the_probe_is_left_alone,
    where_nothing_lives_other_ports_are_tried_seldom,
    hope_begins_with_a_probe_and_does_not_wait,
    attempts_that_do_not_help_become_seldom)
