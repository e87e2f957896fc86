/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "control/transport.h"

#include <string.h>

#include "unit.h"

#define EITHER CONF_TRANSPORT_AUTO
#define UDP  CONF_TRANSPORT_UDP
#define TCP  CONF_TRANSPORT_TCP
#define NONE CONF_TRANSPORTS

START_TEST(both_ends_must_fit)
{
	static const struct {
		enum conf_transport own, site, agreed;
	} rows[] = {
		{ EITHER, EITHER, EITHER }, { EITHER, UDP, UDP }, { EITHER, TCP, TCP },
		{ UDP, EITHER, UDP }, { UDP, UDP, UDP }, { UDP, TCP, NONE },
		{ TCP, EITHER, TCP }, { TCP, UDP, NONE }, { TCP, TCP, TCP },
	};

	for (size_t i = 0; i < nitems(rows); i++) {
		enum conf_transport agreed;
		char		    why[256] = "";
		bool ok = transport_agree(rows[i].own, rows[i].site, &agreed,
		    why, sizeof(why));

		ck_assert_int_eq(ok, rows[i].agreed != NONE);
		ck_assert_int_eq(strlen(why) > 0, !ok);
		if (ok) {
			ck_assert_int_eq(agreed, rows[i].agreed);
			ck_assert(transport_is_allowed(rows[i].site, agreed,
			    agreed == TCP ? 0 : 2));
		}
	}
}
END_TEST

START_TEST(a_client_takes_only_what_it_asked_for)
{
	ck_assert(!transport_is_allowed(UDP, EITHER, 2));
	ck_assert(!transport_is_allowed(UDP, TCP, 0));
	ck_assert(!transport_is_allowed(TCP, EITHER, 2));
	ck_assert(!transport_is_allowed(EITHER, TCP, 2));
	ck_assert(!transport_is_allowed(EITHER, UDP, 0));
	ck_assert(!transport_is_allowed(EITHER, EITHER, 0));
	ck_assert(transport_is_allowed(EITHER, UDP, 1));
}
END_TEST

START_TEST(what_lasts_is_told_once)
{
	struct transport_watch watch;
	struct mono	       now = { 50 * MONO_SEC };
	enum transport_news    first = TRANSPORT_NO_NEWS;
	unsigned	       told = 0, at = 0;

	transport_watch_start(&watch, now);
	for (unsigned i = 0; i < 100; i++) {
		enum transport_news news;

		now = mono_add(now, MONO_SEC);
		news = transport_watch_tick(&watch, true, now);
		if (news == TRANSPORT_NO_NEWS)
			continue;
		first = news;
		at = i;
		told++;
	}
	ck_assert_uint_eq(told, 1);
	ck_assert_uint_eq(at, 2);
	ck_assert_int_eq(first, TRANSPORT_BLOCKED);
	ck_assert_int_eq(transport_watch_tick(&watch, false, now),
	    TRANSPORT_NO_NEWS);
	now = mono_add(now, 2 * MONO_SEC);
	ck_assert_int_eq(transport_watch_tick(&watch, false, now),
	    TRANSPORT_THROUGH);
}
END_TEST

START_TEST(a_start_that_takes_a_second_is_no_news)
{
	struct transport_watch watch;
	struct mono	       now = { 0 };

	transport_watch_start(&watch, now);
	ck_assert_int_eq(transport_watch_tick(&watch, true, now),
	    TRANSPORT_NO_NEWS);
	transport_watch_up(&watch);
	for (unsigned i = 0; i < 100; i++) {
		now = mono_add(now, MONO_SEC);
		ck_assert_int_eq(transport_watch_tick(&watch, false, now),
		    TRANSPORT_NO_NEWS);
	}
}
END_TEST

/* Whoever can block UDP and let it pass again must not fill the log. */
START_TEST(a_line_that_flaps_does_not_fill_the_log)
{
	struct transport_watch watch;
	struct mono	       now = { 0 };
	unsigned	       told = 0;

	transport_watch_start(&watch, now);
	for (unsigned i = 0; i < 1000; i++) {
		now = mono_add(now, MONO_SEC);
		told += transport_watch_tick(&watch, i / 3 % 2 == 0, now) !=
		    TRANSPORT_NO_NEWS;
	}
	ck_assert_uint_ge(told, 2);
	ck_assert_uint_le(told, 101);
}
END_TEST

UNIT_MAIN("transport", both_ends_must_fit,
    a_client_takes_only_what_it_asked_for, what_lasts_is_told_once,
    a_start_that_takes_a_second_is_no_news,
    a_line_that_flaps_does_not_fill_the_log)
