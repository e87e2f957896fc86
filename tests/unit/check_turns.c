/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What strangers leave, and what the monitor and the keeper grant at all. */
#include "control/auth/turns.h"
#include "engine/ask/keeper_ask.h"
#include "proc/pam_chat.h"
#include "unit.h"

#define MINUTE 60000 /* ms */

static struct turns turns;

static struct mono
at(int64_t ms)
{
	return (struct mono) { 1000 * MONO_SEC + ms * MONO_MS };
}

START_TEST(strangers_who_ask_all_the_time_leave_known_sites_their_turn)
{
	turns = (struct turns) { 0 };
	for (int64_t ms = 0; ms < MINUTE; ms += 10) {
		while (turns_take_pam(&turns, false, 0, 0, at(ms)))
			;
		while (turns_take_tls_srp(&turns, false, at(ms)))
			;
		if (ms % 1000 != 0)
			continue;
		for (unsigned i = 0; i < 3; i++) {
			ck_assert(turns_take_pam(&turns, true, 8, 0, at(ms)));
			ck_assert(turns_take_tls_srp(&turns, true, at(ms)));
		}
	}
}
END_TEST

/* Or a crowd could have the monitor end the engine. */
START_TEST(both_together_stay_below_what_the_monitor_grants)
{
	struct bucket granted = { 0 };
	unsigned      n = 0;

	turns = (struct turns) { 0 };
	for (int64_t ms = 0; ms < MINUTE; ms += 10) {
		for (unsigned i = 0; i < 50; i++) {
			if (!turns_take_pam(&turns, i % 2 == 0, 0, 0, at(ms)))
				continue;
			n++;
			ck_assert_msg(bucket_take(&granted, PAM_CHAT_BURST,
			    MONO_SEC / PAM_CHAT_PER_SEC, at(ms)),
			    "number %u, after %d ms", n, (int)ms);
		}
	}
	ck_assert_uint_gt(n, 7 * 59);
}
END_TEST

START_TEST(strangers_at_tls_srp_stay_below_what_the_keeper_grants)
{
	struct bucket granted = { 0 };

	turns = (struct turns) { 0 };
	for (int64_t ms = 0; ms < MINUTE; ms += 10) {
		while (turns_take_tls_srp(&turns, false, at(ms)))
			ck_assert(bucket_take(&granted, REQUEST_TLS_SRP_BURST,
			    MONO_SEC / REQUEST_TLS_SRP_PER_SEC, at(ms)));
	}
	/* And something of it is left. */
	ck_assert(bucket_take(&granted, REQUEST_TLS_SRP_BURST,
	    MONO_SEC / REQUEST_TLS_SRP_PER_SEC, at(MINUTE)));
}
END_TEST

static const struct {
	const char *what;
	bool	    usual;
	unsigned    strangers, near;
	bool	    may;
} rows[] = {
	{ "the first of all",			false, 0, 0, true },
	{ "the last stranger",			false, 7, 0, true },
	{ "one stranger too many",		false, 8, 0, false },
	{ "the last of a network",		false, 3, 3, true },
	{ "a fifth of one network",		false, 4, 4, false },
	{ "a known one among strangers",	true, 8, 0, true },
	{ "a known one, from a strange crowd",	true, 8, 4, true },
	{ "a crowd where a site lives",		true, 0, 8, false },
};

START_TEST(conversations_are_few)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		turns = (struct turns) { 0 };
		ck_assert_msg(turns_take_pam(&turns, rows[i].usual,
		    rows[i].strangers, rows[i].near, at(0)) == rows[i].may,
		    "%s", rows[i].what);
	}
}
END_TEST

UNIT_MAIN("turns", strangers_who_ask_all_the_time_leave_known_sites_their_turn,
    both_together_stay_below_what_the_monitor_grants,
    strangers_at_tls_srp_stay_below_what_the_keeper_grants,
    conversations_are_few)
