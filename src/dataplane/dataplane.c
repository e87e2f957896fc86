/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "dataplane/dataplane.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/nitems.h"
#include "base/secret.h"
#include "dataplane/loop_guard.h"
#include "dataplane/totals.h"
#include "datapath/dp.h"
#include "datapath/tcp_batch.h"
#include "datapath/router.h"
#include "datapath/worker.h"
#include "engine/ask/monitor_ask.h"

#define FIRST_PORT (DP_PORT_LOCAL + 1)
#define SAVE_US	   (10 * MONO_SEC) /* what a crash may cost of the totals */

struct dataplane {
	struct ev_loop *loop;
	struct mailbox	box;
	struct dp	dp;
	bool		has_owner[FDB_MAX_PORTS]; /* by number */
	uint16_t	last_port; /* given away: each rests a while */
	struct loop_guard   *loops;
	struct ev_timer tick;
	uint64_t	early; /* messages of frames before their lanes */
	LIST_HEAD(, dataplane_peer) peers;
	struct totals  *totals;
	struct counters saved;	 /* the device's, in its total */
	struct mono	save_at; /* all, for the next engine */
	void (*on_device_gone)(void *arg);
	void *arg;
};

static_assert(CONF_MAX_LISTENS <= WORKER_MAX_LISTENS, "a worker has room");

static void save_peer(struct dataplane *dataplane,
    struct dataplane_peer *peer);
static void fill_dp(struct dataplane *dataplane,
    const struct startup_recv *startup);
static unsigned merge_kinds(unsigned offloads);
static int start_workers(struct dataplane *dataplane,
    const struct startup_recv *startup);
static void on_letter(void *arg, struct letter *letter);
static void on_detached(struct port *port);
static bool port_is_taken(const struct dataplane *dataplane, uint16_t port);
static void on_loop(struct dataplane *dataplane, struct loop_report *report);
static void on_tick(struct ev_loop *loop, struct ev_timer *timer, int events);

struct dataplane *
dataplane_new(struct ev_loop *loop, const struct startup_recv *startup,
    void (*on_device_gone)(void *arg), void *arg)
{
	struct dataplane *dataplane = calloc(1, sizeof(*dataplane));

	if (dataplane == NULL) {
		log_warnx("out of memory");
		return NULL;
	}
	dataplane->loop = loop;
	dataplane->on_device_gone = on_device_gone;
	dataplane->arg = arg;
	LIST_INIT(&dataplane->peers);
	mailbox_open(&dataplane->box, loop, on_letter, dataplane);
	ev_timer_init(&dataplane->tick, on_tick, 1, 1);
	dataplane->tick.data = dataplane;
	ev_timer_start(loop, &dataplane->tick);
	fill_dp(dataplane, startup);
	dataplane->loops = loop_guard_new(dataplane->dp.blocked, FDB_MAX_PORTS);
	if (dataplane->dp.mode == DP_TAP)
		dataplane->dp.fdb = fdb_new(startup->conf->max_addresses,
		    startup->conf->max_addresses_per_site,
		    startup->conf->ageing_sec);
	if (dataplane->loops == NULL ||
	    (dataplane->dp.mode == DP_TAP && dataplane->dp.fdb == NULL)) {
		log_warnx("out of memory");
		goto fail;
	}
	if (dataplane->dp.fdb != NULL)
		fdb_set_limit(dataplane->dp.fdb, DP_PORT_LOCAL,
		    startup->conf->max_addresses);
	loop_guard_port_up(dataplane->loops, DP_PORT_LOCAL, "the hub",
	    mono_now());
	dataplane->totals = totals_open(startup->totals, startup->conf);
	if (dataplane->totals == NULL) {
		log_warn("cannot map the sites' totals");
		goto fail;
	}
	if (start_workers(dataplane, startup) < 0)
		goto fail;
	return dataplane;

fail:
	dataplane_free(dataplane);
	return NULL;
}

