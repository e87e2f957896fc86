/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/mono.h"

#include "unit.h"

START_TEST(the_clock_goes_forward)
{
	struct mono before = mono_now(), after;

	ck_assert_int_gt(before.us, 0);
	nanosleep(&(struct timespec) { .tv_nsec = 2000000 }, NULL);
	after = mono_now();
	ck_assert_int_ge(mono_sub(after, before), 2 * MONO_MS);
	ck_assert_int_lt(mono_sub(after, before), 30 * MONO_SEC);
}
END_TEST

START_TEST(due_is_when_the_time_is_reached)
{
	struct mono t = { 5 * MONO_SEC };

	ck_assert(!mono_is_due(mono_add(t, 1), t));
	ck_assert(mono_is_due(t, t));
	ck_assert(mono_is_due(mono_add(t, -1), t));
	ck_assert_int_eq(mono_sub(t, mono_add(t, MONO_MS)), -MONO_MS);
}
END_TEST

START_TEST(sleep_is_what_the_one_clock_has_more)
{
	static const struct {
		const char *what;
		int64_t	    now_ms, awake_ms, slept_ms;
	} rows[] = {
		{ "the first call, after some days", 500000, 200000, 0 },
		{ "a second later", 501000, 201000, 0 },
		{ "read half a second apart", 502500, 202000, 0 },
		{ "and not", 503000, 203000, 0 },
		{ "the night passed", 30304000, 204000, 29800000 },
		{ "it is told once", 30305000, 205000, 0 },
		{ "naps add up", 30306600, 206000, 0 },
		{ "until they count", 30308200, 207000, 1200 },
		{ "the clocks read the other way round", 30308000, 207100, 0 },
		{ "a short one", 30310300, 208000, 1100 },
	};
	struct mono_sleep sleep = { 0 };

	for (size_t i = 0; i < nitems(rows); i++) {
		struct mono now = { rows[i].now_ms * MONO_MS };
		struct mono awake = { rows[i].awake_ms * MONO_MS };

		ck_assert_msg(mono_slept(&sleep, now, awake) ==
			rows[i].slept_ms * MONO_MS, "%s", rows[i].what);
	}
}
END_TEST

START_TEST(a_host_that_is_awake_has_not_slept)
{
	struct mono_sleep sleep = { 0 };

	for (int i = 0; i < 1000; i++)
		ck_assert_int_eq(mono_slept(&sleep, mono_now(), mono_awake()),
		    0);
}
END_TEST

UNIT_MAIN("mono", the_clock_goes_forward, due_is_when_the_time_is_reached,
    sleep_is_what_the_one_clock_has_more, a_host_that_is_awake_has_not_slept)
