/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * worker: one thread of the data path.
 *
 * It owns one queue of the device, one UDP socket (server) or those of its
 * lanes (client), and its lanes of every site; it shares nothing but what is in
 * dp.h.  Each turn takes a batch in, forwards it, and flushes what is queued.
 * Control talks to it by letters.
 */
#ifndef WORKER_H
#define WORKER_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include <ev.h>

#include "base/mono.h"
#include "datapath/bridge.h"
#include "datapath/dp.h"
#include "datapath/frag.h"
#include "base/frame.h"
#include "datapath/lane.h"
#include "datapath/lane_table.h"
#include "datapath/mailbox.h"
#include "datapath/merge.h"
#include "datapath/port.h"
#include "io/tap.h"
#include "io/udp.h"

struct router_table;

#define WORKER_MAX_STRAYS 256 /* datagrams on their way to another worker */
#define WORKER_PLAIN	  (512 * 1024) /* plaintext of one turn, bytes */

/* The kinds of letters, both ways. */
enum worker_letter {
	WORKER_ATTACH = 1, /* struct port */
	WORKER_DETACH,	   /* struct port */
	WORKER_ROUTES,	   /* struct router_table */
	WORKER_STRAY,	   /* struct worker_stray */
	WORKER_STOP,
	/* to control */
	CONTROL_DETACHED = 32, /* struct port */
	CONTROL_LANE_UP,       /* struct lane */
	CONTROL_LANE_FAILED,   /* struct lane */
	CONTROL_LOOP,	       /* struct worker_loop, heap */
	CONTROL_DEVICE_GONE,
};

/* A probe of port `sent` was heard on port `heard`. */
struct worker_loop {
	struct letter letter;
	uint16_t      sent, heard;
};

struct worker {
	struct dp      *dp;
	unsigned	index;
	pthread_t	thread;
	struct ev_loop *loop;
	struct mailbox	box;
	struct letter	stop, device_gone;
	struct mono	now; /* of this turn */

	int		  tap_fd, udp_fd; /* borrowed; -1: none */
	struct ev_io	  tap_io, udp_io;
	struct ev_idle	  more; /* of what was read from the device */
	struct ev_timer	  tick;
	struct tap	 *tap;
	struct udp_batch *udp;
	struct lane_env	  env;

	struct port	     *local;
	struct port	     *ports[FDB_MAX_PORTS]; /* by id */
	struct port_list      sites;
	struct lane_table     lanes;
	struct router_table  *routes;
	struct frag_pool     *frags;
	unsigned	      joined; /* frames held in `frags` */
	uint32_t	      next_frag_owner;

	struct bridge_last last; /* bridge.h */
	uint8_t	    *plain; /* records opened in this turn */
	size_t	     plain_used;
	uint8_t	    *scratch; /* a record of fragments, or of small frames */
	struct merge device_out; /* device.h */
	unsigned     merge_proven; /* kinds of superframes the kernel took */
	SLIST_HEAD(, lane) dirty;

	/* What belongs to no site; read by control. */
	_Atomic uint64_t drops[DROP_MAX];
	_Atomic uint64_t strays_sent;
	_Atomic unsigned strays; /* on their way to us */
	struct mono	 next_probe, next_loop_report;
};

/*
 * Makes worker `index` of `dp`; descriptors are borrowed and must outlive it.
 * Returns NULL on failure, with `errno` set (ENOTSUP: see lane_env_init()).
 */
struct worker *worker_new(struct dp *dp, unsigned index, int tap_fd,
    int udp_fd);

/* Starts the thread.  0 or a negative errno value. */
int worker_start(struct worker *worker);

/*
 * The end, in three steps, because letters lie in what workers own and workers
 * write to each other: all are stopped (ends and joins the thread), then all
 * drained (reads its last letters), then the control thread reads its own, then
 * all are freed.  Ports still attached stay the caller's.
 */
void worker_stop(struct worker *worker);
void worker_drain(struct worker *worker);
void worker_free(struct worker *worker);

/* The thread's own: seals, sends and writes what this turn has queued. */
void worker_flush(struct worker *worker);

/* Counts a drop that belongs to no site. */
static inline void
worker_drop(struct worker *worker, enum drop reason)
{
	port_count(&worker->drops[reason], 1);
}

#endif /* WORKER_H */
