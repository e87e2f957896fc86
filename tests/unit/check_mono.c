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

UNIT_MAIN("mono", the_clock_goes_forward, due_is_when_the_time_is_reached)
