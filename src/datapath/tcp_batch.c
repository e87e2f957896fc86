/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "datapath/tcp_batch.h"

#include <assert.h>
#include <string.h>
#include <sys/mman.h>

#include "base/nitems.h"
#include "base/relaxed.h"
#include "datapath/forward.h"
#include "datapath/lane/item.h"
#include "datapath/offload/mss.h"
#include "datapath/offload/split.h"
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
static struct tcp_batch *open_parcel(struct worker *worker, struct port *port);
static void post(struct worker *worker, struct port *port);
static struct tcp_batch *take(struct tcp_batch_pool *pool);
static void give_back(struct tcp_batch *parcel);
static void clamp(const struct worker *worker, const struct frame *frame);

void
tcp_batch_pool_fini(struct tcp_batch_pool *pool)
{
	struct tcp_batch *parcel, *next;

	for (unsigned i = 0; i < 2; i++) {
		parcel = pool->own;
		for (; parcel != NULL; parcel = next) {
			next = parcel->next;
			munmap(parcel, sizeof(*parcel));
		}
		pool->own = atomic_exchange(&pool->back, NULL);
	}
}

enum drop
tcp_batch_pack(struct worker *worker, struct port *port,
    const struct frame *frame)
{
	clamp(worker, frame);
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
tcp_batch_done(struct tcp_batch *parcel)
{
	relaxed_sub(&parcel->port->parcels_out, 1);
	give_back(parcel);
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
	struct tcp_batch *parcel;

	if (len > TCP_BATCH_SIZE)
		return DROP_BAD_ITEM;
	parcel = take(&to->parcels_in);
	if (parcel == NULL)
		return DROP_MAILBOX;
	parcel->letter.kind = WORKER_PARCEL;
	parcel->port = port;
	parcel->len = len;
	memcpy(parcel->data, items, len);
	mailbox_post(&to->box, &parcel->letter);
	return DROP_NONE;
}

void
tcp_batch_take(struct worker *worker, struct letter *letter)
{
	struct tcp_batch *parcel = container_of(letter, struct tcp_batch,
	    letter);
	struct item    item;
	size_t	       pos = 0;

	while (item_next(parcel->data, parcel->len, &pos, &item)) {
		struct frame frame;

		if (item.type != ITEM_FRAME ||
		    !item_to_frame(&item, parcel->port->may_tag, &frame)) {
			port_drop(parcel->port, DROP_BAD_ITEM);
			continue;
		}
		clamp(worker, &frame);
		forward_frame(worker, parcel->port, &frame);
	}
	if (pos != parcel->len)
		port_drop(parcel->port, DROP_BAD_ITEM);
	/* The frames are views of it. */
	worker_flush(worker);
	give_back(parcel);
}

/* TCP has no size of its own to keep to: its segments stay as they are. */
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
	struct tcp_batch *parcel = port->parcel;
	uint8_t	      *dst;

	if (frame->len > FRAME_MAX_LEN)
		return DROP_TOO_LARGE;
	if (parcel != NULL && need > TCP_BATCH_SIZE - parcel->len)
		post(worker, port);
	if (port->parcel == NULL && open_parcel(worker, port) == NULL)
		return DROP_MAILBOX;
	parcel = port->parcel;
	dst = parcel->data + parcel->len;
	dst += item_put_frame(dst, frame->len, frame->flags, frame->csum_start,
	    frame->csum_offset);
	memcpy(dst, frame->data, frame->len);
	parcel->len += need;
	parcel->nframes++;
	port_sent(port, frame);
	return DROP_NONE;
}

static struct tcp_batch *
open_parcel(struct worker *worker, struct port *port)
{
	struct tcp_batch *parcel;

	if (relaxed_load(&port->parcels_out) >= TCP_BATCH_MAX_PORT)
		return NULL;
	parcel = take(&worker->parcels_out);
	if (parcel == NULL)
		return NULL;
	parcel->letter.kind = CONTROL_PARCEL;
	parcel->port = port;
	parcel->len = 0;
	parcel->nframes = 0;
	port->parcel = parcel;
	SLIST_INSERT_HEAD(&worker->packed, port, packed_entry);
	relaxed_add(&port->parcels_out, 1);
	return parcel;
}

/* NULL: too many are on their way, or there is no memory. */
static struct tcp_batch *
take(struct tcp_batch_pool *pool)
{
	struct tcp_batch *parcel;

	if (relaxed_load(&pool->out) >= TCP_BATCH_MAX)
		return NULL;
	if (pool->own == NULL)
		pool->own = atomic_exchange_explicit(&pool->back, NULL,
		    memory_order_acquire);
	parcel = pool->own;
	if (parcel != NULL) {
		pool->own = parcel->next;
	} else {
		parcel = mmap(NULL, sizeof(*parcel), PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (parcel == MAP_FAILED)
			return NULL;
		parcel->pool = pool;
	}
	relaxed_add(&pool->out, 1);
	return parcel;
}

static void
give_back(struct tcp_batch *parcel)
{
	struct tcp_batch_pool *pool = parcel->pool;
	struct tcp_batch	   *head = relaxed_load(&pool->back);

	relaxed_sub(&pool->out, 1);
	do
		parcel->next = head;
	while (!atomic_compare_exchange_weak_explicit(&pool->back, &head,
	    parcel, memory_order_release, memory_order_relaxed));
}

static void
post(struct worker *worker, struct port *port)
{
	SLIST_REMOVE(&worker->packed, port, port, packed_entry);
	mailbox_post(worker->dp->control, &port->parcel->letter);
	port->parcel = NULL;
}

/* To what one lane would carry whole: UDP may get through again. */
static void
clamp(const struct worker *worker, const struct frame *frame)
{
	size_t outer = worker->dp->max_outer < ETHERNET_MTU ?
	    worker->dp->max_outer :
	    ETHERNET_MTU;

	if (worker->dp->clamp_mss)
		mss_clamp(frame, worker->dp->mode == DP_TAP,
		    outer - LANE_OVERHEAD);
}
