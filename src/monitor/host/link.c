/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * libnl's error numbers are its own: they become errno values here, in
 * link_errno(); rules.c, which speaks libnl too, does the same.
 */
#include "monitor/host/link.h"

#include <errno.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>

#include <linux/rtnetlink.h>
#include <netlink/netlink.h>
#include <netlink/route/addr.h>
#include <netlink/route/link.h>
#include <netlink/route/nexthop.h>
#include <netlink/route/route.h>

#include <bsd/string.h>

#include "base/nitems.h"
#include "monitor/host/prefix_set.h"

#define LAST_METRIC UINT32_MAX /* any other route is better */

struct link {
	struct nl_sock *sock;
};

/* What is asked of an interface. */
struct facts {
	int	index, mtu;
	int	master; /* the bridge's index; 0: no port */
	bool	is_up, is_bridge, has_mac;
	uint8_t mac[6];
};

static bool look(struct link *link, const char *name, struct facts *facts);
static struct rtnl_link *find_link(struct link *link, const char *name);
static int		 change_link(struct link *link, const char *name,
		    struct rtnl_link *change);
static bool		 has_port(struct nl_cache *links, int master);
static struct nl_addr	*to_nl(const struct prefix *prefix);
static bool		 from_nl(struct prefix *prefix, struct nl_addr *addr);
static int change_address(struct link *link, const char *name,
    const struct prefix *prefix,
    int (*change)(struct nl_sock *sock, struct rtnl_addr *address, int flags),
    int flags);
static int make_route(struct link *link, const char *name,
    const struct prefix *network, struct rtnl_route **route);
static struct rtnl_route *new_route(uint32_t table,
    const struct prefix *network, unsigned ifindex);
static int add_missing(struct link *link, uint32_t table,
    const struct link_routes *routes, const struct prefix_set *have,
    const bool unreachable[2]);
static int put_route(struct link *link, uint32_t table,
    const struct prefix *network, unsigned ifindex);
static bool is_ours(struct rtnl_route *route, const struct link_routes *routes);
static bool is_wanted(struct rtnl_route *route,
    const struct link_routes *routes, struct prefix *network);
static unsigned on_link(struct rtnl_route *route);

struct link *
link_open(void)
{
	struct link *link = calloc(1, sizeof(*link));

	if (link == NULL)
		return NULL;
	link->sock = nl_socket_alloc();
	if (link->sock == NULL || nl_connect(link->sock, NETLINK_ROUTE) < 0) {
		link_close(link);
		return NULL;
	}
	return link;
}

void
link_close(struct link *link)
{
	if (link == NULL)
		return;
	nl_socket_free(link->sock);
	free(link);
}

/* ------------------------------------------------------------- asking */

int
link_index(struct link *link, const char *name)
{
	struct facts facts;

	return look(link, name, &facts) ? facts.index : -ENODEV;
}

int
link_mtu(struct link *link, const char *name)
{
	struct facts facts;

	return look(link, name, &facts) ? facts.mtu : -ENODEV;
}

int
link_mac(struct link *link, const char *name, uint8_t mac[6])
{
	struct facts facts;

	if (!look(link, name, &facts))
		return -ENODEV;
	if (!facts.has_mac)
		return -EINVAL;
	memcpy(mac, facts.mac, sizeof(facts.mac));
	return 0;
}

bool
link_is_bridge(struct link *link, const char *name)
{
	struct facts facts;

	return look(link, name, &facts) && facts.is_bridge;
}

bool
link_is_up(struct link *link, const char *name)
{
	struct facts facts;

	return look(link, name, &facts) && facts.is_up;
}

/* Asked anew each time: others change interfaces too. */
static bool
look(struct link *link, const char *name, struct facts *facts)
{
	struct rtnl_link *found = find_link(link, name);
	struct nl_addr	 *mac;
	const char	 *type;

	if (found == NULL)
		return false;
	mac = rtnl_link_get_addr(found);
	type = rtnl_link_get_type(found);
	*facts = (struct facts) {
		.index = rtnl_link_get_ifindex(found),
		.mtu = (int)rtnl_link_get_mtu(found),
		.master = rtnl_link_get_master(found),
		.is_up = (rtnl_link_get_flags(found) & IFF_UP) != 0,
		.is_bridge = type != NULL && strcmp(type, "bridge") == 0,
		.has_mac = mac != NULL && nl_addr_get_len(mac) == 6,
	};
	if (facts->has_mac)
		memcpy(facts->mac, nl_addr_get_binary_addr(mac), 6);
	rtnl_link_put(found);
	return true;
}

