/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who must wait how long; in any second one likes. */
#include <stdio.h>
#include <string.h>

#include "control/auth/throttle.h"
#include "unit.h"

static struct throttle *throttle;

static struct mono
at(int64_t sec)
{
	return (struct mono) { (1000 + sec) * MONO_SEC };
}

static struct addr
from(const char *text)
{
	struct addr addr;

	ck_assert(addr_parse(&addr, text));
	return addr;
}

static unsigned
wait_of(const char *site, const char *address, bool usual, int64_t sec)
{
	struct addr addr = from(address);

	return throttle_wait(throttle, site, &addr, usual, at(sec));
}

static void
charge(const char *site, const char *address, int64_t sec)
{
	struct addr addr = from(address);

	throttle_charge(throttle, site, &addr, at(sec));
}

/* Tries as often as it may for so long; gives how many tries that were. */
static unsigned
hammer(const char *site, const char *address, int64_t begin, int64_t sec)
{
	unsigned n = 0;

	for (int64_t t = begin; t < begin + sec;) {
		unsigned wait = wait_of(site, address, false, t);

		if (wait > 0) {
			t += wait;
			continue;
		}
		charge(site, address, t);
		n++;
	}
	return n;
}

START_TEST(a_few_are_free_then_each_doubles)
{
	unsigned right[] = { 0, 0, 0, 0, 0, 1, 2, 4, 8, 16, 32, 64, 128, 256,
		300, 300 };

	throttle = throttle_new();
	for (size_t i = 0; i < nitems(right); i++) {
		charge("berlin", "192.0.2.1", 0);
		if (i < 15)
			ck_assert_uint_eq(wait_of("berlin", "192.0.2.1", false,
					      0), right[i]);
	}
	ck_assert_uint_eq(wait_of("berlin", "192.0.2.1", false, 299), 1);
	ck_assert_uint_eq(wait_of("berlin", "192.0.2.1", false, 300), 0);
	throttle_free(throttle);
}
END_TEST

START_TEST(one_who_hammers_gets_a_dozen_a_minute_then_one_in_five)
{
	unsigned n;

	throttle = throttle_new();
	n = hammer("berlin", "192.0.2.1", 0, 60);
	ck_assert_uint_ge(n, 8);
	ck_assert_uint_le(n, 12);
	n = hammer("berlin", "192.0.2.1", 1000, 3600);
	ck_assert_uint_le(n, 20);
	throttle_free(throttle);
}
END_TEST

START_TEST(others_are_not_slowed)
{
	throttle = throttle_new();
	hammer("berlin", "192.0.2.1", 0, 60);
	ck_assert_uint_eq(wait_of("berlin", "192.0.2.2", false, 60), 0);
	ck_assert_uint_eq(wait_of("paris", "192.0.2.1", false, 60), 0);
	ck_assert_uint_eq(wait_of("berlin", "2001:db8::1", false, 60), 0);
	throttle_free(throttle);
}
END_TEST

START_TEST(many_names_from_one_network_are_slowed)
{
	char site[16];

	throttle = throttle_new();
	for (unsigned i = 0; i < 25; i++) {
		snprintf(site, sizeof(site), "site%u", i);
		charge(site, "192.0.2.1", 0);
	}
	ck_assert_uint_gt(wait_of("another", "192.0.2.1", false, 0), 0);
	ck_assert_uint_eq(wait_of("another", "192.0.2.2", false, 0), 0);
	/* Who lives there does not pay for its neighbours. */
	ck_assert_uint_eq(wait_of("another", "192.0.2.1", true, 0), 0);
	throttle_free(throttle);
}
END_TEST

START_TEST(guesses_from_the_usual_address_still_count)
{
	throttle = throttle_new();
	for (unsigned i = 0; i < 8; i++)
		charge("berlin", "192.0.2.1", 0);
	ck_assert_uint_gt(wait_of("berlin", "192.0.2.1", true, 0), 0);
	throttle_free(throttle);
}
END_TEST

START_TEST(what_is_undone_leaves_earlier_guesses)
{
	struct addr addr = from("192.0.2.1");

	throttle = throttle_new();
	for (unsigned i = 0; i < 8; i++)
		charge("berlin", "192.0.2.1", 0);
	for (unsigned i = 0; i < 1000; i++) {
		charge("berlin", "192.0.2.1", 0);
		throttle_undo(throttle, "berlin", &addr, at(0));
	}
	ck_assert_uint_gt(wait_of("berlin", "192.0.2.1", false, 0), 0);
	throttle_undo(throttle, "nobody", &addr, at(0));
	throttle_free(throttle);

	throttle = throttle_new();
	for (unsigned i = 0; i < 1000; i++) {
		charge("berlin", "192.0.2.1", 0);
		throttle_undo(throttle, "berlin", &addr, at(0));
	}
	ck_assert_uint_eq(wait_of("berlin", "192.0.2.1", false, 0), 0);
	throttle_free(throttle);
}
END_TEST

