/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "monitor/host/route.h"

#include <errno.h>
#include <sys/socket.h>

#include <linux/rtnetlink.h>
#include <netlink/netlink.h>
#include <netlink/route/nexthop.h>
#include <netlink/route/route.h>

#include "base/nitems.h"
#include "monitor/host/link.h"
#include "monitor/host/prefix_set.h"

#define LAST_METRIC UINT32_MAX /* any other route is better */

static struct rtnl_route *new_route(uint32_t table,
    const struct prefix *network, unsigned ifindex);
static int add_missing(struct link *link, uint32_t table,
    const struct route_table *routes, const struct prefix_set *have,
    const bool unreachable[2]);
static int put_route(struct link *link, uint32_t table,
    const struct prefix *network, unsigned ifindex);
static bool is_ours(struct rtnl_route *route, const struct route_table *routes);
static bool is_wanted(struct rtnl_route *route,
    const struct route_table *routes, struct prefix *network);
static unsigned on_link(struct rtnl_route *route);

int
route_set(struct link *link, uint32_t table, const struct route_table *routes)
{
	struct prefix_set have = { 0 };
	bool		  unreachable[2] = { false, false };
	struct nl_cache	 *cache;
	int r = link_errno(rtnl_route_alloc_cache(link->sock, AF_UNSPEC, 0,
	    &cache)), added, removed = 0;

	if (r < 0)
		return r;
	for (struct nl_object *o = nl_cache_get_first(cache); o != NULL;
	    o = nl_cache_get_next(o)) {
		struct rtnl_route *route = (struct rtnl_route *)o;
		struct prefix	   network;

		if (rtnl_route_get_table(route) != table)
			continue;
		if (!is_wanted(route, routes, &network)) {
			if (table != RT_TABLE_MAIN || is_ours(route, routes))
				nl_object_mark(o);
		} else if (rtnl_route_get_type(route) != RTN_UNICAST) {
			unreachable[network.addr.family != AF_INET] = true;
		} else if (!prefix_set_add(&have, &network)) {
			r = -ENOMEM;
		}
	}
	prefix_set_sort(&have);
	added = add_missing(link, table, routes, &have, unreachable);
	for (struct nl_object *o = nl_cache_get_first(cache);
	    added >= 0 && o != NULL; o = nl_cache_get_next(o)) {
		if (nl_object_is_marked(o))
			removed += rtnl_route_delete(link->sock,
			    (struct rtnl_route *)o, 0) == 0;
	}
	nl_cache_free(cache);
	prefix_set_fini(&have);
	if (added < 0 || r < 0)
		return added < 0 ? added : r;
	/* In the main table they were ours, and we took them. */
	return table == RT_TABLE_MAIN ? added : added + removed;
}

/* IPv6 has no scopes: there, what needs no gateway. */
int
route_get_local(struct link *link, unsigned ifindex, struct prefix_set *local)
{
	struct nl_cache *cache;
	int r = link_errno(rtnl_route_alloc_cache(link->sock, AF_UNSPEC, 0,
	    &cache));

	if (r < 0)
		return r;
	for (struct nl_object *o = nl_cache_get_first(cache); o != NULL;
	    o = nl_cache_get_next(o)) {
		struct rtnl_route *route = (struct rtnl_route *)o;
		unsigned	   out = on_link(route);
		struct prefix	   network;

		if (out == 0 || out == ifindex ||
		    rtnl_route_get_table(route) != RT_TABLE_MAIN ||
		    rtnl_route_get_type(route) != RTN_UNICAST ||
		    !link_from_nl(&network, rtnl_route_get_dst(route)) ||
		    network.len == 0 ||
		    (network.addr.family == AF_INET &&
			rtnl_route_get_scope(route) != RT_SCOPE_LINK))
			continue;
		if (!prefix_set_add(local, &network))
			r = -ENOMEM;
	}
	nl_cache_free(cache);
	return r;
}

/*
 * A route by that device; with index 0, an unreachable one.  NULL: out of
 * memory.
 */
