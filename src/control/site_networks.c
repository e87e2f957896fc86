/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "control/site_networks.h"

#include <stdlib.h>
#include <string.h>

#include "base/addr.h"
#include "base/log.h"
#include "base/nitems.h"
#include "conf/conf.h"
#include "control/conn/message.h"

static const struct conf_site *next_routed(const struct conf *conf, size_t *i);
static bool is_same(const struct conf_prefixes *a,
    const struct conf_prefixes *b);
static bool fill_addresses(struct message *msg, const struct conf *conf,
    const struct conf_site *cs);
static void add_default_routes(struct message *msg,
    const struct conf_site *cs);
static void add_routes(struct message *msg, const struct conf_prefixes *list);
static bool fill_dns(struct message *msg, const struct conf *conf);

bool
site_networks_fill(const struct conf *conf, const char *site,
    struct message *msg)
{
	const struct conf_site *cs = conf_find_site(conf, site);
	size_t			n = conf->networks.n + 2;

	if (conf->mode != CONF_TUN)
		return true;
	if (cs == NULL || !fill_addresses(msg, conf, cs) ||
	    !fill_dns(msg, conf))
		return false;
	for (size_t i = 0; i < conf->nsites; i++)
		n += conf->sites[i].subnets.n;
	msg->routes = calloc(n, sizeof(*msg->routes));
	if (msg->routes == NULL)
		return false;
	if (cs->default_route)
		add_default_routes(msg, cs);
	add_routes(msg, &conf->networks);
	for (size_t i = 0; i < conf->nsites; i++) {
		if (&conf->sites[i] != cs && !conf->sites[i].disabled)
			add_routes(msg, &conf->sites[i].subnets);
	}
	if (msg->nroutes > MESSAGE_MAX_ROUTES) {
		log_debug("site %s: only the first %d routes are sent",
		    site, MESSAGE_MAX_ROUTES);
		msg->nroutes = MESSAGE_MAX_ROUTES;
	}
	return true;
}

bool
site_networks_same(const struct conf *a, const struct conf *b)
{
	size_t i = 0, j = 0;

	if (a->keepalive_sec != b->keepalive_sec ||
	    a->dead_peer_sec != b->dead_peer_sec || a->mode != b->mode ||
	    !is_same(&a->networks, &b->networks) ||
	    !is_same(&a->tunnel_networks, &b->tunnel_networks) ||
	    !is_same(&a->dns, &b->dns) || a->domains.n != b->domains.n)
		return false;
	for (size_t n = 0; n < a->domains.n; n++) {
		if (strcmp(a->domains.v[n], b->domains.v[n]) != 0)
			return false;
	}
	for (;;) {
		const struct conf_site *x = next_routed(a, &i);
		const struct conf_site *y = next_routed(b, &j);

		if (x == NULL || y == NULL)
			return x == y;
		if (!is_same(&x->subnets, &y->subnets))
			return false;
	}
}

bool
site_networks_same_own(const struct conf *a, const struct conf *b,
    const char *site)
{
	const struct conf_site *x = conf_find_site(a, site);
	const struct conf_site *y = conf_find_site(b, site);

	return x != NULL && y != NULL && x->default_route == y->default_route &&
	    is_same(&x->addresses, &y->addresses) &&
	    is_same(&x->subnets, &y->subnets);
}

/* The next one with networks that others are told of, from `*i` on. */
static const struct conf_site *
next_routed(const struct conf *conf, size_t *i)
{
	while (*i < conf->nsites) {
		const struct conf_site *cs = &conf->sites[(*i)++];

		if (!cs->disabled && cs->subnets.n > 0)
			return cs;
	}
	return NULL;
}

static bool
is_same(const struct conf_prefixes *a, const struct conf_prefixes *b)
{
	return prefix_list_is_equal(a->v, a->n, b->v, b->n);
}

/* A host address takes the length of its tunnel network. */
static bool
fill_addresses(struct message *msg, const struct conf *conf,
    const struct conf_site *cs)
{
	const struct conf_prefixes *networks = &conf->tunnel_networks;

	msg->addresses = calloc(cs->addresses.n + 1, sizeof(*msg->addresses));
	if (msg->addresses == NULL)
		return false;
	for (size_t i = 0; i < cs->addresses.n &&
	    i < MESSAGE_MAX_ADDRESSES; i++) {
		struct prefix *to = &msg->addresses[msg->naddresses++];

		*to = cs->addresses.v[i];
		for (size_t j = 0; j < networks->n; j++) {
			if (prefix_contains(&networks->v[j], &to->addr))
				to->len = networks->v[j].len;
		}
	}
	return true;
}

/* Of each family that the site has an address of. */
static void
add_default_routes(struct message *msg, const struct conf_site *cs)
{
	static const sa_family_t families[] = { AF_INET, AF_INET6 };

	for (size_t f = 0; f < nitems(families); f++) {
		if (prefix_list_has_family(cs->addresses.v, cs->addresses.n,
			families[f]))
			msg->routes[msg->nroutes++] = (struct prefix) {
				.addr.family = families[f] };
	}
}

/* Everything at most once: it may be for this site, and for all. */
static void
add_routes(struct message *msg, const struct conf_prefixes *list)
{
	for (size_t i = 0; i < list->n; i++) {
		if (list->v[i].len > 0 || !prefix_list_has(msg->routes,
			msg->nroutes, &list->v[i]))
			msg->routes[msg->nroutes++] = list->v[i];
	}
}

static bool
fill_dns(struct message *msg, const struct conf *conf)
{
	msg->dns = calloc(conf->dns.n + 1, sizeof(*msg->dns));
	msg->domains = message_copy_domains(conf->domains.v, conf->domains.n);
	if (msg->dns == NULL || msg->domains == NULL)
		return false;
	for (size_t i = 0; i < conf->dns.n; i++)
		msg->dns[msg->ndns++] = conf->dns.v[i];
	msg->ndomains = conf->domains.n;
	return true;
}
