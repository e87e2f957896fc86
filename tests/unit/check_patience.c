/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "control/auth/patience.h"

#include "unit.h"

static struct mono
at_ms(int64_t ms)
{
	return (struct mono) { 5000 * MONO_SEC + ms * MONO_SEC / 1000 };
}

START_TEST(it_is_there_at_the_start_and_ends)
{
	struct patience patience;

	patience_start(&patience, at_ms(0));
	ck_assert(patience_has(&patience, at_ms(0)));
	ck_assert(patience_has(&patience, at_ms(2999)));
	ck_assert(!patience_has(&patience, at_ms(3000)));
}
END_TEST

/* A thousand in ten seconds: never without. */
START_TEST(while_sites_come_in_it_lasts)
{
	struct patience patience;
	int64_t		ms = 0;

	patience_start(&patience, at_ms(0));
	for (int i = 0; i < 1000; i++) {
		struct mono next = { 0 };

		ms += i % 20 == 0 ? 200 : 0; /* they come in bursts */
		ck_assert(patience_has(&patience, at_ms(ms)));
		patience_came_in(&patience, &next, at_ms(ms));
	}
	ck_assert(patience_has(&patience, at_ms(ms + 499)));
	ck_assert(!patience_has(&patience, at_ms(ms + 501)));
}
END_TEST

/* The first ones that come in take nothing of what there was to begin with. */
START_TEST(what_there_was_at_the_start_is_not_cut)
{
	struct patience patience;
	struct mono	next = { 0 };

	patience_start(&patience, at_ms(0));
	patience_came_in(&patience, &next, at_ms(100));
	ck_assert(patience_has(&patience, at_ms(2999)));
}
END_TEST

START_TEST(one_site_cannot_buy_it_again_and_again)
{
	struct patience patience;
	struct mono	next = { 0 };

	patience_start(&patience, at_ms(0));
	patience_came_in(&patience, &next, at_ms(10000));
	ck_assert(patience_has(&patience, at_ms(10049)));
	ck_assert(!patience_has(&patience, at_ms(10050)));
	for (int i = 0; i < 500; i++) {
		patience_came_in(&patience, &next, at_ms(10050 + i * 100));
		ck_assert(!patience_has(&patience, at_ms(10050 + i * 100)));
	}
	patience_came_in(&patience, &next, at_ms(10000 + 60000));
	ck_assert(patience_has(&patience, at_ms(10000 + 60049)));
}
END_TEST

UNIT_MAIN("patience", it_is_there_at_the_start_and_ends,
    while_sites_come_in_it_lasts, what_there_was_at_the_start_is_not_cut,
    one_site_cannot_buy_it_again_and_again)
