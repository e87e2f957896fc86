/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "dataplane/dataplane_peer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bsd/string.h>

#include "base/log.h"
#include "base/relaxed.h"
#include "dataplane/dataplane.h"
#include "datapath/lane/lane_socket.h"
#include "datapath/tcp_batch.h"
#include "datapath/worker.h"

#define BAD_SOURCE_US (60 * MONO_SEC)

static void complete(struct dataplane_peer *peer);
static int make_ports(struct dataplane_peer *peer,
    const struct dataplane_attachment *attachment);
static struct lane_set *make_set(struct dataplane_peer *peer, unsigned worker,
    const struct lane_secret *secret, uint8_t phase, uint32_t generation);
static int give_socket(struct dataplane_peer *peer, struct lane *lane);
static unsigned lanes_of_worker(unsigned lanes, unsigned worker,
    unsigned nworkers);

struct dataplane_peer *
dataplane_peer_new(struct dataplane *dataplane, struct dp *dp,
    const struct dataplane_attachment *attachment,
    const struct dataplane_events *events,
    void *arg)
{
	struct dataplane_peer *peer = calloc(1, sizeof(*peer));

	if (peer == NULL) {
		for (unsigned i = 0; attachment->fds != NULL &&
		    i < attachment->lanes; i++)
			close(attachment->fds[i]);
		return NULL;
	}
	peer->dataplane = dataplane;
	peer->dp = dp;
	peer->events = events;
	peer->arg = arg;
	peer->port = attachment->port;
	peer->session = attachment->session;
	peer->transport = attachment->transport;
	peer->leads = attachment->leads;
	peer->lanes = attachment->lanes;
	peer->keepalive_sec = attachment->keepalive_sec;
	peer->key_limit = attachment->key_limit;
	if (attachment->remote != NULL)
		peer->remote = *attachment->remote;
	LIST_INIT(&peer->sets);
	strlcpy(peer->name, attachment->name, sizeof(peer->name));
	for (unsigned i = 0; i < LANE_MAX; i++)
		peer->fds[i] = attachment->fds != NULL &&
			i < attachment->lanes ?
		    attachment->fds[i] :
		    -1;
	if (make_ports(peer, attachment) < 0) {
		dataplane_peer_free(peer);
		return NULL;
	}
	return peer;
}

void
dataplane_peer_attach(struct dataplane_peer *peer)
{
	for (unsigned i = 0; i < peer->dp->nworkers; i++) {
		if (peer->ports[i] == NULL)
			continue;
		peer->acks++;
		peer->ports[i]->attach.kind = WORKER_ATTACH;
		mailbox_post(&peer->dp->workers[i]->box,
		    &peer->ports[i]->attach);
	}
}

void
dataplane_peer_detach(struct dataplane_peer *peer)
{
	peer->detached = true;
	for (unsigned i = 0; i < peer->dp->nworkers; i++) {
		if (peer->ports[i] == NULL)
			continue;
		peer->ports[i]->detach.kind = WORKER_DETACH;
		mailbox_post(&peer->dp->workers[i]->box,
		    &peer->ports[i]->detach);
	}
}

void
dataplane_peer_free(struct dataplane_peer *peer)
{
	struct lane_set *set;

	while ((set = LIST_FIRST(&peer->sets)) != NULL)
		dataplane_peer_set_free(set);
	for (unsigned i = 0; i < DP_MAX_WORKERS; i++)
		port_free(peer->ports[i]);
	for (unsigned i = 0; i < LANE_MAX; i++) {
		if (peer->fds[i] != -1)
			close(peer->fds[i]);
	}
	free(peer);
}

void
dataplane_peer_new_sockets(struct dataplane_peer *peer, uint32_t lanes,
    const int *fds,
    const struct endpoint *remote)
{
	peer->remote = *remote;
	for (unsigned i = 0; i < LANE_MAX; i++) {
		if ((lanes & 1u << i) == 0)
			continue;
		if (peer->fds[i] != -1)
			close(peer->fds[i]);
		peer->fds[i] = *fds++;
	}
}

