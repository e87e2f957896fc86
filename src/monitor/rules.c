/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * libnl-route knows neither uidrange nor suppress_prefixlength, and dumps every
 * table there is, so the messages are put together here.
 */
#include "monitor/rules.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>

#include "base/nitems.h"
#include "monitor/link.h"
#include "monitor/prefix_set.h"

#define FIRST_TABLE	 155000u
#define TABLES		 1000u
#define FIRST_PREFERENCE 31000u
#define SLOTS		 256u /* of preferences; tables are never shared */
#define LAST_METRIC	 UINT32_MAX /* any other route is better */
#define MAX_EXTRA	 256u /* more are found the next time */
#define DUMP_TRIES	 3

enum rule { RULE_MARK, RULE_RESOLVER, RULE_LOCAL, RULE_TABLE, RULES };

struct rules {
	struct nl_sock *sock;
};

/* What a dump of a table found. */
struct found {
	uint32_t		   table;
	const struct rules_routes *want;
	struct prefix_set	   have; /* of what is wanted */
	bool			   unreachable[2];
	struct nl_msg		  *extra[MAX_EXTRA];
	unsigned		   nextra;
	bool			   failed; /* no memory */
};

/* The same for networks on a link, and for rules in front of ours. */
struct looked {
	unsigned	   ifindex;
	struct prefix_set *local;
	uint32_t	   first; /* preference of ours */
	char		  *text;
	size_t		   size;
	int		   n; /* negative: no memory */
};

static const sa_family_t families[] = { AF_INET, AF_INET6 };

static uint32_t first_preference(uint32_t table);
static int change_rule(struct rules *rules, sa_family_t family, enum rule rule,
    uint32_t table, const struct rules_exempt *exempt);
static int put_condition(struct nl_msg *msg, enum rule rule,
    const struct rules_exempt *exempt);
static int add_route(struct rules *rules, uint32_t table,
    const struct prefix *network, unsigned ifindex);
static int add_missing(struct rules *rules, const struct found *found);
static int remove_extra(struct rules *rules, struct found *found);
static int dump(struct rules *rules, int type, uint32_t table,
    nl_recvmsg_msg_cb_t visit, void *arg);
static int  dump_family(struct rules *rules, int type, uint32_t table,
     sa_family_t family);
static int  on_route(struct nl_msg *msg, void *arg);
static int  on_main_route(struct nl_msg *msg, void *arg);
static int  on_rule(struct nl_msg *msg, void *arg);
static bool get_network(struct nl_msg *msg, struct prefix *network);
static uint32_t get_u32(struct nl_msg *msg, int attr);
static int send_msg(struct rules *rules, struct nl_msg *msg, int failed,
    sa_family_t family);

