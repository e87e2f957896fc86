/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The checks of requests' fields: what goes in by the functions of base/addr.h is
 * good, and nothing else is.
 */
#include "proc/request.h"

#include "unit.h"

static const struct {
	const char *what;
	const char *prefix;
} good[] = {
	{ "an IPv4 network", "10.4.2.0/24" },
	{ "an IPv4 host", "192.0.2.1/32" },
	{ "everything", "0.0.0.0/0" },
	{ "an IPv6 network", "fd00:1:2::/48" },
	{ "an IPv6 host", "2001:db8::1/128" },
	{ "all of IPv6", "::/0" },
};

START_TEST(what_is_parsed_is_good)
{
	struct prefix list[nitems(good)];
	struct addr   addrs[nitems(good)];

	for (size_t i = 0; i < nitems(good); i++) {
		ck_assert(prefix_parse(&list[i], good[i].prefix));
		addrs[i] = list[i].addr;
		ck_assert_msg(request_addr_is_good(&addrs[i]), "%s",
		    good[i].what);
	}
	ck_assert(request_prefixes_are_good(list, nitems(good), nitems(good)));
	ck_assert(request_addrs_are_good(addrs, nitems(good), nitems(good)));
	ck_assert(request_prefixes_are_good(list, 0, 0));
	ck_assert(request_addrs_are_good(addrs, 0, 0));
}
END_TEST

/* Nothing behind the end is looked at. */
START_TEST(more_than_there_may_be_is_bad)
{
	struct prefix prefix;

	ck_assert(prefix_parse(&prefix, "10.4.2.0/24"));
	ck_assert(!request_prefixes_are_good(&prefix, 2, 1));
	ck_assert(!request_prefixes_are_good(&prefix, UINT32_MAX, 1));
	ck_assert(!request_addrs_are_good(&prefix.addr, 2, 1));
	ck_assert(!request_addrs_are_good(&prefix.addr, UINT32_MAX, 1));
}
END_TEST

static const struct {
	const char   *what;
	struct prefix prefix;
} bad[] = {
	{ "no family", { { 0, { 10, 0, 0, 1 } }, 24 } },
	{ "another family", { { AF_UNIX, { 10, 0, 0, 1 } }, 24 } },
	{ "the largest family", { { (sa_family_t)-1, { 10, 0, 0, 1 } }, 24 } },
	{ "33 bits of an IPv4 address", { { AF_INET, { 10, 0, 0, 1 } }, 33 } },
	{ "255 bits of an IPv4 address", { { AF_INET, { 10, 0, 0, 1 } }, 255 } },
	{ "129 bits of an IPv6 address", { { AF_INET6, { 0xfd } }, 129 } },
	{ "a byte behind an IPv4 address",
	    { { AF_INET, { 10, 0, 0, 1, 1 } }, 24 } },
	{ "the last byte behind an IPv4 address",
	    { { AF_INET, { 10, 0, 0, 1, [15] = 1 } }, 24 } },
};

START_TEST(anything_else_is_bad)
{
	struct prefix list[2];

	ck_assert(prefix_parse(&list[0], "10.4.2.0/24"));
	for (size_t i = 0; i < nitems(bad); i++) {
		list[1] = bad[i].prefix;
		ck_assert_msg(!request_prefixes_are_good(list, 2, 2), "%s",
		    bad[i].what);
		/* It may be there, but not counted. */
		ck_assert(request_prefixes_are_good(list, 1, 2));
	}
}
END_TEST

START_TEST(a_text_has_an_end)
{
	char text[4] = { 'a', 'b', 'c', 'd' };

	ck_assert(!request_text_is_good(text));
	text[3] = '\0';
	ck_assert(request_text_is_good(text));
	text[0] = '\0';
	ck_assert(request_text_is_good(text));
}
END_TEST

UNIT_MAIN("request", what_is_parsed_is_good, more_than_there_may_be_is_bad,
    anything_else_is_bad, a_text_has_an_end)
