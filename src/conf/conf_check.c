/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * conf_check: what only makes sense together.
 *
 * Each rule is a function that looks at the whole and complains; none stops
 * the others.  Those about sites are in conf_check_sites.c.
 */
#include "conf/conf_draft.h"

#include <string.h>
#include <sys/un.h>

#include "base/all_traffic.h"
#include "base/nitems.h"

typedef void check_fn(const struct conf_draft *draft);
static check_fn check_role, check_required, check_applies, check_listens,
    check_times, check_socket, check_bridge, check_switch, check_forwarding,
    check_local_networks, check_tunnel_networks, check_networks, check_dns;

static check_fn *const checks[] = { check_role, check_required, check_applies,
	check_listens, check_times, check_socket, check_bridge, check_switch,
	check_forwarding, check_local_networks, check_tunnel_networks,
	check_networks, check_dns, conf_check_sites };

static struct conf_errors *errors_of(const struct conf_draft *draft,
    const struct conf_mention *at);

void
conf_check(const struct conf_draft *draft)
{
	for (size_t i = 0; i < nitems(checks); i++)
		checks[i](draft);
}

static void
check_role(const struct conf_draft *draft)
{
	unsigned server = draft->section_line[CONF_IN_SERVER];
	unsigned client = draft->section_line[CONF_IN_CLIENT];

	/* A file that could not be read was complained about already. */
	if (server == 0 && client == 0 && draft->errors->n == 0)
		conf_complain(draft->errors, draft->file, 1,
		    "there is neither [server] nor [client]; write one of "
		    "them");
	if (server != 0 && client != 0)
		conf_complain(draft->errors, draft->file,
		    server > client ? server : client,
		    "[server] and [client] exclude each other; give each a "
		    "directory of its own");
}

static void
check_required(const struct conf_draft *draft)
{
	for (size_t i = 0; i < CONF_NKEYS; i++) {
		const struct conf_key *key = &conf_keys[i];
		unsigned line = draft->section_line[key->section];

		if ((key->flags & CONF_KEY_REQUIRED) == 0 || line == 0 ||
		    conf_draft_says(draft, key))
			continue;
		conf_complain(draft->errors, draft->file, line,
		    "[%s] needs a %s; add one, as %s = %s",
		    conf_section_name(key->section), key->name, key->name,
		    key->example);
	}
}

/* A key that would mean nothing is a misunderstanding: say so. */
static void
check_applies(const struct conf_draft *draft)
{
	const struct conf *conf = draft->conf;

	/* We do not know which mode was meant. */
	if (conf_draft_find(draft, NULL, "mode", CONF_REFUSED) != NULL)
		return;
	for (size_t i = 0; i < draft->nmentions; i++) {
		const struct conf_mention *at = &draft->mentions[i];
		const struct conf_key	  *key = at->key;

		if (key->section == CONF_IN_SERVER ||
		    key->section == CONF_IN_CLIENT) {
			/* Of both together check_role() has complained. */
			if (conf_section_of_role(conf->role) != key->section)
				continue;
		}
		if ((key->flags & CONF_KEY_SERVER) != 0 &&
		    conf->role != CONF_SERVER)
			conf_complain(draft->errors, at->file, at->line,
			    "%s is for a [server]; remove the line", key->name);
		else if (!conf_key_applies(key, conf->role, conf->mode))
			conf_complain(errors_of(draft, at), at->file, at->line,
			    "%s is for mode = %s, and this is %s; remove the "
			    "line or change the mode", key->name,
			    (key->flags & CONF_KEY_TAP) != 0 ? "tap" : "tun",
			    conf_mode_name(conf->mode));
	}
	if (conf->role == CONF_CLIENT && conf->nsites > 0)
		conf_complain(draft->errors, conf->sites[0].file,
		    conf->sites[0].line,
		    "sites are for a [server]; remove the section");
}

static struct conf_errors *
errors_of(const struct conf_draft *draft, const struct conf_mention *at)
{
	const struct conf *conf = draft->conf;

	for (size_t i = 0; i < conf->nsites; i++) {
		if (at->key->section == CONF_IN_SITE &&
		    conf->sites[i].file == at->file)
			return conf_draft_blame(draft, &conf->sites[i]);
	}
	return draft->errors;
}

static void
check_listens(const struct conf_draft *draft)
{
	const struct conf *conf = draft->conf;

	for (unsigned i = 1; i < conf->nlistens; i++) {
		for (unsigned j = 0; j < i; j++) {
			const struct conf_listen *a = &conf->listens[i];
			const struct conf_listen *b = &conf->listens[j];

			if (!addr_is_equal(&a->addr, &b->addr) ||
			    conf_listen_port(conf, a) !=
				conf_listen_port(conf, b))
				continue;
			conf_draft_complain(draft, NULL, "listen", i,
			    "listen: that is the same as another one, at port "
			    "%u; remove the line", conf_listen_port(conf, a));
		}
	}
}

static void
check_times(const struct conf_draft *draft)
{
	const struct conf *conf = draft->conf;
	unsigned	   line = conf_draft_line(draft, NULL, "dead-peer", 0);

	if (line == 0)
		line = conf_draft_line(draft, NULL, "keepalive", 0);
	if (conf->role == CONF_SERVER &&
	    conf->dead_peer_sec <= conf->keepalive_sec)
		conf_complain(draft->errors, draft->file, line,
		    "dead-peer (%u) must be more than keepalive (%u); three "
		    "times as much is usual",
		    conf->dead_peer_sec, conf->keepalive_sec);
}

