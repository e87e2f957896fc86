/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tcp_batch: passes frames between a worker and the control thread, which owns
 * the TLS connection.  It carries the frames when UDP does not get through
 * (PROTOCOL 4.1, type 2).
 *
 * A batch is a letter with FRAME items, back to back as in a record.  A worker
 * packs its frames for a site in one turn and posts the batch at the end of the
 * turn; each batch fits into one message of the control connection.  The other
 * direction works the same way.  The number of batches under way is limited for
 * each port and each worker, because control may be busy.
 *
 * Batches are reused (tcp_batch_pool) and allocated with mmap(): when a
 * thread's heap shrinks, the C library reads /proc, and the sandbox would kill
 * the engine.
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
#define TCP_BATCH_MAX_PORT	 64   /* of a port, to control */
#define TCP_BATCH_MAX	 1024 /* of a worker, each way */

struct port;
struct worker;

/*
 * One thread takes batches, another returns them.  The first takes from a list
 * of its own and fetches all returned batches at once, so neither waits for the
 * other.
 */
struct tcp_batch_pool {
	struct tcp_batch		*own; /* of the thread that takes */
	_Atomic(struct tcp_batch *) back;
	_Atomic unsigned	 out; /* taken and not returned */
};

struct tcp_batch {
	struct tcp_batch *next; /* in a pool */
	struct letter letter;
	struct port  *port; /* borrowed; lives until control is done with us */
	struct tcp_batch_pool *pool; /* where it returns to */
	size_t	      len;
	unsigned      nframes;
	uint8_t	      headroom[FRAME_HEADROOM - FRAME_HEADROOM_OWN];
	uint8_t	      data[TCP_BATCH_SIZE];
};

/* Frees the pool; all batches must have been returned. */
void tcp_batch_pool_fini(struct tcp_batch_pool *pool);

/*
 * Worker: copies a frame, or all frames of a superframe, into this turn's batch
 * for `port`. Returns DROP_NONE or why the frame was dropped.
 */
enum drop tcp_batch_pack(struct worker *worker, struct port *port,
    const struct frame *frame);

/* Worker: posts what was packed in this turn. */
void tcp_batch_flush(struct worker *worker);

/* Control: is done with a batch that a worker posted. */
void tcp_batch_done(struct tcp_batch *batch);

/*
 * Counts the leading FRAME items that fit into `room` bytes; `*len` is their
 * total length.
 */
unsigned tcp_batch_fit(uint8_t *items, size_t items_len, size_t room,
    size_t *len);

/*
 * Control: copies items that came in for `port` and posts them to its worker.
 * DROP_MAILBOX: too many are under way.
 */
enum drop tcp_batch_post(struct worker *to, struct port *port,
    const uint8_t *items, size_t len);

/* Worker: forwards the frames of a batch that control posted. */
void tcp_batch_take(struct worker *worker, struct letter *letter);

#endif /* TCP_BATCH_H */
