/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "monitor/host/route.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <linux/rtnetlink.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <netlink/route/nexthop.h>
#include <netlink/route/route.h>

#include "base/nitems.h"
#include "monitor/host/link.h"
#include "monitor/host/prefix_set.h"

#define LAST_METRIC	 UINT32_MAX /* any other route is better */
#define CONNECTED_METRIC 256	    /* the kernel's, of IPv6 */

/* What a table has. */
struct rows {
	uint32_t		  table;
	const struct route_table *wanted;
	struct prefix_set	  have;
	bool			  unreachable[2];
	struct rtnl_route	**rest; /* all owned */
	size_t			  nrest;
	bool			  no_memory;
};

struct local {
	unsigned	   except;
	struct prefix_set *set;
	bool		   no_memory;
};

static int list(struct link *link, uint32_t table, uint8_t protocol,
    int (*on_row)(struct nl_msg *msg, void *arg), void *arg);
static int on_row(struct nl_msg *msg, void *arg);
static void add_rest(struct rows *rows, struct rtnl_route *route);
static int on_any(struct nl_msg *msg, void *arg);
static struct rtnl_route *new_route(uint32_t table,
    const struct prefix *network, unsigned ifindex, uint32_t metric);
static int add_connected(struct link *link, const struct route_table *routes,
    const struct rows *rows);
static int add_missing(struct link *link, uint32_t table,
    const struct route_table *routes, const struct rows *rows);
static int put_route(struct link *link, uint32_t table,
    const struct prefix *network, unsigned ifindex, uint32_t metric);
static bool is_ours(struct rtnl_route *route, const struct route_table *routes);
static bool is_wanted(struct rtnl_route *route,
    const struct route_table *routes, struct prefix *network);
static unsigned on_link(struct rtnl_route *route);

int
route_set(struct link *link, uint32_t table, const struct route_table *routes)
{
	struct rows rows = { .table = table, .wanted = routes };
	bool	    is_main = table == RT_TABLE_MAIN;
	int r = list(link, table, is_main ? LINK_RTPROT : 0, on_row, &rows);
	int removed = 0;

	if (r == 0 && rows.no_memory)
		r = -ENOMEM;
	prefix_set_sort(&rows.have);
	if (r == 0)
		r = add_missing(link, table, routes, &rows);
	for (size_t i = 0; i < rows.nrest; i++) {
		if (r >= 0)
			removed += rtnl_route_delete(link->sock, rows.rest[i],
				       0) == 0;
		rtnl_route_put(rows.rest[i]);
	}
	free(rows.rest);
	prefix_set_fini(&rows.have);
	/* In the main table they were ours, and we took them. */
	return r < 0 || is_main ? r : r + removed;
}

int
route_get_local(struct link *link, unsigned ifindex, struct prefix_set *set)
{
	struct local local = { .except = ifindex, .set = set };
	int	     r = list(link, RT_TABLE_MAIN, 0, on_any, &local);

	return r == 0 && local.no_memory ? -ENOMEM : r;
}

/* Of both families; `protocol` 0: of any.  A table that nobody has is empty. */
static int
list(struct link *link, uint32_t table, uint8_t protocol,
    int (*row)(struct nl_msg *msg, void *arg), void *arg)
{
	static const uint8_t families[] = { AF_INET, AF_INET6 };
	int		     r = 0;

	for (size_t i = 0; r == 0 && i < nitems(families); i++) {
		const struct rtmsg header = { .rtm_family = families[i],
			.rtm_protocol = protocol };

		r = link_dump(link, RTM_GETROUTE, &header, sizeof(header),
		    RTA_TABLE, table, row, arg);
		if (r == -ENOENT)
			r = 0;
	}
	return r;
}

static int
on_row(struct nl_msg *msg, void *arg)
{
	struct rows	  *rows = arg;
	struct rtnl_route *route;
	struct prefix	   network;

	if (rtnl_route_parse(nlmsg_hdr(msg), &route) < 0)
		return NL_OK;
	if (rtnl_route_get_table(route) != rows->table) {
		rtnl_route_put(route);
		return NL_OK;
	}
	if (!is_wanted(route, rows->wanted, &network)) {
		if (rows->table != RT_TABLE_MAIN || is_ours(route, rows->wanted))
			add_rest(rows, route);
		else
			rtnl_route_put(route);
		return NL_OK;
	}
	if (rtnl_route_get_type(route) != RTN_UNICAST)
		rows->unreachable[network.addr.family != AF_INET] = true;
	else
		rows->no_memory |= !prefix_set_add(&rows->have, &network);
	rtnl_route_put(route);
	return NL_OK;
}

