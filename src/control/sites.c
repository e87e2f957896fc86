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
static uint16_t free_port(struct sites *sites, const bool *used);

int
sites_follow(struct sites *sites, const struct conf *conf)
{
	struct site *fresh = calloc(conf->nsites + 1, sizeof(*fresh));
	bool	    *used = calloc(FDB_MAX_PORTS, sizeof(*used));
	struct site *old;

	if (fresh == NULL || used == NULL) {
		free(fresh);
		free(used);
		return -ENOMEM;
	}
	for (size_t i = 0; i < conf->nsites; i++) {
		old = sites_find(sites, conf->sites[i].name);
		if (old == NULL)
			continue;
		fresh[i] = *old;
		used[old->port] = true;
	}
	for (size_t i = 0; i < conf->nsites; i++) {
		if (fresh[i].port != 0)
			continue;
		strlcpy(fresh[i].name, conf->sites[i].name,
		    sizeof(fresh[i].name));
		fresh[i].port = free_port(sites, used);
		used[fresh[i].port] = true;
	}
	free(used);
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
sites_is_usual(const struct site *site, const struct addr *from)
{
	struct addr last = addr_network(&site->last_from);
	struct addr network = addr_network(from);

	return last.family != 0 && addr_is_equal(&last, &network);
}

bool
sites_any_usual(const struct sites *sites, const struct addr *from)
{
	for (size_t i = 0; i < sites->n; i++) {
		if (sites_is_usual(&sites->v[i], from))
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

/* There are more ports than sites in any configuration (CONF_MAX_SITES). */
static uint16_t
free_port(struct sites *sites, const bool *used)
{
	do {
		if (++sites->next_port < DATAPLANE_FIRST_PORT ||
		    sites->next_port >= FDB_MAX_PORTS)
			sites->next_port = DATAPLANE_FIRST_PORT;
	} while (used[sites->next_port]);
	return sites->next_port;
}
