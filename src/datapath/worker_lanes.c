/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "datapath/worker_lanes.h"

#include "base/nitems.h"
#include "base/relaxed.h"
#include "datapath/lane/lane_path.h"
#include "datapath/lane/lane_set.h"
#include "datapath/lane/lane_socket.h"
#include "datapath/worker.h"

#define RETIRE_US (2 * MONO_SEC) /* records under way for longer are lost */

static void start(struct worker *worker, struct lane_set *set,
    const struct port *renewed);
static const struct lane *predecessor(const struct port *port, unsigned i);
static void take_way(struct worker *worker, struct lane *lane,
    const struct lane *before);
static void stop(struct worker *worker, struct lane_set *set);
static void leave_socket(struct worker *worker, struct lane *lane);
static bool has_ready_lane(const struct lane_set *set);
static void move_on(struct worker *worker, struct port *port);
static void give_back(struct worker *worker, struct lane_set **set);
static bool tick(struct worker *worker, struct lane_set *set);

void
worker_lanes_attach(struct worker *worker, struct port *port)
{
	start(worker, port->set, NULL);
}

void
worker_lanes_detach(struct worker *worker, struct port *port)
{
	struct lane_set *sets[] = { port->next, port->set, port->old };

	for (unsigned i = 0; i < nitems(sets); i++) {
		if (sets[i] != NULL)
			stop(worker, sets[i]);
	}
	port->next = port->old = NULL;
}

void
worker_lanes_renew(struct worker *worker, struct lane_set *next)
{
	struct port *port = next->port;

	/* A key share may have been lost: the newer phase counts. */
	if (port->next != NULL && port->next->phase != next->phase &&
	    has_ready_lane(port->next))
		move_on(worker, port);
	if (port->old != NULL && port->old->phase == next->phase)
		give_back(worker, &port->old);
	start(worker, next, port);
	if (port->next != NULL)
		give_back(worker, &port->next);
	port->next = next;
	/* No lane came up here for several phases. */
	if (port->set->phase == next->phase) {
		give_back(worker, &port->set);
		port->set = next;
		port->next = NULL;
	}
}

bool
worker_lanes_tick(struct worker *worker, struct port *port)
{
	bool busy = tick(worker, port->set);

	if (port->next != NULL) {
		busy = tick(worker, port->next) || busy;
		if (lane_set_is_up(port->next))
			move_on(worker, port);
	}
	if (port->old != NULL && mono_is_due(port->old->retire_at, worker->now))
		give_back(worker, &port->old);
	return busy;
}

void
worker_lanes_probe(struct worker *worker, struct port *port)
{
	struct lane_set *sets[] = { port->set, port->next };

	for (unsigned i = 0; i < nitems(sets) && sets[i] != NULL; i++) {
		for (unsigned j = 0; j < sets[i]->n; j++)
			sets[i]->lanes[j].liveness.due = worker->now;
		(void)tick(worker, sets[i]);
	}
}

struct lane *
worker_lanes_find(struct port *port, uint8_t phase, uint8_t number)
{
	struct lane_set *sets[] = { port->set, port->next, port->old };

	for (unsigned i = 0; i < nitems(sets); i++) {
		if (sets[i] != NULL && sets[i]->phase == phase)
			return lane_set_find(sets[i], number);
	}
	return NULL;
}

static bool
has_ready_lane(const struct lane_set *set)
{
	for (unsigned i = 0; i < set->n; i++) {
		if (lane_is_ready(&set->lanes[i]))
			return true;
	}
	return false;
}

static void
move_on(struct worker *worker, struct port *port)
{
	if (port->old != NULL)
		give_back(worker, &port->old);
	port->old = port->set;
	port->old->retire_at = mono_add(worker->now, RETIRE_US);
	port->set = port->next;
	port->next = NULL;
}

static void
start(struct worker *worker, struct lane_set *set, const struct port *renewed)
{
	for (unsigned i = 0; i < set->n; i++) {
		struct lane *lane = &set->lanes[i];

		lane->control = worker->dp->control;
		lane->frag_owner = FRAG_OWNER(set->port->id,
		    ++worker->next_frag_owner);
		lane->up.kind = CONTROL_LANE_UP;
		lane->failed.kind = CONTROL_LANE_FAILED;
		lane->rekey_needed.kind = CONTROL_REKEY_NEEDED;
		take_way(worker, lane,
		    renewed != NULL ? predecessor(renewed, i) : NULL);
		if (lane_start(lane, &worker->env, worker->now) < 0) {
			lane->state = LANE_FAILED;
			mailbox_post(lane->control, &lane->failed);
		}
	}
	worker_tick_often(worker, set->port);
}

/*
 * `next` may have a new socket for a dead lane, not tried yet: keep it.  But if
 * the lane has recovered, its own socket is better.
 */
static const struct lane *
predecessor(const struct port *port, unsigned i)
{
	const struct lane *lane = &port->set->lanes[i];

	if (port->next != NULL && !lane_is_usable(lane) &&
	    port->next->lanes[i].socket != lane->socket)
		return &port->next->lanes[i];
	return lane;
}

/*
 * What is known of the path holds for the new keys too, unless the local port
 * is another or the path was dead.  The end that does not lead answers by the
 * socket at which it was asked.
 */
static void
take_way(struct worker *worker, struct lane *lane, const struct lane *before)
{
	bool same = lane->socket == NULL;

	if (lane->leads) {
		if (same)
			lane->socket = before->socket;
		if (lane->socket->users++ == 0)
			worker_listen(worker, lane->socket);
		lane->fd = lane->socket->fd;
	}
	if (before == NULL || !same)
		return;
	if (lane_is_usable(before))
		lane_path_inherit(lane, before);
	else
		lane->path = before->path;
}

static void
stop(struct worker *worker, struct lane_set *set)
{
	for (unsigned i = 0; i < set->n; i++) {
		lane_stop(&set->lanes[i]);
		frag_forget(worker->frags, set->lanes[i].frag_owner);
		leave_socket(worker, &set->lanes[i]);
	}
}

/*
 * The thread that watches the socket closes it: libev may still use its number
 * for a datagram that arrives, and the number may soon be another socket's.
 */
static void
leave_socket(struct worker *worker, struct lane *lane)
{
	struct lane_socket *socket = lane->socket;

	lane->socket = NULL;
	lane->fd = -1;
	if (socket == NULL || --socket->users > 0)
		return;
	ev_io_stop(worker->loop, &socket->io);
	lane_socket_free(socket);
}

/*
 * Returns a set to control, which frees it.  Flushes first: queued frames may
 * point into it.
 */
static void
give_back(struct worker *worker, struct lane_set **set)
{
	worker_flush(worker);
	stop(worker, *set);
	(*set)->letter.kind = CONTROL_SET_FREE;
	mailbox_post(worker->dp->control, &(*set)->letter);
	*set = NULL;
}

static bool
tick(struct worker *worker, struct lane_set *set)
{
	int64_t keepalive_us = relaxed_load(&set->port->keepalive_us);
	bool	busy = false;

	for (unsigned i = 0; i < set->n; i++) {
		set->lanes[i].keepalive_us = keepalive_us;
		set->lanes[i].liveness.keepalive_us = keepalive_us;
		lane_tick(&set->lanes[i], worker->now);
		busy = busy || lane_is_busy(&set->lanes[i], worker->now);
	}
	return busy;
}
