/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "control/hub.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/nitems.h"
#include "base/secret.h"
#include "control/hub_peer_private.h"
#include "control/loops.h"
#include "datapath/dp.h"
#include "datapath/parcel.h"
#include "datapath/router.h"
#include "datapath/worker.h"
#include "monitor/monitor_ask.h"

struct hub {
	struct ev_loop *loop;
	struct mailbox	box;
	struct dp	dp;
	struct loops   *loops;
	struct ev_timer tick;
	uint64_t	early; /* messages of frames before their lanes */
	LIST_HEAD(, hub_peer) peers;
	void (*on_device_gone)(void *arg);
	void *arg;
};

static_assert(CONF_MAX_LISTENS <= WORKER_MAX_LISTENS, "a worker has room");

static void fill_dp(struct hub *hub, const struct gift *gift);
static unsigned merge_kinds(unsigned offloads);
static int start_workers(struct hub *hub, const struct gift *gift);
static void on_letter(void *arg, struct letter *letter);
static void on_detached(struct port *port);
static bool port_is_taken(const struct hub *hub, uint16_t port);
static void on_loop(struct hub *hub, struct worker_loop *report);
static void on_tick(struct ev_loop *loop, struct ev_timer *timer, int events);

struct hub *
hub_new(struct ev_loop *loop, const struct gift *gift,
    void (*on_device_gone)(void *arg), void *arg)
{
	struct hub *hub = calloc(1, sizeof(*hub));

	if (hub == NULL) {
		log_warnx("out of memory");
		return NULL;
	}
	hub->loop = loop;
	hub->on_device_gone = on_device_gone;
	hub->arg = arg;
	LIST_INIT(&hub->peers);
	mailbox_open(&hub->box, loop, on_letter, hub);
	ev_timer_init(&hub->tick, on_tick, 1, 1);
	hub->tick.data = hub;
	ev_timer_start(loop, &hub->tick);
	fill_dp(hub, gift);
	hub->loops = loops_new(hub->dp.blocked, FDB_MAX_PORTS);
	if (hub->dp.mode == DP_TAP)
		hub->dp.fdb = fdb_new(gift->conf->max_addresses,
		    gift->conf->max_addresses_per_site,
		    gift->conf->ageing_sec);
	if (hub->loops == NULL ||
	    (hub->dp.mode == DP_TAP && hub->dp.fdb == NULL)) {
		log_warnx("out of memory");
		goto fail;
	}
	if (hub->dp.fdb != NULL)
		fdb_set_limit(hub->dp.fdb, DP_PORT_LOCAL,
		    gift->conf->max_addresses);
	loops_port_up(hub->loops, DP_PORT_LOCAL, "the primary site",
	    mono_now());
	if (start_workers(hub, gift) < 0)
		goto fail;
	return hub;

fail:
	hub_free(hub);
	return NULL;
}

void
hub_free(struct hub *hub)
{
	if (hub == NULL)
		return;
	/* Letters lie in what the workers own, and they write to each other:
	 * none is freed before all have ended and all letters are read. */
	for (unsigned i = 0; i < hub->dp.nworkers; i++)
		worker_stop(hub->dp.workers[i]);
	for (unsigned i = 0; i < hub->dp.nworkers; i++)
		worker_drain(hub->dp.workers[i]);
	mailbox_close(&hub->box);
	for (unsigned i = 0; i < hub->dp.nworkers; i++)
		worker_free(hub->dp.workers[i]);
	ev_timer_stop(hub->loop, &hub->tick);
	loops_free(hub->loops);
	fdb_free(hub->dp.fdb);
	aead_fini(&hub->dp.aead);
	secret_wipe(&hub->dp.probe_id, sizeof(hub->dp.probe_id));
	free(hub);
}

void
hub_follow(struct hub *hub, const struct conf *conf)
{
	if (hub->dp.fdb == NULL)
		return;
	fdb_set_ageing(hub->dp.fdb, conf->ageing_sec);
	for (unsigned port = HUB_FIRST_PORT; port < FDB_MAX_PORTS; port++)
		fdb_set_limit(hub->dp.fdb, (uint16_t)port,
		    conf->max_addresses_per_site);
}

unsigned
hub_workers(const struct hub *hub)
{
	return hub->dp.nworkers;
}

const struct aead *
hub_aead(const struct hub *hub)
{
	return &hub->dp.aead;
}

uint32_t
hub_new_session(struct hub *hub)
{
	struct hub_peer *peer;
	uint32_t	 id;

	do {
		secret_random(&id, sizeof(id));
		id &= 0xffffff;
		LIST_FOREACH(peer, &hub->peers, entry) {
			if (peer->session == id)
				id = 0;
		}
	} while (id == 0);
	return id;
}

struct hub_peer *
hub_attach(struct hub *hub, const struct hub_attachment *attachment,
    const struct hub_events *events, void *arg)
{
	struct hub_peer *peer = hub_peer_new(hub, &hub->dp, attachment, events,
	    arg);

	if (peer == NULL)
		return NULL;
	LIST_INSERT_HEAD(&hub->peers, peer, entry);
	loops_port_up(hub->loops, peer->port, peer->name, mono_now());
	hub_peer_attach(peer);
	return peer;
}

void
hub_detach(struct hub_peer *peer)
{
	struct hub *hub;

	if (peer == NULL)
		return;
	hub = peer->hub;
	loops_port_down(hub->loops, peer->port);
	if (hub->dp.fdb != NULL)
		fdb_forget_port(hub->dp.fdb, peer->port);
	hub_peer_detach(peer);
}

void
hub_frames(struct hub *hub, struct hub_peer *peer, uint8_t *items, size_t len)
{
	if (peer == NULL || peer->detached) {
		hub->early++;
		return;
	}
	hub_peer_frames(peer, items, len);
}