void
dataplane_free(struct dataplane *dataplane)
{
	if (dataplane == NULL)
		return;
	/* Messages are in memory that the workers own, and workers write to each
	 * other: free none before all have ended and all messages are read. */
	for (unsigned i = 0; i < dataplane->dp.nworkers; i++)
		worker_stop(dataplane->dp.workers[i]);
	for (unsigned i = 0; i < dataplane->dp.nworkers; i++)
		worker_drain(dataplane->dp.workers[i]);
	mailbox_close(&dataplane->box);
	if (dataplane->totals != NULL)
		(void)dataplane_totals(dataplane);
	for (unsigned i = 0; i < dataplane->dp.nworkers; i++)
		worker_free(dataplane->dp.workers[i]);
	ev_timer_stop(dataplane->loop, &dataplane->tick);
	loop_guard_free(dataplane->loops);
	totals_close(dataplane->totals);
	fdb_free(dataplane->dp.fdb);
	aead_fini(&dataplane->dp.aead);
	secret_wipe(&dataplane->dp.probe_id, sizeof(dataplane->dp.probe_id));
	free(dataplane);
}

void
dataplane_reconfigure(struct dataplane *dataplane, const struct conf *conf)
{
	if (dataplane->dp.fdb == NULL)
		return;
	fdb_set_ageing(dataplane->dp.fdb, conf->ageing_sec);
	for (unsigned port = FIRST_PORT; port < FDB_MAX_PORTS; port++)
		fdb_set_limit(dataplane->dp.fdb, (uint16_t)port,
		    conf->max_addresses_per_site);
}

unsigned
dataplane_workers(const struct dataplane *dataplane)
{
	return dataplane->dp.nworkers;
}

const struct aead *
dataplane_aead(const struct dataplane *dataplane)
{
	return &dataplane->dp.aead;
}

uint16_t
dataplane_new_port(struct dataplane *dataplane)
{
	do {
		if (++dataplane->last_port < FIRST_PORT ||
		    dataplane->last_port >= FDB_MAX_PORTS)
			dataplane->last_port = FIRST_PORT;
	} while (dataplane->has_owner[dataplane->last_port]);
	dataplane->has_owner[dataplane->last_port] = true;
	return dataplane->last_port;
}

void
dataplane_put_port(struct dataplane *dataplane, uint16_t port)
{
	dataplane->has_owner[port] = false;
}

uint32_t
dataplane_new_session(struct dataplane *dataplane)
{
	struct dataplane_peer *peer;
	uint32_t	 id;

	do {
		secret_random(&id, sizeof(id));
		id &= 0xffffff;
		LIST_FOREACH(peer, &dataplane->peers, entry) {
			if (peer->session == id)
				id = 0;
		}
	} while (id == 0);
	return id;
}

struct dataplane_peer *
dataplane_attach(struct dataplane *dataplane,
    const struct dataplane_attachment *attachment,
    const struct dataplane_events *events, void *arg)
{
	struct dataplane_peer *peer = dataplane_peer_new(dataplane,
	    &dataplane->dp, attachment, events,
	    arg);

	if (peer == NULL)
		return NULL;
	LIST_INSERT_HEAD(&dataplane->peers, peer, entry);
	loop_guard_port_up(dataplane->loops, peer->port, peer->name,
	    mono_now());
	dataplane_peer_attach(peer);
	return peer;
}

void
dataplane_detach(struct dataplane_peer *peer)
{
	struct dataplane *dataplane;

	if (peer == NULL)
		return;
	dataplane = peer->dataplane;
	loop_guard_port_down(dataplane->loops, peer->port);
	if (dataplane->dp.fdb != NULL)
		fdb_forget_port(dataplane->dp.fdb, peer->port);
	dataplane_peer_detach(peer);
}

