/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * libnl-route supports neither uidrange nor suppress_prefixlength, so the
 * messages are built here.
 */
#include "monitor/host/rules.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>

#include "base/nitems.h"
#include "monitor/host/link.h"

#define FIRST_TABLE	 155000u
#define TABLES		 1000u
#define FIRST_PREFERENCE 31000u
#define SLOTS		 256u /* of preferences; tables are never shared */

enum rule { RULE_MARK, RULE_RESOLVER, RULE_LOCAL, RULE_TABLE, RULES };

static const sa_family_t families[] = { AF_INET, AF_INET6 };

/* What is looked for in the kernel's answer, and found. */
struct front {
	uint32_t before; /* a preference */
	int	 n;
	char	*text;
	size_t	 size;
};

static int on_rule(struct nl_msg *msg, void *arg);
static bool takes(const struct fib_rule_hdr *rule, struct nlattr **attrs,
    uint32_t to);
static uint32_t get(struct nlattr *attr, uint32_t otherwise);
static uint32_t first_preference(uint32_t table);
static int change_rule(struct link *link, sa_family_t family, enum rule rule,
    uint32_t table, const struct rules_exempt *exempt);
static struct nl_msg *make_msg(sa_family_t family, enum rule rule,
    uint32_t table, const struct rules_exempt *exempt);

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

/*
 * In the order in which they are added: our own packets must bypass the table
 * before it is used.
 */
int
rules_add(struct link *link, uint32_t table,
    const struct rules_exempt *exempt)
{
	int n = 0;

	for (size_t i = 0; i < nitems(families); i++) {
		for (unsigned rule = 0; rule < RULES; rule++) {
			int r = change_rule(link, families[i],
			    (enum rule)rule, table, exempt);

			if (r < 0)
				return r;
			n += r;
		}
	}
	return n;
}

int
rules_remove(struct link *link, uint32_t table)
{
	int first = 0, r;

	for (size_t i = 0; i < nitems(families); i++) {
		/* Backwards: none of ours is to be caught meanwhile. */
		for (unsigned rule = RULES; rule-- > 0;) {
			r = change_rule(link, families[i], (enum rule)rule,
			    table, NULL);
			first = first < 0 ? first : r;
		}
	}
	return first;
}

/* The kernel gives them in their order. */
int
rules_get_front(struct link *link, uint32_t table, char *text, size_t size)
{
	static const struct fib_rule_hdr hdr;
	struct front front = { first_preference(table), 0, text, size };
	int r = link_dump(link, RTM_GETRULE, &hdr, sizeof(hdr), 0, 0, on_rule,
	    &front);

	return r < 0 ? r : front.n;
}

static int
on_rule(struct nl_msg *msg, void *arg)
{
	struct front	    *front = arg;
	struct nlmsghdr	    *hdr = nlmsg_hdr(msg);
	struct fib_rule_hdr *rule = nlmsg_data(hdr);
	struct nlattr	    *attrs[FRA_MAX + 1];
	uint32_t to, prio;

	if (hdr->nlmsg_type != RTM_NEWRULE ||
	    nlmsg_parse(hdr, sizeof(*rule), attrs, FRA_MAX, NULL) < 0)
		return NL_OK;
	prio = get(attrs[FRA_PRIORITY], 0);
	to = get(attrs[FRA_TABLE], rule->table);
	if (prio >= front->before || !takes(rule, attrs, to))
		return NL_OK;
	if (front->n++ > 0)
		return NL_OK;
	snprintf(front->text, front->size,
	    rule->action == FR_ACT_TO_TBL ? "IPv%d rule %u (lookup %u)" :
					    "IPv%d rule %u",
	    rule->family == AF_INET ? 4 : 6, prio, to);
	return NL_OK;
}

/*
 * Whether a rule can match traffic that is not local before ours do.  A lookup
 * of the main table without its default routes is harmless: our rules do the
 * same.
 */
static bool
takes(const struct fib_rule_hdr *rule, struct nlattr **attrs, uint32_t to)
{
	if ((attrs[FRA_PROTOCOL] != NULL &&
		nla_get_u8(attrs[FRA_PROTOCOL]) == LINK_RTPROT) ||
	    rule->action == FR_ACT_NOP)
		return false;
	if (rule->action != FR_ACT_TO_TBL)
		return true;
	return to != 0 && to != RT_TABLE_LOCAL &&
	    (to != RT_TABLE_MAIN ||
		get(attrs[FRA_SUPPRESS_PREFIXLEN], UINT32_MAX) == UINT32_MAX);
}

static uint32_t
get(struct nlattr *attr, uint32_t otherwise)
{
	return attr != NULL ? nla_get_u32(attr) : otherwise;
}

static uint32_t
first_preference(uint32_t table)
{
	return FIRST_PREFERENCE + RULES * ((table - FIRST_TABLE) % SLOTS);
}

/*
 * `exempt` NULL: removes the rule, found by preference, protocol and table
 * alone.  Returns 1 if the kernel changed something, 0 if there was nothing to
 * do.
 */
static int
change_rule(struct link *link, sa_family_t family, enum rule rule,
    uint32_t table, const struct rules_exempt *exempt)
{
	struct nl_msg *msg = make_msg(family, rule, table, exempt);
	int	       r;

	if (msg == NULL)
		return -ENOMEM;
	r = link_errno(nl_send_sync(link->sock, msg)); /* consumes it */
	if (r == (exempt != NULL ? -EEXIST : -ENOENT))
		return 0;
	if (family == AF_INET6 && (r == -EAFNOSUPPORT || r == -EOPNOTSUPP))
		return 0;
	return r == 0 ? 1 : r;
}

static struct nl_msg *
make_msg(sa_family_t family, enum rule rule, uint32_t table,
    const struct rules_exempt *exempt)
{
	struct fib_rule_hdr hdr = { .family = (uint8_t)family,
		.action = FR_ACT_TO_TBL };
	struct nl_msg *msg = nlmsg_alloc_simple(
	    exempt != NULL ? RTM_NEWRULE : RTM_DELRULE,
	    exempt != NULL ? NLM_F_CREATE | NLM_F_EXCL : 0);

	if (msg == NULL)
		return NULL;
	if (nlmsg_append(msg, &hdr, sizeof(hdr), NLMSG_ALIGNTO) < 0)
		goto nla_put_failure;
	NLA_PUT_U32(msg, FRA_PRIORITY, first_preference(table) + rule);
	NLA_PUT_U8(msg, FRA_PROTOCOL, LINK_RTPROT);
	NLA_PUT_U32(msg, FRA_TABLE, rule == RULE_TABLE ? table : RT_TABLE_MAIN);
	if (exempt == NULL || rule == RULE_TABLE)
		return msg;
	if (rule == RULE_LOCAL) {
		NLA_PUT_U32(msg, FRA_SUPPRESS_PREFIXLEN, 0);
	} else if (rule == RULE_RESOLVER && exempt->resolver != 0) {
		struct fib_rule_uid_range range = { exempt->resolver,
			exempt->resolver };

		NLA_PUT(msg, FRA_UID_RANGE, sizeof(range), &range);
	} else { /* by root's user all that it runs would be past the tunnel */
		NLA_PUT_U32(msg, FRA_FWMARK, exempt->mark);
		NLA_PUT_U32(msg, FRA_FWMASK, exempt->mask);
	}
	return msg;

nla_put_failure:
	nlmsg_free(msg);
	return NULL;
}