int
dataplane_peer_renew(struct dataplane_peer *peer,
    const struct lane_secret *secret,
    uint8_t phase)
{
	struct dp	*dp = peer->dp;
	struct lane_set *sets[DP_MAX_WORKERS] = { NULL };

	if (phase != dataplane_peer_next_phase(peer) &&
	    phase != lane_next_phase(peer->newest_phase))
		return -EPROTO;
	for (unsigned i = 0; i < dp->nworkers; i++) {
		sets[i] = make_set(peer, i, secret, phase, peer->newest + 1);
		if (sets[i] != NULL)
			continue;
		while (i-- > 0)
			lane_set_free(sets[i]);
		return -ENOMEM;
	}
	peer->newest++;
	peer->newest_phase = phase;
	peer->renewed = mono_now();
	peer->newest_up = 0;
	peer->failed = peer->rekey_needed = false;
	for (unsigned i = 0; i < dp->nworkers; i++) {
		for (unsigned j = 0; j < sets[i]->n; j++) {
			const struct lane *lane = &sets[i]->lanes[j];

			if (lane->socket != NULL)
				peer->moved_lanes |= 1u << lane->number;
		}
		LIST_INSERT_HEAD(&peer->sets, sets[i], entry);
		sets[i]->letter.kind = WORKER_RENEW;
		mailbox_post(&dp->workers[i]->box, &sets[i]->letter);
	}
	return 0;
}

bool
dataplane_peer_wants_keys(const struct dataplane_peer *peer)
{
	return peer->rekey_needed || peer->failed;
}

uint8_t
dataplane_peer_next_phase(const struct dataplane_peer *peer)
{
	/* Nobody has used it. */
	if (peer->newest != peer->generation && peer->newest_up == 0)
		return peer->newest_phase;
	return lane_next_phase(peer->newest_phase);
}

void
dataplane_peer_set_keepalive(struct dataplane_peer *peer,
    unsigned keepalive_sec)
{
	if (peer->keepalive_sec == keepalive_sec)
		return;
	peer->keepalive_sec = keepalive_sec;
	peer->retimed = mono_now();
	for (unsigned i = 0; i < peer->dp->nworkers; i++) {
		if (peer->ports[i] != NULL)
			relaxed_store(&peer->ports[i]->keepalive_us,
			    keepalive_sec * MONO_SEC);
	}
	dataplane_peer_probe(peer);
}

void
dataplane_peer_woke(struct dataplane_peer *peer, struct mono now)
{
	peer->retimed = now;
	dataplane_peer_probe(peer);
}

void
dataplane_peer_probe(struct dataplane_peer *peer)
{
	for (unsigned i = 0; i < peer->dp->nworkers; i++) {
		struct port *port = peer->ports[i];

		if (port == NULL || atomic_exchange(&port->probing, true))
			continue;
		port->probe.kind = WORKER_PROBE;
		mailbox_post(&peer->dp->workers[i]->box, &port->probe);
	}
}

void
dataplane_peer_lane_up(struct lane *lane)
{
	struct dataplane_peer *peer = lane->port->owner;

	if (peer->detached)
		return;
	if (peer->lanes_up == 0)
		peer->first_up = mono_now();
	peer->lanes_up++;
	if (lane->generation != peer->newest ||
	    ++peer->newest_up < peer->lanes)
		return;
	if (!peer->was_up)
		peer->events->on_up(peer->arg);
	peer->was_up = true;
	if (peer->newest != peer->generation)
		complete(peer);
}

/* Every lane is of the newest generation. */
static void
complete(struct dataplane_peer *peer)
{
	peer->generation = peer->newest;
	peer->rekey_needed = false;
	peer->renewals++;
	peer->rebuilt += (unsigned)__builtin_popcount(peer->moved_lanes);
	peer->moved_lanes = 0;
	peer->events->on_renewed(peer->arg);
}

/* Of a generation that is over it is no loss. */
void
dataplane_peer_lane_failed(struct lane *lane)
{
	struct dataplane_peer *peer = lane->port->owner;

	if (peer->failed || peer->detached ||
	    lane->generation < peer->generation)
		return;
	peer->failed = true;
	peer->events->on_failed(peer->arg);
}

void
dataplane_peer_lane_rekey_needed(struct lane *lane)
{
	struct dataplane_peer *peer = lane->port->owner;

	if (peer->rekey_needed || peer->detached ||
	    lane->generation < peer->generation)
		return;
	peer->rekey_needed = true;
	peer->events->on_rekey_needed(peer->arg);
}

void
dataplane_peer_set_free(struct lane_set *set)
{
	LIST_REMOVE(set, entry);
	lane_set_free(set);
}

void
dataplane_peer_tcp_batch(struct tcp_batch *batch)
{
	struct dataplane_peer *peer = batch->port->owner;

	tcp_frames_out(&peer->tcp, peer->detached ? NULL :
		peer->events->connection(peer->arg), batch);
}