void
dataplane_frames(struct dataplane *dataplane, struct dataplane_peer *peer,
    uint8_t *items, size_t len)
{
	unsigned i;

	if (peer == NULL || peer->detached) {
		dataplane->early++;
		return;
	}
	/* One worker for a peer, so that order holds. */
	i = peer->port % peer->dp->nworkers;
	tcp_frames_in(&peer->tcp, peer->dp->workers[i], peer->ports[i], items,
	    len);
}

void
dataplane_set_routes(struct dataplane *dataplane, struct lpm *lpm)
{
	struct router_table *table = router_table_new(lpm,
	    (int)dataplane->dp.nworkers);

	if (table == NULL) {
		log_warnx("out of memory: routes to sites are not updated");
		return;
	}
	for (unsigned i = 0; i < dataplane->dp.nworkers; i++)
		mailbox_post(&dataplane->dp.workers[i]->box,
		    &table->letters[i]);
}

struct totals *
dataplane_totals(struct dataplane *dataplane)
{
	struct dataplane_peer *peer;
	struct counters	       now = { 0 };

	LIST_FOREACH(peer, &dataplane->peers, entry)
		save_peer(dataplane, peer);
	for (unsigned i = 0; i < dataplane->dp.nworkers; i++)
		counters_add_live(&now,
		    &dataplane->dp.workers[i]->local->counters);
	now.drops[DROP_NO_SESSION] += dataplane->early;
	counters_advance(totals_of(dataplane->totals, ""), &dataplane->saved,
	    &now);
	dataplane->save_at = mono_add(mono_now(), SAVE_US);
	return dataplane->totals;
}

static void
save_peer(struct dataplane *dataplane, struct dataplane_peer *peer)
{
	struct counters now;

	dataplane_peer_counters(peer, &now);
	counters_advance(totals_of(dataplane->totals, peer->name),
	    &peer->saved, &now);
}

const struct fdb *
dataplane_fdb(const struct dataplane *dataplane)
{
	return dataplane->dp.fdb;
}

const char *
dataplane_blocked(const struct dataplane *dataplane, uint16_t port)
{
	return loop_guard_why(dataplane->loops, port);
}

static void
fill_dp(struct dataplane *dataplane, const struct startup_recv *startup)
{
	const struct conf *conf = startup->conf;
	struct dp	  *dp = &dataplane->dp;

	dp->mode = conf->mode == CONF_TAP ? DP_TAP : DP_TUN;
	dp->control = &dataplane->box;
	memcpy(dp->mac, startup->device.mac, sizeof(dp->mac));
	aead_init(&dp->aead, conf->aead == CONF_AEAD_GNUTLS);
	dp->max_outer = conf->path_mtu;
	dp->vnet = startup->device.offloads != 0;
	dp->merge = merge_kinds(startup->device.offloads);
	dp->segments = (conf->no_offloads &
			   CONF_OFFLOAD_BIT(CONF_OFFLOAD_GSO)) == 0;
	dp->clamp_mss = conf->clamp_mss;
	dp->probing = dp->mode == DP_TAP && conf->loop_probe;
	loop_probe_id_init(&dp->probe_id);
}

/* The same kinds of superframes go to the device that come from it. */
static unsigned
merge_kinds(unsigned offloads)
{
	unsigned uso = CONF_OFFLOAD_BIT(CONF_OFFLOAD_USO4) |
	    CONF_OFFLOAD_BIT(CONF_OFFLOAD_USO6);
	unsigned kinds = 0;

	if ((offloads & CONF_OFFLOAD_BIT(CONF_OFFLOAD_TSO4)) != 0)
		kinds |= 1u << FRAME_TCP4;
	if ((offloads & CONF_OFFLOAD_BIT(CONF_OFFLOAD_TSO6)) != 0)
		kinds |= 1u << FRAME_TCP6;
	if ((offloads & uso) == uso)
		kinds |= 1u << FRAME_UDP;
	return kinds;
}

