/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who may have what, in any second one likes, and what known sites keep. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "control/auth/admission.h"
#include "engine/ask/keeper_ask.h"
#include "proc/pam_chat.h"
#include "unit.h"

#define MINUTE 60000 /* ms */

static struct admission admission;

static struct mono
at_ms(int64_t ms)
{
	return (struct mono) { 5000 * MONO_SEC + ms * MONO_MS };
}

static struct mono
at(int64_t sec)
{
	return at_ms(sec * 1000);
}

static void
begin(void)
{
	admission_init(&admission, at(0));
	/* Networks must not share a bucket by chance. */
	admission.seed = 7;
}

static struct applicant
from(const char *address, bool known)
{
	struct applicant applicant = { .from_known_address = known };

	ck_assert(addr_parse(&applicant.from, address));
	applicant.network = addr_network(&applicant.from);
	return applicant;
}

/* ---- attempts ---- */

/* How long it must wait; if 0, it is charged. */
static int
try_as(const char *site, const char *address, bool known, int64_t sec)
{
	struct applicant applicant = from(address, known);

	return admission_attempt(&admission, &applicant, site,
	    ADMISSION_KEEPER, 0, at(sec));
}

static int
try(const char *site, const char *address, int64_t sec)
{
	return try_as(site, address, false, sec);
}

/* So many times, each as soon as it may; the time of the last. */
static int64_t
try_often(const char *site, const char *address, unsigned times, int64_t sec)
{
	int wait;

	for (unsigned i = 0; i < times; i++) {
		sec += (wait = try(site, address, sec));
		if (wait > 0)
			ck_assert_int_eq(try(site, address, sec), 0);
	}
	return sec;
}

/* Tries as often as it may for so long; gives how many tries that were. */
static unsigned
hammer(const char *site, const char *address, int64_t begin, int64_t sec)
{
	unsigned n = 0;

	for (int64_t t = begin; t < begin + sec;) {
		int wait = try(site, address, t);

		t += wait;
		n += wait == 0;
	}
	return n;
}

START_TEST(a_few_are_free_then_each_doubles)
{
	static const int right[] = { 0, 0, 0, 0, 0, 1, 2, 4, 8, 16, 32, 64, 128,
		256, 300, 300 };
	int64_t sec = 0;

	begin();
	for (size_t i = 0; i < nitems(right); i++) {
		ck_assert_int_eq(try("berlin", "192.0.2.1", sec), 0);
		if (right[i] == 0)
			continue;
		ck_assert_int_eq(try("berlin", "192.0.2.1", sec), right[i]);
		sec += right[i];
		if (right[i] > 1)
			ck_assert_int_eq(try("berlin", "192.0.2.1", sec - 1),
			    1);
	}
}
END_TEST

START_TEST(one_who_hammers_gets_a_dozen_a_minute_then_one_in_five)
{
	unsigned n;

	begin();
	n = hammer("berlin", "192.0.2.1", 0, 60);
	ck_assert_uint_ge(n, 8);
	ck_assert_uint_le(n, 12);
	n = hammer("berlin", "192.0.2.1", 1000, 3600);
	ck_assert_uint_le(n, 20);
}
END_TEST

START_TEST(others_are_not_slowed)
{
	begin();
	hammer("berlin", "192.0.2.1", 0, 60);
	ck_assert_int_eq(try("berlin", "192.0.2.2", 60), 0);
	ck_assert_int_eq(try("paris", "192.0.2.1", 60), 0);
	ck_assert_int_eq(try("berlin", "2001:db8::1", 60), 0);
}
END_TEST

START_TEST(many_names_from_one_network_are_slowed)
{
	char	site[16];
	int64_t sec = 0;

	begin();
	for (unsigned i = 0; i <= 20; i++) {
		snprintf(site, sizeof(site), "site%u", i);
		ck_assert_int_eq(try(site, "192.0.2.1", 0), 0);
	}
	ck_assert_int_eq(try("another", "192.0.2.1", 0), 1);
	ck_assert_int_eq(try("another", "192.0.2.2", 0), 0);
	/* Who is known there does not pay for its neighbours. */
	ck_assert_int_eq(try_as("another", "192.0.2.1", true, 0), 0);
	/* Nor is it quicker than one name in the end. */
	for (unsigned i = 22; i < 34; i++) {
		snprintf(site, sizeof(site), "site%u", i);
		sec = try_often(site, "192.0.2.1", 1, sec);
	}
	ck_assert_int_eq(try("yet another", "192.0.2.1", sec), 300);
}
END_TEST

