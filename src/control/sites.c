/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "control/sites.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <bsd/string.h>

#include "dataplane/dataplane.h"

#define CONTEST_US    (60 * MONO_SEC)
#define CONTEST_TIMES 3

static int compare(const void *key, const void *site);

int
sites_reconfigure(struct sites *sites, const struct conf *conf,
    struct dataplane *dataplane)
{
	struct site *fresh = calloc(conf->nsites + 1, sizeof(*fresh));

	if (fresh == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < sites->n; i++) {
		if (conf_find_site(conf, sites->v[i].name) == NULL)
			dataplane_put_port(dataplane, sites->v[i].port);
	}
	for (size_t i = 0; i < conf->nsites; i++) {
		const struct site *old = sites_find(sites, conf->sites[i].name);

		if (old != NULL) {
			fresh[i] = *old;
			continue;
		}
		strlcpy(fresh[i].name, conf->sites[i].name,
		    sizeof(fresh[i].name));
		fresh[i].port = dataplane_new_port(dataplane);
	}
	free(sites->v);
	sites->v = fresh;
	sites->n = conf->nsites;
	return 0;
}

void
sites_fini(struct sites *sites)
{
	free(sites->v);
	*sites = (struct sites) { 0 };
}

struct site *
sites_find(const struct sites *sites, const char *name)
{
	if (sites->n == 0)
		return NULL;
	return bsearch(name, sites->v, sites->n, sizeof(*sites->v), compare);
}

bool
sites_known_address(const struct site *site, const struct addr *from)
{
	struct addr network = addr_network(from), last;

	if (site == NULL || site->last_from.family == 0)
		return false;
	last = addr_network(&site->last_from);
	return addr_is_equal(&last, &network);
}

bool
sites_any_known_address(const struct sites *sites, const struct addr *from)
{
	for (size_t i = 0; i < sites->n; i++) {
		if (sites_known_address(&sites->v[i], from))
			return true;
	}
	return false;
}

bool
sites_contest(struct site *site, struct mono now)
{
	if (site->contests == 0 ||
	    mono_sub(now, site->contest_start) > CONTEST_US) {
		site->contest_start = now;
		site->contests = 0;
	}
	return ++site->contests == CONTEST_TIMES;
}

static int
compare(const void *key, const void *site)
{
	return strcmp(key, ((const struct site *)site)->name);
}