static int
start_workers(struct dataplane *dataplane, const struct startup_recv *startup)
{
	struct dp *dp = &dataplane->dp;
	int	   r;

	for (unsigned i = 0; i < startup->nqueues; i++) {
		int fds[CONF_MAX_LISTENS];

		for (unsigned j = 0; j < startup->nlisteners; j++)
			fds[j] = startup->udp[j * startup->nqueues + i];
		dp->workers[i] = worker_new(dp, i, startup->queues[i], fds,
		    startup->nlisteners);
		if (dp->workers[i] == NULL) {
			if (errno == ENOTSUP)
				log_warnx("this host's policy for GnuTLS does "
				    "not allow DTLS 1.2 with PSK");
			else
				log_warn("worker %u", i);
			return -1;
		}
		dp->nworkers = i + 1;
	}
	/* All are known to each other before the first one runs. */
	for (unsigned i = 0; i < dp->nworkers; i++) {
		r = worker_start(dp->workers[i]);
		if (r < 0) {
			log_warnx("worker %u: %s", i, strerror(-r));
			return -1;
		}
	}
	return 0;
}

static void
on_letter(void *arg, struct letter *letter)
{
	struct dataplane *dataplane = arg;

	switch ((enum control_letter)letter->kind) {
	case CONTROL_DETACHED:
		on_detached(container_of(letter, struct port, detached));
		break;
	case CONTROL_LANE_UP:
		dataplane_peer_lane_up(container_of(letter, struct lane, up));
		break;
	case CONTROL_LANE_FAILED:
		dataplane_peer_lane_failed(container_of(letter, struct lane,
		failed));
		break;
	case CONTROL_REKEY_NEEDED:
		dataplane_peer_lane_rekey_needed(container_of(letter,
		    struct lane, rekey_needed));
		break;
	case CONTROL_SET_FREE:
		dataplane_peer_set_free(container_of(letter, struct lane_set,
		letter));
		break;
	case CONTROL_LOOP:
		on_loop(dataplane, container_of(letter, struct loop_report,
		letter));
		break;
	case CONTROL_TCP_BATCH:
		dataplane_peer_tcp_batch(container_of(letter, struct tcp_batch,
		letter));
		break;
	case CONTROL_BAD_SOURCE:
		dataplane_peer_bad_source(container_of(letter, struct port,
		    bad_source));
		break;
	case CONTROL_DEVICE_GONE:
		dataplane->on_device_gone(dataplane->arg);
		break;
	}
}

static void
on_detached(struct port *port)
{
	struct dataplane_peer *peer = port->owner;

	if (--peer->acks > 0)
		return;
	save_peer(peer->dataplane, peer);
	LIST_REMOVE(peer, entry);
	/* What workers learned until they let go, too. */
	if (peer->dataplane->dp.fdb != NULL && !port_is_taken(peer->dataplane,
	    peer->port))
		fdb_forget_port(peer->dataplane->dp.fdb, peer->port);
	dataplane_peer_free(peer);
}

/* A newer session of the site has it already. */
static bool
port_is_taken(const struct dataplane *dataplane, uint16_t port)
{
	const struct dataplane_peer *peer;

	LIST_FOREACH(peer, &dataplane->peers, entry) {
		if (peer->port == port && !peer->detached)
			return true;
	}
	return false;
}

static void
on_loop(struct dataplane *dataplane, struct loop_report *report)
{
	uint16_t blocked = loop_guard_heard(dataplane->loops, report->sent,
	    report->heard,
	    mono_now());

	if (blocked != 0)
		fdb_forget_port(dataplane->dp.fdb, blocked);
	free(report);
}

static void
on_tick(struct ev_loop *loop, struct ev_timer *timer, int events)
{
	struct dataplane *dataplane = timer->data;
	struct mono now = mono_now();

	loop_guard_tick(dataplane->loops, now);
	if (mono_is_due(dataplane->save_at, now))
		(void)dataplane_totals(dataplane);
	if (dataplane->dp.fdb != NULL)
		fdb_sweep(dataplane->dp.fdb, now);
}