START_TEST(the_longest_delay_counts)
{
	char	site[16];
	int64_t sec;

	begin();
	sec = try_often("berlin", "192.0.2.1", 9, 0);
	for (unsigned i = 9; i <= 20; i++) {
		snprintf(site, sizeof(site), "site%u", i);
		ck_assert_int_eq(try(site, "192.0.2.1", sec), 0);
	}
	ck_assert_int_eq(try("another", "192.0.2.1", sec), 1);
	ck_assert_int_eq(try("berlin", "192.0.2.1", sec), 8);
}
END_TEST

START_TEST(many_networks_at_one_name_slow_all_but_the_known_one)
{
	char	address[20];
	int64_t sec = 0;

	begin();
	for (unsigned i = 0; i < 80; i++) {
		snprintf(address, sizeof(address), "192.0.2.%u", i);
		if (i <= 50)
			ck_assert_int_eq(try("berlin", address, 0), 0);
		else
			sec = try_often("berlin", address, 1, sec);
		if (i == 50)
			ck_assert_int_eq(try("berlin", "198.51.100.1", 0), 1);
	}
	ck_assert_int_eq(try("berlin", "198.51.100.1", sec), 30);
	ck_assert_int_eq(try_as("berlin", "198.51.100.1", true, sec), 0);
	ck_assert_int_eq(try("paris", "198.51.100.1", sec), 0);
}
END_TEST

/* Or whoever shares it could guess without end. */
START_TEST(guesses_from_the_known_address_still_count)
{
	int64_t sec;

	begin();
	sec = try_often("berlin", "192.0.2.1", 8, 0);
	ck_assert_int_eq(try_as("berlin", "192.0.2.1", true, sec), 4);
}
END_TEST

START_TEST(an_ipv6_network_is_a_64)
{
	char address[40];

	begin();
	for (unsigned i = 0; i < 6; i++) {
		snprintf(address, sizeof(address), "2001:db8:0:1::%u", i);
		ck_assert_int_eq(try("berlin", address, 0), 0);
	}
	ck_assert_int_eq(try("berlin", "2001:db8:0:1:ffff::9", 0), 1);
	ck_assert_int_eq(try("berlin", "2001:db8:0:2::1", 0), 0);
}
END_TEST

START_TEST(what_is_undone_leaves_earlier_guesses)
{
	struct applicant applicant = from("192.0.2.1", false);
	int64_t		 sec;

	begin();
	sec = try_often("berlin", "192.0.2.1", 8, 0);
	for (unsigned i = 0; i < 1000; i++) {
		sec = try_often("berlin", "192.0.2.1", 1, sec);
		admission_undo(&admission, &applicant, "berlin", at(sec));
	}
	ck_assert_int_eq(try("berlin", "192.0.2.1", sec), 8);
	admission_undo(&admission, &applicant, "nobody", at(sec));

	begin();
	for (unsigned i = 0; i < 1000; i++) {
		ck_assert_int_eq(try("berlin", "192.0.2.1", 0), 0);
		admission_undo(&admission, &applicant, "berlin", at(0));
		admission_undo(&admission, &applicant, "berlin", at(0));
	}
	ck_assert_int_eq(try("berlin", "192.0.2.1", 0), 0);
}
END_TEST

START_TEST(success_forgives)
{
	struct applicant applicant = from("192.0.2.1", false);
	int64_t		 sec;

	begin();
	sec = try_often("berlin", "192.0.2.1", 9, 0);
	ck_assert_int_eq(try("berlin", "192.0.2.1", sec), 8);
	admission_forgive(&admission, &applicant, "berlin", at(sec + 1));
	for (unsigned i = 0; i <= ADMISSION_FREE; i++)
		ck_assert_int_eq(try("berlin", "192.0.2.1", sec + 1), 0);
	/* A site that comes and goes every second never waits. */
	applicant = from("192.0.2.9", false);
	for (int64_t i = 0; i < 1000; i++) {
		ck_assert_int_eq(try("paris", "192.0.2.9", i), 0);
		admission_forgive(&admission, &applicant, "paris", at(i));
	}
}
END_TEST