static void
check_socket(const struct conf_draft *draft)
{
	const char *socket = draft->conf->socket;
	size_t	    max = sizeof(((struct sockaddr_un *)0)->sun_path) - 1;

	if (socket[0] != '/')
		conf_draft_complain(draft, NULL, "socket", 0,
		    "socket = %s: expected a path from / on", socket);
	else if (strlen(socket) > max)
		conf_draft_complain(draft, NULL, "socket", 0,
		    "socket = %s: Linux takes at most %zu bytes; set a "
		    "shorter one", socket, max);
}

static void
check_bridge(const struct conf_draft *draft)
{
	const struct conf *conf = draft->conf;

	if (conf->mode != CONF_TAP)
		return;
	if (conf->bridge[0] == '\0') {
		if (conf->create_bridge)
			conf_draft_complain(draft, NULL, "create-bridge", 0,
			    "create-bridge needs a bridge; name it, as bridge "
			    "= br0");
		return;
	}
	if (strcmp(conf->bridge, conf->device) == 0)
		conf_draft_complain(draft, NULL, "bridge", 0,
		    "device and bridge are both %s; rename one of them",
		    conf->bridge);
	if (conf->addresses.n > 0)
		conf_draft_complain(draft, NULL, "address", 0,
		    "an address is of no use on a port of a bridge; remove "
		    "the line, and give the address to %s",
		    conf->bridge);
}

static void
check_switch(const struct conf_draft *draft)
{
	const struct conf *conf = draft->conf;

	if (conf->mode != CONF_TAP ||
	    conf->max_addresses_per_site <= conf->max_addresses)
		return;
	conf_draft_complain(draft, NULL, "max-addresses-per-site", 0,
	    "max-addresses-per-site (%u) is more than max-addresses (%u); "
	    "change one of them",
	    conf->max_addresses_per_site, conf->max_addresses);
}

static void
check_forwarding(const struct conf_draft *draft)
{
	const struct conf *conf = draft->conf;

	if (conf->mode == CONF_TUN && conf->nat && conf->forward == CONF_NO)
		conf_draft_complain(draft, NULL, "nat", 0,
		    "nat needs forwarding; remove forward = no, or nat");
}

/* Nothing would be kept from leaving past the tunnel. */
static void
check_local_networks(const struct conf_draft *draft)
{
	const struct conf_prefixes *nets = &draft->conf->local_networks;

	if (all_traffic_is(nets->v, nets->n, AF_INET) ||
	    all_traffic_is(nets->v, nets->n, AF_INET6))
		conf_draft_complain(draft, NULL, "local-networks", nets->n - 1,
		    "local-networks cover all traffic, which would bypass the "
		    "tunnel; name only networks behind routers of this host");
}

static void
check_tunnel_networks(const struct conf_draft *draft)
{
	const struct conf_prefixes *nets = &draft->conf->tunnel_networks;
	char			    a[PREFIX_STRLEN], b[PREFIX_STRLEN];

	for (size_t i = 0; i < nets->n; i++) {
		unsigned bits = addr_bits(nets->v[i].addr.family);

		prefix_print(&nets->v[i], a, sizeof(a));
		if (nets->v[i].len < 8 || nets->v[i].len > bits - 2)
			conf_draft_complain(draft, NULL, "tunnel-network", i,
			    "tunnel-network = %s: expected a length from 8 to "
			    "%u", a, bits - 2);
		for (size_t j = 0; j < i; j++) {
			if (!prefix_overlaps(&nets->v[i], &nets->v[j]))
				continue;
			conf_draft_complain(draft, NULL, "tunnel-network", i,
			    "tunnel-network = %s overlaps %s; choose another",
			    a, prefix_print(&nets->v[j], b, sizeof(b)));
		}
	}
}

/* A network around a tunnel network is fine: the longer prefix wins. */
static void
check_networks(const struct conf_draft *draft)
{
	const struct conf_prefixes *tunnels = &draft->conf->tunnel_networks;
	const struct conf_prefixes *nets = &draft->conf->networks;
	char			    a[PREFIX_STRLEN], b[PREFIX_STRLEN];

	for (size_t i = 0; i < nets->n; i++) {
		for (size_t j = 0; j < tunnels->n; j++) {
			if (nets->v[i].len < tunnels->v[j].len ||
			    !prefix_overlaps(&nets->v[i], &tunnels->v[j]))
				continue;
			conf_draft_complain(draft, NULL, "network", i,
			    "network = %s lies in tunnel-network = %s; choose "
			    "another tunnel-network, or remove the line",
			    prefix_print(&nets->v[i], a, sizeof(a)),
			    prefix_print(&tunnels->v[j], b, sizeof(b)));
		}
	}
}

static void
check_dns(const struct conf_draft *draft)
{
	const struct conf_prefixes *dns = &draft->conf->dns;
	char			    text[ADDR_STRLEN];

	for (size_t i = 0; i < dns->n; i++) {
		if (addr_is_global(&dns->v[i].addr))
			continue;
		conf_draft_complain(draft, NULL, "dns", i,
		    "dns = %s cannot be reached from a site; choose an address "
		    "that sites can reach",
		    addr_print(&dns->v[i].addr, text, sizeof(text)));
	}
}