/* The caller puts it. */
static struct rtnl_link *
find_link(struct link *link, const char *name)
{
	struct rtnl_link *found;

	if (rtnl_link_get_kernel(link->sock, 0, name, &found) < 0)
		return NULL;
	return found;
}

/* ---------------------------------------------------------- interfaces */

int
link_set_queue_len(struct link *link, const char *name, unsigned len,
    bool unicast)
{
	struct rtnl_link *change = rtnl_link_alloc();

	if (change == NULL)
		return -ENOMEM;
	rtnl_link_set_txqlen(change, len);
	if (unicast)
		rtnl_link_unset_flags(change, IFF_MULTICAST);
	return change_link(link, name, change);
}

int
link_set_up(struct link *link, const char *name, unsigned mtu)
{
	struct rtnl_link *change = rtnl_link_alloc();

	if (change == NULL)
		return -ENOMEM;
	rtnl_link_set_flags(change, IFF_UP);
	if (mtu != 0)
		rtnl_link_set_mtu(change, mtu);
	return change_link(link, name, change);
}

int
link_make_bridge(struct link *link, const char *name, const uint8_t mac[6])
{
	struct rtnl_link *bridge = rtnl_link_alloc();
	struct nl_addr	 *addr = nl_addr_build(AF_LLC, mac, 6);
	int		  r = -NLE_NOMEM;

	if (bridge != NULL && addr != NULL) {
		rtnl_link_set_name(bridge, name);
		rtnl_link_set_addr(bridge, addr);
		r = rtnl_link_set_type(bridge, "bridge");
		if (r == 0)
			r = rtnl_link_add(link->sock, bridge,
			    NLM_F_CREATE | NLM_F_EXCL);
	}
	nl_addr_put(addr);
	rtnl_link_put(bridge);
	return link_errno(r);
}

int
link_remove_bridge(struct link *link, const char *name)
{
	struct rtnl_link *bridge = find_link(link, name);
	struct nl_cache	 *links;
	int		  r = -NLE_INVAL;

	if (bridge == NULL)
		return 0;
	if (link_is_bridge(link, name))
		r = rtnl_link_alloc_cache(link->sock, AF_UNSPEC, &links);
	if (r == 0) {
		r = has_port(links, rtnl_link_get_ifindex(bridge)) ?
		    -NLE_BUSY :
		    rtnl_link_delete(link->sock, bridge);
		nl_cache_free(links);
	}
	rtnl_link_put(bridge);
	return link_errno(r);
}

int
link_enslave(struct link *link, const char *name, const char *bridge)
{
	struct facts	  port;
	struct rtnl_link *change;
	int		  master = link_index(link, bridge);

	if (master < 0)
		return master;
	if (!look(link, name, &port))
		return -ENODEV;
	if (port.master != 0)
		return port.master == master ? 0 : -EBUSY;
	change = rtnl_link_alloc();
	if (change == NULL)
		return -ENOMEM;
	rtnl_link_set_master(change, master);
	return change_link(link, name, change);
}

/* Consumes `change`; what is not set in it is left alone. */
static int
change_link(struct link *link, const char *name, struct rtnl_link *change)
{
	struct rtnl_link *old = find_link(link, name);
	int		  r = -NLE_NODEV;

	if (old != NULL)
		r = rtnl_link_change(link->sock, old, change, 0);
	rtnl_link_put(old);
	rtnl_link_put(change);
	return link_errno(r);
}

static bool
has_port(struct nl_cache *links, int master)
{
	for (struct nl_object *o = nl_cache_get_first(links); o != NULL;
	    o = nl_cache_get_next(o)) {
		if (rtnl_link_get_master((struct rtnl_link *)o) == master)
			return true;
	}
	return false;
}

/* ----------------------------------------------------------- addresses */

int
link_add_address(struct link *link, const char *name,
    const struct prefix *prefix)
{
	int r = change_address(link, name, prefix, rtnl_addr_add, NLM_F_EXCL);

	return r == -EEXIST ? 0 : r;
}

int
link_remove_address(struct link *link, const char *name,
    const struct prefix *prefix)
{
	int r = change_address(link, name, prefix, rtnl_addr_delete, 0);

	return r == -EADDRNOTAVAIL || r == -ENODEV ? 0 : r;
}

