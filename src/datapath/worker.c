/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "datapath/worker.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/nitems.h"
#include "datapath/device.h"
#include "datapath/forward.h"
#include "datapath/lane/lane_path.h"
#include "datapath/lane/lane_socket.h"
#include "datapath/tcp_batch.h"
#include "datapath/receive.h"
#include "datapath/router.h"
#include "datapath/send.h"
#include "datapath/worker_lanes.h"
#include "datapath/loop_watch.h"

#define BUSY_TICK_SEC 0.02 /* needed to repeat handshakes in time */
#define IDLE_TICK_SEC 0.25
#define WALK_US	      (240 * MONO_MS) /* an idle tick may be early */

static void *run(void *arg);
static void on_device(struct ev_loop *loop, struct ev_io *io, int events);
static void on_more(struct ev_loop *loop, struct ev_idle *idle, int events);
static void read_device(struct worker *worker);
static void on_socket(struct ev_loop *loop, struct ev_io *io, int events);
static void probe_fresh(struct worker *worker);
static void on_tick(struct ev_loop *loop, struct ev_timer *timer, int events);
static void tick_lanes(struct worker *worker);
static void set_busy(struct worker *worker, struct port *port, bool is_busy);
static void set_tick(struct worker *worker);
static void on_letter(void *arg, struct letter *letter);
static void attach(struct worker *worker, struct port *port);
static void detach(struct worker *worker, struct port *port);
static void probe(struct worker *worker, struct port *port);
static void take_routes(struct worker *worker, struct letter *letter);
static void on_refused(void *arg, const struct udp_datagram *dgram, int error);

struct worker *
worker_new(struct dp *dp, unsigned index, int tap_fd, const int *udp_fds,
    unsigned nudp)
{
	struct worker *worker = calloc(1, sizeof(*worker));
	int	       r = -ENOMEM;

	if (worker == NULL) {
		errno = ENOMEM;
		return NULL;
	}
	worker->dp = dp;
	worker->index = index;
	worker->tap_fd = tap_fd;
	for (unsigned i = 0; i < nudp && i < WORKER_MAX_LISTENS; i++)
		worker->udp_fds[worker->nudp++] = udp_fds[i];
	worker->now = mono_now();
	TAILQ_INIT(&worker->sites);
	TAILQ_INIT(&worker->busy);
	SLIST_INIT(&worker->dirty);
	SLIST_INIT(&worker->packed);
	worker->tap = tap_new(tap_fd, dp->vnet);
	worker->udp = udp_batch_new(dp->segments, on_refused, worker);
	worker->frags = frag_pool_new();
	worker->local = port_new(DP_PORT_LOCAL, 0);
	worker->scratch = malloc(UDP_MAX_LEN);
	worker->loop = ev_loop_new(EVFLAG_NOENV | EVBACKEND_EPOLL);
	if (worker->tap == NULL || worker->udp == NULL ||
	    worker->frags == NULL || worker->local == NULL ||
	    worker->scratch == NULL || worker->loop == NULL)
		goto fail;
	r = lane_env_init(&worker->env);
	if (r < 0)
		goto fail;
	worker->env.udp = worker->udp;
	worker->env.aead = &dp->aead;
	worker->env.max_outer = dp->max_outer;
	merge_init(&worker->device_out, dp->mode == DP_TAP, dp->merge);
	bridge_init(&worker->bridge, dp->fdb, worker->ports, dp->blocked);
	worker->ports[DP_PORT_LOCAL] = worker->local;
	mailbox_open(&worker->box, worker->loop, on_letter, worker);
	return worker;

fail:
	worker_drain(worker);
	worker_free(worker);
	errno = -r;
	return NULL;
}

int
worker_start(struct worker *worker)
{
	sigset_t all, old;
	int	 r;

	ev_io_init(&worker->tap_io, on_device, worker->tap_fd, EV_READ);
	worker->tap_io.data = worker;
	ev_idle_init(&worker->more, on_more);
	ev_set_priority(&worker->more, EV_MAXPRI);
	worker->more.data = worker;
	ev_io_start(worker->loop, &worker->tap_io);
	for (unsigned i = 0; i < worker->nudp; i++) {
		ev_io_init(&worker->udp_ios[i], on_socket, worker->udp_fds[i],
		    EV_READ);
		worker->udp_ios[i].data = worker;
		ev_io_start(worker->loop, &worker->udp_ios[i]);
	}
	ev_timer_init(&worker->tick, on_tick, IDLE_TICK_SEC, IDLE_TICK_SEC);
	worker->tick.data = worker;
	ev_timer_start(worker->loop, &worker->tick);

	/*
	 * Signals go to the control thread, except SIGSYS, which names its
	 * thread.
	 */
	sigfillset(&all);
	sigdelset(&all, SIGSYS);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	r = pthread_create(&worker->thread, NULL, run, worker);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (r != 0)
		worker->thread = 0;
	return -r;
}

