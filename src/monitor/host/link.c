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

#include <linux/rtnetlink.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <netlink/route/addr.h>
#include <netlink/route/link.h>

#include <bsd/string.h>

#include "base/nitems.h"
#include "monitor/host/prefix_set.h"

#define DUMP_SIZE  (32 * 1024) /* the kernel gives no more at once */
#define DUMP_TRIES 3	       /* of one that changes while it is read */

struct addresses {
	unsigned	   ifindex; /* 0: all */
	struct prefix_set *set;
	struct link_lans  *lans; /* or these */
	const char	  *except;
	bool		   no_memory;
};

static struct rtnl_link *find_link(struct link *link, const char *name);
static int		 change_link(struct link *link, const char *name,
		    struct rtnl_link *change);
static int		 on_port(struct nl_msg *msg, void *arg);
static int		 find_state(struct nlattr *linkinfo);
static int		 get_addresses(struct link *link, struct addresses *get);
static int		 on_address(struct nl_msg *msg, void *arg);
static void		 add_lan(struct addresses *get, unsigned ifindex,
		    const struct prefix *network);
static int change_address(struct link *link, const char *name,
    const struct prefix *prefix,
    int (*change)(struct nl_sock *sock, struct rtnl_addr *address, int flags),
    int flags);

struct link *
link_open(void)
{
	struct link *link = calloc(1, sizeof(*link));
	int	     on = 1;

	if (link == NULL)
		return NULL;
	link->sock = nl_socket_alloc();
	link->dumps = nl_socket_alloc();
	if (link->sock == NULL || link->dumps == NULL ||
	    nl_connect(link->sock, NETLINK_ROUTE) < 0 ||
	    nl_connect(link->dumps, NETLINK_ROUTE) < 0) {
		link_close(link);
		return NULL;
	}
	nl_socket_set_msg_buf_size(link->dumps, DUMP_SIZE);
	(void)setsockopt(nl_socket_get_fd(link->dumps), SOL_NETLINK,
	    NETLINK_GET_STRICT_CHK, &on, sizeof(on));
	return link;
}

void
link_close(struct link *link)
{
	if (link == NULL)
		return;
	nl_socket_free(link->sock);
	nl_socket_free(link->dumps);
	free(link);
}

/* ------------------------------------------------------------- asking */

int
link_dump(struct link *link, int type, const void *header, size_t size,
    int attr, uint32_t value, int (*on_row)(struct nl_msg *msg, void *arg),
    void *arg)
{
	int r = -NLE_DUMP_INTR;

	nl_socket_modify_cb(link->dumps, NL_CB_VALID, NL_CB_CUSTOM, on_row,
	    arg);
	for (int i = 0; i < DUMP_TRIES && r == -NLE_DUMP_INTR; i++) {
		struct nl_msg *msg = nlmsg_alloc_simple(type, NLM_F_DUMP);

		if (msg == NULL || nlmsg_append(msg, (void *)(uintptr_t)header,
			size, NLMSG_ALIGNTO) < 0 ||
		    (attr != 0 && nla_put_u32(msg, attr, value) < 0))
			r = -NLE_NOMEM;
		else
			r = nl_send_auto(link->dumps, msg);
		nlmsg_free(msg);
		if (r >= 0)
			r = nl_recvmsgs_default(link->dumps);
	}
	return link_errno(r);
}

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
	struct link_ports ports = { 0 };
	int		  r = -EINVAL;

	if (bridge == NULL)
		return 0;
	if (link_look(link, name, &facts) == 0 && facts.is_bridge) {
		ports.bridge = facts.index;
		r = link_get_ports(link, &ports);
	}
	if (r == 0)
		r = ports.n > 0 ?
		    -EBUSY :
		    link_errno(rtnl_link_delete(link->sock, bridge));
	rtnl_link_put(bridge);
	return r;
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
	if (port.master == master)
		return 0;
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

int
link_get_ports(struct link *link, struct link_ports *ports)
{
	static const struct ifinfomsg header;

	ports->n = ports->mtu = 0;
	ports->state = -1;
	return link_dump(link, RTM_GETLINK, &header, sizeof(header),
	    IFLA_MASTER, (uint32_t)ports->bridge, on_port, ports);
}

static int
on_port(struct nl_msg *msg, void *arg)
{
	struct link_ports      *ports = arg;
	struct nlmsghdr	       *hdr = nlmsg_hdr(msg);
	const struct ifinfomsg *info = nlmsg_data(hdr);
	struct nlattr	       *attrs[IFLA_MAX + 1];
	unsigned		mtu;

	if (nlmsg_parse(hdr, sizeof(*info), attrs, IFLA_MAX, NULL) < 0 ||
	    attrs[IFLA_MASTER] == NULL || attrs[IFLA_MTU] == NULL ||
	    (int)nla_get_u32(attrs[IFLA_MASTER]) != ports->bridge)
		return NL_OK;
	if (info->ifi_index == ports->port) {
		ports->state = find_state(attrs[IFLA_LINKINFO]);
		return NL_OK;
	}
	mtu = nla_get_u32(attrs[IFLA_MTU]);
	ports->mtu = ports->n == 0 || mtu < ports->mtu ? mtu : ports->mtu;
	ports->n++;
	return NL_OK;
}

