/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * conf_check: what only makes sense together.
 *
 * Each rule is a function that looks at the whole and complains; none stops
 * the others.  What sites claim is compared elsewhere (conf_claims.h).
 */
#include "conf/conf_keys.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

#include <bsd/stdlib.h>
#include <bsd/string.h>

#include "base/all_traffic.h"
#include "conf/conf_claims.h"

static void check_role(const struct conf_draft *draft);
static void check_required(const struct conf_draft *draft);
static void check_applies(const struct conf_draft *draft);
static struct conf_errors *errors_of(const struct conf_draft *draft,
    const struct conf_mention *at);
static struct conf_errors *blame(const struct conf_draft *draft,
    const struct conf_site *site);
static void check_listens(const struct conf_draft *draft);
static void check_times(const struct conf_draft *draft);
static void check_socket(const struct conf_draft *draft);
static void check_bridge(const struct conf_draft *draft);
static void check_switch(const struct conf_draft *draft);
static void check_forwarding(const struct conf_draft *draft);
static void check_local_networks(const struct conf_draft *draft);
static void check_tunnel_networks(const struct conf_draft *draft);
static void check_networks(const struct conf_draft *draft);
static void check_dns(const struct conf_draft *draft);
static void check_site_names(const struct conf_draft *draft);
static void check_site_auths(const struct conf_draft *draft);
static void check_sites(const struct conf_draft *draft);
static void check_site_addresses(const struct conf_draft *draft,
    const struct conf_site *site);
static void check_site_subnets(const struct conf_draft *draft,
    const struct conf_site *site);
static void check_routes(const struct conf_draft *draft);
static size_t most_routes(const struct conf *conf);
static void check_claims(const struct conf_draft *draft);
static void on_clash(const void *arg, const struct conf_claim *claim,
    const struct conf_claim *outer);
static bool is_wrong(const struct conf_draft *draft,
    const struct conf_site *site);
static void complain_clash(const struct conf_draft *draft,
    const struct conf_claim *claim, const struct conf_claim *outer);
static const char *key_of(const struct conf_claim *claim);
static bool is_at_fault(const struct conf_draft *draft,
    const struct conf_site *site, const struct conf_site *other);
static const char *print_claim(const struct conf_claim *claim, char *dst,
    size_t size);
static bool   is_broadcast(const struct prefix *network,
      const struct addr *addr);
static void complain(const struct conf_draft *draft,
    const struct conf_site *site, const char *key, size_t item,
    const char *fmt, ...) __attribute__((__format__(printf, 5, 6)));
static const struct conf_mention *find_mention(const struct conf_draft *draft,
    const struct conf_site *site, const char *key, size_t item);
static unsigned line_of(const struct conf_draft *draft,
    const struct conf_site *site, const char *key, size_t item);

void
conf_check(const struct conf_draft *draft)
{
	check_role(draft);
	check_required(draft);
	check_applies(draft);
	check_listens(draft);
	check_times(draft);
	check_socket(draft);
	check_bridge(draft);
	check_switch(draft);
	check_forwarding(draft);
	check_local_networks(draft);
	check_tunnel_networks(draft);
	check_networks(draft);
	check_dns(draft);
	check_site_names(draft);
	check_site_auths(draft);
	check_sites(draft);
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
	if (find_mention(draft, NULL, "mode", CONF_REFUSED) != NULL)
		return;
	for (size_t i = 0; i < draft->nmentions; i++) {
		const struct conf_mention *at = &draft->mentions[i];
		const struct conf_key	  *key = at->key;

		if (key->section == CONF_IN_SERVER ||
		    key->section == CONF_IN_CLIENT) {
			/* Of both together check_role() has complained. */
			if (conf_role_section(conf->role) != key->section)
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
			return blame(draft, &conf->sites[i]);
	}
	return draft->errors;
}

/* The site is wrong; but if it is as it was, the rest has become so. */
static struct conf_errors *
blame(const struct conf_draft *draft, const struct conf_site *site)
{
	draft->conf->sites[site - draft->conf->sites].wrong = true;
	return draft->running != NULL && !conf_draft_is_changed(draft, site) ?
	    draft->errors : draft->site_errors;
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
			complain(draft, NULL, "listen", i,
			    "listen: that is the same as another one, at port "
			    "%u; remove the line", conf_listen_port(conf, a));
		}
	}
}

