/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "control/reach/server_choice.h"
#include "unit.h"

static struct endpoint
at(const char *text)
{
	struct addr addr;

	ck_assert(addr_parse(&addr, text));
	return endpoint_make(&addr, 1);
}

START_TEST(families_take_turns_and_ipv6_begins)
{
	static const struct {
		const char *families;
		unsigned    sorted[6];
	} rows[] = {
		{ "4", { 0 } },
		{ "6", { 0 } },
		{ "46", { 1, 0 } },
		{ "444666", { 3, 0, 4, 1, 5, 2 } },
		{ "6444", { 0, 1, 2, 3 } },
		{ "4666", { 1, 0, 2, 3 } },
		{ "", { 0 } },
	};

	for (size_t i = 0; i < nitems(rows); i++) {
		struct endpoint list[6];
		unsigned	sorted[6], n = 0;

		for (const char *f = rows[i].families; *f != '\0'; f++)
			list[n++] = at(*f == '4' ? "192.0.2.1" : "2001:db8::1");
		server_choice_sort(list, n, sorted);
		for (unsigned j = 0; j < n; j++)
			ck_assert_msg(sorted[j] == rows[i].sorted[j],
			    "%s: %u is %u", rows[i].families, j, sorted[j]);
	}
}
END_TEST

START_TEST(the_given_order_is_kept)
{
	struct conf conf = { .nservers = 3, .servers = { { .weight = 1 },
		{ .weight = 1000 }, { .weight = 7 } } };
	unsigned    order[CONF_MAX_SERVERS];

	server_choice_order(&conf, order);
	for (unsigned i = 0; i < 3; i++)
		ck_assert_uint_eq(order[i], i);
}
END_TEST

/* 4,000 lots: one of 3 in 4 is out by 6 deviations at 3,164 and 2,836. */
START_TEST(weights_say_how_often_one_is_first)
{
	struct conf conf = { .server_order = CONF_ORDER_WEIGHT, .nservers = 3,
		.servers = { { .weight = 1 }, { .weight = 9 },
		    { .weight = 2 } } };
	unsigned    order[CONF_MAX_SERVERS], first = 0;

	for (unsigned i = 0; i < 4000; i++) {
		server_choice_order(&conf, order);
		first += order[0] == 1;
		ck_assert_uint_eq(1u << order[0] | 1u << order[1] |
			1u << order[2], 7);
	}
	ck_assert_uint_ge(first, 2800);
	ck_assert_uint_le(first, 3200);
}
END_TEST

UNIT_MAIN("candidates", families_take_turns_and_ipv6_begins,
    the_given_order_is_kept, weights_say_how_often_one_is_first)
