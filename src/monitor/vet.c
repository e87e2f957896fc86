/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "monitor/vet.h"

#include <errno.h>
#include <net/if.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/nitems.h"
#include "monitor/link.h"

struct subject {
	const char	    *what; /* for `why` */
	const struct prefix *network;
	char		    *why;
	size_t		     why_size;
};

static int  vet_network(struct link *link, const struct conf *conf,
     const char *device, const struct subject *subject);
static bool is_prefix(const struct prefix *prefix);
static bool is_wide(const struct prefix *prefix);
static bool is_reserved(const struct prefix *network, char *text, size_t size);
static bool would_loop(struct link *link, const struct conf *conf,
    const char *device, const struct prefix *network);

int
vet_address(struct link *link, const struct conf *conf, const char *device,
    const struct prefix *address, char *why, size_t why_size)
{
	struct prefix  network = prefix_network(address);
	struct subject subject = { "address", address, why, why_size };
	char	       text[PREFIX_STRLEN];

	/* Its prefix becomes a route: never one to everywhere. */
	if (!is_prefix(address) || is_wide(address)) {
		snprintf(why, why_size, "the address %s makes no sense here",
		    prefix_print(address, text, sizeof(text)));
		return -EINVAL;
	}
	subject.network = &network;
	return vet_network(link, conf, device, &subject);
}

int
vet_route(struct link *link, const struct conf *conf, const char *device,
    const struct prefix *route, char *why, size_t why_size)
{
	struct prefix  network = prefix_network(route);
	struct subject subject = { "route", &network, why, why_size };
	char	       text[PREFIX_STRLEN];

	if (!is_prefix(route)) {
		snprintf(why, why_size, "a route makes no sense");
		return -EINVAL;
	}
	if (is_wide(route) && !conf->accept_default_route) {
		snprintf(why, why_size,
		    "the route %s would send all traffic through the tunnel: "
		    "only with accept-default-route = yes",
		    prefix_print(route, text, sizeof(text)));
		return -EPERM;
	}
	return vet_network(link, conf, device, &subject);
}

static int
vet_network(struct link *link, const struct conf *conf, const char *device,
    const struct subject *subject)
{
	const struct prefix *network = subject->network;
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
	/* Around everything: the host's own networks are nearer, and win. */
	if (!is_wide(network) &&
	    link_overlaps_lan(link, network, device, &lan, ifname)) {
		snprintf(subject->why, subject->why_size,
		    "the %s %s overlaps %s, this host's own network on %s",
		    subject->what, text,
		    prefix_print(&lan, other, sizeof(other)), ifname);
		return -EEXIST;
	}
	if (would_loop(link, conf, device, network)) {
		snprintf(subject->why, subject->why_size,
		    "the %s %s contains %s, the server itself: the tunnel "
		    "cannot carry its own datagrams",
		    subject->what, text, conf->servers[0].host);
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

/*
 * As good as everything: 0.0.0.0/1 and 128.0.0.0/1 together are the usual
 * disguise of 0.0.0.0/0, as 2000::/3 is of ::/0.
 */
static bool
is_wide(const struct prefix *prefix)
{
	return prefix->len < (prefix->addr.family == AF_INET ? 8 : 7);
}

static bool
is_reserved(const struct prefix *network, char *text, size_t size)
{
	static const struct prefix reserved[] = {
		{ { AF_INET, { 0 } }, 8 },
		{ { AF_INET, { 127 } }, 8 },
		{ { AF_INET, { 169, 254 } }, 16 },
		{ { AF_INET, { 224 } }, 4 },
		{ { AF_INET, { 240 } }, 4 },
		{ { AF_INET6, { 0 } }, 127 }, /* :: and ::1 */
		{ { AF_INET6, { [10] = 0xff, 0xff } }, 96 }, /* IPv4-mapped */
		{ { AF_INET6, { 0xfe, 0x80 } }, 10 },
		{ { AF_INET6, { 0xff } }, 8 },
	};

	for (size_t i = 0; i < nitems(reserved); i++) {
		if (!prefix_overlaps(&reserved[i], network))
			continue;
		if (is_wide(network) && network->len < reserved[i].len)
			continue; /* the kernel keeps that out of it */
		prefix_print(&reserved[i], text, size);
		return true;
	}
	return false;
}

/*
 * XXX Known only where the configuration has the server's address and not its
 * name; for a name the administrator must see to it.  Rules that send our own
 * marked sockets past the tunnel will cure both, and make 0.0.0.0/0 possible
 * for a server that is not on a network of this host.
 */
static bool
would_loop(struct link *link, const struct conf *conf, const char *device,
    const struct prefix *network)
{
	struct prefix server, lan;
	char	      ifname[IF_NAMESIZE];

	if (conf->servers[0].host == NULL ||
	    !addr_parse(&server.addr, conf->servers[0].host) ||
	    !prefix_contains(network, &server.addr))
		return false;
	server.len = (uint8_t)addr_bits(server.addr.family);
	return !link_overlaps_lan(link, &server, device, &lan, ifname) ||
	    lan.len <= network->len;
}
