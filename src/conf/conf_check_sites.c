/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * conf_check_sites: what sites may not have of each other, of the server and of
 * its tunnel networks.
 */
#include "conf/conf_draft.h"

#include <stdlib.h>
#include <string.h>

/* An enabled site's address or subnet; borrowed from the configuration. */
struct claim {
	struct prefix		prefix;
	const struct conf_site *site;
	size_t			item; /* in that list of the site's */
	bool			is_subnet;
};

static void check_names(const struct conf_draft *draft);
static void check_auths(const struct conf_draft *draft);
static void check_addresses(const struct conf_draft *draft,
    const struct conf_site *site);
static void check_subnets(const struct conf_draft *draft,
    const struct conf_site *site);
static bool is_broadcast(const struct prefix *network, const struct addr *addr);
static void check_routes(const struct conf_draft *draft);
static size_t most_routes(const struct conf *conf);
static void check_claims(const struct conf_draft *draft);
static struct claim *collect(const struct conf *conf, size_t *n);
static int  by_prefix(const void *a, const void *b);
static void on_clash(const struct conf_draft *draft, const struct claim *claim,
    const struct claim *outer);
static bool is_wrong(const struct conf_draft *draft,
    const struct conf_site *site);
static void complain_clash(const struct conf_draft *draft,
    const struct claim *claim, const struct claim *outer);
static const char *key_of(const struct claim *claim);
static bool is_at_fault(const struct conf_draft *draft,
    const struct conf_site *site, const struct conf_site *other);
static const char *print_claim(const struct claim *claim, char *dst,
    size_t size);

void
conf_check_sites(const struct conf_draft *draft)
{
	const struct conf *conf = draft->conf;

	check_names(draft);
	if (conf->role != CONF_SERVER)
		return;
	check_auths(draft);
	if (conf->mode != CONF_TUN)
		return;
	for (size_t i = 0; i < conf->nsites; i++) {
		if (conf->sites[i].disabled)
			continue;
		check_addresses(draft, &conf->sites[i]);
		check_subnets(draft, &conf->sites[i]);
	}
	check_routes(draft);
	check_claims(draft);
}

static void
check_names(const struct conf_draft *draft)
{
	const struct conf_site *sites = draft->conf->sites;

	for (size_t i = 1; i < draft->conf->nsites; i++) {
		if (strcmp(sites[i - 1].name, sites[i].name) == 0)
			conf_complain(draft->errors, sites[i].file,
			    sites[i].line,
			    "[site %s] appears twice; rename one of them",
			    sites[i].name);
	}
}

/* Of [server] and [site] both must agree; a disabled site may stay as it is. */
static void
check_auths(const struct conf_draft *draft)
{
	const struct conf *conf = draft->conf;
	/* Without a line so far: the first one switches the others off. */
	bool is_first = conf->auths == conf_default_auths();

	for (size_t i = 0; i < conf->nsites; i++) {
		const struct conf_site *site = &conf->sites[i];

		if (site->disabled ||
		    (conf->auths & CONF_AUTH_BIT(site->auth)) != 0)
			continue;
		conf_draft_complain(draft, site, "auth", 0,
		    "auth = %s of site %s is not allowed by this hub; add "
		    "auth = %s to its [server]%s, or choose another method",
		    conf_auth_name(site->auth), site->name,
		    conf_auth_name(site->auth),
		    is_first ? ", and a line for each other one in use" : "");
	}
}

static void
check_addresses(const struct conf_draft *draft,
    const struct conf_site *site)
{
	const struct conf_prefixes *nets = &draft->conf->tunnel_networks;
	char			    text[ADDR_STRLEN];

	if (site->addresses.n == 0)
		conf_draft_complain(draft, site, "address", 0,
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
			conf_draft_complain(draft, site, "address", i,
			    "address = %s is in no tunnel network; choose one "
			    "that is, or add the tunnel-network",
			    text);
			continue;
		}
		server = conf_server_address(&nets->v[in]);
		if (addr_is_equal(&server.addr, addr))
			conf_draft_complain(draft, site, "address", i,
			    "address = %s is the hub's own; choose another",
			    text);
		else if (addr_is_equal(&nets->v[in].addr, addr) ||
		    is_broadcast(&nets->v[in], addr))
			conf_draft_complain(draft, site, "address", i,
			    "address = %s is no host address; choose another",
			    text);
	}
}

