/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "monitor/host/want.h"

#include <errno.h>
#include <stdlib.h>

#include <bsd/string.h>

#include "conf/conf.h"
#include "monitor/host/link.h"
#include "monitor/host/vet.h"

static const struct prefix all[] = { { { .family = AF_INET }, 0 },
	{ { .family = AF_INET6 }, 0 } };

static void set_device(struct want *want, const struct want_facts *facts);
static bool add_addresses(struct want *want, const struct want_facts *facts);
static bool add_assigned_addresses(struct want *want,
    const struct want_facts *facts);
static bool add_connected(struct want *want);
static bool add_site_routes(struct want *want, const struct want_facts *facts);
static bool add_assigned_routes(struct want *want,
    const struct want_facts *facts);
static bool add_around_servers(struct want *want,
    const struct want_facts *facts, const struct prefix *route);
static bool has_server(const struct want_facts *facts,
    const struct prefix *route);
static bool add_egress(struct want *want, const struct want_facts *facts);
static bool leave_out(struct want *want, const struct prefix *network,
    const struct link_lan *lan);
static bool add(struct prefix_set *set, const struct want_facts *facts,
    const struct prefix *prefix);

int
want_make(struct want *want, const struct want_facts *facts)
{
	bool is_site = facts->conf->role == CONF_CLIENT;
	bool ok;

	*want = (struct want) { 0 };
	set_device(want, facts);
	ok = add_addresses(want, facts);
	if (facts->conf->mode == CONF_TUN && is_site)
		ok = ok && add_assigned_addresses(want, facts) &&
		    add_connected(want) &&
		    add_assigned_routes(want, facts) &&
		    add_egress(want, facts);
	else if (facts->conf->mode == CONF_TUN)
		ok = ok && add_connected(want) && add_site_routes(want, facts);
	prefix_set_sort(&want->addresses);
	prefix_set_sort(&want->routes);
	prefix_set_sort(&want->wide);
	return ok ? 0 : -ENOMEM;
}

void
want_fini(struct want *want)
{
	prefix_set_fini(&want->addresses);
	prefix_set_fini(&want->routes);
	prefix_set_fini(&want->connected);
	prefix_set_fini(&want->wide);
	free(want->left);
	*want = (struct want) { 0 };
}

bool
want_add_sites(struct prefix_set *set, const struct conf *conf)
{
	for (size_t i = 0; i < conf->nsites; i++) {
		const struct conf_site *site = &conf->sites[i];

		if (!site->disabled && !prefix_set_add_list(set,
			site->subnets.v, site->subnets.n))
			return false;
	}
	return true;
}

/*
 * A bridge's MTU is the least of its ports', so a port that takes the bridge's
 * keeps it down.  As its only port we follow a larger one of the bridge's, and
 * ask for none: it would become the bridge's, and its host would send what no
 * other LAN of ours can receive.
 */
static void
set_device(struct want *want, const struct want_facts *facts)
{
	const struct conf *conf = facts->conf;
	bool in_bridge = conf->mode == CONF_TAP && conf->bridge[0] != '\0';

	want->makes_bridge = in_bridge && conf->create_bridge &&
	    !facts->has_bridge;
	want->on_bridge = want->makes_bridge;
	if (in_bridge && !want->makes_bridge)
		want->mtu = facts->port_mtu != 0	  ? facts->port_mtu :
		    facts->bridge_mtu > WANT_TAP_MTU ? facts->bridge_mtu :
						       WANT_TAP_MTU;
	else
		want->mtu = conf->mtu != 0	   ? conf->mtu :
		    conf->mode == CONF_TAP ? WANT_TAP_MTU :
					     WANT_TUN_MTU;
}

static bool
add_addresses(struct want *want, const struct want_facts *facts)
{
	const struct conf *conf = facts->conf;
	bool		   ok = true;

	/* Somebody else's bridge has its addresses. */
	if (conf->mode == CONF_TAP && conf->bridge[0] != '\0' &&
	    !want->on_bridge)
		return true;
	for (size_t i = 0; ok && conf->mode == CONF_TUN &&
	     conf->role == CONF_SERVER && i < conf->tunnel_networks.n; i++) {
		struct prefix own = conf_server_address(
		    &conf->tunnel_networks.v[i]);

		ok = add(&want->addresses, facts, &own);
	}
	for (size_t i = 0; ok && i < conf->addresses.n; i++)
		ok = add(&want->addresses, facts, &conf->addresses.v[i]);
	return ok;
}

/* Those that the administrator gave it stay, whatever is assigned. */
static bool
add_assigned_addresses(struct want *want, const struct want_facts *facts)
{
	const struct conf_prefixes *fixed = &facts->conf->addresses;
	bool			    ok = true;

	for (size_t i = 0; ok && i < facts->addresses->n; i++) {
		const struct prefix   *address = &facts->addresses->v[i];
		struct prefix	       network = prefix_network(address);
		const struct link_lan *lan = link_find_lan(facts->lans,
		    &network);

		if (prefix_list_has(fixed->v, fixed->n, address))
			continue;
		ok = lan != NULL ? leave_out(want, address, lan) :
				   add(&want->addresses, facts, address);
	}
	return ok;
}