struct rules *
rules_open(void)
{
	struct rules *rules = calloc(1, sizeof(*rules));
	int	      on = 1;

	if (rules == NULL)
		return NULL;
	rules->sock = nl_socket_alloc();
	if (rules->sock == NULL ||
	    nl_connect(rules->sock, NETLINK_ROUTE) < 0) {
		rules_close(rules);
		return NULL;
	}
	/* Then only the table that is asked for is dumped. */
	(void)setsockopt(nl_socket_get_fd(rules->sock), SOL_NETLINK,
	    NETLINK_GET_STRICT_CHK, &on, sizeof(on));
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

/* Names that differ in their last letter only never share one. */
uint32_t
rules_table(const char *device)
{
	uint32_t hash = 0;

	for (const char *p = device; *p != '\0'; p++)
		hash = hash * 31 + (unsigned char)*p;
	return FIRST_TABLE + 1 + hash % (TABLES - 1);
}

/* Up to 0.1.0 it followed from the index. */
bool
rules_is_table(uint32_t table)
{
	return table > FIRST_TABLE && table <= INT32_MAX;
}

/* In their order: the table counts only once our own packets are past it. */
int
rules_add(struct rules *rules, uint32_t table,
    const struct rules_exempt *exempt)
{
	int n = 0;

	for (size_t i = 0; i < nitems(families); i++) {
		for (unsigned rule = 0; rule < RULES; rule++) {
			int r = change_rule(rules, families[i],
			    (enum rule)rule, table, exempt);

			if (r < 0)
				return r;
			n += r;
		}
	}
	return n;
}

int
rules_remove(struct rules *rules, uint32_t table)
{
	static const struct prefix_set none;
	const struct rules_routes      nothing = { .set = &none };
	int			       first = 0, r;

	for (size_t i = 0; i < nitems(families); i++) {
		/* Backwards: none of ours is to be caught meanwhile. */
		for (unsigned rule = RULES; rule-- > 0;) {
			r = change_rule(rules, families[i], (enum rule)rule,
			    table, NULL);
			first = first < 0 ? first : r;
		}
	}
	r = rules_set_routes(rules, table, &nothing);
	return first < 0 ? first : r;
}

int
rules_set_routes(struct rules *rules, uint32_t table,
    const struct rules_routes *routes)
{
	struct found *found = calloc(1, sizeof(*found));
	int	      r, removed;

	if (found == NULL)
		return -ENOMEM;
	found->table = table;
	found->want = routes;
	r = dump(rules, RTM_GETROUTE, table, on_route, found);
	prefix_set_sort(&found->have);
	if (r == 0)
		r = found->failed ? -ENOMEM : add_missing(rules, found);
	removed = remove_extra(rules, found);
	prefix_set_fini(&found->have);
	free(found);
	if (r < 0 || removed < 0)
		return r < 0 ? r : removed;
	/* In the main table they were ours, and we took them. */
	return table == RT_TABLE_MAIN ? r : r + removed;
}

int
rules_get_local(struct rules *rules, unsigned ifindex, struct prefix_set *local)
{
	struct looked looked = { .ifindex = ifindex, .local = local };
	int	      r = dump(rules, RTM_GETROUTE, RT_TABLE_MAIN,
		    on_main_route, &looked);

	return r < 0 ? r : looked.n;
}

int
rules_get_front(struct rules *rules, uint32_t table, char *text, size_t size)
{
	struct looked looked = { .first = first_preference(table),
		.text = text, .size = size };
	int r = dump(rules, RTM_GETRULE, 0, on_rule, &looked);

	return r < 0 ? r : looked.n;
}

/* --------------------------------------------------------------- changes */

static uint32_t
first_preference(uint32_t table)
{
	return FIRST_PREFERENCE + RULES * ((table - FIRST_TABLE) % SLOTS);
}

/* `exempt` NULL: takes it away; by preference, protocol and table alone. */
static int
change_rule(struct rules *rules, sa_family_t family, enum rule rule,
    uint32_t table, const struct rules_exempt *exempt)
{
	struct fib_rule_hdr hdr = { .family = (uint8_t)family,
		.action = FR_ACT_TO_TBL };
	struct nl_msg *msg = nlmsg_alloc_simple(
	    exempt != NULL ? RTM_NEWRULE : RTM_DELRULE,
	    exempt != NULL ? NLM_F_CREATE | NLM_F_EXCL : 0);
	int r;

	if (msg == NULL)
		return -ENOMEM;
	r = nlmsg_append(msg, &hdr, sizeof(hdr), NLMSG_ALIGNTO);
	if (r == 0)
		r = nla_put_u32(msg, FRA_PRIORITY,
		    first_preference(table) + rule);
	if (r == 0)
		r = nla_put_u8(msg, FRA_PROTOCOL, LINK_RTPROT);
	if (r == 0)
		r = nla_put_u32(msg, FRA_TABLE,
		    rule == RULE_TABLE ? table : RT_TABLE_MAIN);
	if (r == 0 && exempt != NULL)
		r = put_condition(msg, rule, exempt);
	return send_msg(rules, msg, r, family);
}

static int
put_condition(struct nl_msg *msg, enum rule rule,
    const struct rules_exempt *exempt)
{
	struct fib_rule_uid_range range = { exempt->resolver,
		exempt->resolver };
	int r;

	switch (rule) {
	case RULE_RESOLVER:
		/* With root's, all that it runs would be past the tunnel. */
		if (exempt->resolver != 0)
			return nla_put(msg, FRA_UID_RANGE, sizeof(range),
			    &range);
		/* fallthrough */
	case RULE_MARK:
		r = nla_put_u32(msg, FRA_FWMARK, exempt->mark);
		return r < 0 ? r : nla_put_u32(msg, FRA_FWMASK, exempt->mask);
	case RULE_LOCAL:
		return nla_put_u32(msg, FRA_SUPPRESS_PREFIXLEN, 0);
	default:
		return 0;
	}
}

/* With index 0 one that says "unreachable". */
static int
add_route(struct rules *rules, uint32_t table, const struct prefix *network,
    unsigned ifindex)
{
	sa_family_t   family = network->addr.family;
	struct rtmsg  hdr = { .rtm_family = (uint8_t)family,
		 .rtm_dst_len = network->len, .rtm_protocol = LINK_RTPROT,
		 .rtm_type = ifindex != 0 ? RTN_UNICAST : RTN_UNREACHABLE,
		 .rtm_scope = ifindex != 0 && family == AF_INET ?
		     RT_SCOPE_LINK : RT_SCOPE_UNIVERSE };
	struct nl_msg *msg = nlmsg_alloc_simple(RTM_NEWROUTE, NLM_F_CREATE |
	    (table == RT_TABLE_MAIN ? NLM_F_EXCL : NLM_F_REPLACE));
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

static int
add_missing(struct rules *rules, const struct found *found)
{
	const struct rules_routes *want = found->want;
	int			   n = 0, r = 0;

	for (size_t i = 0; r >= 0 && i < nitems(families); i++) {
		struct prefix all = { { .family = families[i] }, 0 };

		if (!want->unreachable[i] || found->unreachable[i])
			continue;
		r = add_route(rules, found->table, &all, 0);
		n += r;
	}
	for (size_t i = 0; r >= 0 && i < want->set->n; i++) {
		if (prefix_set_has(&found->have, &want->set->v[i]))
			continue;
		r = add_route(rules, found->table, &want->set->v[i],
		    want->ifindex);
		n += r;
	}
	return r < 0 ? r : n;
}

/* As the kernel has it, so that it is that one and no other. */
static int
remove_extra(struct rules *rules, struct found *found)
{
	int n = 0, first = 0;

	for (unsigned i = 0; i < found->nextra; i++) {
		struct nlmsghdr *hdr = nlmsg_hdr(found->extra[i]);
		struct rtmsg	*route = nlmsg_data(hdr);
		sa_family_t	 family = route->rtm_family;
		int		 r;

		hdr->nlmsg_type = RTM_DELROUTE;
		hdr->nlmsg_flags = 0;
		hdr->nlmsg_seq = NL_AUTO_SEQ;
		hdr->nlmsg_pid = NL_AUTO_PORT;
		route->rtm_flags = 0;
		r = send_msg(rules, found->extra[i], 0, family);
		n += r > 0 ? r : 0;
		first = first < 0 ? first : r;
	}
	return first < 0 ? first : n;
}

/* Consumes `msg`; 1 when the kernel did it, 0 when there was nothing to do. */
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
	if (adds ? r == -EEXIST : r == -ENOENT || r == -ENODEV || r == -ESRCH)
		return 0;
	if (family == AF_INET6 && (r == -EAFNOSUPPORT || r == -EOPNOTSUPP))
		return 0;
	return r == 0 ? 1 : r;
}

/* --------------------------------------------------------------- looking */

/* Of both families; a table that is not there has nothing in it. */
static int
dump(struct rules *rules, int type, uint32_t table, nl_recvmsg_msg_cb_t visit,
    void *arg)
{
	int r = 0;

	nl_socket_modify_cb(rules->sock, NL_CB_VALID, NL_CB_CUSTOM, visit, arg);
	for (size_t i = 0; r == 0 && i < nitems(families); i++) {
		int tries = DUMP_TRIES;

		/* Interrupted: it changed meanwhile, of which we hear, too. */
		do
			r = dump_family(rules, type, table, families[i]);
		while (r == -EAGAIN && --tries > 0);
		if (r == -ENOENT || r == -EOPNOTSUPP || r == -EAFNOSUPPORT ||
		    r == -EAGAIN)
			r = 0;
	}
	nl_socket_modify_cb(rules->sock, NL_CB_VALID, NL_CB_DEFAULT, NULL,
	    NULL);
	return r;
}

static int
dump_family(struct rules *rules, int type, uint32_t table, sa_family_t family)
{
	/* A rule's header begins with the family, too, and is as long. */
	struct rtmsg   hdr = { .rtm_family = (uint8_t)family };
	struct nl_msg *msg = nlmsg_alloc_simple(type, NLM_F_DUMP);
	int	       r;

	if (msg == NULL)
		return -ENOMEM;
	r = nlmsg_append(msg, &hdr, sizeof(hdr), NLMSG_ALIGNTO);
	if (r == 0 && table != 0)
		r = nla_put_u32(msg, RTA_TABLE, table);
	if (r == 0)
		r = nl_send_auto(rules->sock, msg);
	nlmsg_free(msg);
	return link_errno(r < 0 ? r : nl_recvmsgs_default(rules->sock));
}

static int
on_route(struct nl_msg *msg, void *arg)
{
	struct found	   *found = arg;
	const struct rtmsg *route = nlmsg_data(nlmsg_hdr(msg));
	int		    f = route->rtm_family == AF_INET ? 0 : 1;
	struct prefix	    network;
	bool by_us = route->rtm_type == RTN_UNICAST &&
	    get_u32(msg, RTA_OIF) == found->want->ifindex &&
	    get_u32(msg, RTA_GATEWAY) == 0;

	if (!get_network(msg, &network) ||
	    get_u32(msg, RTA_TABLE) != found->table ||
	    (route->rtm_flags & RTM_F_CLONED) != 0)
		return NL_OK;
	if (found->table == RT_TABLE_MAIN &&
	    (!by_us || route->rtm_protocol != LINK_RTPROT))
		return NL_OK;
	if (by_us && prefix_set_has(found->want->set, &network)) {
		if (!prefix_set_add(&found->have, &network))
			found->failed = true;
	} else if (route->rtm_type == RTN_UNREACHABLE && network.len == 0 &&
	    get_u32(msg, RTA_PRIORITY) == LAST_METRIC &&
	    found->want->unreachable[f]) {
		found->unreachable[f] = true;
	} else if (found->nextra < MAX_EXTRA) {
		nlmsg_get(msg);
		found->extra[found->nextra++] = msg;
	}
	return NL_OK;
}

/* IPv6 has no scopes: there, what needs no gateway. */
static int
on_main_route(struct nl_msg *msg, void *arg)
{
	struct looked	   *looked = arg;
	const struct rtmsg *route = nlmsg_data(nlmsg_hdr(msg));
	struct prefix	    network;

	if (!get_network(msg, &network) || network.len == 0 ||
	    get_u32(msg, RTA_TABLE) != RT_TABLE_MAIN ||
	    route->rtm_type != RTN_UNICAST ||
	    (route->rtm_flags & RTM_F_CLONED) != 0 ||
	    (route->rtm_family == AF_INET &&
		route->rtm_scope != RT_SCOPE_LINK) ||
	    get_u32(msg, RTA_OIF) == looked->ifindex ||
	    get_u32(msg, RTA_OIF) == 0 || get_u32(msg, RTA_GATEWAY) != 0 ||
	    get_u32(msg, RTA_VIA) != 0)
		return NL_OK;
	if (!prefix_set_add(looked->local, &network))
		looked->n = -ENOMEM;
	return NL_OK;
}

/* The kernel dumps them in their order. */
static int
on_rule(struct nl_msg *msg, void *arg)
{
	struct looked	    *looked = arg;
	struct fib_rule_hdr *rule = nlmsg_data(nlmsg_hdr(msg));
	struct nlattr *protocol = nlmsg_find_attr(nlmsg_hdr(msg),
	    sizeof(*rule), FRA_PROTOCOL);
	uint32_t table = get_u32(msg, FRA_TABLE);
	uint32_t preference = get_u32(msg, FRA_PRIORITY);

	if (rule->action != FR_ACT_TO_TBL || preference >= looked->first ||
	    table == RT_TABLE_MAIN || table == RT_TABLE_LOCAL || table == 0 ||
	    (protocol != NULL && nla_get_u8(protocol) == LINK_RTPROT))
		return NL_OK;
	if (looked->n++ == 0)
		snprintf(looked->text, looked->size,
		    "IPv%d rule %u (lookup %u)",
		    rule->family == AF_INET ? 4 : 6, preference, table);
	return NL_OK;
}

static bool
get_network(struct nl_msg *msg, struct prefix *network)
{
	const struct rtmsg  *route = nlmsg_data(nlmsg_hdr(msg));
	const struct nlattr *dst = nlmsg_find_attr(nlmsg_hdr(msg),
	    sizeof(*route), RTA_DST);

	*network = (struct prefix) { { .family = route->rtm_family },
		route->rtm_dst_len };
	if (route->rtm_family != AF_INET && route->rtm_family != AF_INET6)
		return false;
	if (dst == NULL)
		return network->len == 0;
	if (nla_len(dst) != (int)addr_bits(network->addr.family) / 8)
		return false;
	memcpy(network->addr.bytes, nla_data(dst), (size_t)nla_len(dst));
	return true;
}

/* The first four bytes; 0 when there is none, or it is shorter. */
static uint32_t
get_u32(struct nl_msg *msg, int attr)
{
	const struct nlattr *found = nlmsg_find_attr(nlmsg_hdr(msg),
	    sizeof(struct rtmsg), attr);
	uint32_t value = 0;

	if (found != NULL && nla_len(found) >= (int)sizeof(value))
		memcpy(&value, nla_data(found), sizeof(value));
	return value;
}
