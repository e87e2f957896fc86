/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * libnl has its own error numbers. link_errno() converts them to errno values,
 * here and in rules.c.
 */
#include "monitor/host/link.h"

#include <errno.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>

#include <netlink/netlink.h>
#include <netlink/route/addr.h>
#include <netlink/route/link.h>

#include <bsd/string.h>

#include "base/nitems.h"

static struct rtnl_link *find_link(struct link *link, const char *name);
static int		 change_link(struct link *link, const char *name,
		    struct rtnl_link *change);
static bool		 has_port(struct nl_cache *links, int master);
static int change_address(struct link *link, const char *name,
    const struct prefix *prefix,
    int (*change)(struct nl_sock *sock, struct rtnl_addr *address, int flags),
    int flags);
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
	struct link_facts facts;
	int		  r = link_look(link, name, &facts);

	return r == 0 ? facts.index : r;
}

/* Asked anew each time: others change interfaces too. */
int
link_look(struct link *link, const char *name, struct link_facts *facts)
{
	struct rtnl_link *found = find_link(link, name);
	struct nl_addr	 *mac;
	const char	 *type;

	if (found == NULL)
		return -ENODEV;
	mac = rtnl_link_get_addr(found);
	type = rtnl_link_get_type(found);
	*facts = (struct link_facts) {
		.index = rtnl_link_get_ifindex(found),
		.mtu = (int)rtnl_link_get_mtu(found),
		.master = rtnl_link_get_master(found),
		.is_up = (rtnl_link_get_flags(found) & IFF_UP) != 0,
		.is_bridge = type != NULL && strcmp(type, "bridge") == 0,
	};
	if (mac != NULL && nl_addr_get_len(mac) == 6)
		memcpy(facts->mac, nl_addr_get_binary_addr(mac), 6);
	rtnl_link_put(found);
	return 0;
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
	struct link_facts facts;
	struct nl_cache	 *links;
	int		  r = -NLE_INVAL;

	if (bridge == NULL)
		return 0;
	if (link_look(link, name, &facts) == 0 && facts.is_bridge)
		r = rtnl_link_alloc_cache(link->sock, AF_UNSPEC, &links);
	if (r == 0) {
		r = has_port(links, facts.index) ?
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
	struct link_facts port;
	struct rtnl_link *change;
	int		  master = link_index(link, bridge);
	int		  r = link_look(link, name, &port);

	if (master < 0 || r < 0)
		return master < 0 ? master : r;
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
	local = link_to_nl(prefix);
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

		if (!link_from_nl(&lan->network, rtnl_addr_get_local(addr)) ||
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

struct nl_addr *
link_to_nl(const struct prefix *prefix)
{
	struct nl_addr *addr = nl_addr_build(prefix->addr.family,
	    prefix->addr.bytes, addr_bits(prefix->addr.family) / 8);

	if (addr != NULL)
		nl_addr_set_prefixlen(addr, prefix->len);
	return addr;
}

bool
link_from_nl(struct prefix *prefix, struct nl_addr *addr)
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
