/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "control/reach/retry_pause.h"

#include "unit.h"

START_TEST(pauses_grow_to_half_a_minute)
{
	struct retry_pause pause = { 0 };
	double		   whole = 1;

	retry_pause_reset(&pause);
	for (int i = 0; i < 40; i++) {
		double sec = retry_pause_next(&pause);

		ck_assert_msg(sec >= whole / 2 && sec <= whole, "%d: %f", i,
		    sec);
		ck_assert(!pause.is_asked);
		whole = whole * 1.25 < 30 ? whole * 1.25 : 30;
	}
	ck_assert(whole == 30);
	retry_pause_reset(&pause);
	ck_assert(retry_pause_next(&pause) <= 1);
}
END_TEST

START_TEST(a_hub_may_ask_for_more_but_not_for_a_day)
{
	struct retry_pause pause = { 0 };

	retry_pause_reset(&pause);
	for (int i = 0; i < 40; i++) {
		double sec;

		retry_pause_ask(&pause, 60);
		sec = retry_pause_next(&pause);
		ck_assert(pause.is_asked && sec >= 60 && sec <= 75);
	}
	retry_pause_ask(&pause, 86400);
	ck_assert(retry_pause_next(&pause) <= 750);
	/* It holds once; and less than our own is no more. */
	ck_assert(retry_pause_next(&pause) <= 30);
	ck_assert(!pause.is_asked);
	retry_pause_ask(&pause, 2);
	ck_assert(retry_pause_next(&pause) >= 15);
}
END_TEST

UNIT_MAIN("retry_pause", pauses_grow_to_half_a_minute,
    a_hub_may_ask_for_more_but_not_for_a_day)
