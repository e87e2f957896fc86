/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/addr.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "unit.h"

static const struct {
	const char *text;
	const char *printed; /* NULL: refused */
} addrs[] = {
	{ "192.0.2.1", "192.0.2.1" },
	{ "0.0.0.0", "0.0.0.0" },
	{ "255.255.255.255", "255.255.255.255" },
	{ "2001:DB8::1", "2001:db8::1" },
	{ "::", "::" },
	{ "::ffff:192.0.2.1", "::ffff:192.0.2.1" },
	{ "", NULL },
	{ "192.0.2", NULL },
	{ "192.0.2.256", NULL },
	{ "192.0.2.1 ", NULL },
	{ " 192.0.2.1", NULL },
	{ "192.0.2.1/24", NULL },
	{ "fe80::1%eth0", NULL },
	{ "[::1]", NULL },
	{ "2001:db8:::1", NULL },
	{ "example.org", NULL },
};

START_TEST(addresses_parse_and_print)
{
	for (size_t i = 0; i < nitems(addrs); i++) {
		struct addr addr;
		char	    text[ADDR_STRLEN];

		ck_assert_msg(addr_parse(&addr, addrs[i].text) ==
			(addrs[i].printed != NULL),
		    "%s", addrs[i].text);
		ck_assert_str_eq(addr_print(&addr, text, sizeof(text)),
		    addrs[i].printed != NULL ? addrs[i].printed : "none");
	}
}
END_TEST

START_TEST(a_client_has_an_address_or_a_64)
{
	static const char *const pairs[][2] = {
		{ "192.0.2.1", "192.0.2.1" },
		{ "255.255.255.255", "255.255.255.255" },
		{ "2001:db8:1:2:3:4:5:6", "2001:db8:1:2::" },
		{ "2001:db8:1:2::", "2001:db8:1:2::" },
		{ "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
		    "ffff:ffff:ffff:ffff::" },
	};
	struct addr addr, network;
	char	    text[ADDR_STRLEN];

	for (size_t i = 0; i < nitems(pairs); i++) {
		ck_assert(addr_parse(&addr, pairs[i][0]));
		network = addr_network(&addr);
		ck_assert_str_eq(addr_print(&network, text, sizeof(text)),
		    pairs[i][1]);
	}
	/* None has none. */
	ck_assert_uint_eq(addr_network(&(struct addr) { 0 }).family, 0);
}
END_TEST

static const struct {
	const char *text;
	const char *printed; /* NULL: refused */
	const char *network;
	bool	    host_bits;
} prefixes[] = {
	{ "10.0.7.0/24", "10.0.7.0/24", "10.0.7.0/24", false },
	{ "10.0.7.5/24", "10.0.7.5/24", "10.0.7.0/24", true },
	{ "10.0.7.5", "10.0.7.5/32", "10.0.7.5/32", false },
	{ "10.0.7.5/32", "10.0.7.5/32", "10.0.7.5/32", false },
	{ "255.255.255.255/0", "255.255.255.255/0", "0.0.0.0/0", true },
	{ "0.0.0.0/0", "0.0.0.0/0", "0.0.0.0/0", false },
	{ "10.255.0.0/9", "10.255.0.0/9", "10.128.0.0/9", true },
	{ "fd00::1:2:3:4/61", "fd00::1:2:3:4/61", "fd00::/61", true },
	{ "fd00::/64", "fd00::/64", "fd00::/64", false },
	{ "::1", "::1/128", "::1/128", false },
	{ "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/127",
	    "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/127",
	    "ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe/127", true },
	{ "10.0.0.0/33", NULL, NULL, false },
	{ "fd00::/129", NULL, NULL, false },
	{ "10.0.0.0/", NULL, NULL, false },
	{ "10.0.0.0/-1", NULL, NULL, false },
	{ "10.0.0.0/+8", NULL, NULL, false },
	{ "10.0.0.0/ 8", NULL, NULL, false },
	{ "10.0.0.0/8 ", NULL, NULL, false },
	{ "10.0.0.0/8x", NULL, NULL, false },
	{ "10.0.0.0/8/8", NULL, NULL, false },
	{ "10.0.0.0/99999999999999999999", NULL, NULL, false },
	{ "/8", NULL, NULL, false },
	{ "", NULL, NULL, false },
	{ "0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000/8",
	    NULL, NULL, false },
};