/* One a minute and site, whatever the workers tell. */
void
dataplane_peer_bad_source(struct port *port)
{
	struct dataplane_peer *peer = port->owner;
	struct mono	 now = mono_now();
	char		 source[ADDR_STRLEN];

	addr_print(&port->bad_source_addr, source, sizeof(source));
	atomic_store(&port->bad_source_posted, false);
	if (!mono_is_due(peer->bad_source_next, now))
		return;
	peer->bad_source_next = mono_add(now, BAD_SOURCE_US);
	log_info("site %s: packets from %s are dropped: it is in none of the "
	    "site's networks; if it is the site's, add it to subnet", peer->name,
	    source);
}

bool
dataplane_peer_is_silent(const struct dataplane_peer *peer, unsigned sec,
    struct mono now)
{
	struct dataplane_peer_health health;

	dataplane_peer_health(peer, &health);
	return health.heard_us == 0 ||
	    now.us - health.heard_us > sec * MONO_SEC;
}

void
dataplane_peer_counters(const struct dataplane_peer *peer,
    struct counters *counters)
{
	*counters = (struct counters) { 0 };
	for (unsigned i = 0; i < peer->dp->nworkers; i++) {
		if (peer->ports[i] != NULL)
			counters_add_live(counters,
			    &peer->ports[i]->counters);
	}
	for (unsigned i = 0; i < DROP_MAX; i++)
		counters->drops[i] += peer->tcp.drops[i];
	/* The workers had counted them as sent. */
	counters->drops[DROP_TCP_QUEUE] += peer->tcp.queue_frames;
	counters->tx_frames -= peer->tcp.queue_frames;
	counters->tx_bytes -= peer->tcp.queue_bytes;
}

bool
dataplane_peer_is_at(const struct dataplane_peer *peer,
    const struct endpoint *server)
{
	return endpoint_is_equal(&peer->remote, server);
}

/* One port a worker; lane j is worker (j mod W)'s. */
static int
make_ports(struct dataplane_peer *peer,
    const struct dataplane_attachment *attachment)
{
	unsigned nworkers = peer->dp->nworkers;

	for (unsigned i = 0; i < nworkers; i++) {
		struct port *port = port_new(peer->port, peer->session);

		if (port == NULL)
			return -ENOMEM;
		peer->ports[i] = port;
		port->owner = peer;
		port->leads = peer->leads;
		port->may_tcp = peer->transport != CONF_TRANSPORT_UDP;
		port->may_tag = attachment->may_tag;
		atomic_init(&port->keepalive_us,
		    peer->keepalive_sec * MONO_SEC);
		port->set = make_set(peer, i, attachment->secret, 0, 0);
		if (port->set == NULL)
			return -ENOMEM;
		LIST_INSERT_HEAD(&peer->sets, port->set, entry);
	}
	return 0;
}

/* Worker `worker`'s lanes; those with sockets of their own take them. */
static struct lane_set *
make_set(struct dataplane_peer *peer, unsigned worker,
    const struct lane_secret *secret, uint8_t phase, uint32_t generation)
{
	unsigned	 nworkers = peer->dp->nworkers;
	struct lane_set *set = lane_set_new(peer->ports[worker], phase,
	    lanes_of_worker(peer->lanes, worker, nworkers));

	for (unsigned i = 0; set != NULL && i < set->n; i++) {
		struct lane *lane = &set->lanes[i];

		lane->number = (uint8_t)(worker + i * nworkers);
		lane->leads = peer->leads;
		lane->generation = generation;
		lane->session_id = peer->session;
		lane->keepalive_us = peer->keepalive_sec * MONO_SEC;
		lane->key_limit = peer->key_limit;
		lane_keys_derive(&lane->keys, secret, phase, lane->number);
		if (peer->fds[lane->number] != -1 &&
		    give_socket(peer, lane) < 0) {
			lane_set_free(set);
			return NULL;
		}
	}
	return set;
}

static int
give_socket(struct dataplane_peer *peer, struct lane *lane)
{
	lane->socket = lane_socket_new(peer->fds[lane->number]);
	peer->fds[lane->number] = -1;
	lane->path.remote = peer->remote;
	return lane->socket != NULL ? 0 : -ENOMEM;
}

static unsigned
lanes_of_worker(unsigned lanes, unsigned worker, unsigned nworkers)
{
	return lanes > worker ? (lanes - worker - 1) / nworkers + 1 : 0;
}