/* Who has one password cannot buy guesses at others by it. */
START_TEST(success_forgives_nothing_of_other_sites)
{
	struct applicant applicant = from("192.0.2.1", false);
	char		 site[16];

	begin();
	for (unsigned i = 0; i < 20; i++) {
		snprintf(site, sizeof(site), "site%u", i);
		ck_assert_int_eq(try(site, "192.0.2.1", 0), 0);
	}
	ck_assert_int_eq(try("mine", "192.0.2.1", 0), 0);
	ck_assert_int_eq(try("mine", "192.0.2.1", 0), 1);
	admission_forgive(&admission, &applicant, "mine", at(0));
	ck_assert_int_eq(try("another", "192.0.2.1", 0), 0);
	ck_assert_int_eq(try("yet another", "192.0.2.1", 0), 1);
}
END_TEST

START_TEST(quiet_time_is_forgotten)
{
	int64_t sec;

	begin();
	sec = try_often("berlin", "192.0.2.1", 8, 0) + 4;
	/* One in five minutes; then it begins anew. */
	ck_assert_int_eq(try("berlin", "192.0.2.1", sec + 2 * 300), 0);
	ck_assert_int_eq(try("berlin", "192.0.2.1", sec + 2 * 300), 2);
	begin();
	try_often("berlin", "192.0.2.1", 8, 0);
	for (unsigned i = 0; i <= ADMISSION_FREE; i++)
		ck_assert_int_eq(try("berlin", "192.0.2.1", 3000), 0);
}
END_TEST

START_TEST(who_hammers_is_not_forgotten_for_a_crowd)
{
	char	address[40], site[16];
	int64_t sec;

	begin();
	sec = try_often("berlin", "192.0.2.1", 14, 0);
	for (unsigned i = 0; i < 3 * ADMISSION_SCORES; i++) {
		snprintf(address, sizeof(address), "10.%u.%u.%u", i >> 16,
		    i >> 8 & 255, i & 255);
		snprintf(site, sizeof(site), "s%u", i);
		ck_assert_int_eq(try(site, address, sec), 0);
	}
	ck_assert_int_eq(try("berlin", "192.0.2.1", sec), 256);
}
END_TEST

START_TEST(the_list_has_the_longest_first)
{
	struct admission_row rows[4];
	int64_t		     sec, later;

	begin();
	ck_assert_uint_eq(admission_list(&admission, rows, 4, at(0)), 0);
	sec = try_often("paris", "192.0.2.2", 9, 0);
	later = try_often("berlin", "192.0.2.1", 7, sec - 1);
	ck_assert_int_eq(later, sec);
	try_often("oslo", "192.0.2.3", 6, sec);
	ck_assert_uint_eq(admission_list(&admission, rows, 4, at(sec)), 3);
	ck_assert_str_eq(rows[0].score->site, "paris");
	ck_assert_uint_eq(rows[0].wait_sec, 8);
	ck_assert_uint_eq(rows[0].attempts, 9);
	ck_assert_str_eq(rows[1].score->site, "berlin");
	ck_assert_str_eq(rows[2].score->site, "oslo");
	ck_assert_uint_eq(admission_list(&admission, rows, 2, at(sec)), 2);
	ck_assert_str_eq(rows[0].score->site, "paris");
	ck_assert_str_eq(rows[1].score->site, "berlin");
	ck_assert_uint_eq(admission_list(&admission, rows, 4, at(sec + 8)), 0);
}
END_TEST

/* ---- quotas ---- */

/* An attempt by somebody who was never heard of, so no score counts. */
static bool
may(enum admission_need need, bool known, unsigned keeper_asks, int64_t ms)
{
	static unsigned	 n;
	struct applicant applicant = from("10.0.0.0", known);
	char		 site[16];

	n++;
	memcpy(&applicant.from.bytes[1], &(uint8_t[]) { (uint8_t)(n >> 16),
	    (uint8_t)(n >> 8), (uint8_t)n }, 3);
	applicant.network = applicant.from;
	snprintf(site, sizeof(site), "n%u", n);
	return admission_attempt(&admission, &applicant, site, need,
	    keeper_asks, at_ms(ms)) == 0;
}

START_TEST(unknown_clients_leave_some_of_the_keepers_time)
{
	begin();
	ck_assert(may(ADMISSION_KEEPER, false, KEEPER_ASK_MAX - 33, 0));
	ck_assert(!may(ADMISSION_KEEPER, false, KEEPER_ASK_MAX - 32, 0));
	ck_assert(may(ADMISSION_KEEPER, true, KEEPER_ASK_MAX - 1, 0));
	ck_assert(may(ADMISSION_NOTHING, false, KEEPER_ASK_MAX, 0));
}
END_TEST