START_TEST(prefixes_parse_and_print)
{
	for (size_t i = 0; i < nitems(prefixes); i++) {
		struct prefix prefix, network;
		char	      text[PREFIX_STRLEN];
		bool	      good = prefix_parse(&prefix, prefixes[i].text);

		ck_assert_msg(good == (prefixes[i].printed != NULL), "%s",
		    prefixes[i].text);
		if (!good)
			continue;
		prefix_print(&prefix, text, sizeof(text));
		ck_assert_str_eq(text, prefixes[i].printed);
		network = prefix_network(&prefix);
		prefix_print(&network, text, sizeof(text));
		ck_assert_str_eq(text, prefixes[i].network);
		ck_assert_int_eq(prefix_has_host_bits(&prefix),
		    prefixes[i].host_bits);
	}
}
END_TEST

static const struct {
	const char *prefix, *addr;
	bool	    contains;
} contained[] = {
	{ "10.0.0.0/8", "10.255.255.255", true },
	{ "10.0.0.0/8", "11.0.0.0", false },
	{ "10.1.2.128/25", "10.1.2.128", true },
	{ "10.1.2.128/25", "10.1.2.127", false },
	{ "10.1.2.3/32", "10.1.2.3", true },
	{ "10.1.2.3/32", "10.1.2.2", false },
	{ "0.0.0.0/0", "1.2.3.4", true },
	{ "0.0.0.0/0", "::1", false },
	{ "::/0", "1.2.3.4", false },
	{ "fd00::/7", "fc00::1", true },
	{ "fd00::/8", "fc00::1", false },
	{ "fd00::1/128", "fd00::1", true },
	{ "10.9.9.9/8", "10.0.0.1", true },
};

START_TEST(prefixes_contain_addresses)
{
	for (size_t i = 0; i < nitems(contained); i++) {
		struct prefix prefix;
		struct addr   addr;

		ck_assert(prefix_parse(&prefix, contained[i].prefix));
		ck_assert(addr_parse(&addr, contained[i].addr));
		ck_assert_msg(prefix_contains(&prefix, &addr) ==
			contained[i].contains,
		    "%s in %s", contained[i].addr, contained[i].prefix);
	}
}
END_TEST

static const struct {
	const char *a, *b;
	bool	    overlaps, equal;
} pairs[] = {
	{ "10.0.0.0/8", "10.1.0.0/16", true, false },
	{ "10.0.0.0/8", "10.0.0.0/8", true, true },
	{ "10.0.0.0/8", "10.0.0.1/8", true, false },
	{ "10.0.0.0/16", "10.1.0.0/16", false, false },
	{ "0.0.0.0/0", "192.0.2.1/32", true, false },
	{ "0.0.0.0/0", "::/0", false, false },
	{ "fd00::/8", "fd12::/16", true, false },
	{ "fd00::/8", "fe00::/8", false, false },
};

START_TEST(prefixes_overlap_either_way)
{
	for (size_t i = 0; i < nitems(pairs); i++) {
		struct prefix a, b;

		ck_assert(prefix_parse(&a, pairs[i].a));
		ck_assert(prefix_parse(&b, pairs[i].b));
		ck_assert_msg(prefix_overlaps(&a, &b) == pairs[i].overlaps &&
			prefix_overlaps(&b, &a) == pairs[i].overlaps,
		    "%s, %s", pairs[i].a, pairs[i].b);
		ck_assert_msg(prefix_is_equal(&a, &b) == pairs[i].equal,
		    "%s, %s", pairs[i].a, pairs[i].b);
	}
}
END_TEST

static const struct {
	const char *addr, *next; /* NULL: wrapped */
} nexts[] = {
	{ "10.0.0.1", "10.0.0.2" },
	{ "10.0.0.255", "10.0.1.0" },
	{ "10.255.255.255", "11.0.0.0" },
	{ "255.255.255.255", NULL },
	{ "fd00::ffff", "fd00::1:0" },
	{ "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", NULL },
};

START_TEST(next_address_carries)
{
	for (size_t i = 0; i < nitems(nexts); i++) {
		struct addr addr;
		char	    text[ADDR_STRLEN];
		bool	    more;

		ck_assert(addr_parse(&addr, nexts[i].addr));
		more = addr_next(&addr);
		ck_assert_msg(more == (nexts[i].next != NULL), "%s",
		    nexts[i].addr);
		if (more)
			ck_assert_str_eq(addr_print(&addr, text, sizeof(text)),
			    nexts[i].next);
	}
}
END_TEST

