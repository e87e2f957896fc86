/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "monitor/host/netwatch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/rtnetlink.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>

#include "base/mono.h"
#include "monitor/host/link.h"
#include "monitor/host/rules.h"

#define BUFFER_SIZE (1024 * 1024) /* for those who load many routes at once */

struct netwatch {
	struct ev_loop *loop;
	struct nl_sock *sock, *nftables; /* NULL: there is no nftables */
	struct ev_io	io, nftables_io;
	struct ev_timer settle; /* a change waits to be told */
	struct ev_timer look;	/* the next event, or without one */
	enum netwatch_event event; /* what the next look is for */
	struct mono	told, looked;
	unsigned	ifindex;
	void (*on_change)(void *arg);
	double (*on_event)(void *arg, bool is_local);
	void *arg;
};

static struct nl_sock *join(struct netwatch *netwatch, int protocol,
    const int *groups, struct ev_io *io);
static void on_readable(struct ev_loop *loop, struct ev_io *io, int events);
static int  on_notification(struct nl_msg *msg, void *arg);
static void note_change(struct netwatch *netwatch);
static void note_event(struct netwatch *netwatch, enum netwatch_event event);
static void look(struct netwatch *netwatch);
static void on_look(struct ev_loop *loop, struct ev_timer *timer, int events);
static void on_settled(struct ev_loop *loop, struct ev_timer *timer,
    int events);
static bool is_link_change(const struct nlmsghdr *hdr, unsigned ifindex);
static bool is_address_change(const struct nlmsghdr *hdr, unsigned ifindex);
static bool is_route_change(const struct nlmsghdr *hdr, unsigned ifindex);
static enum netwatch_event find_in_route(const struct nlmsghdr *hdr,
    unsigned ifindex);
static uint32_t get(const struct nlmsghdr *hdr, size_t size, int attr);

struct netwatch *
netwatch_new(struct ev_loop *loop, unsigned ifindex,
    void (*on_change)(void *arg), double (*on_event)(void *arg, bool is_local),
    void *arg)
{
	static const int routing[] = { RTNLGRP_LINK, RTNLGRP_IPV4_IFADDR,
		RTNLGRP_IPV6_IFADDR, RTNLGRP_IPV4_ROUTE, RTNLGRP_IPV6_ROUTE,
		RTNLGRP_IPV4_RULE, RTNLGRP_IPV6_RULE, RTNLGRP_IPV4_NETCONF,
		RTNLGRP_IPV6_NETCONF, 0 };
	static const int nftables[] = { NFNLGRP_NFTABLES, 0 };
	struct netwatch *netwatch = calloc(1, sizeof(*netwatch));

	if (netwatch == NULL)
		return NULL;
	netwatch->loop = loop;
	netwatch->ifindex = ifindex;
	netwatch->on_change = on_change;
	netwatch->on_event = on_event;
	netwatch->arg = arg;
	netwatch->told = mono_add(mono_now(), -MONO_SEC);
	ev_timer_init(&netwatch->settle, on_settled, 0, 0);
	/* What changed before there was anybody to hear it: at once. */
	ev_timer_init(&netwatch->look, on_look, 0, NETWATCH_IDLE_SEC);
	ev_init(&netwatch->io, on_readable);
	ev_init(&netwatch->nftables_io, on_readable);
	netwatch->settle.data = netwatch->look.data = netwatch;
	netwatch->sock = join(netwatch, NETLINK_ROUTE, routing, &netwatch->io);
	netwatch->nftables = join(netwatch, NETLINK_NETFILTER, nftables,
	    &netwatch->nftables_io);
	if (netwatch->sock == NULL) {
		netwatch_free(netwatch);
		errno = EIO;
		return NULL;
	}
	ev_timer_start(loop, &netwatch->look);
	return netwatch;
}

void
netwatch_free(struct netwatch *netwatch)
{
	if (netwatch == NULL)
		return;
	ev_io_stop(netwatch->loop, &netwatch->io);
	ev_io_stop(netwatch->loop, &netwatch->nftables_io);
	ev_timer_stop(netwatch->loop, &netwatch->settle);
	ev_timer_stop(netwatch->loop, &netwatch->look);
	nl_socket_free(netwatch->sock);
	nl_socket_free(netwatch->nftables);
	free(netwatch);
}