static int
change_address(struct link *link, const char *name, const struct prefix *prefix,
    int (*change)(struct nl_sock *sock, struct rtnl_addr *address, int flags),
    int flags)
{
	int		  index = link_index(link, name), r = -NLE_NOMEM;
	struct rtnl_addr *address;
	struct nl_addr	 *local;

	if (index < 0)
		return index;
	address = rtnl_addr_alloc();
	local = to_nl(prefix);
	if (address != NULL && local != NULL) {
		rtnl_addr_set_ifindex(address, index);
		r = rtnl_addr_set_local(address, local);
		if (r == 0)
			r = change(link->sock, address, flags);
	}
	nl_addr_put(local);
	rtnl_addr_put(address);
	return link_errno(r);
}

/* -------------------------------------------------------------- routes */

/*
 * Without NLM_F_EXCL the kernel would put a second route to the same network
 * before somebody else's and say nothing; with it, one cannot tell whose is
 * there.  So a second try appends: that is refused if, and only if, the route
 * is the one that we want; else it is taken back.
 */
int
link_add_route(struct link *link, const char *name,
    const struct prefix *network)
{
	struct rtnl_route *route;
	int		   r = make_route(link, name, network, &route);

	if (r < 0)
		return r;
	r = link_errno(rtnl_route_add(link->sock, route, NLM_F_EXCL));
	if (r == -EEXIST) {
		r = link_errno(rtnl_route_add(link->sock, route, NLM_F_APPEND));
		if (r == 0) {
			(void)rtnl_route_delete(link->sock, route, 0);
			r = -EEXIST;
		} else if (r == -EEXIST) {
			r = 0;
		}
	}
	rtnl_route_put(route);
	return r;
}

int
link_remove_route(struct link *link, const char *name,
    const struct prefix *network)
{
	struct rtnl_route *route;
	int		   r = make_route(link, name, network, &route);

	if (r < 0)
		return r == -ENODEV ? 0 : r;
	r = link_errno(rtnl_route_delete(link->sock, route, 0));
	rtnl_route_put(route);
	return r == -ENOENT || r == -ENODEV ? 0 : r;
}

static int
make_route(struct link *link, const char *name, const struct prefix *network,
    struct rtnl_route **route)
{
	int index = link_index(link, name);

	if (index < 0)
		return index;
	*route = new_route(RT_TABLE_MAIN, network, (unsigned)index);
	return *route != NULL ? 0 : -ENOMEM;
}

/* By that device; with index 0 one that says "unreachable".  NULL: no memory. */
static struct rtnl_route *
new_route(uint32_t table, const struct prefix *network, unsigned ifindex)
{
	struct prefix	     plain = prefix_network(network);
	struct rtnl_route   *route = rtnl_route_alloc();
	struct rtnl_nexthop *hop = rtnl_route_nh_alloc();
	struct nl_addr	    *dst = to_nl(&plain);
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

int
link_set_routes(struct link *link, uint32_t table,
    const struct link_routes *routes)
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

/* How many; of IPv6 on a host that has none it is none. */
static int
add_missing(struct link *link, uint32_t table, const struct link_routes *routes,
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
		r = prefix_set_has(have, &routes->set->v[i]) ?
		    0 :
		    put_route(link, table, &routes->set->v[i],
			routes->ifindex);
		n += r > 0;
	}
	return r < 0 ? r : n;
}

/* 1 when it was added, 0 when that was not to be. */
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
	if (r == -EEXIST || (network->addr.family == AF_INET6 &&
			(r == -EAFNOSUPPORT || r == -EOPNOTSUPP)))
		return 0;
	return r == 0 ? 1 : r;
}

/* By the device, with our protocol number. */
static bool
is_ours(struct rtnl_route *route, const struct link_routes *routes)
{
	return rtnl_route_get_type(route) == RTN_UNICAST &&
	    rtnl_route_get_protocol(route) == LINK_RTPROT &&
	    on_link(route) == routes->ifindex;
}

/* Then `network` is its. */
static bool
is_wanted(struct rtnl_route *route, const struct link_routes *routes,
    struct prefix *network)
{
	/* libnl's address of a default route is empty. */
	*network = (struct prefix) { { rtnl_route_get_family(route), { 0 } },
		0 };
	if (nl_addr_get_prefixlen(rtnl_route_get_dst(route)) > 0 &&
	    !from_nl(network, rtnl_route_get_dst(route)))
		return false;
	if (is_ours(route, routes))
		return prefix_set_has(routes->set, network);
	return rtnl_route_get_type(route) == RTN_UNREACHABLE &&
	    network->len == 0 && rtnl_route_get_priority(route) == LAST_METRIC &&
	    routes->unreachable[network->addr.family == AF_INET ? 0 : 1];
}