static bool
add_connected(struct want *want)
{
	bool ok = true;

	for (size_t i = 0; ok && i < want->addresses.n; i++) {
		const struct prefix *address = &want->addresses.v[i];
		struct prefix	     network = prefix_network(address);

		if (address->len < addr_bits(address->addr.family))
			ok = prefix_set_add(&want->connected, &network);
	}
	prefix_set_sort(&want->connected);
	return ok;
}

/* Of every enabled site; the administrator's word, so the kernel decides. */
static bool
add_site_routes(struct want *want, const struct want_facts *facts)
{
	struct prefix_set sites = { 0 };
	bool		  ok = want_add_sites(&sites, facts->conf);

	for (size_t i = 0; ok && i < sites.n; i++)
		ok = add(&want->routes, facts, &sites.v[i]);
	prefix_set_fini(&sites);
	return ok;
}

static bool
add_assigned_routes(struct want *want, const struct want_facts *facts)
{
	bool is_all[2], ok;

	ok = vet_sum_up(facts->conf, facts->addresses->v, facts->addresses->n,
	    facts->routes->v, facts->routes->n, is_all);
	for (size_t i = 0; ok && i < facts->routes->n; i++) {
		const struct prefix   *route = &facts->routes->v[i];
		const struct link_lan *lan = link_find_around(facts->lans,
		    route);
		if (vet_is_wide(is_all, route))
			ok = facts->egress != WANT_TUNNEL ||
			    add(&want->wide, facts, route);
		else if (lan != NULL ||
		    (route->len == addr_bits(route->addr.family) &&
			has_server(facts, route)))
			ok = leave_out(want, route, lan);
		else if (!prefix_set_has(&want->connected, route))
			ok = add_around_servers(want, facts, route);
	}
	return ok;
}

/* The tunnel cannot carry its own datagrams. */
static bool
add_around_servers(struct want *want, const struct want_facts *facts,
    const struct prefix *route)
{
	struct prefix half = *route;

	if (!has_server(facts, route))
		return add(&want->routes, facts, route);
	if (route->len == addr_bits(route->addr.family))
		return true;
	half.len++;
	if (!add_around_servers(want, facts, &half))
		return false;
	half.addr.bytes[route->len / 8] |= (uint8_t)(0x80 >> route->len % 8);
	return add_around_servers(want, facts, &half);
}

/* One that is on a link of its own is reached by that. */
static bool
has_server(const struct want_facts *facts, const struct prefix *route)
{
	for (size_t i = 0; i < facts->nservers; i++) {
		struct addr   server = endpoint_addr(&facts->servers[i]);
		struct prefix host = { server,
			(uint8_t)addr_bits(server.family) };
		const struct link_lan *lan = link_find_lan(facts->lans, &host);

		if (prefix_contains(route, &server) &&
		    (lan == NULL || lan->network.len <= route->len))
			return true;
	}
	return false;
}

/*
 * Blocked, a route by the device comes before what is unreachable: else there
 * would be no way back to the server, and rp_filter, even at 2, would drop what
 * comes from it.
 */
static bool
add_egress(struct want *want, const struct want_facts *facts)
{
	bool block = facts->conf->when_down == CONF_BLOCK;
	bool v4, v6;

	if (facts->egress == WANT_BLOCKED) {
		want->blocks = want->unreachable[0] = want->unreachable[1] =
		    true;
		return prefix_set_add(&want->wide, &all[0]);
	}
	v4 = prefix_list_has_family(want->wide.v, want->wide.n, AF_INET);
	v6 = prefix_list_has_family(want->wide.v, want->wide.n, AF_INET6);
	want->unreachable[0] = block && v4;
	/* It would show who we are, past the tunnel. */
	want->unreachable[1] = (block && v6) ||
	    (v4 && !prefix_list_has(want->wide.v, want->wide.n, &all[1]));
	return true;
}

static bool
leave_out(struct want *want, const struct prefix *network,
    const struct link_lan *lan)
{
	struct want_left *v = reallocarray(want->left, want->nleft + 1,
	    sizeof(*v));

	if (v == NULL)
		return false;
	want->left = v;
	v += want->nleft++;
	*v = (struct want_left) { .network = *network };
	if (lan != NULL) {
		v->lan = lan->network;
		strlcpy(v->ifname, lan->ifname, sizeof(v->ifname));
	}
	return true;
}

/* On a host without IPv6, IPv4 shall work. */
static bool
add(struct prefix_set *set, const struct want_facts *facts,
    const struct prefix *prefix)
{
	return (prefix->addr.family == AF_INET6 && !facts->has_ipv6) ||
	    prefix_set_add(set, prefix);
}
