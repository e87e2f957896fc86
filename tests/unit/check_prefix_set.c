/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sets of prefixes against plain lists: what is in one, and what is left when
 * those inside others are dropped.
 */
#include "unit.h"

#include "monitor/host/prefix_set.h"

#define N 200

/* Short ones and small addresses, so that many nest and some are the same. */
static struct prefix
random_prefix(uint64_t *state)
{
	bool	      v4 = unit_below(state, 2) == 0;
	struct prefix prefix = { 0 };

	prefix.addr.family = v4 ? AF_INET : AF_INET6;
	prefix.addr.bytes[0] = (uint8_t)unit_below(state, 4);
	prefix.addr.bytes[1] = (uint8_t)unit_random(state);
	prefix.len = (uint8_t)unit_below(state, 17);
	return prefix_network(&prefix);
}

static bool
is_among(const struct prefix *list, size_t n, const struct prefix *prefix)
{
	for (size_t i = 0; i < n; i++) {
		if (prefix_is_equal(&list[i], prefix))
			return true;
	}
	return false;
}

START_TEST(set_has_what_a_list_has)
{
	uint64_t state = 1;

	for (int round = 0; round < 50; round++) {
		struct prefix	  list[N];
		struct prefix_set set = { 0 };
		size_t		  n = unit_below(&state, N);

		for (size_t i = 0; i < n; i++) {
			list[i] = random_prefix(&state);
			ck_assert(prefix_set_add(&set, &list[i]));
		}
		prefix_set_sort(&set);
		for (size_t i = 0; i < n; i++)
			ck_assert(prefix_set_has(&set, &list[i]));
		for (size_t i = 0; i < N; i++) {
			struct prefix other = random_prefix(&state);

			ck_assert(prefix_set_has(&set, &other) ==
			    is_among(list, n, &other));
		}
		for (size_t i = 1; i < set.n; i++)
			ck_assert(!prefix_is_equal(&set.v[i - 1], &set.v[i]));
		prefix_set_fini(&set);
	}
}
END_TEST

START_TEST(merged_set_has_the_outermost_alone)
{
	uint64_t state = 1;

	for (int round = 0; round < 50; round++) {
		struct prefix	  list[N];
		struct prefix_set set = { 0 };
		size_t		  n = unit_below(&state, N);

		for (size_t i = 0; i < n; i++) {
			list[i] = random_prefix(&state);
			/* No 0/0, or it is the only one left. */
			list[i].len = list[i].len < 8 ? 8 : list[i].len;
			ck_assert(prefix_set_add(&set, &list[i]));
		}
		prefix_set_sort(&set);
		prefix_set_merge(&set);
		for (size_t i = 0; i < n; i++) {
			bool inside = false;

			for (size_t j = 0; j < n; j++)
				inside = inside ||
				    (list[j].len < list[i].len &&
					prefix_overlaps(&list[j], &list[i]));
			ck_assert(prefix_set_has(&set, &list[i]) == !inside);
		}
		for (size_t i = 1; i < set.n; i++)
			ck_assert(!prefix_overlaps(&set.v[i - 1], &set.v[i]));
		prefix_set_fini(&set);
	}
}
END_TEST

START_TEST(empty_set_has_nothing)
{
	struct prefix_set set = { 0 };
	struct prefix	  all = { .addr.family = AF_INET };

	prefix_set_sort(&set);
	prefix_set_merge(&set);
	ck_assert(!prefix_set_has(&set, &all));
	ck_assert(prefix_set_add(&set, &all));
	ck_assert(prefix_set_has(&set, &all));
	prefix_set_fini(&set);
	ck_assert_uint_eq(set.n, 0);
	prefix_set_fini(&set);
}
END_TEST

UNIT_MAIN("prefix_set", set_has_what_a_list_has,
    merged_set_has_the_outermost_alone, empty_set_has_nothing)