bool
netwatch_is_change(const struct nlmsghdr *hdr, unsigned ifindex)
{
	switch (hdr->nlmsg_type) {
	case RTM_NEWLINK:
	case RTM_DELLINK:
		return is_link_change(hdr, ifindex);
	case RTM_NEWADDR:
	case RTM_DELADDR:
		return is_address_change(hdr, ifindex);
	case RTM_NEWROUTE:
	case RTM_DELROUTE:
		return is_route_change(hdr, ifindex);
	default:
		return false;
	}
}

static struct nl_sock *
join(struct netwatch *netwatch, int protocol, const int *groups,
    struct ev_io *io)
{
	struct nl_sock *sock = nl_socket_alloc();
	int		r = -NLE_NOMEM;

	if (sock == NULL)
		return NULL;
	/* Nothing was asked, so no sequence number fits. */
	nl_socket_disable_seq_check(sock);
	r = nl_connect(sock, protocol);
	for (; r == 0 && *groups != 0; groups++)
		r = nl_socket_add_membership(sock, *groups);
	if (r == 0)
		r = nl_socket_set_nonblocking(sock);
	if (r == 0)
		r = nl_socket_set_buffer_size(sock, BUFFER_SIZE, 0);
	if (r < 0) {
		nl_socket_free(sock);
		return NULL;
	}
	nl_socket_modify_cb(sock, NL_CB_VALID, NL_CB_CUSTOM, on_notification,
	    netwatch);
	io->data = netwatch;
	ev_io_set(io, nl_socket_get_fd(sock), EV_READ);
	ev_io_start(netwatch->loop, io);
	return sock;
}

static void
on_readable(struct ev_loop *loop, struct ev_io *io, int events)
{
	struct netwatch *netwatch = io->data;
	struct nl_sock *sock = io == &netwatch->io ? netwatch->sock :
						     netwatch->nftables;
	int r;

	do
		r = nl_recvmsgs_default(sock);
	while (r >= 0);
	/* More came than there was room for: something changed, surely. */
	if (r == -NLE_NOMEM) {
		note_change(netwatch);
		note_event(netwatch, NETWATCH_LOCAL);
	}
	if (netwatch->event != NETWATCH_NONE)
		look(netwatch);
}

static int
on_notification(struct nl_msg *msg, void *arg)
{
	struct netwatch *netwatch = arg;

	if (nlmsg_get_proto(msg) != NETLINK_ROUTE) {
		if (netwatch_is_nftables(nlmsg_hdr(msg)))
			note_event(netwatch, NETWATCH_OURS);
		return NL_OK;
	}
	if (netwatch_is_change(nlmsg_hdr(msg), netwatch->ifindex))
		note_change(netwatch);
	note_event(netwatch,
	    netwatch_find_event(nlmsg_hdr(msg), netwatch->ifindex));
	return NL_OK;
}

static void
note_event(struct netwatch *netwatch, enum netwatch_event event)
{
	if (event > netwatch->event)
		netwatch->event = event;
}

/* At once, or as soon as may be. */
static void
look(struct netwatch *netwatch)
{
	double since = (double)mono_sub(mono_now(), netwatch->looked) /
	    (double)MONO_SEC;

	if (since < NETWATCH_EVENT_SEC) {
		ev_now_update(netwatch->loop);
		netwatch->look.repeat = NETWATCH_EVENT_SEC - since;
		ev_timer_again(netwatch->loop, &netwatch->look);
		return;
	}
	on_look(netwatch->loop, &netwatch->look, 0);
}

static void
note_change(struct netwatch *netwatch)
{
	double since = (double)mono_sub(mono_now(), netwatch->told) /
	    (double)MONO_SEC;
	double pause = NETWATCH_PAUSE_SEC - since;

	if (netwatch->on_change == NULL || ev_is_active(&netwatch->settle))
		return;
	if (pause < NETWATCH_SETTLE_SEC)
		pause = NETWATCH_SETTLE_SEC;
	ev_timer_set(&netwatch->settle, pause, 0);
	ev_timer_start(netwatch->loop, &netwatch->settle);
}

static void
on_look(struct ev_loop *loop, struct ev_timer *timer, int events)
{
	struct netwatch *netwatch = timer->data;
	bool is_local = netwatch->event == NETWATCH_LOCAL;

	netwatch->event = NETWATCH_NONE;
	timer->repeat = netwatch->on_event(netwatch->arg, is_local);
	/* It may have taken its time, waiting for others. */
	ev_now_update(loop);
	netwatch->looked = mono_now();
	ev_timer_again(loop, timer);
}

