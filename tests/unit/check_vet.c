/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What of a server's assignment is refused before anything is touched.  Against
 * a host's own networks it is tried in tests/netns/check_hands.c.
 */
#include "unit.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bsd/string.h>

#include "monitor/host/dns.h"
#include "monitor/host/prefix_set.h"
#include "monitor/host/vet.h"
#include "proc/request.h"

static int
judge(struct vet *vet, const struct prefix *addresses, size_t naddresses,
    const struct prefix *routes, size_t nroutes, char *why, size_t why_size)
{
	static struct request_network assignment;

	assignment.naddresses = (uint32_t)naddresses;
	assignment.nroutes = (uint32_t)nroutes;
	for (size_t i = 0; i < naddresses; i++)
		assignment.addresses[i] = addresses[i];
	for (size_t i = 0; i < nroutes; i++)
		assignment.routes[i] = routes[i];
	return vet_assignment(vet, &assignment, why, why_size);
}

static const struct {
	const char *what, *text;
	bool	    taken;
} servers[] = {
	{ "a private one", "10.4.2.1", true },
	{ "a public one", "9.9.9.9", true },
	{ "of IPv6", "2620:fe::fe", true },
	{ "unique local", "fd00:4:2::1", true },
	{ "none", "0.0.0.0", false },
	{ "this host", "127.0.0.53", false },
	{ "this host, IPv6", "::1", false },
	{ "no address", "::", false },
	{ "of a link", "169.254.169.253", false },
	{ "of a link, IPv6", "fe80::1", false },
	{ "a group", "224.0.0.251", false },
	{ "a group, IPv6", "ff02::fb", false },
	{ "everybody", "255.255.255.255", false },
	{ "this host, disguised", "::ffff:127.0.0.1", false },
};

START_TEST(dns_servers_are_somewhere_else)
{
	struct dns_list list = { .nservers = 2 };
	char		why[128];

	ck_assert(addr_parse(&list.servers[0], "9.9.9.9"));
	for (size_t i = 0; i < nitems(servers); i++) {
		int r;

		ck_assert(addr_parse(&list.servers[1], servers[i].text));
		r = vet_dns(&list, why, sizeof(why));
		ck_assert_msg((r == 0) == servers[i].taken, "%s: %d",
		    servers[i].what, r);
		ck_assert_msg(r == 0 || strstr(why, "DNS server") != NULL,
		    "%s: %s", servers[i].what, why);
	}
}
END_TEST

#define LABEL "0123456789012345678901234567890123456789012345678901234567890ab"

static const struct {
	const char *what, *text;
	bool	    taken;
} domains[] = {
	{ "the usual", "example.org", true },
	{ "one label", "lan", true },
	{ "capitals and digits", "Site-7.EXAMPLE.org", true },
	{ "an underscore", "_tcp.example.org", true },
	{ "a long label", LABEL ".org", true },
	{ "a longer label", LABEL "c.org", false },
	{ "253 bytes", LABEL "." LABEL "." LABEL "."
	    "0123456789012345678901234567890123456789012345678901234567890",
	    true },
	{ "254 bytes", LABEL "." LABEL "." LABEL "."
	    "01234567890123456789012345678901234567890123456789012345678901",
	    false },
	{ "nothing", "", false },
	{ "the root", ".", false },
	{ "a dot behind", "example.org.", false },
	{ "a dot in front", ".example.org", false },
	{ "an empty label", "example..org", false },
	{ "resolved's own word", "~.", false },
	{ "an option", "-x", false },
	{ "a label that is one", "a.-x", false },
	{ "a hyphen behind", "a-.org", false },
	{ "a space", "a b", false },
	{ "a line break", "a\nnameserver 192.0.2.1", false },
	{ "a command", "$(id)", false },
	{ "another", "`id`", false },
	{ "a quote", "a'b", false },
	{ "a path", "../a", false },
	{ "not ASCII", "m\xc3\xbcnchen.de", false },
	{ "a comment", "a#b", false },
};

START_TEST(domains_are_domains)
{
	struct dns_list list = { .ndomains = 2 };
	char		why[128];

	strlcpy(list.domains[0], "lan", sizeof(list.domains[0]));
	for (size_t i = 0; i < nitems(domains); i++) {
		bool fits = strlcpy(list.domains[1], domains[i].text,
				sizeof(list.domains[1])) <
		    sizeof(list.domains[1]);

		ck_assert_msg(conf_is_domain(domains[i].text) ==
			domains[i].taken,
		    "%s", domains[i].what);
		ck_assert_msg(!fits || (vet_dns(&list, why, sizeof(why)) ==
			0) == domains[i].taken, "%s", domains[i].what);
	}
}
END_TEST

