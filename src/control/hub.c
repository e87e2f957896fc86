/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "control/hub.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bsd/string.h>

#include "base/log.h"
#include "base/nitems.h"
#include "base/secret.h"
#include "control/loops.h"
#include "datapath/dp.h"
#include "datapath/router.h"
#include "datapath/worker.h"
#include "monitor/monitor_ask.h"

/* A lane that comes so much later than the first would rather be made anew. */
#define LANE_LATE_US (15 * MONO_SEC)

struct hub_peer {
	struct hub		*hub;
	char			 name[CONF_NAME_MAX + 1];
	uint16_t		 port;
	uint32_t		 session;
	unsigned		 lanes;
	unsigned		 lanes_up;
	bool			 failed;
	bool			 detached;
	unsigned		 acks; /* still to come after detach */
	const struct hub_events *events;
	void			*arg;
	struct mono		 first_up;
	struct port		*ports[DP_MAX_WORKERS]; /* NULL: no lane there */
	int			 fds[LANE_MAX];
	LIST_ENTRY(hub_peer) entry;
};

struct hub {
	struct ev_loop *loop;
	struct mailbox	box;
	struct dp	dp;
	struct loops   *loops;
	struct ev_timer tick;
	LIST_HEAD(, hub_peer) peers;
	void (*on_device_gone)(void *arg);
	void *arg;
};

static void fill_dp(struct hub *hub, const struct gift *gift);
static unsigned merge_kinds(unsigned offloads);
static int start_workers(struct hub *hub, const struct gift *gift);
static void on_letter(void *arg, struct letter *letter);
static void on_detached(struct port *port);
static bool port_is_taken(const struct hub *hub, uint16_t port);
static void on_lane_up(struct lane *lane);
static void on_lane_failed(struct lane *lane);
static void on_loop(struct hub *hub, struct worker_loop *report);
static void on_tick(struct ev_loop *loop, struct ev_timer *timer, int events);
static struct hub_peer *peer_new(struct hub *hub,
    const struct hub_attachment *attachment);
static int make_ports(struct hub_peer *peer,
    const struct hub_attachment *attachment);
static unsigned lanes_of_worker(unsigned lanes, unsigned worker,
    unsigned nworkers);
static void peer_free(struct hub_peer *peer);
static void add_port(struct hub_stats *stats, const struct port *port);
static void add_lane(struct hub_stats *stats, const struct lane *lane);

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
	secret_wipe(&hub->dp.probe_id, sizeof(hub->dp.probe_id));
	free(hub);
}

unsigned
hub_workers(const struct hub *hub)
{
	return hub->dp.nworkers;
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
	struct hub_peer *peer = peer_new(hub, attachment);

	if (peer == NULL) {
		for (unsigned i = 0; attachment->fds != NULL &&
		    i < attachment->lanes; i++)
			close(attachment->fds[i]);
		return NULL;
	}
	peer->events = events;
	peer->arg = arg;
	if (make_ports(peer, attachment) < 0) {
		peer_free(peer);
		return NULL;
	}
	LIST_INSERT_HEAD(&hub->peers, peer, entry);
	loops_port_up(hub->loops, peer->port, peer->name, mono_now());
	for (unsigned i = 0; i < hub->dp.nworkers; i++) {
		if (peer->ports[i] == NULL)
			continue;
		peer->acks++;
		peer->ports[i]->attach.kind = WORKER_ATTACH;
		mailbox_post(&hub->dp.workers[i]->box, &peer->ports[i]->attach);
	}
	return peer;
}

void
hub_detach(struct hub_peer *peer)
{
	struct hub *hub;

	if (peer == NULL)
		return;
	hub = peer->hub;
	peer->detached = true;
	loops_port_down(hub->loops, peer->port);
	if (hub->dp.fdb != NULL)
		fdb_forget_port(hub->dp.fdb, peer->port);
	for (unsigned i = 0; i < hub->dp.nworkers; i++) {
		if (peer->ports[i] == NULL)
			continue;
		peer->ports[i]->detach.kind = WORKER_DETACH;
		mailbox_post(&hub->dp.workers[i]->box, &peer->ports[i]->detach);
	}
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

const char *
hub_peer_trouble(const struct hub_peer *peer, unsigned dead_peer_sec,
    struct mono now)
{
	struct hub_stats stats;

	if (peer->lanes_up == 0)
		return NULL;
	hub_peer_stats(peer, &stats);
	if (stats.quietest_us != 0 &&
	    now.us - stats.quietest_us > dead_peer_sec * MONO_SEC)
		return "dead: a data lane hears nothing";
	if (stats.lane_missing &&
	    mono_sub(now, peer->first_up) > LANE_LATE_US)
		return "a data lane does not come up";
	return NULL;
}

void
hub_peer_stats(const struct hub_peer *peer, struct hub_stats *stats)
{
	*stats = (struct hub_stats) { .lanes = peer->lanes };
	for (unsigned i = 0; i < peer->hub->dp.nworkers; i++) {
		const struct port *port = peer->ports[i];

		if (port == NULL)
			continue;
		add_port(stats, port);
		for (unsigned j = 0; j < port->nlanes; j++)
			add_lane(stats, &port->lanes[j]);
	}
}

void
hub_local_stats(const struct hub *hub, struct hub_stats *stats)
{
	*stats = (struct hub_stats) { 0 };
	for (unsigned i = 0; i < hub->dp.nworkers; i++) {
		const struct worker *worker = hub->dp.workers[i];

		add_port(stats, worker->local);
		for (unsigned j = 0; j < DROP_MAX; j++)
			stats->drops[j] += atomic_load_explicit(
			    &worker->drops[j], memory_order_relaxed);
		stats->strays += atomic_load_explicit(&worker->strays_sent,
		    memory_order_relaxed);
	}
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
		dp->workers[i] = worker_new(dp, i, gift->queues[i],
		    dp->server ? gift->udp[i] : -1);
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
		on_lane_up(container_of(letter, struct lane, up));
		break;
	case CONTROL_LANE_FAILED:
		on_lane_failed(container_of(letter, struct lane, failed));
		break;
	case CONTROL_LOOP:
		on_loop(hub, container_of(letter, struct worker_loop, letter));
		break;
	case CONTROL_DEVICE_GONE:
		hub->on_device_gone(hub->arg);
		break;
	case WORKER_ATTACH:
	case WORKER_DETACH:
	case WORKER_ROUTES:
	case WORKER_STRAY:
	case WORKER_STOP:
		break;
	}
}