static const struct {
	const char *text;
	bool	    good;
	const char *host;
	uint16_t    port; /* 1: left alone */
} splits[] = {
	{ "vpn.example.org", true, "vpn.example.org", 1 },
	{ "vpn.example.org:4444", true, "vpn.example.org", 4444 },
	{ "192.0.2.1", true, "192.0.2.1", 1 },
	{ "192.0.2.1:65535", true, "192.0.2.1", 65535 },
	{ "2001:db8::1", true, "2001:db8::1", 1 },
	{ "[2001:db8::1]", true, "2001:db8::1", 1 },
	{ "[2001:db8::1]:80", true, "2001:db8::1", 80 },
	{ "[2001:db8::1", false, NULL, 0 },
	{ "[2001:db8::1]80", false, NULL, 0 },
	{ "[]:80", false, NULL, 0 },
	{ "", false, NULL, 0 },
	{ ":80", false, NULL, 0 },
	{ "host:", false, NULL, 0 },
	{ "host:0", false, NULL, 0 },
	{ "host:65536", false, NULL, 0 },
	{ "host:-1", false, NULL, 0 },
	{ "host:+80", false, NULL, 0 },
	{ "host: 80", false, NULL, 0 },
	{ "host:80x", false, NULL, 0 },
	{ "host:80:90", false, NULL, 0 },
	{ "a-name-that-is-much-too-long-for-its-place.example.org", false, NULL,
	    0 },
};

START_TEST(endpoints_are_split)
{
	for (size_t i = 0; i < nitems(splits); i++) {
		char	 host[32];
		uint16_t port = 1;

		ck_assert_msg(endpoint_split(splits[i].text, host, sizeof(host),
				  &port) == splits[i].good,
		    "%s", splits[i].text);
		if (!splits[i].good)
			continue;
		ck_assert_str_eq(host, splits[i].host);
		ck_assert_uint_eq(port, splits[i].port);
	}
}
END_TEST

static const struct {
	const char *addr;
	uint16_t    port;
	const char *printed;
} endpoints[] = {
	{ "192.0.2.1", 55555, "192.0.2.1:55555" },
	{ "2001:db8::1", 1, "[2001:db8::1]:1" },
	{ "::ffff:192.0.2.1", 65535, "192.0.2.1:65535" },
};

/* The same for an AF_INET6 socket. */
static struct endpoint
mapped(const struct endpoint *ep)
{
	struct endpoint v6 = { .len = sizeof(v6.in6) };

	if (ep->sa.sa_family == AF_INET6)
		return *ep;
	v6.in6.sin6_family = AF_INET6;
	v6.in6.sin6_port = ep->in.sin_port;
	memset(&v6.in6.sin6_addr.s6_addr[10], 0xff, 2);
	memcpy(&v6.in6.sin6_addr.s6_addr[12], &ep->in.sin_addr, 4);
	return v6;
}

START_TEST(endpoints_are_made_and_printed)
{
	for (size_t i = 0; i < nitems(endpoints); i++) {
		struct addr	addr;
		struct endpoint ep, v6;
		char		text[ENDPOINT_STRLEN];

		ck_assert(addr_parse(&addr, endpoints[i].addr));
		ep = endpoint_make(&addr, endpoints[i].port);
		ck_assert_uint_eq(endpoint_port(&ep), endpoints[i].port);
		ck_assert_str_eq(endpoint_print(&ep, text, sizeof(text)),
		    endpoints[i].printed);
		v6 = mapped(&ep);
		ck_assert_int_eq(v6.sa.sa_family, AF_INET6);
		ck_assert_uint_eq(v6.len, sizeof(struct sockaddr_in6));
		ck_assert_str_eq(endpoint_print(&v6, text, sizeof(text)),
		    endpoints[i].printed);
		ck_assert(endpoint_is_equal(&ep, &v6));
		v6.in6.sin6_port ^= htons(1);
		ck_assert(!endpoint_is_equal(&ep, &v6));
	}
}
END_TEST

START_TEST(no_endpoint_is_none)
{
	struct endpoint none = { 0 }, some;
	struct addr	addr;
	char		text[ENDPOINT_STRLEN];

	ck_assert(addr_parse(&addr, "192.0.2.1"));
	some = endpoint_make(&addr, 5);
	ck_assert_uint_eq(endpoint_addr(&none).family, 0);
	ck_assert_uint_eq(endpoint_port(&none), 0);
	ck_assert(endpoint_is_equal(&none, &none));
	ck_assert(!endpoint_is_equal(&none, &some));
	ck_assert_str_eq(endpoint_print(&none, text, sizeof(text)), "none:0");
	/* The longest there is fits. */
	ck_assert(addr_parse(&addr,
	    "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"));
	some = endpoint_make(&addr, 65535);
	ck_assert_str_eq(endpoint_print(&some, text, sizeof(text)),
	    "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535");
}
END_TEST

UNIT_MAIN("addr", addresses_parse_and_print,
    a_client_has_an_address_or_a_64, prefixes_parse_and_print,
    prefixes_contain_addresses, prefixes_overlap_either_way,
    next_address_carries, endpoints_are_split, endpoints_are_made_and_printed,
    no_endpoint_is_none)