/* Nor does it take anybody's place in the table. */
START_TEST(without_room_nothing_is_charged)
{
	static struct admission before;
	struct applicant	applicant = from("192.0.2.1", false);

	begin();
	for (unsigned i = 0; i < ADMISSION_SCORES; i++)
		ck_assert(may(ADMISSION_KEEPER, false, 0, 0));
	before = admission;
	for (unsigned i = 0; i < 100; i++)
		ck_assert_int_eq(admission_attempt(&admission, &applicant,
		    "berlin", ADMISSION_KEEPER, KEEPER_ASK_MAX, at(0)),
		    -EAGAIN);
	ck_assert_mem_eq(&admission, &before, sizeof(before));
	ck_assert_int_eq(try("berlin", "192.0.2.1", 0), 0);
}
END_TEST

/* And who must wait takes nothing of what is scarce. */
START_TEST(the_score_comes_first)
{
	struct applicant applicant = from("192.0.2.1", false);
	int64_t		 sec;

	begin();
	sec = try_often("berlin", "192.0.2.1", 6, 0);
	for (unsigned i = 0; i < 100; i++)
		ck_assert_int_eq(admission_attempt(&admission, &applicant,
		    "berlin", ADMISSION_PAM, 0, at(sec)), 1);
	ck_assert(may(ADMISSION_PAM, false, 0, sec * 1000));
}
END_TEST

START_TEST(unknown_clients_who_ask_all_the_time_leave_known_sites_their_share)
{
	begin();
	for (int64_t ms = 0; ms < MINUTE; ms += 10) {
		while (may(ADMISSION_PAM, false, 0, ms))
			;
		while (may(ADMISSION_TLS_SRP, false, 0, ms))
			;
		if (ms % 1000 != 0)
			continue;
		for (unsigned i = 0; i < 3; i++) {
			ck_assert(may(ADMISSION_PAM, true, 0, ms));
			ck_assert(may(ADMISSION_TLS_SRP, true, 0, ms));
		}
	}
}
END_TEST

/* Or a crowd could have the monitor end the engine. */
START_TEST(both_together_stay_below_what_the_monitor_grants)
{
	struct bucket granted = { 0 };
	unsigned      n = 0;

	begin();
	for (int64_t ms = 0; ms < MINUTE; ms += 10) {
		for (unsigned i = 0; i < 50; i++) {
			if (!may(ADMISSION_PAM, i % 2 == 0, 0, ms))
				continue;
			n++;
			ck_assert_msg(bucket_take(&granted, PAM_CHAT_BURST,
			    MONO_SEC / PAM_CHAT_PER_SEC, at_ms(ms)),
			    "number %u, after %d ms", n, (int)ms);
		}
	}
	ck_assert_uint_gt(n, 7 * 59);
}
END_TEST

START_TEST(unknown_clients_at_tls_srp_stay_below_what_the_keeper_grants)
{
	struct bucket granted = { 0 };

	begin();
	for (int64_t ms = 0; ms < MINUTE; ms += 10) {
		while (may(ADMISSION_TLS_SRP, false, 0, ms))
			ck_assert(bucket_take(&granted, REQUEST_TLS_SRP_BURST,
			    MONO_SEC / REQUEST_TLS_SRP_PER_SEC, at_ms(ms)));
	}
	/* And something of it is left. */
	ck_assert(bucket_take(&granted, REQUEST_TLS_SRP_BURST,
	    MONO_SEC / REQUEST_TLS_SRP_PER_SEC, at_ms(MINUTE)));
}
END_TEST

static const struct {
	const char *what;
	bool	    known;
	unsigned    unknown, near, all; /* who have helpers; of its network */
	bool	    may;
} helpers[] = {
	{ "the first of all",			false, 0, 0, 0, true },
	{ "the last unknown one",		false, 7, 0, 7, true },
	{ "one unknown one too many",		false, 8, 0, 8, false },
	{ "an unknown one among known ones",	false, 0, 0, 9, true },
	{ "the last of a network",		false, 3, 3, 3, true },
	{ "a fifth of one network",		false, 4, 4, 4, false },
	{ "a known one among unknown ones",	true, 8, 0, 8, true },
	{ "a known one, from a crowd's network", true, 8, 4, 8, true },
	{ "the last at a known address",	true, 0, 7, 7, true },
	{ "a crowd at a known address",		true, 0, 8, 8, false },
};

