/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "monitor/host/vet.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bsd/string.h>

#include "base/all_traffic.h"
#include "monitor/host/dns.h"
#include "monitor/host/prefix_set.h"
#include "proc/request.h"

static bool is_all(const struct prefix_set *set, sa_family_t family,
    unsigned len);
static bool add_public(struct prefix_set *set, const struct conf *conf,
    const struct prefix *list, size_t n);
static bool   is_everything(const struct prefix *network);
static int vet_address(const struct vet *vet, const struct prefix *address);
static int vet_route(const struct vet *vet, const struct prefix *route);
static int vet_network(const struct vet *vet, const char *what,
    const struct prefix *network);
static int vet_loop(const struct vet *vet, const struct prefix *network);
static bool is_prefix(const struct prefix *prefix);
static const struct prefix *find_reserved(const struct vet *vet,
    const struct prefix *network);
static int refuse(const struct vet *vet, int error, const char *fmt, ...)
    __attribute__((__format__(printf, 3, 4)));

int
vet_assignment(struct vet *vet, const struct request_network *assignment,
    char *why, size_t why_size)
{
	int r = link_get_lans(vet->link, vet->device, &vet->lans);

	vet->why = why;
	vet->why_size = why_size;
	if (r == 0 && !vet_sum_up(vet->conf, assignment->addresses,
		assignment->naddresses, assignment->routes,
		assignment->nroutes, vet->all))
		r = -ENOMEM;
	if (r < 0)
		(void)refuse(vet, r, "cannot list this host's networks: %s",
		    strerror(-r));
	for (size_t i = 0; r == 0 && i < assignment->nroutes; i++)
		r = vet_route(vet, &assignment->routes[i]);
	for (size_t i = 0; r == 0 && i < assignment->naddresses; i++)
		r = vet_address(vet, &assignment->addresses[i]);
	free(vet->lans.v);
	vet->lans = (struct link_lans) { 0 };
	return r;
}

bool
vet_add_literal(struct vet *vet, const char *host, uint16_t port)
{
	struct addr	addr;
	struct endpoint server;

	if (host == NULL || !addr_parse(&addr, host))
		return false;
	server = endpoint_make(&addr, port);
	vet_add_server(vet, &server);
	return true;
}

void
vet_add_server(struct vet *vet, const struct endpoint *server)
{
	for (size_t i = 0; i < vet->nservers; i++) {
		if (endpoint_is_equal(&vet->servers[i], server))
			return;
	}
	vet->servers[vet->next_server] = *server;
	vet->next_server = (vet->next_server + 1) % VET_MAX_SERVERS;
	if (vet->nservers < VET_MAX_SERVERS)
		vet->nservers++;
}

bool
vet_is_wide(const bool is_all[2], const struct prefix *route)
{
	return is_all[route->addr.family == AF_INET ? 0 : 1] &&
	    all_traffic_has_part(route);
}

bool
vet_narrow(struct prefix_set *set)
{
	unsigned len[2] = { 0 };
	size_t	 kept = 0, n = set->n;

	prefix_set_sort(set);
	while (is_all(set, AF_INET, len[0]))
		len[0]++;
	while (is_all(set, AF_INET6, len[1]))
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

/*
 * Skips those shorter than `len`.  A host may have very many networks; they are
 * sorted, containing ones first.
 */
static bool
is_all(const struct prefix_set *set, sa_family_t family, unsigned len)
{
	const struct prefix *last = NULL;
	double		     sum = 0;

	for (size_t i = 0; i < set->n; i++) {
		const struct prefix *item = &set->v[i];

		if (item->addr.family != family || item->len < len ||
		    (last != NULL && prefix_contains(last, &item->addr)))
			continue;
		sum += all_traffic_share(item);
		last = item;
	}
	return sum > all_traffic_limit(family);
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
		    "the DNS server %s is an address of this host or of a link "
		    "of it", addr_print(&list->servers[i], text, sizeof(text)));
		return -EINVAL;
	}
	for (size_t i = 0; i < list->ndomains; i++) {
		if (conf_is_domain(list->domains[i]))
			continue;
		snprintf(why, why_size, "not a valid DNS domain");
		return -EINVAL;
	}
	return 0;
}