void
hub_set_routes(struct hub *hub, struct lpm *lpm)
{
	struct router_table *table = router_table_new(lpm,
	    (int)hub->dp.nworkers);

	if (table == NULL) {
		log_warnx("out of memory: routes to sites are the old ones");
		return;
	}
	for (unsigned i = 0; i < hub->dp.nworkers; i++)
		mailbox_post(&hub->dp.workers[i]->box, &table->letters[i]);
}

void
hub_local_stats(const struct hub *hub, struct hub_stats *stats)
{
	*stats = (struct hub_stats) { 0 };
	for (unsigned i = 0; i < hub->dp.nworkers; i++) {
		const struct worker *worker = hub->dp.workers[i];

		hub_peer_add_port(stats, worker->local);
		for (unsigned j = 0; j < DROP_MAX; j++)
			stats->drops[j] += atomic_load_explicit(
			    &worker->drops[j], memory_order_relaxed);
		stats->strays += atomic_load_explicit(&worker->strays_sent,
		    memory_order_relaxed);
	}
	stats->drops[DROP_NO_SESSION] += hub->early;
}

const struct fdb *
hub_fdb(const struct hub *hub)
{
	return hub->dp.fdb;
}

const char *
hub_blocked(const struct hub *hub, uint16_t port)
{
	return loops_why(hub->loops, port);
}

static void
fill_dp(struct hub *hub, const struct gift *gift)
{
	const struct conf *conf = gift->conf;
	struct dp	  *dp = &hub->dp;

	dp->mode = conf->mode == CONF_TAP ? DP_TAP : DP_TUN;
	dp->server = conf->role == CONF_SERVER;
	dp->control = &hub->box;
	memcpy(dp->mac, gift->mac, sizeof(dp->mac));
	aead_init(&dp->aead, conf->aead == CONF_AEAD_GNUTLS);
	dp->max_outer = conf->path_mtu;
	dp->vnet = gift->offloads != 0;
	dp->merge = merge_kinds(gift->offloads);
	dp->segments = (conf->no_offloads &
			   CONF_OFFLOAD_BIT(CONF_OFFLOAD_GSO)) == 0;
	dp->clamp_mss = conf->clamp_mss;
	dp->probing = dp->server && dp->mode == DP_TAP && conf->loop_probe;
	loopprobe_id_init(&dp->probe_id);
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
start_workers(struct hub *hub, const struct gift *gift)
{
	struct dp *dp = &hub->dp;
	int	   r;

	for (unsigned i = 0; i < gift->nqueues; i++) {
		int fds[CONF_MAX_LISTENS];

		for (unsigned j = 0; j < gift->nlisteners; j++)
			fds[j] = gift->udp[j * gift->nqueues + i];
		dp->workers[i] = worker_new(dp, i, gift->queues[i], fds,
		    gift->nlisteners);
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
	struct hub *hub = arg;

	switch ((enum worker_letter)letter->kind) {
	case CONTROL_DETACHED:
		on_detached(container_of(letter, struct port, detached));
		break;
	case CONTROL_LANE_UP:
		hub_peer_lane_up(container_of(letter, struct lane, up));
		break;
	case CONTROL_LANE_FAILED:
		hub_peer_lane_failed(container_of(letter, struct lane, failed));
		break;
	case CONTROL_LANE_WORN:
		hub_peer_lane_worn(container_of(letter, struct lane, worn));
		break;
	case CONTROL_SET_FREE:
		hub_peer_set_free(container_of(letter, struct lane_set, letter));
		break;
	case CONTROL_LOOP:
		on_loop(hub, container_of(letter, struct worker_loop, letter));
		break;
	case CONTROL_PARCEL:
		hub_peer_parcel(container_of(letter, struct parcel, letter));
		break;
	case CONTROL_BAD_SOURCE:
		hub_peer_bad_source(container_of(letter, struct port,
		    bad_source));
		break;
	case CONTROL_DEVICE_GONE:
		hub->on_device_gone(hub->arg);
		break;
	case WORKER_ATTACH:
	case WORKER_DETACH:
	case WORKER_ROUTES:
	case WORKER_STRAY:
	case WORKER_RENEW:
	case WORKER_PROBE:
	case WORKER_PARCEL:
	case WORKER_STOP:
		break;
	}
}

static void
on_detached(struct port *port)
{
	struct hub_peer *peer = port->owner;

	if (!hub_peer_let_go(peer))
		return;
	LIST_REMOVE(peer, entry);
	/* What workers learned until they let go, too. */
	if (peer->hub->dp.fdb != NULL && !port_is_taken(peer->hub, peer->port))
		fdb_forget_port(peer->hub->dp.fdb, peer->port);
	hub_peer_free(peer);
}

/* A newer session of the site has it already. */
static bool
port_is_taken(const struct hub *hub, uint16_t port)
{
	const struct hub_peer *peer;

	LIST_FOREACH(peer, &hub->peers, entry) {
		if (peer->port == port && !peer->detached)
			return true;
	}
	return false;
}

static void
on_loop(struct hub *hub, struct worker_loop *report)
{
	uint16_t blocked = loops_heard(hub->loops, report->sent, report->heard,
	    mono_now());

	if (blocked != 0)
		fdb_forget_port(hub->dp.fdb, blocked);
	free(report);
}

static void
on_tick(struct ev_loop *loop, struct ev_timer *timer, int events)
{
	struct hub *hub = timer->data;
	struct mono now = mono_now();

	(void)loop;
	(void)events;
	loops_tick(hub->loops, now);
	if (hub->dp.fdb != NULL)
		fdb_sweep(hub->dp.fdb, now);
}