START_TEST(helpers_are_few)
{
	for (size_t i = 0; i < nitems(helpers); i++) {
		struct applicant crowd[20], one;
		char		 address[20];

		begin();
		for (unsigned j = 0; j < nitems(crowd); j++) {
			bool has = j < helpers[i].all;

			/* Those who have none do not count, wherever. */
			snprintf(address, sizeof(address), "198.51.100.%u", j);
			crowd[j] = from(has && j >= helpers[i].near ? address :
				"192.0.2.1", has && j >= helpers[i].unknown);
			crowd[j].has_helper = has;
			admission_arrive(&admission, &crowd[j], &crowd[j].from);
		}
		one = from("192.0.2.1", helpers[i].known);
		ck_assert_msg((admission_attempt(&admission, &one, "berlin",
		    ADMISSION_PAM, 0, at(0)) == 0) == helpers[i].may, "%s",
		    helpers[i].what);
	}
}
END_TEST

/* ---- whom another connection evicts ---- */

/* From a known address: has not said hello; the keeper works for it. */
#define KNOWN	   (APPLICANT_DONE + 1)
#define WORKED_FOR (APPLICANT_DONE + 2)

static const struct {
	const char *what;
	struct {
		const char *from;
		unsigned    state;
	} crowd[5]; /* the oldest first */
	int  victim; /* -1: none */
	bool for_known;
} evictions[] = {
	{ "nobody is there", { { NULL, 0 } }, -1, false },
	{ "the oldest of equals", { { "192.0.2.1", APPLICANT_NEW },
	    { "192.0.2.2", APPLICANT_NEW }, { "192.0.2.3", APPLICANT_NEW } },
	    0, false },
	{ "before hello", { { "192.0.2.1", APPLICANT_ASKED },
	    { "192.0.2.1", APPLICANT_PROOF }, { "192.0.2.1", APPLICANT_NEW },
	    { "192.0.2.1", APPLICANT_NEW } }, 2, false },
	{ "then after it", { { "192.0.2.1", APPLICANT_ASKED },
	    { "192.0.2.1", APPLICANT_PROOF } }, 0, false },
	{ "whose proof is due", { { "192.0.2.1", APPLICANT_PROOF } }, 0, false },
	{ "the larger crowd, whatever it said", { { "192.0.2.1", APPLICANT_NEW },
	    { "192.0.2.2", APPLICANT_ASKED },
	    { "192.0.2.2", APPLICANT_ASKED } }, 1, false },
	{ "an IPv6 network is a /64", { { "192.0.2.1", APPLICANT_NEW },
	    { "2001:db8::1", APPLICANT_NEW },
	    { "2001:db8::2:0:0:1", APPLICANT_NEW } }, 1, false },
	{ "not where a site lives", { { "192.0.2.1", KNOWN },
	    { "192.0.2.1", KNOWN }, { "192.0.2.2", APPLICANT_ASKED } }, 2, false },
	{ "but that last of all", { { "192.0.2.1", KNOWN },
	    { "192.0.2.1", APPLICANT_LOOKING } }, 0, false },
	{ "nobody who is worked for", { { "192.0.2.1", APPLICANT_LOOKING },
	    { "192.0.2.1", APPLICANT_DONE } }, -1, false },
	{ "but for a known address", { { "192.0.2.1", APPLICANT_DONE },
	    { "192.0.2.1", APPLICANT_LOOKING },
	    { "192.0.2.1", APPLICANT_LOOKING } }, 1, true },
	{ "and not one from there", { { "192.0.2.1", WORKED_FOR } }, -1, true },
	{ "rather who waits", { { "192.0.2.1", APPLICANT_LOOKING },
	    { "192.0.2.2", APPLICANT_ASKED } }, 1, true },
	{ "who is known waits no less", { { "192.0.2.1", KNOWN },
	    { "192.0.2.2", APPLICANT_LOOKING } }, 1, true },
	{ "who is worked for is no crowd", { { "192.0.2.1", APPLICANT_NEW },
	    { "192.0.2.2", APPLICANT_NEW },
	    { "192.0.2.2", APPLICANT_LOOKING } }, 0, false },
};

