/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "conf/conf_claims.h"

#include <stdlib.h>
#include <string.h>

struct claims {
	struct conf_claim *v;
	size_t		   n;
};

static bool collect(const struct conf *conf, struct claims *claims);
static size_t add(struct conf_claim *to, const struct conf_site *site,
    const struct conf_prefixes *list, bool is_subnet);
static int by_prefix(const void *a, const void *b);

/*
 * Prefixes nest or are apart; so, sorted by address and then by length, one that
 * overlaps an earlier one lies in the last that was not itself inside another.
 */
bool
conf_claims_compare(const struct conf *conf,
    void (*clash)(const void *arg, const struct conf_claim *claim,
	const struct conf_claim *outer),
    const void *arg)
{
	const struct conf_claim *outer = NULL;
	struct claims		 claims;

	if (!collect(conf, &claims))
		return false;
	for (size_t i = 0; i < claims.n; i++) {
		const struct conf_claim *claim = &claims.v[i];

		if (outer == NULL ||
		    !prefix_overlaps(&outer->prefix, &claim->prefix))
			outer = claim;
		else if (outer->site != claim->site)
			clash(arg, claim, outer);
	}
	free(claims.v);
	return true;
}

static bool
collect(const struct conf *conf, struct claims *claims)
{
	size_t room = 1;

	*claims = (struct claims) { 0 };
	for (size_t i = 0; i < conf->nsites; i++)
		room += conf->sites[i].addresses.n + conf->sites[i].subnets.n;
	claims->v = calloc(room, sizeof(*claims->v));
	if (claims->v == NULL)
		return false;
	for (size_t i = 0; i < conf->nsites; i++) {
		const struct conf_site *site = &conf->sites[i];

		if (site->disabled)
			continue;
		claims->n += add(&claims->v[claims->n], site, &site->addresses,
		    false);
		claims->n += add(&claims->v[claims->n], site, &site->subnets,
		    true);
	}
	qsort(claims->v, claims->n, sizeof(*claims->v), by_prefix);
	return true;
}

static size_t
add(struct conf_claim *to, const struct conf_site *site,
    const struct conf_prefixes *list, bool is_subnet)
{
	for (size_t i = 0; i < list->n; i++)
		to[i] = (struct conf_claim) { list->v[i], site, i, is_subnet };
	return list->n;
}

/* The names make the order, and so the complaints, the same every time. */
static int
by_prefix(const void *a, const void *b)
{
	const struct conf_claim *x = a, *y = b;
	int			 order;

	if (x->prefix.addr.family != y->prefix.addr.family)
		return x->prefix.addr.family < y->prefix.addr.family ? -1 : 1;
	order = memcmp(x->prefix.addr.bytes, y->prefix.addr.bytes,
	    sizeof(x->prefix.addr.bytes));
	if (order != 0)
		return order;
	if (x->prefix.len != y->prefix.len)
		return x->prefix.len < y->prefix.len ? -1 : 1;
	return strcmp(x->site->name, y->site->name);
}
