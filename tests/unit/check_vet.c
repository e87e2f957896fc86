/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What of a server's assignment is refused before anything is touched.  Against
 * a host's own networks it is tried in tests/netns/check_hands.c.
 */
#include "unit.h"

#include <errno.h>
#include <string.h>

#include <bsd/string.h>

#include "monitor/dns.h"
#include "monitor/link.h"
#include "monitor/policy.h"
#include "monitor/vet.h"

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
	const char *what, *route;
	bool	    accepts;
	int	    result;
} routes[] = {
	{ "everything", "0.0.0.0/0", false, -EPERM },
	{ "everything, with leave", "0.0.0.0/0", true, 0 },
	{ "half of it", "128.0.0.0/1", false, -EPERM },
	{ "half of it, with leave", "192.0.0.0/2", true, 0 },
	{ "a /7", "202.0.0.0/7", false, -EPERM },
	{ "everything of IPv6", "::/0", false, -EPERM },
	{ "everything of IPv6, with leave", "::/0", true, 0 },
	{ "all IPv6 there is, with leave", "2000::/3", true, 0 },
	{ "around the server", "203.0.113.0/24", false, -ELOOP },
	{ "around the server, with leave", "203.0.113.0/24", true, -ELOOP },
	{ "the server alone", "203.0.113.7/32", true, -ELOOP },
	{ "its other address", "2001:db8:7::/48", true, -ELOOP },
	{ "beside the server", "203.0.112.0/24", false, 0 },
	{ "loopback, with leave", "127.0.0.0/8", true, -EINVAL },
	{ "groups, with leave", "224.0.0.0/4", true, -EINVAL },
	{ "links, with leave", "fe80::/10", true, -EINVAL },
};

START_TEST(routes_are_taken_with_leave_and_where_they_do_not_loop)
{
	struct conf conf = { .role = CONF_CLIENT, .mode = CONF_TUN };
	struct addr outer[2];
	struct vet  vet = { .link = link_open(), .conf = &conf,
		 .device = "no-such-if", .servers = outer, .nservers = 2 };
	char	    why[256];

	ck_assert_ptr_nonnull(vet.link);
	ck_assert(addr_parse(&outer[0], "203.0.113.7"));
	ck_assert(addr_parse(&outer[1], "2001:db8:7::1"));
	for (size_t i = 0; i < nitems(routes); i++) {
		struct prefix route;
		int	      r;

		ck_assert(prefix_parse(&route, routes[i].route));
		conf.accept_default_route = routes[i].accepts;
		r = vet_route(&vet, &route, why, sizeof(why));
		ck_assert_msg(r == routes[i].result, "%s: %d %s",
		    routes[i].what, r, why);
	}
	link_close(vet.link);
}
END_TEST

UNIT_MAIN("vet", dns_servers_are_somewhere_else, domains_are_domains,
    list_that_is_too_long_is_refused,
    routes_are_taken_with_leave_and_where_they_do_not_loop)
