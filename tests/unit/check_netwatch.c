/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which notifications are a change of this host's network. */
#include <string.h>
#include <sys/socket.h>

#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/rtnetlink.h>
#include <netlink/netlink.h>

#include "monitor/host/link.h"
#include "monitor/host/netwatch.h"
#include "unit.h"

#define OURS   7
#define THEIRS 3

/* A notification, aligned as the kernel's. */
struct notification {
	_Alignas(8) uint8_t bytes[256];
};

static struct nlmsghdr *
start(struct notification *n, uint16_t type, const void *body, size_t len)
{
	struct nlmsghdr *hdr = (void *)n->bytes;

	memset(n, 0, sizeof(*n));
	hdr->nlmsg_type = type;
	hdr->nlmsg_len = NLMSG_LENGTH(len);
	memcpy(NLMSG_DATA(hdr), body, len);
	return hdr;
}

static bool
link_is_change(int family, int index)
{
	struct notification n;
	struct ifinfomsg    info = { .ifi_family = (unsigned char)family,
		   .ifi_index = index };

	return netwatch_is_change(start(&n, RTM_NEWLINK, &info, sizeof(info)),
	    OURS);
}

static bool
address_is_change(unsigned index)
{
	struct notification n;
	struct ifaddrmsg    address = { .ifa_family = AF_INET,
		   .ifa_index = index };

	return netwatch_is_change(start(&n, RTM_DELADDR, &address,
	    sizeof(address)), OURS);
}

static bool
route_is_change(struct rtmsg route, uint32_t out)
{
	struct notification n;
	struct nlmsghdr	   *hdr = start(&n, RTM_NEWROUTE, &route,
		   sizeof(route));
	struct rtattr	   *attr;

	if (out != 0) {
		attr = (void *)((uint8_t *)hdr + NLMSG_ALIGN(hdr->nlmsg_len));
		attr->rta_type = RTA_OIF;
		attr->rta_len = RTA_LENGTH(sizeof(out));
		memcpy(RTA_DATA(attr), &out, sizeof(out));
		hdr->nlmsg_len = NLMSG_ALIGN(hdr->nlmsg_len) + attr->rta_len;
	}
	return netwatch_is_change(hdr, OURS);
}

START_TEST(what_is_our_own_doing_is_no_change)
{
	struct rtmsg main_route = { .rtm_family = AF_INET,
		.rtm_table = RT_TABLE_MAIN, .rtm_protocol = RTPROT_STATIC };
	struct rtmsg local = main_route, ours = main_route, cached = main_route;

	ck_assert(link_is_change(AF_UNSPEC, THEIRS));
	ck_assert(!link_is_change(AF_UNSPEC, OURS));
	ck_assert(!link_is_change(AF_BRIDGE, THEIRS));
	ck_assert(address_is_change(THEIRS));
	ck_assert(!address_is_change(OURS));

	local.rtm_table = RT_TABLE_LOCAL;
	ours.rtm_protocol = LINK_RTPROT;
	cached.rtm_flags = RTM_F_CLONED;
	ck_assert(route_is_change(main_route, THEIRS));
	ck_assert(route_is_change(main_route, 0));
	ck_assert(!route_is_change(main_route, OURS));
	ck_assert(!route_is_change(local, THEIRS));
	ck_assert(!route_is_change(ours, THEIRS));
	ck_assert(!route_is_change(cached, THEIRS));
}
END_TEST

START_TEST(what_is_cut_off_or_of_another_kind_is_none)
{
	struct notification n;
	struct nlmsghdr	   *hdr;
	struct ifaddrmsg    address = { .ifa_family = AF_INET,
		   .ifa_index = THEIRS };

	hdr = start(&n, RTM_NEWADDR, &address, sizeof(address));
	ck_assert(netwatch_is_change(hdr, OURS));
	hdr->nlmsg_len -= 1;
	ck_assert(!netwatch_is_change(hdr, OURS));
	hdr = start(&n, RTM_NEWNEIGH, &address, sizeof(address));
	ck_assert(!netwatch_is_change(hdr, OURS));
}
END_TEST

static bool
nftables_is_ours(uint16_t type, const char *table, size_t len)
{
	struct notification n;
	struct nfgenmsg	    body = { .nfgen_family = 1 };
	struct nlmsghdr	   *hdr = start(&n, type, &body, sizeof(body));
	struct rtattr	   *attr = (void *)((uint8_t *)hdr +
		     NLMSG_ALIGN(hdr->nlmsg_len));

	attr->rta_type = NFTA_TABLE_NAME;
	attr->rta_len = (unsigned short)RTA_LENGTH(len);
	memcpy(RTA_DATA(attr), table, len);
	hdr->nlmsg_len = NLMSG_ALIGN(hdr->nlmsg_len) + attr->rta_len;
	return netwatch_is_nftables(hdr);
}

