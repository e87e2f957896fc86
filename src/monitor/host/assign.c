/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * First all checks, then new addresses and routes are added, then old ones
 * removed.
 */
#include "monitor/host/assign.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <linux/rtnetlink.h>

#include <bsd/string.h>

#include "base/log.h"
#include "monitor/host/link.h"
#include "monitor/host/policy.h"
#include "monitor/host/route.h"
#include "proc/request.h"

static int collect(const struct assign *assign, struct assign *next,
    struct prefix_set *wide, const struct request_network *assignment);
static bool is_connected(const struct prefix_set *addresses,
    const struct prefix *route);
static int switch_to(struct assign *assign, struct assign *next,
    const struct prefix_set *wide);
static int add_addresses(struct assign *assign, const struct prefix_set *set);
static int set_routes(struct assign *assign, const struct prefix_set *set,
    int (*on_failure)(void *arg, const struct prefix *network, int error));
static int refuse(void *arg, const struct prefix *prefix, int error);
static bool remove_addresses(struct assign *assign,
    const struct prefix_set *from, const struct prefix_set *set);
static void check_addresses(struct assign *assign,
    const struct link_lans *lans, struct prefix_set *away);
static int check_routes(struct assign *assign, const struct link_lans *lans,
    struct prefix_set *away);
static bool must_go(struct assign *assign, const struct link_lans *lans,
    const struct prefix *item, struct prefix_set *away);
static bool is_configured(const struct assign *assign,
    const struct prefix *address);
static bool can(const struct assign *assign, const struct prefix *prefix);

int
assign_replace(struct assign *assign, const struct request_network *assignment,
    char *why, size_t why_size)
{
	struct assign	  next = *assign;
	struct prefix_set wide = { 0 };
	int		  r;

	strlcpy(why, "", why_size);
	r = vet_assignment(&assign->vet, assignment, why, why_size);
	if (r < 0) {
		(void)assign_check(assign);
		return r;
	}
	next.addresses = next.routes = next.away = (struct prefix_set) { 0 };
	r = collect(assign, &next, &wide, assignment);
	if (r == 0)
		r = switch_to(assign, &next, &wide);
	prefix_set_fini(&wide);
	/* Whichever of the two is not in force by now. */
	assign_fini(&next);
	if (r < 0 && why[0] == '\0')
		strlcpy(why, strerror(-r), why_size);
	return r;
}

void
assign_fini(struct assign *assign)
{
	prefix_set_fini(&assign->addresses);
	prefix_set_fini(&assign->routes);
	prefix_set_fini(&assign->away);
}

int
assign_check(struct assign *assign)
{
	struct link_lans  lans;
	struct prefix_set away = { 0 };
	int		  n;

	/* Then it stays as it is, until the next time. */
	if (link_get_lans(assign->vet.link, assign->vet.device, &lans) < 0)
		return 0;
	check_addresses(assign, &lans, &away);
	n = check_routes(assign, &lans, &away);
	free(lans.v);
	prefix_set_sort(&away);
	/* Those that come back now were taken by us. */
	if (away.n != assign->away.n)
		n = 0;
	prefix_set_fini(&assign->away);
	assign->away = away;
	return n;
}

static int
collect(const struct assign *assign, struct assign *next,
    struct prefix_set *wide, const struct request_network *assignment)
{
	bool ok = true;

	for (size_t i = 0; ok && i < assignment->naddresses; i++) {
		if (can(assign, &assignment->addresses[i]))
			ok = prefix_set_add(&next->addresses,
			    &assignment->addresses[i]);
	}
	for (size_t i = 0; ok && i < assignment->nroutes; i++) {
		struct prefix plain = prefix_network(&assignment->routes[i]);

		if (!can(assign, &plain))
			continue;
		if (vet_is_wide(&assign->vet, &plain))
			ok = prefix_set_add(wide, &plain);
		else if (!is_connected(&next->addresses, &plain))
			ok = prefix_set_add(&next->routes, &plain);
	}
	prefix_set_sort(&next->addresses);
	prefix_set_sort(&next->routes);
	prefix_set_sort(wide);
	return ok ? 0 : -ENOMEM;
}

/* The kernel makes that route with the address. */
static bool
is_connected(const struct prefix_set *addresses, const struct prefix *route)
{
	for (size_t i = 0; i < addresses->n; i++) {
		struct prefix network = prefix_network(&addresses->v[i]);

		if (prefix_is_equal(&network, route))
			return true;
	}
	return false;
}

