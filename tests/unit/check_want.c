/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is wanted of a host, by what it has and what the hub assigns. */
#include "unit.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <bsd/string.h>

#include "conf/conf.h"
#include "monitor/host/link.h"
#include "monitor/host/want.h"

#define MAX 16

/* Words with spaces between them, "a/n" each. */
static size_t
parse_all(const char *text, struct prefix v[MAX])
{
	char  *copy = strdup(text), *rest = copy, *word;
	size_t n = 0;

	while ((word = strsep(&rest, " ")) != NULL) {
		if (word[0] != '\0')
			ck_assert_msg(prefix_parse(&v[n++], word), "%s", word);
	}
	free(copy);
	return n;
}

static struct prefix_set
make_set(const char *text)
{
	struct prefix	  v[MAX];
	size_t		  n = parse_all(text, v);
	struct prefix_set set = { 0 };

	ck_assert(prefix_set_add_list(&set, v, n));
	prefix_set_sort(&set);
	return set;
}

static const char *
print(const struct prefix_set *set)
{
	static char text[512];
	char	    one[PREFIX_STRLEN];

	text[0] = '\0';
	for (size_t i = 0; i < set->n; i++) {
		strlcat(text, i > 0 ? " " : "", sizeof(text));
		strlcat(text, prefix_print(&set->v[i], one, sizeof(one)),
		    sizeof(text));
	}
	return text;
}

static const struct {
	const char *what;
	const char *lans, *server, *assigned;
	const char *routes, *wide, *left;
} rows[] = {
	{ "nothing in the way", "192.168.1.0/24", "203.0.113.7",
	    "10.1.0.0/16 fd01::/48", "10.1.0.0/16 fd01::/48", "", "" },
	{ "the LAN itself", "10.0.7.0/24", "203.0.113.7",
	    "10.0.7.0/24 10.1.0.0/16", "10.1.0.0/16", "", "10.0.7.0/24" },
	{ "the LAN's gateway", "10.0.7.0/24", "203.0.113.7", "10.0.7.1/32", "",
	    "", "10.0.7.1/32" },
	{ "around the LAN, which wins", "10.0.7.0/24", "203.0.113.7",
	    "10.0.0.0/8", "10.0.0.0/8", "", "" },
	{ "one equal, one around", "172.17.0.0/16 10.0.7.0/24", "203.0.113.7",
	    "172.17.0.0/16 172.16.0.0/12", "172.16.0.0/12", "",
	    "172.17.0.0/16" },
	{ "IPv6, too", "fd07::/64", "203.0.113.7",
	    "fd07::/64 fd00::/8 fd07::5/128", "fd00::/8", "",
	    "fd07::/64 fd07::5/128" },
	{ "the tunnel's own network", "", "203.0.113.7", "10.4.2.0/24", "", "",
	    "" },
	{ "around the hub: all but the hub", "", "203.0.113.5",
	    "203.0.113.0/29",
	    "203.0.113.0/30 203.0.113.4/32 203.0.113.6/31", "", "" },
	{ "the hub alone", "", "203.0.113.5", "203.0.113.5/32", "", "",
	    "203.0.113.5/32" },
	{ "around the hub, IPv6", "", "2001:db8::1", "2001:db8::/126",
	    "2001:db8::/128 2001:db8::2/127", "", "" },
	{ "the hub on a LAN of this host, which wins", "203.0.113.0/29",
	    "203.0.113.5", "203.0.0.0/16", "203.0.0.0/16", "", "" },
	{ "everything", "10.0.7.0/24", "203.0.113.7",
	    "0.0.0.0/0 10.1.0.0/16 10.0.7.0/24", "10.1.0.0/16", "0.0.0.0/0",
	    "10.0.7.0/24" },
	{ "everything around the hub stays whole", "", "203.0.113.7",
	    "0.0.0.0/1 128.0.0.0/1", "", "0.0.0.0/1 128.0.0.0/1", "" },
	{ "all traffic in parts", "", "203.0.113.7", "8.0.0.0/8 44.0.0.0/8", "",
	    "8.0.0.0/8 44.0.0.0/8", "" },
};

static struct link_lans
make_lans(const char *text)
{
	struct prefix	 v[MAX];
	size_t		 n = parse_all(text, v);
	struct link_lans lans = { calloc(MAX, sizeof(struct link_lan)), n };

	for (size_t i = 0; i < n; i++) {
		lans.v[i].network = v[i];
		strlcpy(lans.v[i].ifname, "lan0", sizeof(lans.v[i].ifname));
	}
	return lans;
}

