/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "monitor/vet.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bsd/string.h>

#include "base/all_traffic.h"
#include "monitor/dns.h"
#include "monitor/prefix_set.h"

struct subject {
	const char	    *what; /* for `why` */
	const struct prefix *network;
	char		    *why;
	size_t		     why_size;
};

static int sum_up(struct vet *vet, const struct prefix *addresses,
    size_t naddresses, const struct prefix *routes, size_t nroutes);
static bool add_public(struct prefix_set *set, const struct vet *vet,
    const struct prefix *prefix);
static bool   is_everything(const struct prefix *network);
static int vet_address(const struct vet *vet, const struct prefix *address,
    char *why, size_t why_size);
static int vet_route(const struct vet *vet, const struct prefix *route,
    char *why, size_t why_size);
static bool is_without_leave(const struct vet *vet,
    const struct subject *subject);
static int  vet_network(const struct vet *vet, const struct subject *subject);
static bool is_prefix(const struct prefix *prefix);
static bool is_reserved(const struct vet *vet, const struct prefix *network,
    char *text, size_t size);
static bool find_loop(const struct vet *vet, const struct prefix *network,
    struct addr *server);

int
vet_assignment(struct vet *vet, const struct prefix *addresses,
    size_t naddresses, const struct prefix *routes, size_t nroutes, char *why,
    size_t why_size)
{
	int r = link_get_lans(vet->link, vet->device, &vet->lans);

	if (r == 0)
		r = sum_up(vet, addresses, naddresses, routes, nroutes);
	if (r < 0)
		snprintf(why, why_size, "this host's own networks cannot be "
		    "looked at: %s", strerror(-r));
	for (size_t i = 0; r == 0 && i < nroutes; i++)
		r = vet_route(vet, &routes[i], why, why_size);
	for (size_t i = 0; r == 0 && i < naddresses; i++)
		r = vet_address(vet, &addresses[i], why, why_size);
	free(vet->lans.v);
	vet->lans = (struct link_lans) { 0 };
	return r;
}

bool
vet_is_wide(const struct vet *vet, const struct prefix *route)
{
	return vet->all[route->addr.family == AF_INET ? 0 : 1] &&
	    all_traffic_has_part(route);
}

bool
vet_narrow(struct prefix_set *set)
{
	unsigned len[2] = { 0 };
	size_t	 kept = 0, n = set->n;

	prefix_set_sort(set);
	while (all_traffic_is(set->v, set->n, AF_INET, len[0]))
		len[0]++;
	while (all_traffic_is(set->v, set->n, AF_INET6, len[1]))
		len[1]++;
	for (size_t i = 0; i < set->n; i++) {
		const struct prefix *item = &set->v[i];

		if (item->len >= len[item->addr.family == AF_INET ? 0 : 1] ||
		    !all_traffic_has_part(item))
			set->v[kept++] = *item;
	}
	set->n = kept;
	return kept < n;
}

int
vet_dns(const struct dns_list *list, char *why, size_t why_size)
{
	char text[ADDR_STRLEN];

	if (list->nservers > CONF_MAX_DNS || list->ndomains > CONF_MAX_DOMAINS) {
		snprintf(why, why_size, "too many DNS servers or domains");
		return -E2BIG;
	}
	for (size_t i = 0; i < list->nservers; i++) {
		if (addr_is_global(&list->servers[i]))
			continue;
		snprintf(why, why_size,
		    "the DNS server %s would be on this host or a link of it",
		    addr_print(&list->servers[i], text, sizeof(text)));
		return -EINVAL;
	}
	for (size_t i = 0; i < list->ndomains; i++) {
		if (conf_is_domain(list->domains[i]))
			continue;
		snprintf(why, why_size, "a DNS domain is none");
		return -EINVAL;
	}
	return 0;
}

/* Whether they are all traffic, together. */
static int
sum_up(struct vet *vet, const struct prefix *addresses, size_t naddresses,
    const struct prefix *routes, size_t nroutes)
{
	struct prefix_set set = { 0 };
	bool		  ok = true;

	for (size_t i = 0; ok && i < naddresses; i++)
		ok = add_public(&set, vet, &addresses[i]);
	for (size_t i = 0; ok && i < nroutes; i++)
		ok = add_public(&set, vet, &routes[i]);
	vet->all[0] = all_traffic_is(set.v, set.n, AF_INET, 0);
	vet->all[1] = all_traffic_is(set.v, set.n, AF_INET6, 0);
	prefix_set_fini(&set);
	return ok ? 0 : -ENOMEM;
}

