/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is wanted is here, what is so is in the kernel. */
#include "monitor/host/policy.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <bsd/string.h>

#include "base/log.h"
#include "base/mono.h"
#include "monitor/host/journal.h"
#include "monitor/host/prefix_set.h"
#include "monitor/host/repairs.h"
#include "monitor/host/route.h"
#include "monitor/host/rules.h"
#include "monitor/host/sysctl.h"
#include "monitor/host/vet.h"
#include "monitor/host/wall.h"
#include "monitor/host/want.h"
#include "proc/proc.h"

enum { V4, V6, FAMILIES };

static const struct prefix all[FAMILIES] = {
	[V4] = { { .family = AF_INET }, 0 },
	[V6] = { { .family = AF_INET6 }, 0 },
};

/* What is in force, in short. */
struct content {
	bool by_device[FAMILIES], unreachable[FAMILIES];
	bool blocks; /* the device drops what comes by it */
};

/*
 * What other programs had changed, or a negative errno value: it cannot be
 * restored.
 */
struct state {
	int wall, rules, routes;
};

struct policy {
	struct journal	 *journal;
	const struct vet *vet;
	struct wall	 *wall; /* NULL: nothing of it is there yet */
	struct rules_exempt exempt;
	uint32_t	table;
	struct content	now;
	struct state	state; /* at the last look */
	struct prefix_set local;
	bool		knows_local;
	struct mono	learn_next; /* its networks again: not before */
	struct mono	said_front, said_local, said_failed; /* when; 0: never */
	uint64_t	dropped;
	char		front[REQUEST_FRONT_SIZE];
};

static enum request_way way(const struct policy *policy, int family);
static int begin(struct policy *policy);
static uid_t resolver_user(void);
static int bring(struct policy *policy, const struct want *want);
static int set_wall(struct policy *policy, const struct want *want);
static bool add_walled(const struct want *want, struct prefix_set *walled);
static int learn_local(struct policy *policy);
static void note_repaired(struct policy *policy, struct repairs *repairs,
    bool loosened);
static void look_in_front(struct policy *policy);
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
	prefix_set_fini(&policy->local);
	free(policy);
}

int
policy_set(struct policy *policy, const struct want *want, bool is_news,
    struct repairs *repairs)
{
	struct content now = { .blocks = want->blocks };
	bool loosened, changed;
	int  r;

	for (int f = 0; f < FAMILIES; f++) {
		now.by_device[f] = prefix_list_has_family(want->wide.v,
		    want->wide.n, all[f].addr.family);
		now.unreachable[f] = want->unreachable[f];
	}
	if (policy->wall == NULL && want->wide.n == 0)
		return 0;
	r = begin(policy);
	if (r < 0)
		return r;
	changed = memcmp(&policy->now, &now, sizeof(now)) != 0;
	policy->now = now;
	r = bring(policy, want);
	loosened = sysctl_loosen(policy->journal,
		       wall_marks(policy->wall)) > 0;
	if (!is_news)
		note_repaired(policy, repairs, loosened);
	if (r == 0)
		journal_settle(policy->journal, policy->table);
	if (r == 0 && changed)
		report(policy);
	look_in_front(policy);
	policy->dropped = wall_dropped(policy->wall);
	return r;
}

void
policy_forget_local(struct policy *policy)
{
	policy->knows_local = false;
}

void
policy_egress(const struct policy *policy, struct request_egress *egress)
{
	egress->v4 = way(policy, V4);
	egress->v6 = way(policy, V6);
	egress->dropped = policy->dropped;
	strlcpy(egress->front, policy->front, sizeof(egress->front));
}

