/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is wanted is here, what is so is in the kernel. */
#include "monitor/host/policy.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bsd/string.h>

#include "base/log.h"
#include "base/mono.h"
#include "monitor/host/sysctl.h"
#include "monitor/host/journal.h"
#include "monitor/host/route.h"
#include "monitor/host/rules.h"
#include "monitor/host/vet.h"
#include "monitor/host/wall.h"
#include "proc/proc.h"

#define SAY_EVERY (60 * MONO_SEC)

enum { V4, V6, FAMILIES };

static const struct prefix all[FAMILIES] = {
	[V4] = { { .family = AF_INET }, 0 },
	[V6] = { { .family = AF_INET6 }, 0 },
};

/* What our table is to have. */
struct content {
	struct prefix_set routes; /* by the device; owned */
	bool		  unreachable[FAMILIES];
	bool		  blocks; /* the device drops what its routes bring */
};

/*
 * What other programs had changed, or a negative errno value: it cannot be
 * restored.
 */
struct state {
	int wall, rules, routes;
	int loosened; /* the kernel does not tell of it; nor is it leaking */
};

struct policy {
	struct journal	 *journal;
	const struct vet *vet;
	struct wall	 *wall; /* NULL: nothing of it is there yet */
	struct rules_exempt exempt;
	uint32_t	table;
	struct content	now;
	struct state	state; /* at the last check */
	struct mono	said, said_front, said_local; /* when; 0: never */
	uint64_t	dropped;
	char		front[REQUEST_FRONT_SIZE];
};

static enum request_way way(const struct policy *policy, sa_family_t family);
static int begin(struct policy *policy);
static uid_t resolver_user(void);
static int change(struct policy *policy, struct content *next);
static int bring(struct policy *policy);
static int set_wall(struct policy *policy);
static bool add_walled(const struct content *now, struct prefix_set *walled);
static bool add_local(struct policy *policy, struct prefix_set *local);
static void say_repaired(struct policy *policy);
static void look_in_front(struct policy *policy);
static bool has_family(const struct content *content, sa_family_t family);
static bool is_empty(const struct content *content);
static bool is_same(const struct content *a, const struct content *b);
static void report(const struct policy *policy);

struct policy *
policy_new(struct journal *journal, const struct vet *vet)
{
	struct policy *policy = calloc(1, sizeof(*policy));

	if (policy == NULL)
		return NULL;
	policy->journal = journal;
	policy->vet = vet;
	policy->table = rules_table(vet->device);
	policy->exempt = (struct rules_exempt) { vet->conf->mark.value,
		vet->conf->mark.mask, resolver_user() };
	return policy;
}

void
policy_free(struct policy *policy)
{
	if (policy == NULL)
		return;
	wall_free(policy->wall);
	prefix_set_fini(&policy->now.routes);
	free(policy);
}

