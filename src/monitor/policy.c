/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is new goes into the table before what is old goes out of it. */
#include "monitor/policy.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bsd/string.h>

#include "base/log.h"
#include "monitor/forwarding.h"
#include "monitor/journal.h"
#include "monitor/rules.h"
#include "proc/proc.h"

enum { V4, V6, FAMILIES };

static const struct prefix all[FAMILIES] = {
	[V4] = { { .family = AF_INET }, 0 },
	[V6] = { { .family = AF_INET6 }, 0 },
};

/* What is in the table. */
struct content {
	struct prefix_set routes; /* by the device; owned */
	bool		  unreachable[FAMILIES];
	bool		  blocks; /* the device drops what its routes bring */
};

struct policy {
	struct journal *journal;
	struct rules   *rules; /* NULL: not yet */
	char		device[16];
	unsigned	ifindex;
	uint32_t	table;
	struct content	now;
};

static int begin(struct policy *policy);
static uid_t resolver_user(void);
static int copy_routes(struct content *to, const struct prefix_set *from);
static int change(struct policy *policy, struct content *next);
static int add_missing(struct policy *policy, const struct content *want,
    const struct content *have);
static void remove_extra(struct policy *policy, const struct content *have,
    const struct content *want);
static bool has_family(const struct content *content, sa_family_t family);
static bool is_empty(const struct content *content);
static bool is_same(const struct content *a, const struct content *b);
static void report(const struct policy *policy);

struct policy *
policy_new(struct journal *journal, const char *device, unsigned ifindex)
{
	struct policy *policy = calloc(1, sizeof(*policy));

	if (policy == NULL)
		return NULL;
	policy->journal = journal;
	strlcpy(policy->device, device, sizeof(policy->device));
	policy->ifindex = ifindex;
	policy->table = rules_table(ifindex);
	return policy;
}

void
policy_free(struct policy *policy)
{
	if (policy == NULL)
		return;
	rules_close(policy->rules);
	prefix_set_fini(&policy->now.routes);
	free(policy);
}

/*
 * 0.0.0.0/1 and 128.0.0.0/1 together are the usual disguise of 0.0.0.0/0, as
 * 2000::/3 is of ::/0.
 */
bool
policy_is_wide(const struct prefix *network)
{
	return network->len < (network->addr.family == AF_INET ? 8 : 7);
}

int
policy_block(struct policy *policy)
{
	struct content next = { .unreachable = { true, true }, .blocks = true };
	int	       r = -ENOMEM;

	/*
	 * Not unreachable alone: then there would be no way back to the server,
	 * and rp_filter, even at 2, would drop what comes from it.
	 */
	if (prefix_set_add(&next.routes, &all[V4]))
		r = change(policy, &next);
	prefix_set_fini(&next.routes);
	return r;
}

int
policy_set(struct policy *policy, const struct prefix_set *wide, bool block)
{
	struct content next = { 0 };
	int	       r = copy_routes(&next, wide);

	if (r == 0) {
		bool v4 = has_family(&next, AF_INET);
		bool v6 = has_family(&next, AF_INET6);

		next.unreachable[V4] = block && v4;
		next.unreachable[V6] = (block && v6) ||
		    (v4 && !prefix_set_has(&next.routes, &all[V6]));
		r = change(policy, &next);
	}
	prefix_set_fini(&next.routes);
	return r;
}

void
policy_bypass(struct policy *policy)
{
	struct content next = { 0 };

	/* It only takes away, which does not fail. */
	(void)change(policy, &next);
	prefix_set_fini(&next.routes);
}

enum request_way
policy_way(const struct policy *policy, sa_family_t family)
{
	const struct content *now = &policy->now;

	if (now->blocks)
		return REQUEST_WAY_BLOCKED;
	if (has_family(now, family))
		return REQUEST_WAY_TUNNEL;
	return now->unreachable[family == AF_INET ? V4 : V6] ?
	    REQUEST_WAY_BLOCKED :
	    REQUEST_WAY_BYPASS;
}