/* The wall keeps this traffic in, even if everything else is wrong. */
static enum request_way
way(const struct policy *policy, int family)
{
	const struct content *now = &policy->now;
	const struct state   *state = &policy->state;
	bool routed = state->rules >= 0 && state->routes >= 0;

	if ((!now->by_device[family] && !now->unreachable[family]) ||
	    (!routed && state->wall < 0))
		return REQUEST_WAY_BYPASS;
	return routed && now->by_device[family] && !now->blocks ?
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

/* The wall comes before the first rule; whatever fails, the rest is tried. */
static int
bring(struct policy *policy, const struct want *want)
{
	const struct vet  *vet = policy->vet;
	struct route_table routes = { .set = &want->wide,
		.ifindex = vet->ifindex,
		.unreachable = { want->unreachable[V4],
		    want->unreachable[V6] } };
	struct state *state = &policy->state;

	state->wall = set_wall(policy, want);
	state->rules = rules_add(vet->link, policy->table, &policy->exempt);
	state->routes = route_set(vet->link, policy->table, &routes);
	return state->wall < 0	? state->wall :
	    state->rules < 0	? state->rules :
	    state->routes < 0	? state->routes :
				  0;
}

static int
set_wall(struct policy *policy, const struct want *want)
{
	const struct vet *vet = policy->vet;
	struct prefix_set walled = { 0 };
	struct wall_rules rules = { .walled = &walled, .local = &policy->local,
		.servers = vet->servers, .nservers = vet->nservers,
		.stays = vet->conf->when_down == CONF_BLOCK };
	int r = learn_local(policy);

	if (r == 0 && !add_walled(want, &walled))
		r = -ENOMEM;
	if (r == 0)
		r = wall_set(policy->wall, &rules);
	prefix_set_fini(&walled);
	return r;
}

static bool
add_walled(const struct want *want, struct prefix_set *walled)
{
	bool ok = true;

	for (int f = 0; f < FAMILIES; f++)
		ok = ok && (!want->unreachable[f] ||
			       prefix_set_add(walled, &all[f]));
	ok = ok && prefix_set_add_list(walled, want->wide.v, want->wide.n);
	prefix_set_merge(walled);
	return ok;
}

/*
 * If the networks of links together amount to all traffic, they are not local,
 * but equivalent to a default route.
 */
static int
learn_local(struct policy *policy)
{
	const struct conf_prefixes *more = &policy->vet->conf->local_networks;
	struct prefix_set	    local = { 0 };
	struct mono		    now = mono_now();
	clock_t			    begun = clock();
	int			    r;

	if (policy->knows_local || (policy->learn_next.us != 0 &&
		!mono_is_due(policy->learn_next, now)))
		return 0;
	r = route_get_local(policy->vet->link, policy->vet->ifindex, &local);
	/* Among half a million routes that is work: for 1 % of the time, no more. */
	policy->learn_next = mono_add(now,
	    100 * (int64_t)(clock() - begun) * MONO_SEC / CLOCKS_PER_SEC);
	if (vet_narrow(&local) && repairs_may_say(&policy->said_local))
		log_warnx("%s: the networks of this host's links together "
			  "cover all traffic: the widest are blocked; add "
			  "those that must stay local to local-networks",
		    policy->vet->device);
	if (r == 0 && !prefix_set_add_list(&local, more->v, more->n))
		r = -ENOMEM;
	if (r < 0) {
		prefix_set_fini(&local);
		return r;
	}
	prefix_set_merge(&local);
	prefix_set_fini(&policy->local);
	policy->local = local;
	policy->knows_local = true;
	return 0;
}

static void
note_repaired(struct policy *policy, struct repairs *repairs, bool loosened)
{
	const struct state *state = &policy->state;
	const char	   *device = policy->vet->device;

	if (state->wall > 0)
		repairs_note(repairs, "the block");
	if (state->rules > 0)
		repairs_note(repairs, "the rules of the default route");
	if (state->routes > 0)
		repairs_note(repairs, "the routes of table %u", policy->table);
	if (loosened)
		repairs_note(repairs, "the source check");
	if ((state->rules > 0 || state->routes > 0) && repairs->n > 0)
		repairs->hint = "systemd-networkd does so, unless "
				"ManageForeignRoutingPolicyRules=no and "
				"ManageForeignRoutes=no";
	if ((state->wall < 0 || state->rules < 0 || state->routes < 0) &&
	    repairs_may_say(&policy->said_failed))
		log_warnx("%s: the default route cannot be set: %s", device,
		    strerror(-(state->wall < 0	  ? state->wall :
			       state->rules < 0 ? state->rules :
						  state->routes)));
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
	if (n > 0 && repairs_may_say(&policy->said_front))
		log_warnx("%s: %s precedes ours%s: traffic that matches it is "
			  "blocked; remove it",
		    policy->vet->device, front,
		    n > 1 ? ", and others" : "");
}

static void
report(const struct policy *policy)
{
	const struct content *now = &policy->now;
	bool v4 = now->by_device[V4], v6 = now->by_device[V6];

	if (!v4 && !v6)
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