static void
on_detached(struct port *port)
{
	struct hub_peer *peer = port->owner;

	if (--peer->acks > 0)
		return;
	LIST_REMOVE(peer, entry);
	/* What workers learned until they let go, too. */
	if (peer->hub->dp.fdb != NULL && !port_is_taken(peer->hub, peer->port))
		fdb_forget_port(peer->hub->dp.fdb, peer->port);
	peer_free(peer);
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
on_lane_up(struct lane *lane)
{
	struct hub_peer *peer = lane->port->owner;

	if (peer->lanes_up == 0)
		peer->first_up = mono_now();
	if (++peer->lanes_up == peer->lanes && !peer->detached)
		peer->events->on_up(peer->arg);
}

static void
on_lane_failed(struct lane *lane)
{
	struct hub_peer *peer = lane->port->owner;

	if (peer->failed || peer->detached)
		return;
	peer->failed = true;
	peer->events->on_failed(peer->arg);
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

static struct hub_peer *
peer_new(struct hub *hub, const struct hub_attachment *attachment)
{
	struct hub_peer *peer = calloc(1, sizeof(*peer));

	if (peer == NULL)
		return NULL;
	peer->hub = hub;
	peer->port = attachment->port;
	peer->session = attachment->session;
	peer->lanes = attachment->lanes;
	strlcpy(peer->name, attachment->name, sizeof(peer->name));
	for (unsigned i = 0; i < LANE_MAX; i++)
		peer->fds[i] = attachment->fds != NULL &&
			i < attachment->lanes ?
		    attachment->fds[i] :
		    -1;
	return peer;
}

/* One port a worker; lane j is worker (j mod W)'s. */
static int
make_ports(struct hub_peer *peer, const struct hub_attachment *attachment)
{
	unsigned nworkers = peer->hub->dp.nworkers;

	for (unsigned i = 0; i < nworkers; i++) {
		unsigned     n = lanes_of_worker(peer->lanes, i, nworkers);
		struct port *port = port_new(peer->port, peer->session, n);

		if (port == NULL)
			return -ENOMEM;
		peer->ports[i] = port;
		port->owner = peer;
		for (unsigned j = 0; j < n; j++) {
			struct lane *lane = &port->lanes[j];

			lane->number = (uint8_t)(i + j * nworkers);
			lane->session_id = peer->session;
			lane->keepalive_us = attachment->keepalive_sec *
			    MONO_SEC;
			lane->port = port;
			lane->fd = peer->fds[lane->number];
			if (attachment->remote != NULL)
				lane->path.remote = *attachment->remote;
			lane_keys_derive(&lane->keys, attachment->secret, 0,
			    lane->number);
		}
	}
	return 0;
}

static unsigned
lanes_of_worker(unsigned lanes, unsigned worker, unsigned nworkers)
{
	return lanes > worker ? (lanes - worker - 1) / nworkers + 1 : 0;
}

static void
peer_free(struct hub_peer *peer)
{
	for (unsigned i = 0; i < DP_MAX_WORKERS; i++) {
		struct port *port = peer->ports[i];

		for (unsigned j = 0; port != NULL && j < port->nlanes; j++)
			secret_wipe(&port->lanes[j].keys,
			    sizeof(port->lanes[j].keys));
		port_free(port);
	}
	for (unsigned i = 0; i < LANE_MAX; i++) {
		if (peer->fds[i] != -1)
			close(peer->fds[i]);
	}
	free(peer);
}

#define LOAD(counter) atomic_load_explicit(&(counter), memory_order_relaxed)

static void
add_port(struct hub_stats *stats, const struct port *port)
{
	stats->rx_frames += LOAD(port->counters.rx_frames);
	stats->rx_bytes += LOAD(port->counters.rx_bytes);
	stats->tx_frames += LOAD(port->counters.tx_frames);
	stats->tx_bytes += LOAD(port->counters.tx_bytes);
	stats->moved_in += LOAD(port->counters.moved_in);
	stats->unlearned += LOAD(port->counters.unlearned);
	for (unsigned i = 0; i < DROP_MAX; i++)
		stats->drops[i] += LOAD(port->counters.drops[i]);
}

static void
add_lane(struct hub_stats *stats, const struct lane *lane)
{
	int64_t	 heard = LOAD(lane->last_heard_us), rtt = LOAD(lane->rtt_us);
	unsigned size = LOAD(lane->path_mtu);

	stats->lanes_up += LOAD(lane->is_up) ? 1 : 0;
	stats->moves += LOAD(lane->moves);
	if (heard == 0)
		stats->lane_missing = true;
	else if (stats->quietest_us == 0 || heard < stats->quietest_us)
		stats->quietest_us = heard;
	if (rtt > 0 && (stats->rtt_us == 0 || rtt < stats->rtt_us))
		stats->rtt_us = rtt;
	if (size > 0 && (stats->path_mtu == 0 || size < stats->path_mtu))
		stats->path_mtu = size;
}