int
policy_block(struct policy *policy)
{
	struct content next = { .unreachable = { true, true }, .blocks = true };
	int	       r = -ENOMEM;

	/*
	 * Unreachable routes alone are not enough: then there would be no route
	 * back to the hub, and rp_filter, even at 2, would drop its packets.
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
	int	       r = -ENOMEM;

	if (prefix_set_add_list(&next.routes, wide->v, wide->n)) {
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

void
policy_check(struct policy *policy)
{
	if (policy->wall == NULL)
		return;
	(void)bring(policy);
	policy->state.loosened = sysctl_loosen(policy->journal,
	    wall_marks(policy->wall));
	say_repaired(policy);
	look_in_front(policy);
	policy->dropped = wall_dropped(policy->wall);
}

bool
policy_may_say(struct mono *said)
{
	struct mono now = mono_now();

	if (said->us != 0 && mono_sub(now, *said) < SAY_EVERY)
		return false;
	*said = now;
	return true;
}

void
policy_egress(const struct policy *policy, struct request_egress *egress)
{
	egress->v4 = way(policy, AF_INET);
	egress->v6 = way(policy, AF_INET6);
	egress->dropped = policy->dropped;
	strlcpy(egress->front, policy->front, sizeof(egress->front));
}

/* The wall keeps this traffic in, even if everything else is wrong. */
static enum request_way
way(const struct policy *policy, sa_family_t family)
{
	const struct content *now = &policy->now;
	const struct state   *state = &policy->state;
	bool routed = state->rules >= 0 && state->routes >= 0;
	bool wanted = has_family(now, family) ||
	    now->unreachable[family == AF_INET ? V4 : V6];

	if (!wanted || (!routed && state->wall < 0))
		return REQUEST_WAY_BYPASS;
	return routed && has_family(now, family) && !now->blocks ?
	    REQUEST_WAY_TUNNEL :
	    REQUEST_WAY_BLOCKED;
}

/* In the journal first, as ever. */
static int
begin(struct policy *policy)
{
	const struct vet       *vet = policy->vet;
	const struct wall_owner owner = { policy->table, vet->device,
		/* Root's are not the resolver's alone. */
		policy->exempt.resolver != 0 ? policy->exempt.resolver :
					       (uid_t)-1,
		policy->exempt.mark, policy->exempt.mask };
	int r;

	if (policy->wall != NULL)
		return 0;
	r = journal_policy(policy->journal, policy->table);
	if (r < 0)
		return r;
	policy->wall = wall_new(&owner, vet->conf->socket);
	if (policy->wall == NULL)
		return -EOPNOTSUPP;
	r = sysctl_loosen(policy->journal, wall_marks(policy->wall));
	if (r < 0)
		log_warnx("net.ipv4.conf.all.%s cannot be set (%s): the "
			  "hub's answers may be dropped",
		    wall_marks(policy->wall) ? "src_valid_mark" : "rp_filter",
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

/* Then `next` holds what was before; on failure it keeps its own. */
static int
change(struct policy *policy, struct content *next)
{
	struct content old = policy->now;
	bool	       news = !is_same(&old, next);
	int	       r;

	if (policy->wall == NULL && is_empty(next))
		return 0;
	r = begin(policy);
	if (r < 0)
		return r;
	policy->now = *next;
	r = bring(policy);
	if (r < 0) {
		policy->now = old;
		(void)bring(policy);
		return r;
	}
	*next = old;
	journal_settle(policy->journal, policy->table);
	if (news)
		report(policy);
	look_in_front(policy);
	return 0;
}

/*
 * The wall is set before the first rule.  If a step fails, the others are still
 * tried.
 */
static int
bring(struct policy *policy)
{
	const struct content *now = &policy->now;
	const struct vet     *vet = policy->vet;
	struct route_table    routes = { .set = &now->routes,
		.ifindex = vet->ifindex,
		.unreachable = { now->unreachable[V4], now->unreachable[V6] } };
	struct state *state = &policy->state;

	state->wall = set_wall(policy);
	state->rules = rules_add(vet->link, policy->table, &policy->exempt);
	state->routes = route_set(vet->link, policy->table, &routes);
	return state->wall < 0	? state->wall :
	    state->rules < 0	? state->rules :
	    state->routes < 0	? state->routes :
				  0;
}

static int
set_wall(struct policy *policy)
{
	const struct vet *vet = policy->vet;
	struct prefix_set walled = { 0 }, local = { 0 };
	struct wall_rules rules = { .walled = &walled, .local = &local,
		.servers = vet->servers, .nservers = vet->nservers,
		.stays = vet->conf->when_down == CONF_BLOCK };
	int r = -ENOMEM;

	if (add_walled(&policy->now, &walled) && add_local(policy, &local))
		r = wall_set(policy->wall, &rules);
	prefix_set_fini(&walled);
	prefix_set_fini(&local);
	return r;
}

static bool
add_walled(const struct content *now, struct prefix_set *walled)
{
	bool ok = true;

	for (int f = 0; f < FAMILIES; f++)
		ok = ok &&
		    (!now->unreachable[f] || prefix_set_add(walled, &all[f]));
	ok = ok && prefix_set_add_list(walled, now->routes.v, now->routes.n);
	prefix_set_merge(walled);
	return ok;
}

/*
 * If the networks of links together amount to all traffic, they are not local,
 * but equivalent to a default route.
 */
static bool
add_local(struct policy *policy, struct prefix_set *local)
{
	const struct conf_prefixes *more = &policy->vet->conf->local_networks;
	bool ok = route_get_local(policy->vet->link, policy->vet->ifindex,
		      local) == 0;

	if (vet_narrow(local) && policy_may_say(&policy->said_local))
		log_warnx("%s: the networks of this host's links together "
			  "cover all traffic: the widest are blocked; add "
			  "those that must stay local to local-networks",
		    policy->vet->device);
	ok = ok && prefix_set_add_list(local, more->v, more->n);
	prefix_set_merge(local);
	return ok;
}

static void
say_repaired(struct policy *policy)
{
	const struct state *state = &policy->state;
	bool failed = state->wall < 0 || state->rules < 0 || state->routes < 0;

	/* Where it cannot be loosened, begin() has said so. */
	if (state->wall == 0 && state->rules == 0 && state->routes == 0 &&
	    state->loosened <= 0)
		return;
	if (!policy_may_say(&policy->said))
		return;
	log_warnx("%s: another program has changed%s%s%s%s of the default route; "
		  "%s (systemd-networkd does so, unless "
		  "ManageForeignRoutingPolicyRules=no and "
		  "ManageForeignRoutes=no)",
	    policy->vet->device, state->rules != 0 ? " the rules" : "",
	    state->routes != 0 ? " the routes" : "",
	    state->wall != 0 ? " the block" : "",
	    state->loosened > 0 ? " the source check" : "",
	    failed ? "they cannot be restored now" : "restored");
}

static void
look_in_front(struct policy *policy)
{
	char front[REQUEST_FRONT_SIZE] = "";
	int  n = rules_get_front(policy->vet->link, policy->table, front,
	     sizeof(front));

	if (n < 0 || strcmp(front, policy->front) == 0)
		return;
	strlcpy(policy->front, front, sizeof(policy->front));
	if (n > 0 && policy_may_say(&policy->said_front))
		log_warnx("%s: %s precedes ours%s: traffic that matches it is "
			  "blocked; remove it",
		    policy->vet->device, front,
		    n > 1 ? ", and others" : "");
}

static bool
has_family(const struct content *content, sa_family_t family)
{
	return prefix_list_has_family(content->routes.v, content->routes.n,
	    family);
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
	return a->blocks == b->blocks &&
	    a->unreachable[V4] == b->unreachable[V4] &&
	    a->unreachable[V6] == b->unreachable[V6] &&
	    prefix_list_is_equal(a->routes.v, a->routes.n, b->routes.v,
		b->routes.n);
}

static void
report(const struct policy *policy)
{
	const struct content *now = &policy->now;
	bool v4 = has_family(now, AF_INET), v6 = has_family(now, AF_INET6);

	if (is_empty(now))
		log_info("%s: default route: bypasses the tunnel",
		    policy->vet->device);
	else if (now->blocks)
		log_info("%s: default route: blocked until the tunnel is up", policy->vet->device);
	else
		log_info("%s: default route: through the tunnel: %s",
		    policy->vet->device,
		    v4 && v6 ? "IPv4 and IPv6" :
		    v4	     ? "IPv4; IPv6 is blocked, the hub assigns no "
			       "route for it" :
			       "IPv6");
}
