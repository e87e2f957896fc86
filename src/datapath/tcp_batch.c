/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "datapath/tcp_batch.h"

#include <assert.h>
#include <string.h>
#include <sys/mman.h>

#include "base/nitems.h"
#include "base/relaxed.h"
#include "datapath/lane/item.h"
#include "datapath/offload/mss.h"
#include "datapath/offload/split.h"
#include "datapath/receive.h"
#include "datapath/worker.h"

/* IPv6, UDP, lane header, record and item around a frame. */
#define LANE_OVERHEAD                                                          \
	(48 + LANE_HEADER_LEN + RECORD_MAX_OVERHEAD + ITEM_FRAME_HEADER)
#define ETHERNET_MTU  1500

static_assert(ITEM_FRAME_HEADER + FRAME_MAX_LEN <= TCP_BATCH_SIZE,
    "the longest frame fits");

static enum drop pack_super(struct worker *worker, struct port *port,
    const struct frame *super);
static enum drop pack_one(struct worker *worker, struct port *port,
    const struct frame *frame);
static struct tcp_batch *open_batch(struct worker *worker, struct port *port);
static void post(struct worker *worker, struct port *port);
static struct tcp_batch *take(struct tcp_batch_pool *pool);
static void give_back(struct tcp_batch *batch);
static size_t room_of_lane(const struct worker *worker);

void
tcp_batch_pool_fini(struct tcp_batch_pool *pool)
{
	struct tcp_batch *batch, *next;

	for (unsigned i = 0; i < 2; i++) {
		batch = pool->own;
		for (; batch != NULL; batch = next) {
			next = batch->next;
			munmap(batch, sizeof(*batch));
		}
		pool->own = atomic_exchange(&pool->back, NULL);
	}
}

enum drop
tcp_batch_pack(struct worker *worker, struct port *port,
    const struct frame *frame)
{
	if (worker->dp->clamp_mss)
		mss_clamp(frame, worker->dp->mode == DP_TAP,
		    room_of_lane(worker));
	if (frame->gso != FRAME_WHOLE)
		return pack_super(worker, port, frame);
	return pack_one(worker, port, frame);
}

void
tcp_batch_flush(struct worker *worker)
{
	struct port *port;

	while ((port = SLIST_FIRST(&worker->packed)) != NULL)
		post(worker, port);
}

void
tcp_batch_done(struct tcp_batch *batch)
{
	relaxed_sub(&batch->port->batches_out, 1);
	give_back(batch);
}

unsigned
tcp_batch_fit(uint8_t *items, size_t items_len, size_t room, size_t *len)
{
	struct item item;
	size_t	    pos = 0;
	unsigned    n = 0;

	*len = 0;
	while (item_next(items, items_len, &pos, &item) &&
	    item.type == ITEM_FRAME && pos <= room) {
		*len = pos;
		n++;
	}
	return n;
}

enum drop
tcp_batch_post(struct worker *to, struct port *port, const uint8_t *items,
    size_t len)
{
	struct tcp_batch *batch;

	if (len > TCP_BATCH_SIZE)
		return DROP_BAD_ITEM;
	batch = take(&to->batches_in);
	if (batch == NULL)
		return DROP_MAILBOX;
	batch->letter.kind = WORKER_TCP_BATCH;
	batch->port = port;
	batch->len = len;
	memcpy(batch->data, items, len);
	mailbox_post(&to->box, &batch->letter);
	return DROP_NONE;
}

void
tcp_batch_take(struct worker *worker, struct letter *letter)
{
	struct tcp_batch *batch = container_of(letter, struct tcp_batch,
	    letter);
	size_t	       pos = 0, room = room_of_lane(worker);
	struct item    item;

	while (item_next(batch->data, batch->len, &pos, &item)) {
		if (item.type != ITEM_FRAME ||
		    receive_frame(worker, batch->port, &item, room) !=
			DROP_NONE)
			port_drop(batch->port, DROP_BAD_ITEM);
	}
	if (pos != batch->len)
		port_drop(batch->port, DROP_BAD_ITEM);
	/* The frames lie in it. */
	worker_flush(worker);
	give_back(batch);
}

