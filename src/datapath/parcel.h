/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * parcel: frames on their way between a worker and the control thread, which
 * has the TLS connection: the way that frames take where UDP does not get
 * through (PROTOCOL 4.1, type 2).
 *
 * A parcel is a letter with FRAME items, back to back, as in a record.  A worker
 * packs what it has for a site in one turn and posts it when the turn ends; one
 * message of the control connection holds it whole.  The way back is the same.
 * How many are on their way is bounded, for each port and each worker: control
 * may be busy.
 *
 * Parcels are used again (parcel_pool) and come from mmap(): a thread's heap
 * that shrinks makes the C library read /proc, which would be the engine's end.
 */
#ifndef PARCEL_H
#define PARCEL_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "base/frame.h"
#include "datapath/drop.h"
#include "datapath/mailbox.h"

/* With the message's header, one TLS record (PROTOCOL 4.1). */
#define PARCEL_SIZE	 16380
#define PARCEL_MAX_PORT	 64   /* of a port, on their way to control */
#define PARCEL_MAX	 1024 /* of a worker, each way */

struct port;
struct worker;

/*
 * One thread takes, another gives back: what is taken from is the taker's own,
 * and it fetches all that came back at once, so neither waits for the other.
 */
struct parcel_pool {
	struct parcel		*own; /* the taker's */
	_Atomic(struct parcel *) back;
	_Atomic unsigned	 out; /* taken, and not given back */
};

struct parcel {
	struct parcel *next; /* in a pool */
	struct letter letter;
	struct port  *port; /* borrowed: lives until control has seen us */
	struct parcel_pool *pool; /* where it goes when it is done with */
	size_t	      len;
	unsigned      nframes;
	uint8_t	      data[PARCEL_SIZE];
};

/* When no parcel is on its way any more. */
void parcel_pool_fini(struct parcel_pool *pool);

/*
 * Worker: packs a frame, or all that a superframe stands for, into this turn's
 * parcel for `port`.  The bytes are copied.  Why it was dropped, or DROP_NONE.
 */
enum drop parcel_pack(struct worker *worker, struct port *port,
    const struct frame *frame);

/* Worker: posts what was packed in this turn. */
void parcel_flush(struct worker *worker);

/* Control: done with one that a worker posted. */
void parcel_done(struct parcel *parcel);

/*
 * How many of the items, from the first on, fit into `room` bytes; `*len` is
 * their length.  Stops at what is no FRAME.
 */
unsigned parcel_fit(uint8_t *items, size_t items_len, size_t room,
    size_t *len);

/*
 * Control: items that came in for `port`, to its worker; copied.  DROP_MAILBOX
 * when too many are on their way.
 */
enum drop parcel_post(struct worker *to, struct port *port,
    const uint8_t *items, size_t len);

/* Worker: forwards the frames of one that control posted. */
void parcel_take(struct worker *worker, struct letter *letter);

#endif /* PARCEL_H */