/* The interface's index of a route without a gateway; 0: it is no such one. */
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

/* IPv6 has no scopes: there, what needs no gateway. */
int
link_get_local(struct link *link, unsigned ifindex, struct prefix_set *local)
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
		    !from_nl(&network, rtnl_route_get_dst(route)) ||
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

/* ------------------------------------------------------------ overlaps */

int
link_get_lans(struct link *link, const char *except, struct link_lans *lans)
{
	struct nl_cache *addrs;
	int		 r = rtnl_addr_alloc_cache(link->sock, &addrs);

	*lans = (struct link_lans) { 0 };
	if (r < 0)
		return link_errno(r);
	lans->v = calloc((size_t)nl_cache_nitems(addrs) + 1, sizeof(*lans->v));
	for (struct nl_object *o = nl_cache_get_first(addrs);
	    lans->v != NULL && o != NULL; o = nl_cache_get_next(o)) {
		struct rtnl_addr *addr = (struct rtnl_addr *)o;
		struct link_lan	 *lan = &lans->v[lans->n];

		if (!from_nl(&lan->network, rtnl_addr_get_local(addr)) ||
		    !addr_is_global(&lan->network.addr) ||
		    if_indextoname((unsigned)rtnl_addr_get_ifindex(addr),
			lan->ifname) == NULL ||
		    strcmp(lan->ifname, "lo") == 0 ||
		    (except != NULL && strcmp(lan->ifname, except) == 0))
			continue;
		lan->network.len = (uint8_t)rtnl_addr_get_prefixlen(addr);
		lan->network = prefix_network(&lan->network);
		lans->n++;
	}
	nl_cache_free(addrs);
	return lans->v != NULL ? 0 : -ENOMEM;
}

const struct link_lan *
link_find_lan(const struct link_lans *lans, const struct prefix *network)
{
	const struct link_lan *found = NULL;

	for (size_t i = 0; i < lans->n; i++) {
		const struct link_lan *lan = &lans->v[i];

		if (prefix_overlaps(&lan->network, network) &&
		    (found == NULL || lan->network.len > found->network.len))
			found = lan;
	}
	return found;
}

/* ---------------------------------------------------------- libnl's way */

/* The caller puts it. */
static struct nl_addr *
to_nl(const struct prefix *prefix)
{
	struct nl_addr *addr = nl_addr_build(prefix->addr.family,
	    prefix->addr.bytes, addr_bits(prefix->addr.family) / 8);

	if (addr != NULL)
		nl_addr_set_prefixlen(addr, prefix->len);
	return addr;
}

static bool
from_nl(struct prefix *prefix, struct nl_addr *addr)
{
	int family = addr != NULL ? nl_addr_get_family(addr) : AF_UNSPEC;

	if ((family != AF_INET && family != AF_INET6) ||
	    nl_addr_get_len(addr) != addr_bits((sa_family_t)family) / 8)
		return false;
	*prefix = (struct prefix) { 0 };
	prefix->addr.family = (sa_family_t)family;
	memcpy(prefix->addr.bytes, nl_addr_get_binary_addr(addr),
	    nl_addr_get_len(addr));
	prefix->len = (uint8_t)nl_addr_get_prefixlen(addr);
	return true;
}

int
link_errno(int error)
{
	static const struct {
		int nle, value;
	} table[] = {
		{ NLE_EXIST, EEXIST },
		{ NLE_OBJ_NOTFOUND, ENOENT },
		{ NLE_NODEV, ENODEV },
		{ NLE_NOADDR, EADDRNOTAVAIL },
		{ NLE_BUSY, EBUSY },
		{ NLE_PERM, EPERM },
		{ NLE_NOACCESS, EACCES },
		{ NLE_NOMEM, ENOMEM },
		{ NLE_INVAL, EINVAL },
		{ NLE_RANGE, ERANGE },
		{ NLE_OPNOTSUPP, EOPNOTSUPP },
		{ NLE_AF_NOSUPPORT, EAFNOSUPPORT },
		{ NLE_AGAIN, EAGAIN },
		{ NLE_INTR, EINTR },
	};

	if (error >= 0)
		return 0;
	for (size_t i = 0; i < nitems(table); i++) {
		if (table[i].nle == -error)
			return -table[i].value;
	}
	return -EIO;
}