START_TEST(routes_share_a_site_with_its_own_networks)
{
	struct conf conf = { .role = CONF_CLIENT, .mode = CONF_TUN,
		.accept_default_route = true };
	struct prefix_set addresses = make_set("10.4.2.2/24");

	for (size_t i = 0; i < nitems(rows); i++) {
		struct link_lans  lans = make_lans(rows[i].lans);
		struct prefix_set routes = make_set(rows[i].assigned);
		struct prefix_set left = { 0 };
		struct addr	  addr;
		struct endpoint	  server;
		struct want	  want;
		struct want_facts facts = { .conf = &conf, .has_ipv6 = true,
			.lans = &lans, .egress = WANT_TUNNEL,
			.addresses = &addresses, .routes = &routes,
			.servers = &server, .nservers = 1 };

		ck_assert(addr_parse(&addr, rows[i].server));
		server = endpoint_make(&addr, 55555);
		ck_assert_int_eq(want_make(&want, &facts), 0);
		ck_assert_msg(strcmp(print(&want.routes), rows[i].routes) == 0,
		    "%s: %s", rows[i].what, print(&want.routes));
		ck_assert_msg(strcmp(print(&want.wide), rows[i].wide) == 0,
		    "%s: wide: %s", rows[i].what, print(&want.wide));
		for (size_t j = 0; j < want.nleft; j++) {
			ck_assert(prefix_set_add(&left, &want.left[j].network));
			ck_assert_str_eq(want.left[j].ifname,
			    rows[i].lans[0] != '\0' ? "lan0" : "");
		}
		prefix_set_sort(&left);
		ck_assert_msg(strcmp(print(&left), rows[i].left) == 0,
		    "%s: left out: %s", rows[i].what, print(&left));
		prefix_set_fini(&left);
		prefix_set_fini(&routes);
		want_fini(&want);
		free(lans.v);
	}
	prefix_set_fini(&addresses);
}
END_TEST

static const struct {
	const char	*what;
	enum want_egress egress;
	enum conf_when_down when_down;
	const char	*assigned, *wide;
	bool		 unreachable4, unreachable6, blocks;
} egresses[] = {
	{ "no session", WANT_BYPASS, CONF_BLOCK, "0.0.0.0/0", "", false, false,
	    false },
	{ "not yet a session", WANT_BLOCKED, CONF_BLOCK, "", "0.0.0.0/0", true,
	    true, true },
	{ "blocked, whatever was assigned", WANT_BLOCKED, CONF_BLOCK,
	    "0.0.0.0/0 ::/0", "0.0.0.0/0", true, true, true },
	{ "both families", WANT_TUNNEL, CONF_BLOCK, "0.0.0.0/0 ::/0",
	    "0.0.0.0/0 ::/0", true, true, false },
	{ "IPv4 alone: no IPv6 past it", WANT_TUNNEL, CONF_BLOCK, "0.0.0.0/0",
	    "0.0.0.0/0", true, true, false },
	{ "the same, without a block", WANT_TUNNEL, CONF_BYPASS, "0.0.0.0/0",
	    "0.0.0.0/0", false, true, false },
	{ "both, without a block", WANT_TUNNEL, CONF_BYPASS, "0.0.0.0/0 ::/0",
	    "0.0.0.0/0 ::/0", false, false, false },
	{ "IPv6 alone", WANT_TUNNEL, CONF_BLOCK, "::/0", "::/0", false, true,
	    false },
	{ "nothing wide", WANT_TUNNEL, CONF_BLOCK, "10.1.0.0/16", "", false,
	    false, false },
};

START_TEST(egress_is_blocked_bypassed_or_tunnelled)
{
	struct link_lans  lans = { 0 };
	struct prefix_set addresses = { 0 };

	for (size_t i = 0; i < nitems(egresses); i++) {
		struct conf conf = { .role = CONF_CLIENT, .mode = CONF_TUN,
			.accept_default_route = true,
			.when_down = egresses[i].when_down };
		struct prefix_set routes = make_set(egresses[i].assigned);
		struct want_facts facts = { .conf = &conf, .has_ipv6 = true,
			.lans = &lans, .egress = egresses[i].egress,
			.addresses = &addresses, .routes = &routes };
		struct want want;

		ck_assert_int_eq(want_make(&want, &facts), 0);
		ck_assert_msg(strcmp(print(&want.wide), egresses[i].wide) == 0,
		    "%s: %s", egresses[i].what, print(&want.wide));
		ck_assert_msg(want.unreachable[0] == egresses[i].unreachable4 &&
			want.unreachable[1] == egresses[i].unreachable6 &&
			want.blocks == egresses[i].blocks,
		    "%s", egresses[i].what);
		want_fini(&want);
		prefix_set_fini(&routes);
	}
}
END_TEST