static void
check_times(const struct conf_draft *draft)
{
	const struct conf *conf = draft->conf;
	unsigned	   line = line_of(draft, NULL, "dead-peer", 0);

	if (line == 0)
		line = line_of(draft, NULL, "keepalive", 0);
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
		complain(draft, NULL, "socket", 0,
		    "socket = %s: expected a path from / on", socket);
	else if (strlen(socket) > max)
		complain(draft, NULL, "socket", 0,
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
			complain(draft, NULL, "create-bridge", 0,
			    "create-bridge needs a bridge; name it, as bridge "
			    "= br0");
		return;
	}
	if (strcmp(conf->bridge, conf->device) == 0)
		complain(draft, NULL, "bridge", 0,
		    "device and bridge are both %s; rename one of them",
		    conf->bridge);
	if (conf->addresses.n > 0)
		complain(draft, NULL, "address", 0,
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
	complain(draft, NULL, "max-addresses-per-site", 0,
	    "max-addresses-per-site (%u) is more than max-addresses (%u); "
	    "change one of them",
	    conf->max_addresses_per_site, conf->max_addresses);
}

static void
check_forwarding(const struct conf_draft *draft)
{
	const struct conf *conf = draft->conf;

	if (conf->mode == CONF_TUN && conf->nat && conf->forward == CONF_NO)
		complain(draft, NULL, "nat", 0,
		    "nat needs forwarding; remove forward = no, or nat");
}

/* Nothing would be kept from leaving past the tunnel. */
static void
check_local_networks(const struct conf_draft *draft)
{
	const struct conf_prefixes *nets = &draft->conf->local_networks;

	if (all_traffic_is(nets->v, nets->n, AF_INET) ||
	    all_traffic_is(nets->v, nets->n, AF_INET6))
		complain(draft, NULL, "local-networks", nets->n - 1,
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
			complain(draft, NULL, "tunnel-network", i,
			    "tunnel-network = %s: expected a length from 8 to "
			    "%u", a, bits - 2);
		for (size_t j = 0; j < i; j++) {
			if (!prefix_overlaps(&nets->v[i], &nets->v[j]))
				continue;
			complain(draft, NULL, "tunnel-network", i,
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
			complain(draft, NULL, "network", i,
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
		complain(draft, NULL, "dns", i,
		    "dns = %s means something else, or nothing, at a site; "
		    "choose an address that sites can reach",
		    addr_print(&dns->v[i].addr, text, sizeof(text)));
	}
}

static void
check_site_names(const struct conf_draft *draft)
{
	const struct conf_site *sites = draft->conf->sites;

	for (size_t i = 1; i < draft->conf->nsites; i++) {
		if (strcmp(sites[i - 1].name, sites[i].name) == 0)
			conf_complain(draft->errors, sites[i].file,
			    sites[i].line,
			    "[site %s] is here twice; rename one of them",
			    sites[i].name);
	}
}

/* Of [server] and [site] both must agree; a disabled site may stay as it is. */
static void
check_site_auths(const struct conf_draft *draft)
{
	const struct conf *conf = draft->conf;
	/* Without a line so far: the first one switches the others off. */
	bool is_first = conf->auths == conf_default_auths();

	if (conf->role != CONF_SERVER)
		return;
	for (size_t i = 0; i < conf->nsites; i++) {
		const struct conf_site *site = &conf->sites[i];

		if (site->disabled ||
		    (conf->auths & CONF_AUTH_BIT(site->auth)) != 0)
			continue;
		complain(draft, site, "auth", 0,
		    "auth = %s of site %s is not allowed by this server; add "
		    "auth = %s to its [server]%s, or choose another method",
		    conf_auth_name(site->auth), site->name,
		    conf_auth_name(site->auth),
		    is_first ? ", and a line for each other one in use" : "");
	}
}

static void
check_sites(const struct conf_draft *draft)
{
	const struct conf *conf = draft->conf;

	if (conf->role != CONF_SERVER || conf->mode != CONF_TUN)
		return;
	for (size_t i = 0; i < conf->nsites; i++) {
		if (conf->sites[i].disabled)
			continue;
		check_site_addresses(draft, &conf->sites[i]);
		check_site_subnets(draft, &conf->sites[i]);
	}
	check_routes(draft);
	check_claims(draft);
}

static void
check_site_addresses(const struct conf_draft *draft,
    const struct conf_site *site)
{
	const struct conf_prefixes *nets = &draft->conf->tunnel_networks;
	char			    text[ADDR_STRLEN];

	if (site->addresses.n == 0)
		complain(draft, site, "address", 0,
		    "site %s has no address; add one of a tunnel network, as "
		    "address = 10.4.2.7",
		    site->name);
	for (size_t i = 0; i < site->addresses.n; i++) {
		const struct addr *addr = &site->addresses.v[i].addr;
		size_t		   in = 0;
		struct prefix server;

		addr_print(addr, text, sizeof(text));
		while (in < nets->n && !prefix_contains(&nets->v[in], addr))
			in++;
		if (in == nets->n) {
			complain(draft, site, "address", i,
			    "address = %s is in no tunnel network; choose one "
			    "that is, or add the tunnel-network",
			    text);
			continue;
		}
		server = conf_server_address(&nets->v[in]);
		if (addr_is_equal(&server.addr, addr))
			complain(draft, site, "address", i,
			    "address = %s is the server's own; choose another",
			    text);
		else if (addr_is_equal(&nets->v[in].addr, addr) ||
		    is_broadcast(&nets->v[in], addr))
			complain(draft, site, "address", i,
			    "address = %s is no host's address; choose another",
			    text);
	}
}

static void
check_site_subnets(const struct conf_draft *draft, const struct conf_site *site)
{
	const struct conf *conf = draft->conf;
	char		   a[PREFIX_STRLEN], b[PREFIX_STRLEN];

	for (size_t i = 0; i < site->subnets.n; i++) {
		const struct prefix *subnet = &site->subnets.v[i];

		prefix_print(subnet, a, sizeof(a));
		for (size_t j = 0; j < conf->tunnel_networks.n; j++) {
			const struct prefix *net = &conf->tunnel_networks.v[j];

			if (!prefix_overlaps(subnet, net))
				continue;
			complain(draft, site, "subnet", i,
			    "subnet = %s overlaps tunnel-network = %s; choose "
			    "another tunnel-network, or remove the line", a,
			    prefix_print(net, b, sizeof(b)));
		}
		/* Inside one of the server's it only takes that part. */
		for (size_t j = 0; j < conf->networks.n; j++) {
			const struct prefix *net = &conf->networks.v[j];

			if (net->len < subnet->len ||
			    !prefix_overlaps(subnet, net))
				continue;
			complain(draft, site, "subnet", i,
			    "subnet = %s covers the server's network = %s; one "
			    "network cannot be at two places",
			    a, prefix_print(net, b, sizeof(b)));
		}
	}
}

/*
 * Of files only: an engine goes on with what the monitor has taken.  A daemon
 * starts with more, as one of 0.1.0 did, and says so; but it takes no site that
 * makes it worse.
 */
static void
check_routes(const struct conf_draft *draft)
{
	const struct conf *conf = draft->conf;
	size_t most = most_routes(conf), limit = CONF_MAX_ROUTES, spare = most;
	char   why[CONF_WHY_SIZE];

	if (conf_has_room(conf, why, sizeof(why)) ||
	    strcmp(conf->sites[0].file, draft->file) == 0)
		return;
	if (draft->running != NULL && most_routes(draft->running) > limit)
		limit = most_routes(draft->running);
	for (size_t i = conf->nsites; i-- > 0 && spare > limit;) {
		const struct conf_site *site = &conf->sites[i];

		if (site->disabled || site->subnets.n == 0 ||
		    !conf_draft_is_changed(draft, site))
			continue;
		complain(draft, site, "subnet", site->subnets.n - 1, "%s",
		    why);
		spare -= site->subnets.n < spare ? site->subnets.n : spare;
	}
	if (spare == most)
		conf_complain(draft->site_errors, draft->file, 0, "%s", why);
}

bool
conf_has_room(const struct conf *conf, char *why, size_t size)
{
	size_t most = most_routes(conf);

	snprintf(why, size, "the longest list of routes for a site would have "
	    "%zu, and at most %d can be sent: combine subnets into larger "
	    "ones, or disable sites", most, CONF_MAX_ROUTES);
	return most <= CONF_MAX_ROUTES;
}

/* Of all sites' lists: what is behind the server and the other sites. */
static size_t
most_routes(const struct conf *conf)
{
	size_t all = conf->networks.n, most = 0;

	if (conf->mode != CONF_TUN)
		return 0;
	for (size_t i = 0; i < conf->nsites; i++)
		all += conf->sites[i].disabled ? 0 : conf->sites[i].subnets.n;
	for (size_t i = 0; i < conf->nsites; i++) {
		const struct conf_site	   *site = &conf->sites[i];
		const struct conf_prefixes *own = &site->addresses;
		size_t			    n = all - site->subnets.n;

		if (site->disabled)
			continue;
		if (site->default_route)
			n += prefix_list_has_family(own->v, own->n, AF_INET) +
			    prefix_list_has_family(own->v, own->n, AF_INET6);
		most = n > most ? n : most;
	}
	return most;
}

static void
check_claims(const struct conf_draft *draft)
{
	if (!conf_claims_compare(draft->conf, on_clash, draft))
		conf_complain(draft->errors, draft->file, 0,
		    "there is no memory for it");
}

static void
on_clash(const void *arg, const struct conf_claim *claim,
    const struct conf_claim *outer)
{
	const struct conf_draft *draft = arg;
	bool each = draft->site_errors != draft->errors, swap;

	if (each &&
	    (is_wrong(draft, claim->site) || is_wrong(draft, outer->site)))
		return;
	/* Which was first, a daemon knows, but not who reads all the files. */
	swap = each && is_at_fault(draft, outer->site, claim->site);
	if (draft->any || swap)
		complain_clash(draft, outer, claim);
	if (draft->any || !swap)
		complain_clash(draft, claim, outer);
}

/* What a wrong one claims is not what it will be. */
static bool
is_wrong(const struct conf_draft *draft, const struct conf_site *site)
{
	return site->wrong && !(draft->any && site->clashes);
}

static void
complain_clash(const struct conf_draft *draft, const struct conf_claim *claim,
    const struct conf_claim *outer)
{
	const char *key = key_of(claim);
	char a[PREFIX_STRLEN], b[PREFIX_STRLEN], at[CONF_NOTE_MAX / 2] = "";
	unsigned line;

	if (!claim->site->wrong)
		draft->conf->sites[claim->site - draft->conf->sites].clashes =
		    true;
	/* What is not as its file says has a line that nobody sees. */
	if (strcmp(claim->site->file, outer->site->file) != 0 &&
	    !outer->site->faulty &&
	    draft->site_errors->n < CONF_MAX_COMPLAINTS) {
		line = line_of(draft, outer->site, key_of(outer), outer->item);
		snprintf(at, sizeof(at), " (%s:%u)", outer->site->file, line);
	}
	complain(draft, claim->site, key, claim->item,
	    "%s = %s of site %s overlaps %s of site %s%s; change or disable "
	    "one of them",
	    key, print_claim(claim, a, sizeof(a)), claim->site->name,
	    print_claim(outer, b, sizeof(b)), outer->site->name, at);
}

static const char *
key_of(const struct conf_claim *claim)
{
	return claim->is_subnet ? "subnet" : "address";
}

/* Rather than the other one: who came later, or is later by name. */
static bool
is_at_fault(const struct conf_draft *draft, const struct conf_site *site,
    const struct conf_site *other)
{
	bool changed = conf_draft_is_changed(draft, site);

	if (changed != conf_draft_is_changed(draft, other))
		return changed;
	return strcmp(site->name, other->name) > 0;
}

static const char *
print_claim(const struct conf_claim *claim, char *dst, size_t size)
{
	return claim->is_subnet ? prefix_print(&claim->prefix, dst, size) :
				  addr_print(&claim->prefix.addr, dst, size);
}

static bool
is_broadcast(const struct prefix *network, const struct addr *addr)
{
	struct addr next = *addr;

	if (addr->family != AF_INET)
		return false;
	return !addr_next(&next) || !prefix_contains(network, &next);
}

/*
 * Of a site's key, or with NULL of one outside [site].  The line is looked for
 * only now: that takes a while with many sites.
 */
static void
complain(const struct conf_draft *draft, const struct conf_site *site,
    const char *key, size_t item, const char *fmt, ...)
{
	struct conf_errors *errors = site != NULL ? blame(draft, site) :
						    draft->errors;
	char		    what[768];
	unsigned	    line = 0;
	va_list	 ap;

	if (errors->n < CONF_MAX_COMPLAINTS)
		line = line_of(draft, site, key, item);
	va_start(ap, fmt);
	vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	conf_complain(errors, site != NULL ? site->file : draft->file, line,
	    "%s", what);
}

/* NULL when the file does not say it. */
static const struct conf_mention *
find_mention(const struct conf_draft *draft, const struct conf_site *site,
    const char *key, size_t item)
{
	for (size_t i = 0; i < draft->nmentions; i++) {
		const struct conf_mention *at = &draft->mentions[i];
		bool in_site = at->key->section == CONF_IN_SITE;

		if (at->item != item || strcmp(at->key->name, key) != 0 ||
		    in_site != (site != NULL))
			continue;
		if (site == NULL || (at->section_line == site->line &&
			at->file == site->file))
			return at;
	}
	return NULL;
}

/* 0 when it is a default; a site's is at least its section's. */
static unsigned
line_of(const struct conf_draft *draft, const struct conf_site *site,
    const char *key, size_t item)
{
	const struct conf_mention *at = find_mention(draft, site, key, item);

	if (at != NULL)
		return at->line;
	return site != NULL ? site->line : 0;
}