/* Consumes it. */
static void
add_rest(struct rows *rows, struct rtnl_route *route)
{
	struct rtnl_route **v = reallocarray(rows->rest, rows->nrest + 1,
	    sizeof(struct rtnl_route *));

	if (v == NULL) {
		rows->no_memory = true;
		rtnl_route_put(route);
		return;
	}
	rows->rest = v;
	rows->rest[rows->nrest++] = route;
}

/*
 * There may be very many, so it looks at the bytes.  IPv6 has no scopes: there,
 * what needs no gateway.
 */
static int
on_any(struct nl_msg *msg, void *arg)
{
	struct local	   *local = arg;
	struct nlmsghdr	   *hdr = nlmsg_hdr(msg);
	const struct rtmsg *route = nlmsg_data(hdr);
	struct nlattr	   *attrs[RTA_MAX + 1], *dst;
	struct prefix	    network = { .len = route->rtm_dst_len };

	if (route->rtm_type != RTN_UNICAST || route->rtm_dst_len == 0 ||
	    (route->rtm_flags & RTM_F_CLONED) != 0 ||
	    (route->rtm_family == AF_INET ?
		    route->rtm_scope != RT_SCOPE_LINK :
		    route->rtm_family != AF_INET6) ||
	    nlmsg_parse(hdr, sizeof(*route), attrs, RTA_MAX, NULL) < 0)
		return NL_OK;
	dst = attrs[RTA_DST];
	network.addr.family = route->rtm_family;
	if (dst == NULL || attrs[RTA_OIF] == NULL || attrs[RTA_TABLE] == NULL ||
	    nla_len(dst) != (int)addr_bits(route->rtm_family) / 8 ||
	    attrs[RTA_GATEWAY] != NULL || attrs[RTA_VIA] != NULL ||
	    attrs[RTA_MULTIPATH] != NULL ||
	    nla_get_u32(attrs[RTA_TABLE]) != RT_TABLE_MAIN ||
	    nla_get_u32(attrs[RTA_OIF]) == local->except)
		return NL_OK;
	memcpy(network.addr.bytes, nla_data(dst), (size_t)nla_len(dst));
	local->no_memory |= !prefix_set_add(local->set, &network);
	return NL_OK;
}

/* By that device; index 0: "unreachable".  NULL if out of memory. */
static struct rtnl_route *
new_route(uint32_t table, const struct prefix *network, unsigned ifindex,
    uint32_t metric)
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
		if (metric != 0)
			rtnl_route_set_priority(route, metric);
		ok = rtnl_route_set_dst(route, dst) == 0;
	}
	if (ok && ifindex != 0) {
		rtnl_route_nh_set_ifindex(hop, (int)ifindex);
		rtnl_route_add_nexthop(route, hop); /* consumes it */
		hop = NULL;
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
    const struct rows *rows)
{
	static const struct prefix all[] = { { { .family = AF_INET }, 0 },
		{ { .family = AF_INET6 }, 0 } };
	int n = 0, r = 0;

	for (size_t i = 0; r >= 0 && i < nitems(all); i++) {
		r = routes->unreachable[i] && !rows->unreachable[i] ?
		    put_route(link, table, &all[i], 0, LAST_METRIC) :
		    0;
		n += r > 0;
	}
	for (size_t i = 0; r >= 0 && i < routes->set->n; i++) {
		const struct prefix *network = &routes->set->v[i];

		if (prefix_set_has(&rows->have, network) ||
		    (routes->on_missing != NULL &&
			!routes->on_missing(routes->arg, network)))
			continue;
		r = put_route(link, table, network, routes->ifindex, 0);
		n += r > 0;
		if (r < 0 && routes->on_failure != NULL)
			r = routes->on_failure(routes->arg, network, r);
	}
	if (r >= 0 && routes->connected != NULL)
		n += add_connected(link, routes, rows);
	return r < 0 ? r : n;
}

/* Usually the kernel has it, and says so. */
static int
add_connected(struct link *link, const struct route_table *routes,
    const struct rows *rows)
{
	int n = 0;

	for (size_t i = 0; i < routes->connected->n; i++) {
		const struct prefix *network = &routes->connected->v[i];

		if (prefix_set_has(&rows->have, network) ||
		    put_route(link, RT_TABLE_MAIN, network, routes->ifindex,
			network->addr.family == AF_INET6 ? CONNECTED_METRIC :
							   0) <= 0)
			continue;
		n++;
		if (routes->on_missing != NULL)
			(void)routes->on_missing(routes->arg, network);
	}
	return n;
}

/* 1 when it was added, 0 for IPv6 on a host that has none. */
static int
put_route(struct link *link, uint32_t table, const struct prefix *network,
    unsigned ifindex, uint32_t metric)
{
	struct rtnl_route *route = new_route(table, network, ifindex, metric);
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
		return prefix_set_has(routes->set, network) ||
		    (routes->connected != NULL &&
			prefix_set_has(routes->connected, network));
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