static const struct {
	const char    *what;
	enum conf_mode mode;
	const char    *bridge;
	bool	       create, has_bridge;
	unsigned       port_mtu, bridge_mtu, conf_mtu, mtu;
	bool	       makes_bridge, has_addresses;
} devices[] = {
	{ "tun", CONF_TUN, "", false, false, 0, 0, 0, 1400, false, true },
	{ "tun, as said", CONF_TUN, "", false, false, 0, 0, 1280, 1280, false,
	    true },
	{ "tap alone", CONF_TAP, "", false, false, 0, 0, 0, 1500, false, true },
	{ "a port of a jumbo bridge", CONF_TAP, "br0", false, true, 9000, 1500,
	    0, 9000, false, false },
	{ "a port beside a small one", CONF_TAP, "br0", false, true, 1280, 1280,
	    9000, 1280, false, false },
	{ "the only port", CONF_TAP, "br0", false, true, 0, 1500, 9000, 1500,
	    false, false },
	{ "the only port keeps nothing down", CONF_TAP, "br0", false, true, 0,
	    9000, 1500, 9000, false, false },
	{ "the only port is not kept down", CONF_TAP, "br0", false, true, 0,
	    1400, 0, 1500, false, false },
	{ "no bridge yet", CONF_TAP, "br0", false, false, 0, 0, 0, 1500, false,
	    false },
	{ "a bridge of our making", CONF_TAP, "br0", true, false, 0, 1500, 0,
	    1500, true, true },
	{ "the same, with a port", CONF_TAP, "br0", true, false, 1280, 1280,
	    1450, 1450, true, true },
	{ "somebody made it before", CONF_TAP, "br0", true, true, 1500, 1500, 0,
	    1500, false, false },
};

START_TEST(device_follows_from_configuration_and_bridge)
{
	struct prefix own;
	struct link_lans lans = { 0 };
	struct prefix_set none = { 0 };

	ck_assert(prefix_parse(&own, "10.9.0.1/24"));
	for (size_t i = 0; i < nitems(devices); i++) {
		struct conf conf = { .role = CONF_CLIENT,
			.mode = devices[i].mode, .mtu = devices[i].conf_mtu,
			.create_bridge = devices[i].create,
			.addresses = { &own, 1 } };
		struct want_facts facts = { .conf = &conf, .has_ipv6 = true,
			.lans = &lans, .has_bridge = devices[i].has_bridge,
			.port_mtu = devices[i].port_mtu,
			.bridge_mtu = devices[i].bridge_mtu, .addresses = &none,
			.routes = &none };
		struct want want;

		strlcpy(conf.bridge, devices[i].bridge, sizeof(conf.bridge));
		ck_assert_int_eq(want_make(&want, &facts), 0);
		ck_assert_msg(want.mtu == devices[i].mtu, "%s: %u",
		    devices[i].what, want.mtu);
		ck_assert_msg(want.makes_bridge == devices[i].makes_bridge &&
			(want.addresses.n == 1) == devices[i].has_addresses,
		    "%s", devices[i].what);
		want_fini(&want);
	}
}
END_TEST

/* A hub: what its sites have is the administrator's word. */
START_TEST(hub_has_its_sites_networks_and_no_ipv6_where_there_is_none)
{
	struct prefix	 nets[MAX], subnets[MAX];
	struct conf_site sites[] = { { .name = "a", .subnets = { subnets, 2 } },
		{ .name = "b", .disabled = true,
		    .subnets = { &subnets[2], 1 } } };
	struct conf	 conf = { .role = CONF_SERVER, .mode = CONF_TUN,
		     .sites = sites, .nsites = 2,
		     .tunnel_networks = { nets, 2 } };
	struct link_lans lans = make_lans("10.0.7.0/24");
	struct want_facts facts = { .conf = &conf, .lans = &lans };
	struct want	 want;

	ck_assert_uint_eq(parse_all("10.4.2.0/24 fd04:2::/64", nets), 2);
	ck_assert_uint_eq(parse_all("10.0.7.64/26 fd07::/64 10.0.9.0/24",
			      subnets), 3);
	ck_assert_int_eq(want_make(&want, &facts), 0);
	ck_assert_str_eq(print(&want.addresses), "10.4.2.1/24");
	ck_assert_str_eq(print(&want.routes), "10.0.7.64/26");
	want_fini(&want);
	facts.has_ipv6 = true;
	sites[1].disabled = false;
	ck_assert_int_eq(want_make(&want, &facts), 0);
	ck_assert_str_eq(print(&want.addresses), "10.4.2.1/24 fd04:2::1/64");
	ck_assert_str_eq(print(&want.routes),
	    "10.0.7.64/26 10.0.9.0/24 fd07::/64");
	ck_assert_uint_eq(want.nleft, 0);
	want_fini(&want);
	free(lans.v);
}
END_TEST

UNIT_MAIN("want", routes_share_a_site_with_its_own_networks,
    egress_is_blocked_bypassed_or_tunnelled,
    device_follows_from_configuration_and_bridge,
    hub_has_its_sites_networks_and_no_ipv6_where_there_is_none)
