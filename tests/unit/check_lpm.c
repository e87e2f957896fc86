/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "datapath/util/lpm.h"

#include <string.h>

#include "unit.h"

static void
add(struct lpm *lpm, const char *text, uint16_t port)
{
	struct prefix prefix;

	ck_assert_msg(prefix_parse(&prefix, text), "%s", text);
	ck_assert(lpm_add(lpm, &prefix, port));
}

static uint16_t
lookup_addr(const struct lpm *lpm, const struct addr *addr)
{
	return addr->family == AF_INET ? lpm_lookup4(lpm, addr->bytes) :
					 lpm_lookup6(lpm, addr->bytes);
}

static uint16_t
lookup(const struct lpm *lpm, const char *text)
{
	struct addr addr;

	ck_assert_msg(addr_parse(&addr, text), "%s", text);
	return lookup_addr(lpm, &addr);
}

static const struct {
	const char *prefix;
	uint16_t    port;
} networks[] = {
	{ "10.0.0.0/8", 1 },
	{ "10.1.0.0/16", 2 },
	{ "10.1.2.0/24", 3 },
	{ "10.1.2.3/32", 4 },
	{ "192.168.0.0/24", 5 },
	{ "192.168.1.0/24", 6 },
	{ "128.0.0.0/1", 7 },
	{ "2001:db8::/32", 11 },
	{ "2001:db8:0:1::/64", 12 },
	{ "2001:db8:0:1::5/128", 13 },
	{ "2001:db8:0:1::4/127", 14 },
	{ "::/0", 15 },
};

static const struct {
	const char *what, *addr;
	uint16_t    port;
} lookups[] = {
	{ "nothing contains it", "11.0.0.1", 0 },
	{ "only the longest", "10.200.0.1", 1 },
	{ "the one within it", "10.1.200.1", 2 },
	{ "and within that", "10.1.2.4", 3 },
	{ "a single host", "10.1.2.3", 4 },
	{ "the first of two that differ in one bit", "192.168.0.255", 5 },
	{ "the second", "192.168.1.0", 6 },
	{ "behind both: back to the half", "192.168.2.0", 7 },
	{ "the last address", "255.255.255.255", 7 },
	{ "the first address", "0.0.0.0", 0 },
	{ "IPv6: the default", "2001:db9::1", 15 },
	{ "a network", "2001:db8:1::1", 11 },
	{ "a /64 of it", "2001:db8:0:1:ffff::", 12 },
	{ "a /128", "2001:db8:0:1::5", 13 },
	{ "its neighbour in the /127", "2001:db8:0:1::4", 14 },
	{ "IPv6 does not look at IPv4's", "a01:203::", 15 },
};

START_TEST(longest_prefix_wins)
{
	/* In any order. */
	for (size_t first = 0; first < nitems(networks); first++) {
		struct lpm *lpm = lpm_new();

		ck_assert_ptr_nonnull(lpm);
		for (size_t i = 0; i < nitems(networks); i++) {
			size_t at = (first + i * 5) % nitems(networks);

			add(lpm, networks[at].prefix, networks[at].port);
		}
		for (size_t i = 0; i < nitems(lookups); i++)
			ck_assert_msg(lookup(lpm, lookups[i].addr) ==
				lookups[i].port,
			    "%s: %s", lookups[i].what, lookups[i].addr);
		lpm_free(lpm);
	}
}
END_TEST

START_TEST(an_empty_table_knows_nothing)
{
	struct lpm *lpm = lpm_new();

	ck_assert_ptr_nonnull(lpm);
	ck_assert_uint_eq(lookup(lpm, "10.0.0.1"), 0);
	ck_assert_uint_eq(lookup(lpm, "::"), 0);
	lpm_free(lpm);
	lpm_free(NULL);
}
END_TEST

START_TEST(the_same_prefix_is_replaced)
{
	struct lpm *lpm = lpm_new();

	ck_assert_ptr_nonnull(lpm);
	add(lpm, "10.0.0.0/8", 1);
	add(lpm, "10.9.9.9/8", 2); /* host bits are ignored */
	add(lpm, "0.0.0.0/0", 3);
	add(lpm, "0.0.0.0/0", 4);
	ck_assert_uint_eq(lookup(lpm, "10.0.0.1"), 2);
	ck_assert_uint_eq(lookup(lpm, "11.0.0.1"), 4);
	lpm_free(lpm);
}
END_TEST

struct row {
	struct prefix prefix;
	uint16_t      port;
};

struct list {
	struct row rows[2048];
	size_t	   n;
};

static void
list_add(struct list *list, const struct prefix *prefix, uint16_t port)
{
	struct prefix network = prefix_network(prefix);
	size_t	      i = 0;

	while (i < list->n && !prefix_is_equal(&list->rows[i].prefix, &network))
		i++;
	ck_assert_uint_lt(i, nitems(list->rows));
	list->rows[i] = (struct row) { network, port };
	if (i == list->n)
		list->n++;
}

static uint16_t
list_lookup(const struct list *list, const struct addr *addr)
{
	const struct row *best = NULL;

	for (size_t i = 0; i < list->n; i++) {
		const struct row *row = &list->rows[i];

		if (prefix_contains(&row->prefix, addr) &&
		    (best == NULL || row->prefix.len > best->prefix.len))
			best = row;
	}
	return best != NULL ? best->port : 0;
}

/* Few different bits, so that prefixes meet, nest and part often. */
static struct addr
random_addr(uint64_t *seed)
{
	struct addr addr = { .family = AF_INET };
	unsigned    bytes = 4;

	if (unit_below(seed, 2) == 0) {
		addr.family = AF_INET6;
		bytes = 16;
	}
	for (unsigned i = 0; i < bytes; i++)
		addr.bytes[i] = unit_below(seed, 4) == 0 ?
		    (uint8_t)(1u << unit_below(seed, 8)) :
		    0;
	return addr;
}

START_TEST(agrees_with_a_plain_list)
{
	uint64_t seed = 3;

	for (unsigned round = 0; round < 20; round++) {
		struct lpm  *lpm = lpm_new();
		struct list *list = calloc(1, sizeof(*list));

		ck_assert(lpm != NULL && list != NULL);
		for (unsigned i = 0; i < 600; i++) {
			struct prefix prefix = { .addr = random_addr(&seed) };
			uint16_t port = (uint16_t)(1 + unit_below(&seed, 999));

			prefix.len = (uint8_t)unit_below(&seed,
			    addr_bits(prefix.addr.family) + 1);
			ck_assert(lpm_add(lpm, &prefix, port));
			list_add(list, &prefix, port);
			for (unsigned j = 0; j < 10; j++) {
				struct addr addr = random_addr(&seed);

				ck_assert_uint_eq(lookup_addr(lpm, &addr),
				    list_lookup(list, &addr));
			}
		}
		free(list);
		lpm_free(lpm);
	}
}
END_TEST

UNIT_MAIN("lpm", longest_prefix_wins, an_empty_table_knows_nothing,
    the_same_prefix_is_replaced, agrees_with_a_plain_list)
