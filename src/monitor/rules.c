/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * libnl-route knows neither uidrange nor suppress_prefixlength, so the
 * messages are put together here.
 */
#include "monitor/rules.h"

#include <errno.h>
#include <stdlib.h>

#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>

#include "base/nitems.h"
#include "monitor/link.h"

#define FIRST_TABLE	 155000u
#define FIRST_PREFERENCE 31000u
#define SLOTS		 256u /* of preferences; tables are never shared */
#define LAST_METRIC	 UINT32_MAX /* any other route is better */

enum rule { RULE_MARK, RULE_RESOLVER, RULE_LOCAL, RULE_TABLE, RULES };

struct rules {
	struct nl_sock *sock;
};

static const sa_family_t families[] = { AF_INET, AF_INET6 };

static int change_rule(struct rules *rules, sa_family_t family, enum rule rule,
    uint32_t table, const uid_t *resolver);
static int put_condition(struct nl_msg *msg, enum rule rule, uid_t resolver);
static int change_route(struct rules *rules, int type, uint32_t table,
    const struct prefix *network, unsigned ifindex);
static int send_msg(struct rules *rules, struct nl_msg *msg, int failed,
    sa_family_t family);

struct rules *
rules_open(void)
{
	struct rules *rules = calloc(1, sizeof(*rules));

	if (rules == NULL)
		return NULL;
	rules->sock = nl_socket_alloc();
	if (rules->sock == NULL ||
	    nl_connect(rules->sock, NETLINK_ROUTE) < 0) {
		rules_close(rules);
		return NULL;
	}
	return rules;
}

void
rules_close(struct rules *rules)
{
	if (rules == NULL)
		return;
	nl_socket_free(rules->sock);
	free(rules);
}

uint32_t
rules_table(unsigned ifindex)
{
	return ifindex == 0 ? 0 : FIRST_TABLE + ifindex;
}

bool
rules_is_table(uint32_t table)
{
	return table > FIRST_TABLE && table <= INT32_MAX;
}

/* In their order: the table counts only once our own packets are past it. */
int
rules_add(struct rules *rules, uint32_t table, uid_t resolver)
{
	int r = 0;

	for (size_t i = 0; i < nitems(families); i++) {
		for (unsigned rule = 0; r == 0 && rule < RULES; rule++)
			r = change_rule(rules, families[i], (enum rule)rule,
			    table, &resolver);
	}
	if (r < 0)
		(void)rules_remove(rules, table);
	return r;
}

int
rules_remove(struct rules *rules, uint32_t table)
{
	int first = 0;

	for (size_t i = 0; i < nitems(families); i++) {
		const struct prefix all = { { .family = families[i] }, 0 };
		int		    r;

		/* Backwards: none of ours is to be caught meanwhile. */
		for (unsigned rule = RULES; rule-- > 0;) {
			r = change_rule(rules, families[i], (enum rule)rule,
			    table, NULL);
			first = first < 0 ? first : r;
		}
		r = rules_remove_route(rules, table, &all, 0);
		first = first < 0 ? first : r;
	}
	return first;
}

int
rules_add_route(struct rules *rules, uint32_t table,
    const struct prefix *network, unsigned ifindex)
{
	return change_route(rules, RTM_NEWROUTE, table, network, ifindex);
}

int
rules_remove_route(struct rules *rules, uint32_t table,
    const struct prefix *network, unsigned ifindex)
{
	return change_route(rules, RTM_DELROUTE, table, network, ifindex);
}