/*
 * The control connection has no packet size to keep to, so segments are cut at
 * their own size.
 */
static enum drop
pack_super(struct worker *worker, struct port *port, const struct frame *super)
{
	struct split split;
	struct frame frame;
	enum drop    drop;

	if (!split_begin(&split, super, worker->dp->mode == DP_TAP,
		FRAME_MAX_LEN))
		return DROP_BAD_FRAME;
	while (split_next(&split, &frame)) {
		drop = pack_one(worker, port, &frame);
		if (drop != DROP_NONE)
			port_drop(port, drop);
	}
	return DROP_NONE;
}

static enum drop
pack_one(struct worker *worker, struct port *port, const struct frame *frame)
{
	size_t	       need = ITEM_FRAME_HEADER + frame->len;
	struct tcp_batch *batch = port->batch;
	uint8_t	      *dst;

	if (frame->len > FRAME_MAX_LEN)
		return DROP_TOO_LARGE;
	if (batch != NULL && need > TCP_BATCH_SIZE - batch->len)
		post(worker, port);
	if (port->batch == NULL && open_batch(worker, port) == NULL)
		return DROP_MAILBOX;
	batch = port->batch;
	dst = batch->data + batch->len;
	dst += item_put_frame(dst, frame);
	memcpy(dst, frame->data, frame->len);
	batch->len += need;
	batch->nframes++;
	port_sent(port, frame);
	return DROP_NONE;
}

static struct tcp_batch *
open_batch(struct worker *worker, struct port *port)
{
	struct tcp_batch *batch;

	if (relaxed_load(&port->batches_out) >= TCP_BATCH_MAX_PORT)
		return NULL;
	batch = take(&worker->batches_out);
	if (batch == NULL)
		return NULL;
	batch->letter.kind = CONTROL_TCP_BATCH;
	batch->port = port;
	batch->len = 0;
	batch->nframes = 0;
	port->batch = batch;
	SLIST_INSERT_HEAD(&worker->packed, port, packed_entry);
	relaxed_add(&port->batches_out, 1);
	return batch;
}

/* NULL: too many are under way, or out of memory. */
static struct tcp_batch *
take(struct tcp_batch_pool *pool)
{
	struct tcp_batch *batch;

	if (relaxed_load(&pool->out) >= TCP_BATCH_MAX)
		return NULL;
	if (pool->own == NULL)
		pool->own = atomic_exchange_explicit(&pool->back, NULL,
		    memory_order_acquire);
	batch = pool->own;
	if (batch != NULL) {
		pool->own = batch->next;
	} else {
		batch = mmap(NULL, sizeof(*batch), PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (batch == MAP_FAILED)
			return NULL;
		batch->pool = pool;
	}
	relaxed_add(&pool->out, 1);
	return batch;
}

static void
give_back(struct tcp_batch *batch)
{
	struct tcp_batch_pool *pool = batch->pool;
	struct tcp_batch	   *head = relaxed_load(&pool->back);

	relaxed_sub(&pool->out, 1);
	do
		batch->next = head;
	while (!atomic_compare_exchange_weak_explicit(&pool->back, &head,
	    batch, memory_order_release, memory_order_relaxed));
}

static void
post(struct worker *worker, struct port *port)
{
	SLIST_REMOVE(&worker->packed, port, port, packed_entry);
	mailbox_post(worker->dp->control, &port->batch->letter);
	port->batch = NULL;
}

/* SYNs are clamped to what a lane carries unfragmented: UDP may work again. */
static size_t
room_of_lane(const struct worker *worker)
{
	size_t outer = worker->dp->max_outer;

	return (outer < ETHERNET_MTU ? outer : ETHERNET_MTU) - LANE_OVERHEAD;
}
