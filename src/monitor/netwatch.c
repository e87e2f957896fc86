/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "monitor/netwatch.h"

#include <errno.h>
#include <stdlib.h>

#include <linux/rtnetlink.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>

#include "base/log.h"
#include "base/mono.h"
#include "monitor/link.h"

struct netwatch {
	struct ev_loop *loop;
	struct nl_sock *sock;
	struct ev_io	io;
	struct ev_timer settle; /* a change waits to be told */
	struct mono	told;
	unsigned	ifindex;
	void (*on_change)(void *arg);
	void *arg;
};

static int  join_groups(struct nl_sock *sock);
static void on_readable(struct ev_loop *loop, struct ev_io *io, int events);
static int  on_notification(struct nl_msg *msg, void *arg);
static void note_change(struct netwatch *netwatch);
static void on_settled(struct ev_loop *loop, struct ev_timer *timer,
    int events);
static bool is_link_change(const struct nlmsghdr *hdr, unsigned ifindex);
static bool is_address_change(const struct nlmsghdr *hdr, unsigned ifindex);
static bool is_route_change(const struct nlmsghdr *hdr, unsigned ifindex);

struct netwatch *
netwatch_new(struct ev_loop *loop, unsigned ifindex,
    void (*on_change)(void *arg), void *arg)
{
	struct netwatch *netwatch = calloc(1, sizeof(*netwatch));

	if (netwatch == NULL)
		return NULL;
	netwatch->loop = loop;
	netwatch->ifindex = ifindex;
	netwatch->on_change = on_change;
	netwatch->arg = arg;
	netwatch->told = mono_add(mono_now(), -MONO_SEC);
	ev_timer_init(&netwatch->settle, on_settled, 0, 0);
	ev_init(&netwatch->io, on_readable);
	netwatch->settle.data = netwatch->io.data = netwatch;
	netwatch->sock = nl_socket_alloc();
	if (netwatch->sock == NULL || join_groups(netwatch->sock) < 0) {
		netwatch_free(netwatch);
		errno = EIO;
		return NULL;
	}
	nl_socket_modify_cb(netwatch->sock, NL_CB_VALID, NL_CB_CUSTOM,
	    on_notification, netwatch);
	ev_io_set(&netwatch->io, nl_socket_get_fd(netwatch->sock), EV_READ);
	ev_io_start(loop, &netwatch->io);
	return netwatch;
}

void
netwatch_free(struct netwatch *netwatch)
{
	if (netwatch == NULL)
		return;
	ev_io_stop(netwatch->loop, &netwatch->io);
	ev_timer_stop(netwatch->loop, &netwatch->settle);
	nl_socket_free(netwatch->sock);
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

static int
join_groups(struct nl_sock *sock)
{
	int r;

	/* Nothing was asked, so no sequence number fits. */
	nl_socket_disable_seq_check(sock);
	r = nl_connect(sock, NETLINK_ROUTE);
	if (r == 0)
		r = nl_socket_add_memberships(sock, RTNLGRP_LINK,
		    RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV6_IFADDR,
		    RTNLGRP_IPV4_ROUTE, RTNLGRP_IPV6_ROUTE, 0);
	if (r == 0)
		r = nl_socket_set_nonblocking(sock);
	return r;
}

static void
on_readable(struct ev_loop *loop, struct ev_io *io, int events)
{
	struct netwatch *netwatch = io->data;
	int		 r = nl_recvmsgs_default(netwatch->sock);

	(void)loop;
	(void)events;
	/* More came than there was room for: something changed, surely. */
	if (r == -NLE_NOMEM)
		note_change(netwatch);
}

static int
on_notification(struct nl_msg *msg, void *arg)
{
	struct netwatch *netwatch = arg;

	if (netwatch_is_change(nlmsg_hdr(msg), netwatch->ifindex))
		note_change(netwatch);
	return NL_OK;
}

static void
note_change(struct netwatch *netwatch)
{
	double since = (double)mono_sub(mono_now(), netwatch->told) /
	    (double)MONO_SEC;
	double pause = NETWATCH_PAUSE_SEC - since;

	if (ev_is_active(&netwatch->settle))
		return;
	if (pause < NETWATCH_SETTLE_SEC)
		pause = NETWATCH_SETTLE_SEC;
	ev_timer_set(&netwatch->settle, pause, 0);
	ev_timer_start(netwatch->loop, &netwatch->settle);
}

static void
on_settled(struct ev_loop *loop, struct ev_timer *timer, int events)
{
	struct netwatch *netwatch = timer->data;

	(void)loop;
	(void)events;
	netwatch->told = mono_now();
	netwatch->on_change(netwatch->arg);
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
	const struct rtmsg  *route = nlmsg_data(hdr);
	const struct nlattr *out;

	if (!nlmsg_valid_hdr(hdr, sizeof(*route)) ||
	    route->rtm_protocol == LINK_RTPROT ||
	    route->rtm_table == RT_TABLE_LOCAL ||
	    (route->rtm_flags & RTM_F_CLONED) != 0)
		return false;
	out = nlmsg_find_attr((struct nlmsghdr *)(uintptr_t)hdr,
	    sizeof(*route), RTA_OIF);
	return out == NULL || nla_len(out) < (int)sizeof(uint32_t) ||
	    nla_get_u32(out) != ifindex;
}