START_TEST(list_that_is_too_long_is_refused)
{
	struct dns_list list = { .nservers = CONF_MAX_DNS + 1 };
	char		why[128];

	ck_assert_int_eq(vet_dns(&list, why, sizeof(why)), -E2BIG);
	list = (struct dns_list) { .ndomains = CONF_MAX_DOMAINS + 1 };
	ck_assert_int_eq(vet_dns(&list, why, sizeof(why)), -E2BIG);
}
END_TEST

/* The server has an address that is on no link of this host. */
static const struct {
	const char *what, *routes;
	bool	    accepts;
	int	    result;
} assignments[] = {
	{ "everything", "0.0.0.0/0", false, -EPERM },
	{ "everything, with leave", "0.0.0.0/0", true, 0 },
	{ "half of it", "128.0.0.0/1", false, -EPERM },
	{ "half of it, with leave", "192.0.0.0/2", true, 0 },
	{ "a /7", "202.0.0.0/7", false, -EPERM },
	{ "everything of IPv6", "::/0", false, -EPERM },
	{ "everything of IPv6, with leave", "::/0", true, 0 },
	{ "all IPv6 there is, with leave", "2000::/3", true, 0 },
	{ "around the server: want.h keeps it out", "203.0.113.0/24", false,
	    0 },
	{ "the server alone: the same", "203.0.113.7/32", true, 0 },
	{ "its other address: the same", "2001:db8:7::/48", true, 0 },
	{ "beside the server", "203.0.112.0/24", false, 0 },
	{ "loopback, with leave", "127.0.0.0/8", true, -EINVAL },
	{ "groups, with leave", "224.0.0.0/4", true, -EINVAL },
	{ "links, with leave", "fe80::/10", true, -EINVAL },

	{ "one /8", "8.0.0.0/8", false, 0 },
	{ "two /8", "8.0.0.0/8 44.0.0.0/8", false, -EPERM },
	{ "a /8 and one more host", "8.0.0.0/8 9.9.9.9/32", false, -EPERM },
	{ "the same /8 in parts", "8.0.0.0/9 8.128.0.0/9 8.8.8.8/32 8.0.0.0/9",
	    false, 0 },
	{ "512 /9 are too many; 3 are, too", "8.0.0.0/9 9.0.0.0/9 11.0.0.0/9",
	    false, -EPERM },
	{ "all that is private",
	    "10.0.0.0/8 172.16.0.0/12 192.168.0.0/16 100.64.0.0/10 fc00::/7",
	    false, 0 },
	{ "private, and a /8 around it", "10.0.0.0/7", false, 0 },
	{ "private, and more around it", "8.0.0.0/6", false, -EPERM },
	{ "a /32 of IPv6", "2a00::/32", false, 0 },
	{ "two of IPv6", "2a00::/32 2a01::/32", false, -EPERM },
	{ "one of IPv6, and a /48", "2a00::/32 2a01::/48", false, -EPERM },
	{ "many /7 of IPv6", "2000::/7 2200::/7", false, -EPERM },
	{ "one of each family", "8.0.0.0/8 2a00::/32", false, 0 },
	{ "this site's own are not counted", "8.0.0.0/8 44.0.0.0/8", false,
	    -EPERM },
	{ "nor what lies in them", "8.0.0.0/8 45.0.0.0/9 45.200.0.0/16", false,
	    0 },
	{ "many, with leave: the hub is kept out of them",
	    "203.0.0.0/8 44.0.0.0/8", true, 0 },
	{ "all but the hub's network, a default in disguise",
	    "0.0.0.0/1 128.0.0.0/2 192.0.0.0/5 204.0.0.0/6", false, -EPERM },
};

static size_t
parse_all(const char *text, struct prefix *v, size_t size)
{
	char  *copy = strdup(text), *rest = copy, *word;
	size_t n = 0;

	while ((word = strsep(&rest, " ")) != NULL && n < size)
		ck_assert_msg(prefix_parse(&v[n++], word), "%s", word);
	free(copy);
	return n;
}

