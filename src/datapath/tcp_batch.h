/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tcp_batch: frames on their way between a worker and the control thread, which
 * has the TLS connection: the way that frames take where UDP does not get
 * through (PROTOCOL 4.1, type 2).
 *
 * A batch is a letter with FRAME items, back to back, as in a record.  A worker
 * packs what it has for a site in one turn and posts it when the turn ends; one
 * message of the control connection holds it whole.  The way back is the same.
 * How many are on their way is bounded, for each port and each worker: control
 * may be busy.
 *
 * Batches are used again (tcp_batch_pool) and come from mmap(): a thread's heap
 * that shrinks makes the C library read /proc, which would be the engine's end.
 */
#ifndef TCP_BATCH_H
#define TCP_BATCH_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "base/frame.h"
#include "datapath/util/drop.h"
#include "datapath/util/mailbox.h"

/* With the message's header, one TLS record (PROTOCOL 4.1). */
#define TCP_BATCH_SIZE	 16380
#define TCP_BATCH_MAX_PORT	 64   /* of a port, on their way to control */
#define TCP_BATCH_MAX	 1024 /* of a worker, each way */

struct port;
struct worker;

/*
 * One thread takes, another gives back: what is taken from is the taker's own,
 * and it fetches all that came back at once, so neither waits for the other.
 */
struct tcp_batch_pool {
	struct tcp_batch		*own; /* the taker's */
	_Atomic(struct tcp_batch *) back;
	_Atomic unsigned	 out; /* taken, and not given back */
};

struct tcp_batch {
	struct tcp_batch *next; /* in a pool */
	struct letter letter;
	struct port  *port; /* borrowed: lives until control has seen us */
	struct tcp_batch_pool *pool; /* where it goes when it is done with */
	size_t	      len;
	unsigned      nframes;
	uint8_t	      headroom[FRAME_HEADROOM - FRAME_HEADROOM_OWN];
	uint8_t	      data[TCP_BATCH_SIZE];
};

/* When no batch is on its way any more. */
void tcp_batch_pool_fini(struct tcp_batch_pool *pool);

/*
 * Worker: packs a frame, or all that a superframe stands for, into this turn's
 * batch for `port`.  The bytes are copied.  Why it was dropped, or DROP_NONE.
 */
enum drop tcp_batch_pack(struct worker *worker, struct port *port,
    const struct frame *frame);

/* Worker: posts what was packed in this turn. */
void tcp_batch_flush(struct worker *worker);

/* Control: done with one that a worker posted. */
void tcp_batch_done(struct tcp_batch *batch);

/*
 * How many of the items, from the first on, fit into `room` bytes; `*len` is
 * their length.  Stops at what is no FRAME.
 */
unsigned tcp_batch_fit(uint8_t *items, size_t items_len, size_t room,
    size_t *len);

/*
 * Control: items that came in for `port`, to its worker; copied.  DROP_MAILBOX
 * when too many are on their way.
 */
enum drop tcp_batch_post(struct worker *to, struct port *port,
    const uint8_t *items, size_t len);

/* Worker: forwards the frames of one that control posted. */
void tcp_batch_take(struct worker *worker, struct letter *letter);

#endif /* TCP_BATCH_H */