START_TEST(the_largest_crowd_loses_its_oldest)
{
	for (size_t i = 0; i < nitems(evictions); i++) {
		struct applicant crowd[5], *victim;

		begin();
		for (unsigned j = 0; j < 5 && evictions[i].crowd[j].from != NULL;
		     j++) {
			unsigned state = evictions[i].crowd[j].state;

			crowd[j] = from(evictions[i].crowd[j].from, false);
			crowd[j].from_any_known_address = state >= KNOWN;
			crowd[j].state = state == KNOWN ? APPLICANT_NEW :
			    state == WORKED_FOR ? APPLICANT_LOOKING : state;
			admission_arrive(&admission, &crowd[j], &crowd[j].from);
		}
		victim = admission_evict(&admission, evictions[i].for_known);
		ck_assert_msg(victim == (evictions[i].victim < 0 ? NULL :
			&crowd[evictions[i].victim]), "%s", evictions[i].what);
	}
}
END_TEST

START_TEST(who_has_left_is_not_evicted)
{
	struct applicant a = from("192.0.2.1", false), b = a;

	begin();
	admission_arrive(&admission, &a, &a.from);
	admission_arrive(&admission, &b, &b.from);
	admission_leave(&a);
	ck_assert_ptr_eq(admission_evict(&admission, false), &b);
	admission_leave(&b);
	ck_assert_ptr_null(admission_evict(&admission, false));
}
END_TEST

/* ---- the grace time ---- */

START_TEST(it_is_there_at_the_start_and_ends)
{
	begin();
	ck_assert(admission_has_grace(&admission, at_ms(0)));
	ck_assert(admission_has_grace(&admission, at_ms(2999)));
	ck_assert(!admission_has_grace(&admission, at_ms(3000)));
}
END_TEST

/* A thousand in ten seconds: never without. */
START_TEST(while_sites_come_in_it_lasts)
{
	int64_t ms = 0;

	begin();
	for (int i = 0; i < 1000; i++) {
		struct mono next = { 0 };

		ms += i % 20 == 0 ? 200 : 0; /* they come in bursts */
		ck_assert(admission_has_grace(&admission, at_ms(ms)));
		admission_came_in(&admission, &next, at_ms(ms));
	}
	ck_assert(admission_has_grace(&admission, at_ms(ms + 499)));
	ck_assert(!admission_has_grace(&admission, at_ms(ms + 501)));
}
END_TEST

/* The first ones that come in take nothing of what there was to begin with. */
START_TEST(what_there_was_at_the_start_is_not_cut)
{
	struct mono next = { 0 };

	begin();
	admission_came_in(&admission, &next, at_ms(100));
	ck_assert(admission_has_grace(&admission, at_ms(2999)));
}
END_TEST

START_TEST(one_site_cannot_prolong_it_again_and_again)
{
	struct mono next = { 0 };

	begin();
	admission_came_in(&admission, &next, at_ms(10000));
	ck_assert(admission_has_grace(&admission, at_ms(10049)));
	ck_assert(!admission_has_grace(&admission, at_ms(10050)));
	for (int i = 0; i < 500; i++) {
		admission_came_in(&admission, &next, at_ms(10050 + i * 100));
		ck_assert(!admission_has_grace(&admission,
		    at_ms(10050 + i * 100)));
	}
	admission_came_in(&admission, &next, at_ms(10000 + MINUTE));
	ck_assert(admission_has_grace(&admission, at_ms(10000 + MINUTE + 49)));
}
END_TEST

UNIT_MAIN("admission", a_few_are_free_then_each_doubles,
    one_who_hammers_gets_a_dozen_a_minute_then_one_in_five,
    others_are_not_slowed, many_names_from_one_network_are_slowed,
    the_longest_delay_counts,
    many_networks_at_one_name_slow_all_but_the_known_one,
    guesses_from_the_known_address_still_count, an_ipv6_network_is_a_64,
    what_is_undone_leaves_earlier_guesses, success_forgives,
    success_forgives_nothing_of_other_sites, quiet_time_is_forgotten,
    who_hammers_is_not_forgotten_for_a_crowd, the_list_has_the_longest_first,
    unknown_clients_leave_some_of_the_keepers_time,
    without_room_nothing_is_charged, the_score_comes_first,
    unknown_clients_who_ask_all_the_time_leave_known_sites_their_share,
    both_together_stay_below_what_the_monitor_grants,
    unknown_clients_at_tls_srp_stay_below_what_the_keeper_grants,
    helpers_are_few, the_largest_crowd_loses_its_oldest,
    who_has_left_is_not_evicted, it_is_there_at_the_start_and_ends,
    while_sites_come_in_it_lasts, what_there_was_at_the_start_is_not_cut,
    one_site_cannot_prolong_it_again_and_again)
