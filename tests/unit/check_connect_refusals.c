/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "control/reach/connect_refusals.h"

#include <errno.h>

#include "unit.h"

static struct connect_refusals refusals;

static struct endpoint
at(const char *text)
{
	struct addr addr;

	ck_assert(addr_parse(&addr, text));
	return endpoint_make(&addr, 55555);
}

static void
note(const char *whose, int error, int64_t ms)
{
	struct endpoint ep = at(whose);

	connect_refusals_note(&refusals, &ep, error,
	    (struct mono) { ms * MONO_MS });
}

static void
begin(void)
{
	struct endpoint ep = at("192.0.2.1");

	connect_refusals_begin(&refusals, &ep);
}

START_TEST(those_that_last_say_that_it_has_ended)
{
	begin();
	for (int64_t ms = 1000; ms < 5000; ms += 1000) {
		note("192.0.2.1", ECONNREFUSED, ms);
		ck_assert(!connect_refusals_last(&refusals));
	}
	note("192.0.2.1", ECONNREFUSED, 5000);
	ck_assert(connect_refusals_last(&refusals));
	/* It listens again. */
	note("192.0.2.1", 0, 6000);
	ck_assert(!connect_refusals_last(&refusals));
	/* The next time begins at nothing. */
	note("192.0.2.1", ECONNREFUSED, 7000);
	begin();
	note("192.0.2.1", ECONNREFUSED, 12000);
	note("192.0.2.1", ECONNREFUSED, 12001);
	note("192.0.2.1", ECONNREFUSED, 12002);
	ck_assert(!connect_refusals_last(&refusals));
}
END_TEST

START_TEST(a_few_are_not_enough_however_late)
{
	begin();
	note("192.0.2.1", ECONNREFUSED, 1000);
	note("192.0.2.1", ECONNREFUSED, 60000);
	ck_assert(!connect_refusals_last(&refusals));
}
END_TEST

START_TEST(anything_else_from_there_begins_anew)
{
	static const int others[] = { 0, ETIMEDOUT, EHOSTUNREACH, ENETUNREACH };

	for (size_t i = 0; i < nitems(others); i++) {
		begin();
		note("192.0.2.1", ECONNREFUSED, 1000);
		note("192.0.2.1", ECONNREFUSED, 2000);
		note("192.0.2.1", others[i], 3000);
		note("192.0.2.1", ECONNREFUSED, 4000);
		note("192.0.2.1", ECONNREFUSED, 5000);
		note("192.0.2.1", ECONNREFUSED, 6000);
		ck_assert(!connect_refusals_last(&refusals));
		note("192.0.2.1", ECONNREFUSED, 8000);
		ck_assert(connect_refusals_last(&refusals));
	}
}
END_TEST

START_TEST(others_do_not_count)
{
	begin();
	for (int64_t ms = 0; ms < 10000; ms += 1000)
		note("192.0.2.2", ECONNREFUSED, ms);
	ck_assert(!connect_refusals_last(&refusals));
	for (int64_t ms = 0; ms < 10000; ms += 1000) {
		note("192.0.2.1", ECONNREFUSED, ms);
		note("192.0.2.2", EHOSTUNREACH, ms);
	}
	ck_assert(connect_refusals_last(&refusals));
	refusals = (struct connect_refusals) { .n = 0 };
	for (int64_t ms = 0; ms < 10000; ms += 1000)
		note("192.0.2.1", ECONNREFUSED, ms);
	ck_assert(!connect_refusals_last(&refusals));
}
END_TEST

UNIT_MAIN("refusals", those_that_last_say_that_it_has_ended,
    a_few_are_not_enough_however_late, anything_else_from_there_begins_anew,
    others_do_not_count)
