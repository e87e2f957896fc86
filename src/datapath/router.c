/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "datapath/router.h"

#include <stdlib.h>

#include "datapath/forward.h"
#include "datapath/worker.h"

#define IPV4_HEADER_LEN 20
#define IPV6_HEADER_LEN 40

static enum drop route(struct worker *worker, struct port *from,
    const struct frame *packet, struct port **to);
static int version_of(const struct frame *packet);
static uint16_t lookup_source(const struct worker *worker,
    const struct frame *packet, int version);
static uint16_t lookup_destination(const struct worker *worker,
    const struct frame *packet, int version);

struct router_table *
router_table_new(struct lpm *lpm, int users)
{
	struct router_table *table = calloc(1, sizeof(*table));

	if (table == NULL) {
		lpm_free(lpm);
		return NULL;
	}
	table->lpm = lpm;
	atomic_init(&table->users, users);
	for (size_t i = 0; i < DP_MAX_WORKERS; i++)
		table->letters[i].kind = WORKER_ROUTES;
	return table;
}

void
router_table_put(struct router_table *table)
{
	if (table == NULL || atomic_fetch_sub(&table->users, 1) > 1)
		return;
	lpm_free(table->lpm);
	free(table);
}

enum drop
router_forward(struct worker *worker, struct port *from, struct frame *packet)
{
	struct port *to = NULL;
	enum drop    drop = route(worker, from, packet, &to);

	return drop != DROP_NONE ? drop : forward_to(worker, to, packet);
}

static enum drop
route(struct worker *worker, struct port *from, const struct frame *packet,
    struct port **to)
{
	bool	 local = from == worker->local;
	int	 version = version_of(packet);
	uint16_t id;

	if (version == 0)
		return DROP_BAD_FRAME;
	if (!worker->dp->server) {
		*to = local ? TAILQ_FIRST(&worker->sites) : worker->local;
		return *to == NULL ? DROP_NO_LANE : DROP_NONE;
	}
	if (!local && lookup_source(worker, packet, version) != from->id)
		return DROP_BAD_SOURCE;
	id = lookup_destination(worker, packet, version);
	if (id == 0) {
		/* Not a site's: the host's own, or its networks'. */
		*to = worker->local;
		return local ? DROP_NO_ROUTE : DROP_NONE;
	}
	if (id == from->id)
		return DROP_HAIRPIN;
	*to = worker->ports[id];
	return *to == NULL ? DROP_NO_LANE : DROP_NONE;
}

/* 4, 6, or 0 for neither and for what is cut short. */
static int
version_of(const struct frame *packet)
{
	if (packet->len >= IPV4_HEADER_LEN && packet->data[0] >> 4 == 4)
		return 4;
	if (packet->len >= IPV6_HEADER_LEN && packet->data[0] >> 4 == 6)
		return 6;
	return 0;
}

static uint16_t
lookup_source(const struct worker *worker, const struct frame *packet,
    int version)
{
	if (worker->routes == NULL)
		return 0;
	return version == 4 ?
	    lpm_lookup4(worker->routes->lpm, packet->data + 12) :
	    lpm_lookup6(worker->routes->lpm, packet->data + 8);
}

static uint16_t
lookup_destination(const struct worker *worker, const struct frame *packet,
    int version)
{
	if (worker->routes == NULL)
		return 0;
	return version == 4 ?
	    lpm_lookup4(worker->routes->lpm, packet->data + 16) :
	    lpm_lookup6(worker->routes->lpm, packet->data + 24);
}
