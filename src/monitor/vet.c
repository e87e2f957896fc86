/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "monitor/vet.h"

#include <errno.h>
#include <net/if.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "monitor/dns.h"
#include "monitor/link.h"
#include "monitor/policy.h"

struct subject {
	const char	    *what; /* for `why` */
	const struct prefix *network;
	char		    *why;
	size_t		     why_size;
};

static int  vet_network(const struct vet *vet, const struct subject *subject);
static bool is_prefix(const struct prefix *prefix);
static bool is_reserved(const struct prefix *network, char *text, size_t size);
static const struct addr *find_loop(const struct vet *vet,
    const struct prefix *network);

int
vet_address(const struct vet *vet, const struct prefix *address, char *why,
    size_t why_size)
{
	struct prefix  network = prefix_network(address);
	struct subject subject = { "address", &network, why, why_size };
	char	       text[PREFIX_STRLEN];

	/* Its prefix becomes a route: never one to everywhere. */
	if (!is_prefix(address) || policy_is_wide(address)) {
		snprintf(why, why_size, "the address %s makes no sense here",
		    prefix_print(address, text, sizeof(text)));
		return -EINVAL;
	}
	return vet_network(vet, &subject);
}

int
vet_route(const struct vet *vet, const struct prefix *route, char *why,
    size_t why_size)
{
	struct prefix  network = prefix_network(route);
	struct subject subject = { "route", &network, why, why_size };
	char	       text[PREFIX_STRLEN];

	if (!is_prefix(route)) {
		snprintf(why, why_size, "a route makes no sense");
		return -EINVAL;
	}
	if (policy_is_wide(route) && !vet->conf->accept_default_route) {
		snprintf(why, why_size,
		    "the route %s would send all traffic through the tunnel: "
		    "only with accept-default-route = yes",
		    prefix_print(route, text, sizeof(text)));
		return -EPERM;
	}
	return vet_network(vet, &subject);
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

static int
vet_network(const struct vet *vet, const struct subject *subject)
{
	const struct prefix *network = subject->network;
	const struct addr   *server;
	char		     text[PREFIX_STRLEN], other[PREFIX_STRLEN];
	char		     ifname[IF_NAMESIZE];
	struct prefix	     lan;

	prefix_print(network, text, sizeof(text));
	if (is_reserved(network, other, sizeof(other))) {
		snprintf(subject->why, subject->why_size,
		    "the %s %s overlaps %s, which never leaves a host or a "
		    "link", subject->what, text, other);
		return -EINVAL;
	}
	/*
	 * Around everything: the host's own networks are nearer, and win; our
	 * own packets are kept out of it.
	 */
	if (policy_is_wide(network))
		return 0;
	if (link_overlaps_lan(vet->link, network, vet->device, &lan, ifname)) {
		snprintf(subject->why, subject->why_size,
		    "the %s %s overlaps %s, this host's own network on %s",
		    subject->what, text,
		    prefix_print(&lan, other, sizeof(other)), ifname);
		return -EEXIST;
	}
	server = find_loop(vet, network);
	if (server != NULL) {
		snprintf(subject->why, subject->why_size,
		    "the %s %s contains %s, the server itself: the tunnel "
		    "cannot carry its own datagrams",
		    subject->what, text,
		    addr_print(server, other, sizeof(other)));
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
is_reserved(const struct prefix *network, char *text, size_t size)
{
	const struct prefix *reserved;

	for (size_t i = 0; (reserved = addr_reserved(i)) != NULL; i++) {
		if (!prefix_overlaps(reserved, network))
			continue;
		if (policy_is_wide(network) && network->len < reserved->len)
			continue; /* the kernel keeps that out of it */
		prefix_print(reserved, text, size);
		return true;
	}
	return false;
}

/* An address of the server's that `network` would take away, or NULL. */
static const struct addr *
find_loop(const struct vet *vet, const struct prefix *network)
{
	char ifname[IF_NAMESIZE];

	for (size_t i = 0; i < vet->nservers; i++) {
		struct prefix server = { vet->servers[i], 0 }, lan;

		if (!prefix_contains(network, &server.addr))
			continue;
		server.len = (uint8_t)addr_bits(server.addr.family);
		if (!link_overlaps_lan(vet->link, &server, vet->device, &lan,
			ifname) ||
		    lan.len <= network->len)
			return &vet->servers[i];
	}
	return NULL;
}