bool
vet_sum_up(const struct conf *conf, const struct prefix *addresses,
    size_t naddresses, const struct prefix *routes, size_t nroutes,
    bool is_all[2])
{
	struct prefix_set set = { 0 };
	bool ok = add_public(&set, conf, addresses, naddresses) &&
	    add_public(&set, conf, routes, nroutes);

	is_all[0] = all_traffic_is(set.v, set.n, AF_INET);
	is_all[1] = all_traffic_is(set.v, set.n, AF_INET6);
	prefix_set_fini(&set);
	return ok;
}

static bool
add_public(struct prefix_set *set, const struct conf *conf,
    const struct prefix *list, size_t n)
{
	const struct conf_prefixes *own = &conf->subnets;

	for (size_t i = 0; i < n; i++) {
		struct prefix network = prefix_network(&list[i]);
		bool	      counts = is_prefix(&list[i]);

		for (size_t j = 0; j < own->n; j++)
			counts = counts && (own->v[j].len > network.len ||
			    !prefix_contains(&own->v[j], &network.addr));
		if (counts && !prefix_set_add(set, &network))
			return false;
	}
	return true;
}

/* Alone. */
static bool
is_everything(const struct prefix *network)
{
	return all_traffic_is(network, 1, network->addr.family);
}

static int
vet_address(const struct vet *vet, const struct prefix *address)
{
	struct prefix	       network = prefix_network(address);
	const struct link_lan *lan = link_find_lan(&vet->lans, &network);
	char		       text[PREFIX_STRLEN], other[PREFIX_STRLEN];
	int		       r;

	/* Its prefix becomes a route: never one to everywhere. */
	if (!is_prefix(address) || is_everything(&network))
		return refuse(vet, -EINVAL,
		    "the address %s makes no sense here",
		    prefix_print(address, text, sizeof(text)));
	r = vet_network(vet, "address", &network);
	if (r == 0 && lan != NULL)
		return refuse(vet, -EEXIST,
		    "the address %s overlaps %s, this host's own network on %s",
		    prefix_print(&network, text, sizeof(text)),
		    prefix_print(&lan->network, other, sizeof(other)),
		    lan->ifname);
	return r < 0 ? r : vet_loop(vet, &network);
}

static int
vet_route(const struct vet *vet, const struct prefix *route)
{
	struct prefix network = prefix_network(route);

	return is_prefix(route) ?
	    vet_network(vet, "route", &network) :
	    refuse(vet, -EINVAL, "a route makes no sense");
}

static int
vet_network(const struct vet *vet, const char *what,
    const struct prefix *network)
{
	const struct prefix *reserved = find_reserved(vet, network);
	char		     text[PREFIX_STRLEN], other[PREFIX_STRLEN];

	prefix_print(network, text, sizeof(text));
	/* An address's prefix becomes a route, and asks for the same leave. */
	if (vet_is_wide(vet->all, network) && !vet->conf->accept_default_route)
		return refuse(vet, -EPERM,
		    "the %s %s%s would send all traffic through the tunnel: "
		    "only with accept-default-route = yes", what, text,
		    is_everything(network) ? "" : " and others with it");
	if (reserved != NULL)
		return refuse(vet, -EINVAL,
		    "the %s %s overlaps %s, which never leaves a host or a "
		    "link", what, text,
		    prefix_print(reserved, other, sizeof(other)));
	return 0;
}

/* Not an address of the server's that `network` would take away. */
static int
vet_loop(const struct vet *vet, const struct prefix *network)
{
	char text[PREFIX_STRLEN], other[ADDR_STRLEN];

	for (size_t i = 0; i < vet->nservers; i++) {
		struct addr server = endpoint_addr(&vet->servers[i]);

		if (prefix_contains(network, &server))
			return refuse(vet, -ELOOP,
			    "the address %s contains %s, the hub itself: the "
			    "tunnel cannot carry its own datagrams",
			    prefix_print(network, text, sizeof(text)),
			    addr_print(&server, other, sizeof(other)));
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

/*
 * Which of those it overlaps.  For a wide route the kernel's own routes are
 * more specific.
 */
static const struct prefix *
find_reserved(const struct vet *vet, const struct prefix *network)
{
	bool		     wide = vet_is_wide(vet->all, network);
	const struct prefix *reserved;

	for (size_t i = 0; (reserved = addr_reserved(i)) != NULL; i++) {
		if (prefix_overlaps(reserved, network) &&
		    (!wide || network->len >= reserved->len))
			break;
	}
	return reserved;
}

/* Returns `error`, with the reason where vet_assignment() was to put it. */
static int
refuse(const struct vet *vet, int error, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(vet->why, vet->why_size, fmt, ap);
	va_end(ap);
	return error;
}