START_TEST(tables_of_nftables_are_told_apart_by_their_names)
{
	const uint16_t nft = NFNL_SUBSYS_NFTABLES << 8;

	ck_assert(nftables_is_ours(nft | NFT_MSG_DELTABLE, "tombolo_1_block",
	    16));
	ck_assert(nftables_is_ours(nft | NFT_MSG_NEWRULE, "tombolo_1_block",
	    16));
	ck_assert(!nftables_is_ours(nft | NFT_MSG_DELTABLE, "filter", 7));
	ck_assert(!nftables_is_ours(nft | NFT_MSG_DELTABLE, "tombolo", 8));
	ck_assert(!nftables_is_ours(nft | NFT_MSG_DELTABLE, "", 0));
	ck_assert(!nftables_is_ours(nft | NFT_MSG_NEWGEN, "tombolo_1_block",
	    16));
	ck_assert(!nftables_is_ours(RTM_NEWROUTE, "tombolo_1_block", 16));
}
END_TEST

static enum netwatch_event
find_event(uint16_t type, const void *body, size_t len, uint32_t table,
    uint32_t out, bool gateway)
{
	const uint32_t values[] = { table, out, 0x0102030a };
	const uint16_t types[] = { RTA_TABLE, RTA_OIF, RTA_GATEWAY };
	struct notification n;
	struct nlmsghdr	   *hdr = start(&n, type, body, len);

	for (size_t i = 0; i < (gateway ? 3u : 2u); i++) {
		struct rtattr *attr = (void *)((uint8_t *)hdr +
		    NLMSG_ALIGN(hdr->nlmsg_len));

		attr->rta_type = types[i];
		attr->rta_len = RTA_LENGTH(sizeof(values[i]));
		memcpy(RTA_DATA(attr), &values[i], sizeof(values[i]));
		hdr->nlmsg_len = NLMSG_ALIGN(hdr->nlmsg_len) + attr->rta_len;
	}
	return netwatch_find_event(hdr, OURS);
}

static const struct {
	const char    *what;
	unsigned char  family, protocol, scope;
	uint32_t       table, out;
	bool	       gateway;
	enum netwatch_event event;
} routes[] = {
	{ "of a million others", AF_INET, RTPROT_BGP, RT_SCOPE_UNIVERSE,
	    RT_TABLE_MAIN, THEIRS, true, NETWATCH_NONE },
	{ "of IPv6", AF_INET6, RTPROT_BGP, RT_SCOPE_UNIVERSE, RT_TABLE_MAIN,
	    THEIRS, true, NETWATCH_NONE },
	{ "in their table", AF_INET, RTPROT_STATIC, RT_SCOPE_UNIVERSE, 101,
	    THEIRS, true, NETWATCH_NONE },
	{ "of a link", AF_INET, RTPROT_KERNEL, RT_SCOPE_LINK, RT_TABLE_MAIN,
	    THEIRS, false, NETWATCH_LOCAL },
	{ "of a link, IPv6", AF_INET6, RTPROT_KERNEL, RT_SCOPE_UNIVERSE,
	    RT_TABLE_MAIN, THEIRS, false, NETWATCH_LOCAL },
	{ "the table local", AF_INET, RTPROT_KERNEL, RT_SCOPE_HOST,
	    RT_TABLE_LOCAL, THEIRS, false, NETWATCH_NONE },
	{ "ours, whoever removed it", AF_INET, LINK_RTPROT, RT_SCOPE_LINK,
	    RT_TABLE_MAIN, OURS, false, NETWATCH_OURS },
	{ "somebody's by our device", AF_INET, RTPROT_STATIC, RT_SCOPE_LINK,
	    RT_TABLE_MAIN, OURS, false, NETWATCH_OURS },
	{ "somebody's in our table", AF_INET, RTPROT_STATIC,
	    RT_SCOPE_UNIVERSE, 155007, THEIRS, true, NETWATCH_OURS },
};

START_TEST(others_routes_are_no_event)
{
	const struct ifaddrmsg address = { .ifa_family = AF_INET,
		.ifa_index = THEIRS };

	for (size_t i = 0; i < nitems(routes); i++) {
		struct rtmsg route = { .rtm_family = routes[i].family,
			.rtm_protocol = routes[i].protocol,
			.rtm_scope = routes[i].scope,
			.rtm_table = routes[i].table > 255 ? RT_TABLE_COMPAT :
			    (unsigned char)routes[i].table };

		ck_assert_msg(find_event(RTM_DELROUTE, &route, sizeof(route),
				  routes[i].table, routes[i].out,
				  routes[i].gateway) == routes[i].event,
		    "%s", routes[i].what);
	}
	ck_assert_int_eq(find_event(RTM_NEWADDR, &address, sizeof(address), 0,
			     0, false), NETWATCH_LOCAL);
}
END_TEST

UNIT_MAIN("netwatch", others_routes_are_no_event, tables_of_nftables_are_told_apart_by_their_names,
    what_is_our_own_doing_is_no_change,
    what_is_cut_off_or_of_another_kind_is_none)