void
worker_stop(struct worker *worker)
{
	if (worker->thread == 0)
		return;
	worker->stop.kind = WORKER_STOP;
	mailbox_post(&worker->box, &worker->stop);
	pthread_join(worker->thread, NULL);
	worker->thread = 0;
}

void
worker_drain(struct worker *worker)
{
	if (worker->box.loop != NULL)
		mailbox_close(&worker->box);
	worker->box.loop = NULL;
}

void
worker_free(struct worker *worker)
{
	struct port *port;

	if (worker == NULL)
		return;
	while ((port = TAILQ_FIRST(&worker->sites)) != NULL)
		detach(worker, port);
	router_table_put(worker->routes);
	lane_env_fini(&worker->env);
	if (worker->loop != NULL)
		ev_loop_destroy(worker->loop);
	port_free(worker->local);
	frag_pool_free(worker->frags);
	tcp_batch_pool_fini(&worker->batches_in);
	tcp_batch_pool_fini(&worker->batches_out);
	udp_batch_free(worker->udp);
	tap_free(worker->tap);
	free(worker->scratch);
	free(worker);
}

void
worker_flush(struct worker *worker)
{
	send_flush(worker);
	tcp_batch_flush(worker);
	device_flush(worker);
	udp_flush(worker->udp);
	frag_release(worker->frags);
	worker->joined = 0;
	bridge_forget(&worker->bridge);
}

void
worker_listen(struct worker *worker, struct lane_socket *socket)
{
	ev_io_init(&socket->io, on_socket, socket->fd, EV_READ);
	socket->io.data = worker;
	ev_io_start(worker->loop, &socket->io);
}

void
worker_tick_often(struct worker *worker, struct port *port)
{
	set_busy(worker, port, true);
	set_tick(worker);
}

static void *
run(void *arg)
{
	struct worker *worker = arg;

	ev_run(worker->loop, 0);
	return NULL;
}

static void
on_device(struct ev_loop *loop, struct ev_io *io, int events)
{
	read_device(io->data);
}

/* Called after each poll of the sockets, so that they do not have to wait. */
static void
on_more(struct ev_loop *loop, struct ev_idle *idle, int events)
{
	read_device(idle->data);
}

static void
read_device(struct worker *worker)
{
	struct frame	   *frames;
	const struct frame *dropped;
	int	      n;

	worker->now = mono_now();
	n = tap_read(worker->tap, worker->now, &frames, &dropped);
	if (dropped != NULL)
		forward_drop(worker, worker->local, dropped, DROP_QUEUE);
	for (int i = 0; i < n; i++)
		forward_frame(worker, worker->local, &frames[i]);
	worker_flush(worker);
	if (n < 0) {
		ev_io_stop(worker->loop, &worker->tap_io);
		ev_idle_stop(worker->loop, &worker->more);
		worker->device_gone.kind = CONTROL_DEVICE_GONE;
		mailbox_post(worker->dp->control, &worker->device_gone);
		return;
	}
	if (tap_is_ahead(worker->tap))
		ev_idle_start(worker->loop, &worker->more);
	else
		ev_idle_stop(worker->loop, &worker->more);
}

static void
on_socket(struct ev_loop *loop, struct ev_io *io, int events)
{
	struct worker	   *worker = io->data;
	struct udp_datagram datagram;

	worker->now = mono_now();
	/* The call may return a pending ICMP error; the next one reads. */
	if (udp_receive(worker->udp, io->fd, worker->now) > 0) {
		while (udp_next(worker->udp, &datagram))
			receive_datagram(worker, &datagram);
	}
	worker_flush(worker);
	probe_fresh(worker);
}

/* These lanes can carry frames now: probe at once, to find a loop early. */
static void
probe_fresh(struct worker *worker)
{
	struct lane *lane;

	while ((lane = SLIST_FIRST(&worker->env.fresh)) != NULL) {
		SLIST_REMOVE_HEAD(&worker->env.fresh, fresh_entry);
		loop_watch_probe_port(worker, lane->port);
	}
}

static void
on_tick(struct ev_loop *loop, struct ev_timer *timer, int events)
{
	struct worker *worker = timer->data;
	uint64_t       lost;

	worker->now = mono_now();
	tick_lanes(worker);
	loop_watch_tick(worker);
	lost = frag_take_lost(worker->frags, worker->now);
	port_count(&worker->local->counters.drops[DROP_FRAGMENT_LOST], lost);
	worker_flush(worker);
	set_tick(worker);
}