START_TEST(many_networks_at_one_name_slow_all_but_the_usual)
{
	char address[20];

	throttle = throttle_new();
	for (unsigned i = 0; i < 80; i++) {
		snprintf(address, sizeof(address), "192.0.2.%u", i);
		charge("berlin", address, 0);
	}
	ck_assert_uint_eq(wait_of("berlin", "198.51.100.1", false, 0), 30);
	ck_assert_uint_eq(wait_of("berlin", "198.51.100.1", true, 0), 0);
	ck_assert_uint_eq(wait_of("paris", "198.51.100.1", false, 0), 0);
	throttle_free(throttle);
}
END_TEST

START_TEST(an_ipv6_network_is_a_64)
{
	char address[40];

	throttle = throttle_new();
	for (unsigned i = 0; i < 8; i++) {
		snprintf(address, sizeof(address), "2001:db8:0:1::%u", i);
		charge("berlin", address, 0);
	}
	ck_assert_uint_gt(wait_of("berlin", "2001:db8:0:1:ffff::9", false, 0),
	    0);
	ck_assert_uint_eq(wait_of("berlin", "2001:db8:0:2::1", false, 0), 0);
	throttle_free(throttle);
}
END_TEST

START_TEST(success_forgives)
{
	struct addr addr = from("192.0.2.1");

	throttle = throttle_new();
	for (unsigned i = 0; i < 9; i++)
		charge("berlin", "192.0.2.1", 0);
	ck_assert_uint_eq(wait_of("berlin", "192.0.2.1", false, 0), 8);
	throttle_forgive(throttle, "berlin", &addr, at(1));
	ck_assert_uint_eq(wait_of("berlin", "192.0.2.1", false, 1), 0);
	/* A site that comes and goes every second never waits. */
	for (int64_t i = 0; i < 1000; i++) {
		ck_assert_uint_eq(wait_of("paris", "192.0.2.9", false, i), 0);
		charge("paris", "192.0.2.9", i);
		addr = from("192.0.2.9");
		throttle_forgive(throttle, "paris", &addr, at(i));
	}
	throttle_free(throttle);
}
END_TEST

START_TEST(quiet_time_is_forgotten)
{
	throttle = throttle_new();
	for (unsigned i = 0; i < 8; i++)
		charge("berlin", "192.0.2.1", 0);
	/* Eight times five minutes later it begins anew. */
	charge("berlin", "192.0.2.1", 2400);
	ck_assert_uint_eq(wait_of("berlin", "192.0.2.1", false, 2400), 0);
	throttle_free(throttle);
}
END_TEST

START_TEST(who_hammers_is_not_forgotten_for_a_crowd)
{
	char address[40], site[16];

	throttle = throttle_new();
	for (unsigned i = 0; i < 14; i++)
		charge("berlin", "192.0.2.1", 0);
	for (unsigned i = 0; i < 3 * THROTTLE_ENTRIES; i++) {
		snprintf(address, sizeof(address), "10.%u.%u.%u", i >> 16,
		    i >> 8 & 255, i & 255);
		snprintf(site, sizeof(site), "s%u", i);
		charge(site, address, 1);
	}
	ck_assert_uint_gt(wait_of("berlin", "192.0.2.1", false, 1), 200);
	throttle_free(throttle);
}
END_TEST

START_TEST(the_list_has_the_longest_first)
{
	struct throttle_row rows[4];
	size_t		    n;

	throttle = throttle_new();
	ck_assert_uint_eq(throttle_list(throttle, rows, 4, at(0)), 0);
	for (unsigned i = 0; i < 7; i++)
		charge("berlin", "192.0.2.1", 0);
	for (unsigned i = 0; i < 9; i++)
		charge("paris", "192.0.2.2", 0);
	n = throttle_list(throttle, rows, 4, at(0));
	ck_assert_uint_eq(n, 2);
	ck_assert_str_eq(rows[0].site, "paris");
	ck_assert_uint_eq(rows[0].wait_sec, 8);
	ck_assert_uint_eq(rows[0].attempts, 9);
	ck_assert_str_eq(rows[1].site, "berlin");
	ck_assert_uint_eq(throttle_list(throttle, rows, 1, at(0)), 1);
	ck_assert_uint_eq(throttle_list(throttle, rows, 4, at(8)), 0);
	throttle_free(throttle);
}
END_TEST

UNIT_MAIN("throttle", a_few_are_free_then_each_doubles,
    one_who_hammers_gets_a_dozen_a_minute_then_one_in_five,
    others_are_not_slowed, many_names_from_one_network_are_slowed,
    guesses_from_the_usual_address_still_count,
    what_is_undone_leaves_earlier_guesses,
    many_networks_at_one_name_slow_all_but_the_usual, an_ipv6_network_is_a_64,
    success_forgives, quiet_time_is_forgotten,
    who_hammers_is_not_forgotten_for_a_crowd, the_list_has_the_longest_first)