static int
find_state(struct nlattr *linkinfo)
{
	static const int path[] = { IFLA_INFO_SLAVE_DATA, IFLA_BRPORT_STATE };
	struct nlattr	*found = linkinfo;

	for (size_t i = 0; found != NULL && i < nitems(path); i++)
		found = nla_find(nla_data(found), nla_len(found), path[i]);
	return found != NULL && nla_len(found) >= 1 ? nla_get_u8(found) : -1;
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

int
link_get_addresses(struct link *link, const char *name, struct prefix_set *set)
{
	struct addresses get = { .ifindex = if_nametoindex(name), .set = set };
	int		 r;

	if (get.ifindex == 0)
		return -ENODEV;
	r = get_addresses(link, &get);
	prefix_set_sort(set);
	return r;
}

int
link_get_lans(struct link *link, const char *except, struct link_lans *lans)
{
	struct addresses get = { .lans = lans, .except = except };
	int		 r;

	*lans = (struct link_lans) { 0 };
	r = get_addresses(link, &get);
	if (r == 0)
		return 0;
	free(lans->v);
	*lans = (struct link_lans) { 0 };
	return r;
}

static int
get_addresses(struct link *link, struct addresses *get)
{
	const struct ifaddrmsg header = { .ifa_index = get->ifindex };
	int r = link_dump(link, RTM_GETADDR, &header, sizeof(header), 0, 0,
	    on_address, get);

	return r == 0 && get->no_memory ? -ENOMEM : r;
}

static int
on_address(struct nl_msg *msg, void *arg)
{
	struct addresses       *get = arg;
	struct nlmsghdr	       *hdr = nlmsg_hdr(msg);
	const struct ifaddrmsg *info = nlmsg_data(hdr);
	struct nlattr	       *attrs[IFA_MAX + 1], *address;
	struct prefix		prefix = { .len = info->ifa_prefixlen };

	if (nlmsg_parse(hdr, sizeof(*info), attrs, IFA_MAX, NULL) < 0)
		return NL_OK;
	/* IPv6 has the second only; with a peer they are two. */
	address = attrs[IFA_LOCAL] != NULL ? attrs[IFA_LOCAL] :
					     attrs[IFA_ADDRESS];
	prefix.addr.family = info->ifa_family;
	if (address == NULL ||
	    (info->ifa_family != AF_INET && info->ifa_family != AF_INET6) ||
	    nla_len(address) != (int)addr_bits(info->ifa_family) / 8)
		return NL_OK;
	memcpy(prefix.addr.bytes, nla_data(address), (size_t)nla_len(address));
	if (get->lans != NULL)
		add_lan(get, info->ifa_index, &prefix);
	else if (info->ifa_index == get->ifindex)
		get->no_memory |= !prefix_set_add(get->set, &prefix);
	return NL_OK;
}

static void
add_lan(struct addresses *get, unsigned ifindex, const struct prefix *address)
{
	struct link_lans *lans = get->lans;
	struct link_lan	  lan = { .network = prefix_network(address) }, *v;

	if (!addr_is_global(&address->addr) ||
	    if_indextoname(ifindex, lan.ifname) == NULL ||
	    strcmp(lan.ifname, "lo") == 0 ||
	    (get->except != NULL && strcmp(lan.ifname, get->except) == 0))
		return;
	v = reallocarray(lans->v, lans->n + 1, sizeof(*v));
	if (v == NULL) {
		get->no_memory = true;
		return;
	}
	lans->v = v;
	lans->v[lans->n++] = lan;
}

/* ------------------------------------------------------------ overlaps */

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

const struct link_lan *
link_find_around(const struct link_lans *lans, const struct prefix *network)
{
	for (size_t i = 0; i < lans->n; i++) {
		if (lans->v[i].network.len <= network->len &&
		    prefix_overlaps(&lans->v[i].network, network))
			return &lans->v[i];
	}
	return NULL;
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

bool
link_is_name(const char *name, size_t len)
{
	if (len == 0 || len > 15 || (len == 1 && name[0] == '.') ||
	    (len == 2 && strncmp(name, "..", 2) == 0))
		return false;
	for (size_t i = 0; i < len; i++) {
		if ((unsigned char)name[i] <= ' ' || name[i] == '/' ||
		    name[i] == 0x7f)
			return false;
	}
	return true;
}