static void
check_subnets(const struct conf_draft *draft, const struct conf_site *site)
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
			conf_draft_complain(draft, site, "subnet", i,
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
			conf_draft_complain(draft, site, "subnet", i,
			    "subnet = %s covers the hub's network = %s; one "
			    "network cannot be at two places",
			    a, prefix_print(net, b, sizeof(b)));
		}
	}
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
		conf_draft_complain(draft, site, "subnet", site->subnets.n - 1, "%s",
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

/*
 * Prefixes nest or are apart; so, sorted by address and then by length, one that
 * overlaps an earlier one lies in the last that was not itself inside another.
 * Not each with each: there may be thousands.
 */
static void
check_claims(const struct conf_draft *draft)
{
	const struct claim *outer = NULL;
	size_t		    n;
	struct claim	   *claims = collect(draft->conf, &n);

	if (claims == NULL)
		conf_complain(draft->errors, draft->file, 0, "out of memory");
	for (size_t i = 0; claims != NULL && i < n; i++) {
		const struct claim *claim = &claims[i];

		if (outer == NULL ||
		    !prefix_overlaps(&outer->prefix, &claim->prefix))
			outer = claim;
		else if (outer->site != claim->site)
			on_clash(draft, claim, outer);
	}
	free(claims);
}

/* The caller frees; NULL if out of memory. */
static struct claim *
collect(const struct conf *conf, size_t *n)
{
	struct claim *claims;
	size_t	      room = 1;

	for (size_t i = 0; i < conf->nsites; i++)
		room += conf->sites[i].addresses.n + conf->sites[i].subnets.n;
	claims = calloc(room, sizeof(*claims));
	*n = 0;
	for (size_t i = 0; claims != NULL && i < conf->nsites; i++) {
		const struct conf_site *site = &conf->sites[i];

		for (size_t j = 0; !site->disabled && j < site->addresses.n; j++)
			claims[(*n)++] = (struct claim) { site->addresses.v[j],
				site, j, false };
		for (size_t j = 0; !site->disabled && j < site->subnets.n; j++)
			claims[(*n)++] = (struct claim) { site->subnets.v[j],
				site, j, true };
	}
	if (claims != NULL)
		qsort(claims, *n, sizeof(*claims), by_prefix);
	return claims;
}

/* The names make the order, and so the complaints, the same every time. */
static int
by_prefix(const void *a, const void *b)
{
	const struct claim *x = a, *y = b;
	const struct addr  *p = &x->prefix.addr, *q = &y->prefix.addr;
	int order = memcmp(p->bytes, q->bytes, sizeof(p->bytes));

	if (p->family != q->family)
		return p->family < q->family ? -1 : 1;
	if (order != 0)
		return order;
	if (x->prefix.len != y->prefix.len)
		return x->prefix.len < y->prefix.len ? -1 : 1;
	return strcmp(x->site->name, y->site->name);
}

static void
on_clash(const struct conf_draft *draft, const struct claim *claim,
    const struct claim *outer)
{
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
complain_clash(const struct conf_draft *draft, const struct claim *claim,
    const struct claim *outer)
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
		line = conf_draft_line(draft, outer->site, key_of(outer), outer->item);
		snprintf(at, sizeof(at), " (%s:%u)", outer->site->file, line);
	}
	conf_draft_complain(draft, claim->site, key, claim->item,
	    "%s = %s of site %s overlaps %s of site %s%s; change or disable "
	    "one of them",
	    key, print_claim(claim, a, sizeof(a)), claim->site->name,
	    print_claim(outer, b, sizeof(b)), outer->site->name, at);
}

static const char *
key_of(const struct claim *claim)
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
print_claim(const struct claim *claim, char *dst, size_t size)
{
	return claim->is_subnet ? prefix_print(&claim->prefix, dst, size) :
				  addr_print(&claim->prefix.addr, dst, size);
}
