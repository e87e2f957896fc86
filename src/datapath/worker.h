/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * worker: one thread of the data path.
 *
 * It owns one queue of the device, a UDP socket for each listen address and
 * port, and its lanes of every session; lanes that lead have sockets of their
 * own.  Workers share only what is in dp.h.  In each turn a worker reads a
 * batch of frames, forwards them, and flushes its queues.  Control sends it
 * letters.
 */
#ifndef WORKER_H
#define WORKER_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include <ev.h>

#include "base/mono.h"
#include "datapath/dp.h"
#include "datapath/lane/frag.h"
#include "datapath/lane/lane.h"
#include "datapath/session_table.h"
#include "datapath/switch/bridge.h"
#include "datapath/switch/loop_probe.h"
#include "datapath/util/mailbox.h"
#include "datapath/offload/merge.h"
#include "datapath/tcp_batch.h"
#include "datapath/port.h"
#include "io/tap.h"
#include "io/udp.h"

struct lane_socket;
struct router_table;

#define WORKER_MAX_LISTENS 4

/* The kinds of letters to a worker. */
enum worker_letter {
	WORKER_ATTACH = 1, /* struct port */
	WORKER_DETACH,	   /* struct port */
	WORKER_ROUTES,	   /* struct router_table */
	WORKER_RENEW,	   /* struct lane_set: new keys */
	WORKER_PROBE,	   /* struct port: send an ECHO by each lane now */
	WORKER_TCP_BATCH,	   /* struct tcp_batch */
	WORKER_STOP,
};

/* And to the control thread. */
enum control_letter {
	CONTROL_DETACHED = 1,  /* struct port */
	CONTROL_LANE_UP,       /* struct lane */
	CONTROL_LANE_FAILED,   /* struct lane */
	CONTROL_REKEY_NEEDED,  /* struct lane: needs new keys */
	CONTROL_SET_FREE,      /* struct lane_set: to be freed */
	CONTROL_LOOP,	       /* struct loop_report, heap */
	CONTROL_TCP_BATCH,	       /* struct tcp_batch: tcp_batch_done() */
	CONTROL_BAD_SOURCE,    /* struct port: see `bad_source` */
	CONTROL_DEVICE_GONE,
};

/* A probe sent out of port `sent` came in at port `heard`. */
struct loop_report {
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

	int		  tap_fd; /* borrowed, like the sockets */
	int		  udp_fds[WORKER_MAX_LISTENS];
	unsigned	  nudp; /* 0 without sites */
	struct ev_io	  tap_io, udp_ios[WORKER_MAX_LISTENS];
	struct ev_idle	  more; /* while the device has more frames */
	struct ev_timer	  tick;
	struct tap	 *tap;
	struct udp_batch *udp;
	struct lane_env	  env;

	struct port	     *local; /* also counts what belongs to no site */
	struct port	     *ports[FDB_MAX_PORTS]; /* by id */
	struct port_list      sites; /* all; those that lead come first */
	struct port_list      busy;  /* with a busy lane */
	struct mono	      next_walk;   /* when all sites are ticked */
	struct session_table     lanes;
	struct router_table  *routes;
	struct frag_pool     *frags;
	unsigned	      joined; /* frames held in `frags` */
	uint32_t	      next_frag_owner;

	struct bridge bridge;
	uint8_t	    *scratch; /* a record of fragments, or of small frames */
	struct merge device_out; /* device.h */
	unsigned     merge_proven; /* kinds of superframes the kernel accepted */
	struct mono  merge_again; /* when those it refused are tried again */
	SLIST_HEAD(, lane) dirty;
	SLIST_HEAD(,
	    port) packed; /* with a batch of this turn (tcp_batch.h) */

	struct tcp_batch_pool batches_in;	/* control takes from it */
	struct tcp_batch_pool batches_out; /* we take from it */
	struct mono	 next_probe, next_moved, next_loop_report;
	int64_t		 probe_round_us;
	unsigned	 slice; /* of the ports to probe next */
	loop_probe_buffer moved_probe;
};

/*
 * Creates worker `index` of `dp`. Borrows the descriptors, which must outlive
 * it.  NULL on failure, with `errno` set (ENOTSUP: see lane_env_init()).
 */
struct worker *worker_new(struct dp *dp, unsigned index, int tap_fd,
    const int *udp_fds, unsigned nudp);

/* Starts the thread.  0 or a negative errno value. */
int worker_start(struct worker *worker);

/*
 * Letters are members of what workers own, and workers post to each other.  So
 * first stop all workers (this joins the threads), then drain all (this reads
 * their last letters), then let the control thread read its own letters, then
 * free all workers.  Ports still attached remain the caller's.
 */
void worker_stop(struct worker *worker);
void worker_drain(struct worker *worker);
void worker_free(struct worker *worker);

/*
 * For the worker's thread: seals, sends and writes what this turn has queued.
 */
void worker_flush(struct worker *worker);
/* The same: starts to read a lane's own socket. */
void worker_listen(struct worker *worker, struct lane_socket *socket);
/* The same: ticks the lanes of `port` often from now on. */
void worker_tick_often(struct worker *worker, struct port *port);

#endif /* WORKER_H */