/* Without `resolver` it goes: preference, protocol and table say which. */
static int
change_rule(struct rules *rules, sa_family_t family, enum rule rule,
    uint32_t table, const uid_t *resolver)
{
	struct fib_rule_hdr hdr = { .family = (uint8_t)family,
		.action = FR_ACT_TO_TBL };
	uint32_t preference = FIRST_PREFERENCE +
	    RULES * ((table - FIRST_TABLE) % SLOTS) + rule;
	struct nl_msg *msg = nlmsg_alloc_simple(
	    resolver != NULL ? RTM_NEWRULE : RTM_DELRULE,
	    resolver != NULL ? NLM_F_CREATE | NLM_F_EXCL : 0);
	int r;

	if (msg == NULL)
		return -ENOMEM;
	r = nlmsg_append(msg, &hdr, sizeof(hdr), NLMSG_ALIGNTO);
	if (r == 0)
		r = nla_put_u32(msg, FRA_PRIORITY, preference);
	if (r == 0)
		r = nla_put_u8(msg, FRA_PROTOCOL, LINK_RTPROT);
	if (r == 0)
		r = nla_put_u32(msg, FRA_TABLE,
		    rule == RULE_TABLE ? table : RT_TABLE_MAIN);
	if (r == 0 && resolver != NULL)
		r = put_condition(msg, rule, *resolver);
	return send_msg(rules, msg, r, family);
}

static int
put_condition(struct nl_msg *msg, enum rule rule, uid_t resolver)
{
	struct fib_rule_uid_range range = { resolver, resolver };

	switch (rule) {
	case RULE_MARK:
		return nla_put_u32(msg, FRA_FWMARK, RULES_MARK);
	case RULE_RESOLVER:
		/* With root's, all that it runs would be past the tunnel. */
		if (resolver == 0)
			return nla_put_u32(msg, FRA_FWMARK, RULES_MARK);
		return nla_put(msg, FRA_UID_RANGE, sizeof(range), &range);
	case RULE_LOCAL:
		return nla_put_u32(msg, FRA_SUPPRESS_PREFIXLEN, 0);
	default:
		return 0;
	}
}

static int
change_route(struct rules *rules, int type, uint32_t table,
    const struct prefix *network, unsigned ifindex)
{
	sa_family_t   family = network->addr.family;
	struct rtmsg  hdr = { .rtm_family = (uint8_t)family,
		 .rtm_dst_len = network->len, .rtm_protocol = LINK_RTPROT,
		 .rtm_type = ifindex != 0 ? RTN_UNICAST : RTN_UNREACHABLE,
		 .rtm_scope = ifindex != 0 && family == AF_INET ?
		     RT_SCOPE_LINK : RT_SCOPE_UNIVERSE };
	struct nl_msg *msg = nlmsg_alloc_simple(type,
	    type == RTM_NEWROUTE ? NLM_F_CREATE | NLM_F_EXCL : 0);
	int r;

	if (msg == NULL)
		return -ENOMEM;
	r = nlmsg_append(msg, &hdr, sizeof(hdr), NLMSG_ALIGNTO);
	if (r == 0)
		r = nla_put_u32(msg, RTA_TABLE, table);
	if (r == 0 && network->len > 0)
		r = nla_put(msg, RTA_DST, (int)addr_bits(family) / 8,
		    network->addr.bytes);
	if (r == 0)
		r = ifindex != 0 ? nla_put_u32(msg, RTA_OIF, ifindex) :
				   nla_put_u32(msg, RTA_PRIORITY, LAST_METRIC);
	return send_msg(rules, msg, r, family);
}

/* Consumes `msg`; waits for the kernel's word. */
static int
send_msg(struct rules *rules, struct nl_msg *msg, int failed,
    sa_family_t family)
{
	bool adds;
	int  r;

	if (failed < 0) {
		nlmsg_free(msg);
		return -ENOMEM;
	}
	adds = nlmsg_hdr(msg)->nlmsg_type == RTM_NEWRULE ||
	    nlmsg_hdr(msg)->nlmsg_type == RTM_NEWROUTE;
	r = link_errno(nl_send_sync(rules->sock, msg));
	if (adds ? r == -EEXIST : r == -ENOENT || r == -ENODEV)
		return 0;
	if (family == AF_INET6 && (r == -EAFNOSUPPORT || r == -EOPNOTSUPP))
		return 0;
	return r;
}