static struct rtnl_route *
new_route(uint32_t table, const struct prefix *network, unsigned ifindex)
{
	struct prefix	     plain = prefix_network(network);
	struct rtnl_route   *route = rtnl_route_alloc();
	struct rtnl_nexthop *hop = rtnl_route_nh_alloc();
	struct nl_addr	    *dst = link_to_nl(&plain);
	bool		     ok = route != NULL && hop != NULL && dst != NULL;

	if (ok) {
		rtnl_route_set_family(route, (uint8_t)plain.addr.family);
		rtnl_route_set_table(route, table);
		rtnl_route_set_protocol(route, LINK_RTPROT);
		rtnl_route_set_type(route, ifindex != 0 ? RTN_UNICAST :
							  RTN_UNREACHABLE);
		rtnl_route_set_scope(route,
		    ifindex != 0 && plain.addr.family == AF_INET ?
			RT_SCOPE_LINK : RT_SCOPE_UNIVERSE);
		ok = rtnl_route_set_dst(route, dst) == 0;
	}
	if (ok && ifindex != 0) {
		rtnl_route_nh_set_ifindex(hop, (int)ifindex);
		rtnl_route_add_nexthop(route, hop); /* consumes it */
		hop = NULL;
	} else if (ok) {
		rtnl_route_set_priority(route, LAST_METRIC);
	}
	nl_addr_put(dst);
	if (hop != NULL)
		rtnl_route_nh_free(hop);
	if (ok)
		return route;
	rtnl_route_put(route);
	return NULL;
}

/* How many. */
static int
add_missing(struct link *link, uint32_t table, const struct route_table *routes,
    const struct prefix_set *have, const bool unreachable[2])
{
	static const struct prefix all[] = { { { .family = AF_INET }, 0 },
		{ { .family = AF_INET6 }, 0 } };
	int n = 0, r = 0;

	for (size_t i = 0; r >= 0 && i < nitems(all); i++) {
		r = routes->unreachable[i] && !unreachable[i] ?
		    put_route(link, table, &all[i], 0) :
		    0;
		n += r > 0;
	}
	for (size_t i = 0; r >= 0 && i < routes->set->n; i++) {
		const struct prefix *network = &routes->set->v[i];

		r = prefix_set_has(have, network) ?
		    0 :
		    put_route(link, table, network, routes->ifindex);
		n += r > 0;
		if (r < 0 && routes->on_failure != NULL)
			r = routes->on_failure(routes->arg, network, r);
		else if (r == -EEXIST)
			r = 0;
	}
	return r < 0 ? r : n;
}

/* 1 when it was added, 0 for IPv6 on a host that has none. */
static int
put_route(struct link *link, uint32_t table, const struct prefix *network,
    unsigned ifindex)
{
	struct rtnl_route *route = new_route(table, network, ifindex);
	int		   r;

	if (route == NULL)
		return -ENOMEM;
	r = link_errno(rtnl_route_add(link->sock, route,
	    table == RT_TABLE_MAIN ? NLM_F_EXCL : NLM_F_REPLACE));
	rtnl_route_put(route);
	if (network->addr.family == AF_INET6 &&
	    (r == -EAFNOSUPPORT || r == -EOPNOTSUPP))
		return 0;
	return r == 0 ? 1 : r;
}

/* By the device, with our protocol number. */
static bool
is_ours(struct rtnl_route *route, const struct route_table *routes)
{
	return rtnl_route_get_type(route) == RTN_UNICAST &&
	    rtnl_route_get_protocol(route) == LINK_RTPROT &&
	    on_link(route) == routes->ifindex;
}

/* Then `network` is its. */
static bool
is_wanted(struct rtnl_route *route, const struct route_table *routes,
    struct prefix *network)
{
	/* libnl's address of a default route is empty. */
	*network = (struct prefix) { { rtnl_route_get_family(route), { 0 } },
		0 };
	if (nl_addr_get_prefixlen(rtnl_route_get_dst(route)) > 0 &&
	    !link_from_nl(network, rtnl_route_get_dst(route)))
		return false;
	if (is_ours(route, routes))
		return prefix_set_has(routes->set, network);
	return rtnl_route_get_type(route) == RTN_UNREACHABLE &&
	    network->len == 0 && rtnl_route_get_priority(route) == LAST_METRIC &&
	    routes->unreachable[network->addr.family == AF_INET ? 0 : 1];
}

/* The interface of a route without a gateway; 0: the route has one. */
static unsigned
on_link(struct rtnl_route *route)
{
	struct rtnl_nexthop *hop = rtnl_route_nexthop_n(route, 0);

	if (rtnl_route_get_nnexthops(route) != 1 ||
	    rtnl_route_nh_get_gateway(hop) != NULL ||
	    rtnl_route_nh_get_via(hop) != NULL)
		return 0;
	return (unsigned)rtnl_route_nh_get_ifindex(hop);
}