/* Ticking all sites every time would cost more than their traffic. */
static void
tick_lanes(struct worker *worker)
{
	struct port *port, *next;

	if (mono_is_due(worker->next_walk, worker->now)) {
		worker->next_walk = mono_add(worker->now, WALK_US);
		TAILQ_FOREACH(port, &worker->sites, entry)
			set_busy(worker, port, worker_lanes_tick(worker, port));
		return;
	}
	for (port = TAILQ_FIRST(&worker->busy); port != NULL; port = next) {
		next = TAILQ_NEXT(port, busy_entry);
		set_busy(worker, port, worker_lanes_tick(worker, port));
	}
}

static void
set_busy(struct worker *worker, struct port *port, bool is_busy)
{
	if (port->is_busy == is_busy)
		return;
	port->is_busy = is_busy;
	if (is_busy)
		TAILQ_INSERT_TAIL(&worker->busy, port, busy_entry);
	else
		TAILQ_REMOVE(&worker->busy, port, busy_entry);
}

static void
set_tick(struct worker *worker)
{
	double sec = TAILQ_EMPTY(&worker->busy) ? IDLE_TICK_SEC : BUSY_TICK_SEC;

	if (worker->tick.repeat == sec)
		return;
	worker->tick.repeat = sec;
	ev_timer_again(worker->loop, &worker->tick);
}

static void
on_letter(void *arg, struct letter *letter)
{
	struct worker *worker = arg;

	worker->now = mono_now();
	switch ((enum worker_letter)letter->kind) {
	case WORKER_ATTACH:
		attach(worker, container_of(letter, struct port, attach));
		break;
	case WORKER_DETACH: {
		struct port *port = container_of(letter, struct port, detach);

		detach(worker, port);
		port->detached.kind = CONTROL_DETACHED;
		mailbox_post(worker->dp->control, &port->detached);
		break;
	}
	case WORKER_ROUTES:
		take_routes(worker, letter);
		break;
	case WORKER_RENEW:
		worker_lanes_renew(worker,
		    container_of(letter, struct lane_set, letter));
		break;
	case WORKER_PROBE:
		probe(worker, container_of(letter, struct port, probe));
		break;
	case WORKER_TCP_BATCH:
		tcp_batch_take(worker, letter);
		break;
	case WORKER_STOP:
		ev_break(worker->loop, EVBREAK_ALL);
		break;
	}
	worker_flush(worker);
}

static void
attach(struct worker *worker, struct port *port)
{
	worker->ports[port->id] = port;
	if (port->leads)
		TAILQ_INSERT_HEAD(&worker->sites, port, entry);
	else
		TAILQ_INSERT_TAIL(&worker->sites, port, entry);
	session_table_add(&worker->lanes, port);
	worker_lanes_attach(worker, port);
	/* It forwards at once by TCP, without waiting for a lane. */
	if (port->may_tcp && worker->index == 0)
		loop_watch_probe_port(worker, port);
}

static void
detach(struct worker *worker, struct port *port)
{
	/* Queued frames may point into it. */
	worker_flush(worker);
	worker_lanes_detach(worker, port);
	set_busy(worker, port, false);
	session_table_remove(&worker->lanes, port);
	TAILQ_REMOVE(&worker->sites, port, entry);
	worker->ports[port->id] = NULL;
}

static void
probe(struct worker *worker, struct port *port)
{
	atomic_store(&port->probing, false);
	worker_lanes_probe(worker, port);
}

static void
take_routes(struct worker *worker, struct letter *letter)
{
	struct router_table *table = container_of(letter - worker->index,
	    struct router_table, letters);

	router_table_put(worker->routes);
	worker->routes = table;
}

/* The lane header tells whose datagram it was. */
static void
on_refused(void *arg, const struct udp_datagram *dgram, int error)
{
	struct worker	  *worker = arg;
	struct lane_header hdr;
	struct port	  *port;
	struct lane	  *lane;

	if (lane_header_read(&hdr, dgram->data, dgram->len) < 0)
		return;
	port = session_table_lookup(&worker->lanes, hdr.session);
	if (port == NULL)
		return;
	port_drop(port, DROP_SOCKET);
	if (error != EMSGSIZE)
		return;
	lane = worker_lanes_find(port, hdr.phase, hdr.lane);
	if (lane != NULL)
		lane_path_refused(lane, dgram->len, worker->now);
}