/* In the journal first, as ever. */
static int
begin(struct policy *policy)
{
	int r;

	if (policy->rules != NULL)
		return 0;
	if (policy->table == 0)
		return -ENODEV;
	policy->rules = rules_open();
	if (policy->rules == NULL)
		return -ENOMEM;
	r = journal_policy(policy->journal, policy->table);
	if (r == 0)
		r = rules_add(policy->rules, policy->table, resolver_user());
	if (r < 0) {
		rules_close(policy->rules);
		policy->rules = NULL;
		return r;
	}
	r = forwarding_loosen(policy->journal);
	if (r < 0)
		log_warnx("net.ipv4.conf.all.rp_filter cannot be set to 2 "
			  "(%s): the server's answers may be dropped",
		    strerror(-r));
	return 0;
}

/* A child keeps the monitor's user only where that is not root. */
static uid_t
resolver_user(void)
{
	struct proc_user user;

	if (geteuid() != 0 || proc_user(PROC_RESOLVER, &user) < 0)
		return geteuid();
	return user.uid;
}

static int
copy_routes(struct content *to, const struct prefix_set *from)
{
	for (size_t i = 0; i < from->n; i++) {
		if (!prefix_set_add(&to->routes, &from->v[i]))
			return -ENOMEM;
	}
	prefix_set_sort(&to->routes);
	return 0;
}

/* Then `next` holds what was before; on failure it keeps its own. */
static int
change(struct policy *policy, struct content *next)
{
	struct content old = policy->now;
	int	       r = 0;

	if (is_same(&old, next))
		return 0;
	if (!is_empty(next))
		r = begin(policy);
	if (r < 0)
		return r;
	r = add_missing(policy, next, &old);
	if (r < 0) {
		remove_extra(policy, next, &old);
		return r;
	}
	remove_extra(policy, &old, next);
	policy->now = *next;
	*next = old;
	report(policy);
	return 0;
}

static int
add_missing(struct policy *policy, const struct content *want,
    const struct content *have)
{
	int r = 0;

	for (int f = 0; r == 0 && f < FAMILIES; f++) {
		if (want->unreachable[f] && !have->unreachable[f])
			r = rules_add_route(policy->rules, policy->table,
			    &all[f], 0);
	}
	for (size_t i = 0; r == 0 && i < want->routes.n; i++) {
		if (!prefix_set_has(&have->routes, &want->routes.v[i]))
			r = rules_add_route(policy->rules, policy->table,
			    &want->routes.v[i], policy->ifindex);
	}
	return r;
}

static void
remove_extra(struct policy *policy, const struct content *have,
    const struct content *want)
{
	for (size_t i = 0; i < have->routes.n; i++) {
		if (!prefix_set_has(&want->routes, &have->routes.v[i]))
			(void)rules_remove_route(policy->rules, policy->table,
			    &have->routes.v[i], policy->ifindex);
	}
	for (int f = 0; f < FAMILIES; f++) {
		if (have->unreachable[f] && !want->unreachable[f])
			(void)rules_remove_route(policy->rules, policy->table,
			    &all[f], 0);
	}
}

static bool
has_family(const struct content *content, sa_family_t family)
{
	for (size_t i = 0; i < content->routes.n; i++) {
		if (content->routes.v[i].addr.family == family)
			return true;
	}
	return false;
}

static bool
is_empty(const struct content *content)
{
	return content->routes.n == 0 && !content->unreachable[V4] &&
	    !content->unreachable[V6];
}

static bool
is_same(const struct content *a, const struct content *b)
{
	if (a->routes.n != b->routes.n || a->blocks != b->blocks ||
	    a->unreachable[V4] != b->unreachable[V4] ||
	    a->unreachable[V6] != b->unreachable[V6])
		return false;
	for (size_t i = 0; i < a->routes.n; i++) {
		if (!prefix_is_equal(&a->routes.v[i], &b->routes.v[i]))
			return false;
	}
	return true;
}

static void
report(const struct policy *policy)
{
	const struct content *now = &policy->now;
	bool v4 = has_family(now, AF_INET), v6 = has_family(now, AF_INET6);

	if (is_empty(now))
		log_info("%s: what is not local leaves past the tunnel",
		    policy->device);
	else if (now->blocks)
		log_info("%s: what is not local is blocked until the tunnel "
			 "is up", policy->device);
	else
		log_info("%s: what is not local goes through the tunnel: %s",
		    policy->device,
		    v4 && v6 ? "IPv4 and IPv6" :
		    v4	     ? "IPv4; IPv6 is blocked, the server has no way "
			       "out for it" :
			       "IPv6");
}