START_TEST(routes_are_taken_with_leave)
{
	struct prefix	own = { { AF_INET, { 45 } }, 8 };
	struct conf	conf = { .role = CONF_CLIENT, .mode = CONF_TUN,
		    .subnets = { &own, 1 } };
	struct addr	a, b;
	struct vet vet = { .link = link_open(), .conf = &conf,
		.device = "no-such-if", .nservers = 2 };
	char why[256];

	ck_assert_ptr_nonnull(vet.link);
	ck_assert(addr_parse(&a, "203.0.113.7"));
	ck_assert(addr_parse(&b, "2001:db8:7::1"));
	vet.servers[0] = endpoint_make(&a, 443);
	vet.servers[1] = endpoint_make(&b, 443);
	for (size_t i = 0; i < nitems(assignments); i++) {
		struct prefix routes[8];
		size_t n = parse_all(assignments[i].routes, routes, 8);
		int    r;

		conf.accept_default_route = assignments[i].accepts;
		r = judge(&vet, NULL, 0, routes, n, why, sizeof(why));
		ck_assert_msg(r == assignments[i].result, "%s: %d %s",
		    assignments[i].what, r, why);
	}
	link_close(vet.link);
}
END_TEST

/* As routes do: its prefix becomes one. */
START_TEST(addresses_count_with_the_routes)
{
	struct conf   conf = { .role = CONF_CLIENT, .mode = CONF_TUN };
	struct vet    vet = { .link = link_open(), .conf = &conf,
		   .device = "no-such-if" };
	struct prefix address, route;
	char	      why[256];
	bool	      is_all[2];

	ck_assert(prefix_parse(&address, "8.1.2.3/8"));
	ck_assert(prefix_parse(&route, "44.0.0.0/8"));
	ck_assert_int_eq(judge(&vet, &address, 1, NULL, 0, why,
			     sizeof(why)),
	    0);
	ck_assert_int_eq(judge(&vet, &address, 1, &route, 1, why,
			     sizeof(why)),
	    -EPERM);
	ck_assert_ptr_nonnull(strstr(why, "and others with it"));
	conf.accept_default_route = true;
	ck_assert_int_eq(judge(&vet, &address, 1, &route, 1, why,
			     sizeof(why)),
	    0);
	ck_assert(vet_sum_up(&conf, &address, 1, &route, 1, is_all));
	ck_assert(vet_is_wide(is_all, &route));
	ck_assert(prefix_parse(&route, "10.0.0.0/8"));
	ck_assert(!vet_is_wide(is_all, &route));
	link_close(vet.link);
}
END_TEST

static const struct {
	const char *what, *addresses, *routes;
	bool	    accepts;
	int	    result;
} by_address[] = {
	{ "two /8", "8.0.0.1/8 44.0.0.1/8", NULL, false, -EPERM },
	{ "two /8, with leave", "8.0.0.1/8 44.0.0.1/8", NULL, true, 0 },
	{ "a /8 and one more host", "8.0.0.1/8 9.9.9.9/32", NULL, false,
	    -EPERM },
	{ "eight /8", "1.0.0.1/8 3.0.0.1/8 13.0.0.1/8 18.0.0.1/8 20.0.0.1/8 "
	    "34.0.0.1/8 52.0.0.1/8 104.0.0.1/8", NULL, false, -EPERM },
	{ "a /8, twice", "8.0.0.1/8 8.0.0.2/8", NULL, false, 0 },
	{ "two of IPv6", "2a00::1/32 2a01::1/32", NULL, false, -EPERM },
	{ "two of IPv6, with leave", "2a00::1/32 2a01::1/32", NULL, true, 0 },
	{ "one of each family", "8.0.0.1/8 2a00::1/32", NULL, false, 0 },
	{ "all that is private", "10.0.0.1/8 172.16.0.1/12 fd00::1/8", NULL,
	    false, 0 },
	{ "a /8, and private routes", "8.0.0.1/8", "10.0.0.0/8", false, 0 },
	{ "a /9 and half as much by routes", "8.0.0.1/9", "44.0.0.0/9 9.0.0.0/16",
	    false, -EPERM },
	{ "around the server, with leave", "203.0.0.1/8 44.0.0.1/8", NULL, true,
	    -ELOOP },
};

START_TEST(addresses_need_leave_as_routes_do)
{
	struct conf	conf = { .role = CONF_CLIENT, .mode = CONF_TUN };
	struct addr	server;
	struct vet	vet = { .link = link_open(), .conf = &conf,
		     .device = "no-such-if", .nservers = 1 };
	char		why[256];

	ck_assert(addr_parse(&server, "203.0.113.7"));
	vet.servers[0] = endpoint_make(&server, 443);
	for (size_t i = 0; i < nitems(by_address); i++) {
		struct prefix addresses[8], routes[8];
		size_t n = parse_all(by_address[i].addresses, addresses, 8);
		size_t m = by_address[i].routes != NULL ?
		    parse_all(by_address[i].routes, routes, 8) :
		    0;
		int r;

		conf.accept_default_route = by_address[i].accepts;
		r = judge(&vet, addresses, n, routes, m, why,
		    sizeof(why));
		/* This host itself may have one of the private networks. */
		if (by_address[i].result == 0 && r == -EEXIST)
			continue;
		ck_assert_msg(r == by_address[i].result, "%s: %d %s",
		    by_address[i].what, r, why);
	}
	link_close(vet.link);
}
END_TEST