/* Then `next` holds the old sets; on failure it keeps its own. */
static int
switch_to(struct assign *assign, struct assign *next,
    const struct prefix_set *wide)
{
	struct assign old = *assign;
	bool block = assign->vet.conf->when_down == CONF_BLOCK;
	int  r;

	r = add_addresses(assign, &next->addresses);
	if (r == 0)
		r = set_routes(assign, &next->routes, refuse);
	if (r >= 0)
		r = policy_set(assign->policy, wide, block);
	if (r < 0) {
		remove_addresses(assign, &next->addresses, &old.addresses);
		(void)assign_check(assign);
		return r;
	}
	assign->addresses = next->addresses;
	assign->routes = next->routes;
	next->addresses = old.addresses;
	next->routes = old.routes;
	/*
	 * When the first IPv4 address of a network is removed from an
	 * interface, the kernel removes the other addresses of that network,
	 * too; with the last address, the routes.
	 */
	if (remove_addresses(assign, &old.addresses, &assign->addresses))
		(void)assign_check(assign);
	return 0;
}

/* On failure some may have been added; removing what is not there is fine. */
static int
add_addresses(struct assign *assign, const struct prefix_set *set)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < set->n; i++) {
		if (prefix_set_has(&assign->addresses, &set->v[i]))
			continue;
		r = link_add_address(assign->vet.link, assign->vet.device,
		    &set->v[i]);
		if (r < 0)
			(void)refuse(assign, &set->v[i], r);
	}
	return r;
}

static int
set_routes(struct assign *assign, const struct prefix_set *set,
    int (*on_failure)(void *arg, const struct prefix *network, int error))
{
	struct route_table routes = { .set = set,
		.ifindex = assign->vet.ifindex, .on_failure = on_failure,
		.arg = assign };

	return route_set(assign->vet.link, RT_TABLE_MAIN, &routes);
}

static int
refuse(void *arg, const struct prefix *prefix, int error)
{
	const struct vet *vet = &((struct assign *)arg)->vet;
	char		  text[PREFIX_STRLEN];

	return vet_refuse(vet, error, "%s cannot be added to %s: %s%s",
	    prefix_print(prefix, text, sizeof(text)), vet->device,
	    strerror(-error), error == -EEXIST ?
		"; this host has another route to it" : "");
}

/* Those of `from` that are not in `set`; whether there were any. */
static bool
remove_addresses(struct assign *assign, const struct prefix_set *from,
    const struct prefix_set *set)
{
	bool some = false;

	for (size_t i = 0; i < from->n; i++) {
		const struct prefix *item = &from->v[i];

		if (prefix_set_has(set, item) || is_configured(assign, item))
			continue;
		(void)link_remove_address(assign->vet.link, assign->vet.device,
		    item);
		some = true;
	}
	return some;
}

static void
check_addresses(struct assign *assign, const struct link_lans *lans,
    struct prefix_set *away)
{
	const struct vet	   *vet = &assign->vet;
	const struct conf_prefixes *fixed = &vet->conf->addresses;

	for (size_t i = 0; i < fixed->n; i++) {
		if (can(assign, &fixed->v[i]))
			(void)link_add_address(vet->link, vet->device,
			    &fixed->v[i]);
	}
	for (size_t i = 0; i < assign->addresses.n; i++) {
		const struct prefix *address = &assign->addresses.v[i];

		if (is_configured(assign, address))
			continue;
		if (must_go(assign, lans, address, away))
			(void)link_remove_address(vet->link, vet->device,
			    address);
		else
			(void)link_add_address(vet->link, vet->device, address);
	}
}

static int
check_routes(struct assign *assign, const struct link_lans *lans,
    struct prefix_set *away)
{
	struct prefix_set left = { 0 };
	bool		  ok = true;
	int		  n = 0;

	for (size_t i = 0; ok && i < assign->routes.n; i++) {
		if (!must_go(assign, lans, &assign->routes.v[i], away))
			ok = prefix_set_add(&left, &assign->routes.v[i]);
	}
	if (ok)
		n = set_routes(assign, &left, NULL);
	prefix_set_fini(&left);
	return n > 0 ? n : 0;
}

/* Said once. */
static bool
must_go(struct assign *assign, const struct link_lans *lans,
    const struct prefix *item, struct prefix_set *away)
{
	struct prefix	       network = prefix_network(item);
	const struct link_lan *lan = link_find_lan(lans, &network);
	char		       text[PREFIX_STRLEN], other[PREFIX_STRLEN];

	if (lan == NULL)
		return false;
	if (!prefix_set_has(&assign->away, item))
		log_warnx("%s: %s removed from the tunnel: it overlaps %s, "
			  "now this host's own network on %s",
		    assign->vet.device, prefix_print(item, text, sizeof(text)),
		    prefix_print(&lan->network, other, sizeof(other)),
		    lan->ifname);
	(void)prefix_set_add(away, item);
	return true;
}

/* Configured by the administrator; it stays whatever is assigned. */
static bool
is_configured(const struct assign *assign, const struct prefix *address)
{
	const struct conf_prefixes *fixed = &assign->vet.conf->addresses;

	return prefix_list_has(fixed->v, fixed->n, address);
}

static bool
can(const struct assign *assign, const struct prefix *prefix)
{
	return prefix->addr.family == AF_INET || assign->has_ipv6;
}