/* Not what makes no sense, nor what is this site's own. */
static bool
add_public(struct prefix_set *set, const struct vet *vet,
    const struct prefix *prefix)
{
	const struct conf_prefixes *own = &vet->conf->subnets;
	struct prefix		    network = prefix_network(prefix);

	if (!is_prefix(prefix))
		return true;
	for (size_t i = 0; i < own->n; i++) {
		if (own->v[i].len <= network.len &&
		    prefix_contains(&own->v[i], &network.addr))
			return true;
	}
	return prefix_set_add(set, &network);
}

/* Alone. */
static bool
is_everything(const struct prefix *network)
{
	return all_traffic_is(network, 1, network->addr.family, 0);
}

static int
vet_address(const struct vet *vet, const struct prefix *address, char *why,
    size_t why_size)
{
	struct prefix  network = prefix_network(address);
	struct subject subject = { "address", &network, why, why_size };
	char	       text[PREFIX_STRLEN];

	/* Its prefix becomes a route: never one to everywhere. */
	if (!is_prefix(address) || is_everything(&network)) {
		snprintf(why, why_size, "the address %s makes no sense here",
		    prefix_print(address, text, sizeof(text)));
		return -EINVAL;
	}
	return vet_network(vet, &subject);
}

static int
vet_route(const struct vet *vet, const struct prefix *route, char *why,
    size_t why_size)
{
	struct prefix  network = prefix_network(route);
	struct subject subject = { "route", &network, why, why_size };

	if (!is_prefix(route)) {
		snprintf(why, why_size, "a route makes no sense");
		return -EINVAL;
	}
	return vet_network(vet, &subject);
}

/* An address's prefix becomes a route, and asks for the same leave. */
static bool
is_without_leave(const struct vet *vet, const struct subject *subject)
{
	char text[PREFIX_STRLEN];

	if (vet->conf->accept_default_route ||
	    !vet_is_wide(vet, subject->network))
		return false;
	snprintf(subject->why, subject->why_size,
	    "the %s %s%s would send all traffic through the tunnel: only with "
	    "accept-default-route = yes", subject->what,
	    prefix_print(subject->network, text, sizeof(text)),
	    is_everything(subject->network) ? "" : " and others with it");
	return true;
}

static int
vet_network(const struct vet *vet, const struct subject *subject)
{
	const struct prefix *network = subject->network;
	const struct link_lan *lan;
	struct addr	     server;
	char		     text[PREFIX_STRLEN], other[PREFIX_STRLEN];

	if (is_without_leave(vet, subject))
		return -EPERM;
	prefix_print(network, text, sizeof(text));
	if (is_reserved(vet, network, other, sizeof(other))) {
		snprintf(subject->why, subject->why_size,
		    "the %s %s overlaps %s, which never leaves a host or a "
		    "link", subject->what, text, other);
		return -EINVAL;
	}
	/*
	 * Around everything: the host's own networks are nearer, and win; our
	 * own packets are kept out of it.
	 */
	if (strcmp(subject->what, "route") == 0 && vet_is_wide(vet, network))
		return 0;
	lan = link_find_lan(&vet->lans, network);
	if (lan != NULL) {
		snprintf(subject->why, subject->why_size,
		    "the %s %s overlaps %s, this host's own network on %s",
		    subject->what, text,
		    prefix_print(&lan->network, other, sizeof(other)),
		    lan->ifname);
		return -EEXIST;
	}
	if (find_loop(vet, network, &server)) {
		snprintf(subject->why, subject->why_size,
		    "the %s %s contains %s, the server itself: the tunnel "
		    "cannot carry its own datagrams",
		    subject->what, text,
		    addr_print(&server, other, sizeof(other)));
		return -ELOOP;
	}
	return 0;
}

static bool
is_prefix(const struct prefix *prefix)
{
	sa_family_t family = prefix->addr.family;

	return (family == AF_INET || family == AF_INET6) &&
	    prefix->len <= addr_bits(family);
}

static bool
is_reserved(const struct vet *vet, const struct prefix *network, char *text,
    size_t size)
{
	const struct prefix *reserved;

	for (size_t i = 0; (reserved = addr_reserved(i)) != NULL; i++) {
		if (!prefix_overlaps(reserved, network))
			continue;
		if (vet_is_wide(vet, network) && network->len < reserved->len)
			continue; /* the kernel keeps that out of it */
		prefix_print(reserved, text, size);
		return true;
	}
	return false;
}

/* An address of the server's that `network` would take away. */
static bool
find_loop(const struct vet *vet, const struct prefix *network,
    struct addr *server)
{
	for (size_t i = 0; i < vet->nservers; i++) {
		struct prefix	       host;
		const struct link_lan *lan;

		host.addr = *server = endpoint_addr(&vet->servers[i]);
		host.len = (uint8_t)addr_bits(server->family);
		if (!prefix_contains(network, server))
			continue;
		lan = link_find_lan(&vet->lans, &host);
		if (lan == NULL || lan->network.len <= network->len)
			return true;
	}
	return false;
}