static void
on_settled(struct ev_loop *loop, struct ev_timer *timer, int events)
{
	struct netwatch *netwatch = timer->data;

	netwatch->told = mono_now();
	netwatch->on_change(netwatch->arg);
}

/* In each of its messages the first attribute names the table. */
bool
netwatch_is_nftables(const struct nlmsghdr *hdr)
{
	static const char    ours[] = "tombolo_";
	const struct nlattr *name;

	if (hdr->nlmsg_type >> 8 != NFNL_SUBSYS_NFTABLES ||
	    (hdr->nlmsg_type & 0xff) == NFT_MSG_NEWGEN ||
	    !nlmsg_valid_hdr(hdr, sizeof(struct nfgenmsg)))
		return false;
	name = nlmsg_find_attr((struct nlmsghdr *)(uintptr_t)hdr,
	    sizeof(struct nfgenmsg), NFTA_TABLE_NAME);
	return name != NULL && nla_len(name) > (int)strlen(ours) &&
	    memcmp(nla_data(name), ours, strlen(ours)) == 0;
}

/* Of family AF_BRIDGE: a port's doings within its bridge. */
static bool
is_link_change(const struct nlmsghdr *hdr, unsigned ifindex)
{
	const struct ifinfomsg *info = nlmsg_data(hdr);

	return nlmsg_valid_hdr(hdr, sizeof(*info)) &&
	    info->ifi_family == AF_UNSPEC &&
	    (unsigned)info->ifi_index != ifindex;
}

static bool
is_address_change(const struct nlmsghdr *hdr, unsigned ifindex)
{
	const struct ifaddrmsg *address = nlmsg_data(hdr);

	return nlmsg_valid_hdr(hdr, sizeof(*address)) &&
	    address->ifa_index != ifindex;
}

/* The table "local" only follows the addresses. */
static bool
is_route_change(const struct nlmsghdr *hdr, unsigned ifindex)
{
	const struct rtmsg *route = nlmsg_data(hdr);

	return nlmsg_valid_hdr(hdr, sizeof(*route)) &&
	    route->rtm_protocol != LINK_RTPROT &&
	    route->rtm_table != RT_TABLE_LOCAL &&
	    (route->rtm_flags & RTM_F_CLONED) == 0 &&
	    get(hdr, sizeof(*route), RTA_OIF) != ifindex;
}

enum netwatch_event
netwatch_find_event(const struct nlmsghdr *hdr, unsigned ifindex)
{
	switch (hdr->nlmsg_type) {
	case RTM_NEWROUTE:
	case RTM_DELROUTE:
		return find_in_route(hdr, ifindex);
	case RTM_NEWLINK:
	case RTM_DELLINK:
		return is_link_change(hdr, ifindex) ? NETWATCH_LOCAL :
						      NETWATCH_OURS;
	case RTM_NEWADDR:
	case RTM_DELADDR:
		return is_address_change(hdr, ifindex) ? NETWATCH_LOCAL :
							 NETWATCH_OURS;
	default:
		return NETWATCH_OURS;
	}
}

/* A link that goes down takes its IPv4 routes with it, of which none tells. */
static enum netwatch_event
find_in_route(const struct nlmsghdr *hdr, unsigned ifindex)
{
	const struct rtmsg *route = nlmsg_data(hdr);
	bool		    on_link;

	if (!nlmsg_valid_hdr(hdr, sizeof(*route)) ||
	    route->rtm_table == RT_TABLE_LOCAL ||
	    (route->rtm_flags & RTM_F_CLONED) != 0)
		return NETWATCH_NONE;
	if (route->rtm_protocol == LINK_RTPROT ||
	    rules_is_table(get(hdr, sizeof(*route), RTA_TABLE)) ||
	    get(hdr, sizeof(*route), RTA_OIF) == ifindex)
		return NETWATCH_OURS;
	on_link = route->rtm_family == AF_INET ?
	    route->rtm_scope == RT_SCOPE_LINK :
	    nlmsg_find_attr((struct nlmsghdr *)(uintptr_t)hdr, sizeof(*route),
		RTA_GATEWAY) == NULL;
	return on_link ? NETWATCH_LOCAL : NETWATCH_NONE;
}

/* 0: it is not there. */
static uint32_t
get(const struct nlmsghdr *hdr, size_t size, int attr)
{
	const struct nlattr *found = nlmsg_find_attr(
	    (struct nlmsghdr *)(uintptr_t)hdr, (int)size, attr);

	return found != NULL && nla_len(found) >= (int)sizeof(uint32_t) ?
	    nla_get_u32(found) :
	    0;
}