static const struct {
	const char *what, *of, *left;
} narrowed[] = {
	{ "the usual", "192.0.2.0/24 10.0.0.0/8 2001:db8::/64",
	    "10.0.0.0/8 192.0.2.0/24 2001:db8::/64" },
	{ "everything", "0.0.0.0/1 192.0.2.0/24", "192.0.2.0/24" },
	{ "one /8", "8.0.0.0/8", "8.0.0.0/8" },
	{ "three", "1.0.0.0/8 2.0.0.0/8 3.0.0.0/8 4.5.0.0/16", "4.5.0.0/16" },
	{ "a /8 and a /16", "8.0.0.0/8 45.0.0.0/16", "45.0.0.0/16" },
	{ "a /8 with parts of it", "8.0.0.0/8 8.1.0.0/16 8.1.2.0/24",
	    "8.0.0.0/8 8.1.0.0/16 8.1.2.0/24" },
	{ "around a link's own, which stays", "130.0.0.0/8 130.5.6.0/24 "
	    "131.0.0.0/8", "130.5.6.0/24" },
	{ "private ones stay, however wide", "10.0.0.0/8 172.16.0.0/12 "
	    "11.0.0.0/8 12.0.0.0/8 fc00::/7", "10.0.0.0/8 172.16.0.0/12 "
	    "fc00::/7" },
	{ "of IPv6", "2a00::/32 2a01::/32 2a02:1::/48 9.0.0.0/8",
	    "9.0.0.0/8 2a02:1::/48" },
	{ "many small", "9.0.0.0/9 11.0.0.0/9 12.0.0.0/10 13.64.0.0/10",
	    "12.0.0.0/10 13.64.0.0/10" },
};

/* Of a host's links there may be as many as somebody else likes. */
START_TEST(links_are_not_all_traffic)
{
	for (size_t i = 0; i < nitems(narrowed); i++) {
		struct prefix	  v[8];
		size_t		  n = parse_all(narrowed[i].of, v, 8), left;
		struct prefix_set set = { 0 };

		for (size_t j = n; j-- > 0;)
			ck_assert(prefix_set_add(&set, &v[j]));
		left = parse_all(narrowed[i].left, v, 8);
		ck_assert_msg(vet_narrow(&set) == (left < n), "%s",
		    narrowed[i].what);
		ck_assert_uint_eq(set.n, left);
		for (size_t j = 0; j < left; j++)
			ck_assert_msg(prefix_is_equal(&set.v[j], &v[j]),
			    "%s: %zu", narrowed[i].what, j);
		prefix_set_fini(&set);
	}
}
END_TEST

/* Nobody knows then what this host has: nothing is taken. */
START_TEST(who_cannot_ask_for_the_hosts_networks_refuses)
{
	struct conf   conf = { .role = CONF_CLIENT, .mode = CONF_TUN };
	struct vet    vet = { .link = link_open(), .conf = &conf,
		   .device = "no-such-if" };
	struct prefix route;
	char	      why[256] = "";
	int	      pipes[2];

	ck_assert(prefix_parse(&route, "10.0.8.0/24"));
	ck_assert_int_eq(pipe(pipes), 0);
	for (int fd = 3; fd < 256; fd++) {
		int	  domain = 0;
		socklen_t len = sizeof(domain);

		if (getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &len) == 0 &&
		    domain == AF_NETLINK)
			ck_assert_int_eq(dup2(pipes[0], fd), fd);
	}
	ck_assert_int_lt(judge(&vet, NULL, 0, &route, 1, why,
			     sizeof(why)),
	    0);
	ck_assert_ptr_nonnull(strstr(why, "cannot list"));
	link_close(vet.link);
	close(pipes[0]);
	close(pipes[1]);
}
END_TEST

UNIT_MAIN("vet", dns_servers_are_somewhere_else, domains_are_domains,
    list_that_is_too_long_is_refused,
    routes_are_taken_with_leave,
    addresses_count_with_the_routes, addresses_need_leave_as_routes_do,
    links_are_not_all_traffic,
    who_cannot_ask_for_the_hosts_networks_refuses)
