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

static int sum_up(struct vet *vet, const struct request_network *assignment);
static bool is_all(const struct prefix_set *set, sa_family_t family,
    unsigned len);
static bool add_public(struct prefix_set *set, const struct vet *vet,
    const struct prefix *prefix);
static bool   is_everything(const struct prefix *network);
static int vet_address(const struct vet *vet, const struct prefix *address);
static int vet_route(const struct vet *vet, const struct prefix *route);
static int vet_network(const struct vet *vet, const char *what,
    const struct prefix *network);
static int vet_loop(const struct vet *vet, const char *what,
    const struct prefix *network);
static bool is_prefix(const struct prefix *prefix);
static const struct prefix *find_reserved(const struct vet *vet,
    const struct prefix *network);

int
vet_assignment(struct vet *vet, const struct request_network *assignment,
    char *why, size_t why_size)
{
	int r = link_get_lans(vet->link, vet->device, &vet->lans);

	vet->why = why;
	vet->why_size = why_size;
	if (r == 0)
		r = sum_up(vet, assignment);
	if (r < 0)
		(void)vet_refuse(vet, r, "cannot list this host's networks: %s",
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

/* Whether they are all traffic, together. */
static int
sum_up(struct vet *vet, const struct request_network *assignment)
{
	struct prefix_set set = { 0 };
	bool		  ok = true;

	for (size_t i = 0; ok && i < assignment->naddresses; i++)
		ok = add_public(&set, vet, &assignment->addresses[i]);
	for (size_t i = 0; ok && i < assignment->nroutes; i++)
		ok = add_public(&set, vet, &assignment->routes[i]);
	vet->all[0] = all_traffic_is(set.v, set.n, AF_INET);
	vet->all[1] = all_traffic_is(set.v, set.n, AF_INET6);
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
	return all_traffic_is(network, 1, network->addr.family);
}

static int
vet_address(const struct vet *vet, const struct prefix *address)
{
	struct prefix network = prefix_network(address);
	char	      text[PREFIX_STRLEN];

	/* Its prefix becomes a route: never one to everywhere. */
	if (!is_prefix(address) || is_everything(&network))
		return vet_refuse(vet, -EINVAL,
		    "the address %s makes no sense here",
		    prefix_print(address, text, sizeof(text)));
	return vet_network(vet, "address", &network);
}

static int
vet_route(const struct vet *vet, const struct prefix *route)
{
	struct prefix network = prefix_network(route);

	return is_prefix(route) ?
	    vet_network(vet, "route", &network) :
	    vet_refuse(vet, -EINVAL, "a route makes no sense");
}

static int
vet_network(const struct vet *vet, const char *what,
    const struct prefix *network)
{
	const struct prefix   *reserved = find_reserved(vet, network);
	const struct link_lan *lan = link_find_lan(&vet->lans, network);
	char		       text[PREFIX_STRLEN], other[PREFIX_STRLEN];

	prefix_print(network, text, sizeof(text));
	/* An address's prefix becomes a route, and asks for the same leave. */
	if (vet_is_wide(vet, network) && !vet->conf->accept_default_route)
		return vet_refuse(vet, -EPERM,
		    "the %s %s%s would send all traffic through the tunnel: "
		    "only with accept-default-route = yes", what, text,
		    is_everything(network) ? "" : " and others with it");
	if (reserved != NULL)
		return vet_refuse(vet, -EINVAL,
		    "the %s %s overlaps %s, which never leaves a host or a "
		    "link", what, text,
		    prefix_print(reserved, other, sizeof(other)));
	/*
	 * All traffic: the host's own networks have more specific routes, and
	 * our own packets bypass the tunnel.
	 */
	if (strcmp(what, "route") == 0 && vet_is_wide(vet, network))
		return 0;
	if (lan != NULL)
		return vet_refuse(vet, -EEXIST,
		    "the %s %s overlaps %s, this host's own network on %s",
		    what, text,
		    prefix_print(&lan->network, other, sizeof(other)),
		    lan->ifname);
	return vet_loop(vet, what, network);
}

/* Not an address of the server's that `network` would take away. */
static int
vet_loop(const struct vet *vet, const char *what, const struct prefix *network)
{
	char text[PREFIX_STRLEN], other[ADDR_STRLEN];

	for (size_t i = 0; i < vet->nservers; i++) {
		struct addr	       server = endpoint_addr(&vet->servers[i]);
		struct prefix	       host = { server,
			(uint8_t)addr_bits(server.family) };
		const struct link_lan *lan = link_find_lan(&vet->lans, &host);

		if (!prefix_contains(network, &server) ||
		    (lan != NULL && lan->network.len > network->len))
			continue;
		return vet_refuse(vet, -ELOOP,
		    "the %s %s contains %s, the hub itself: the tunnel "
		    "cannot carry its own datagrams", what,
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
	bool		     wide = vet_is_wide(vet, network);
	const struct prefix *reserved;

	for (size_t i = 0; (reserved = addr_reserved(i)) != NULL; i++) {
		if (prefix_overlaps(reserved, network) &&
		    (!wide || network->len >= reserved->len))
			break;
	}
	return reserved;
}

int
vet_refuse(const struct vet *vet, int error, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(vet->why, vet->why_size, fmt, ap);
	va_end(ap);
	return error;
}
