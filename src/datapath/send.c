/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Outbound flow
 *
 * 1. a lane of this worker for the flow	send_frame(), choose_lane()
 *    (none: by the control connection)		tcp_batch.c tcp_batch_pack()
 * 2. MSS of SYNs clamped			mss_clamp()
 * 3. queued until the end of the turn		lane->out
 * 4. small ones share a record			send_lane(), send_gathered()
 * 5. superframes are cut			send_super()
 * 6. as one item, or in fragments		send_one(), send_fragments()
 * 7. sealed into the batch			lane.c lane_seal(), record.c
 * 8. sent, a batch at a time			io/udp.c udp_flush()
 *
 * The functions stand in that order.
 */
#include "datapath/send.h"

#include <assert.h>
#include <string.h>

#include "datapath/util/flow.h"
#include "datapath/offload/mss.h"
#include "datapath/tcp_batch.h"
#include "datapath/offload/split.h"
#include "datapath/worker.h"

static_assert(FRAME_HEADROOM_OWN == ITEM_FRAME_HEADER,
    "the header goes into the headroom");

static struct lane *choose_lane(struct worker *worker, struct port *port,
    const struct frame *frame);
static void send_lane(struct worker *worker, struct lane *lane);
static unsigned gather(struct lane *lane, unsigned from);
static void send_gathered(struct worker *worker, struct lane *lane,
    unsigned from, unsigned n);
static void send_super(struct worker *worker, struct lane *lane,
    const struct frame *super);
static void count(struct port *port, const struct frame *frame,
    enum drop drop);
static enum drop send_one(struct worker *worker, struct lane *lane,
    const struct frame *frame);
static enum drop send_fragments(struct worker *worker, struct lane *lane,
    const uint8_t *item, size_t len);

enum drop
send_frame(struct worker *worker, struct port *port, const struct frame *frame)
{
	struct lane *lane = choose_lane(worker, port, frame);

	if (lane == NULL)
		return port->may_tcp ? tcp_batch_pack(worker, port, frame) :
				       DROP_NO_LANE;
	if (!frame->is_probe)
		lane_use(lane);
	if (lane->nout == FRAME_BATCH)
		send_lane(worker, lane);
	if (worker->dp->clamp_mss)
		mss_clamp(frame, worker->dp->mode == DP_TAP, lane_room(lane));
	lane->out[lane->nout++] = *frame;
	if (!lane->dirty) {
		lane->dirty = true;
		SLIST_INSERT_HEAD(&worker->dirty, lane, dirty_entry);
	}
	return DROP_NONE;
}

void
send_flush(struct worker *worker)
{
	struct lane *lane;

	while ((lane = SLIST_FIRST(&worker->dirty)) != NULL) {
		SLIST_REMOVE_HEAD(&worker->dirty, dirty_entry);
		lane->dirty = false;
		send_lane(worker, lane);
	}
}

/*
 * A worker has one lane to most sites.  Where it has several, each flow keeps
 * to one, so its packets stay in order.  A hub's lane sends only after the site
 * has shown that the lane is up.  A lane with new keys replaces its
 * predecessor.  A lane that does not answer is only used if there is no other.
 */
static struct lane *
choose_lane(struct worker *worker, struct port *port,
    const struct frame *frame)
{
	struct lane *usable[LANE_MAX], *last = NULL;
	unsigned     n = 0;

	for (unsigned i = 0; i < port->set->n; i++) {
		struct lane *lane = &port->set->lanes[i];

		if (port->next != NULL && lane_is_usable(&port->next->lanes[i]))
			lane = &port->next->lanes[i];
		if (lane_is_usable(lane))
			usable[n++] = lane;
		else if (lane_is_ready(lane))
			last = lane;
	}
	if (n == 0)
		return port->may_tcp ? NULL : last;
	if (n == 1)
		return usable[0];
	return usable[flow_hash(frame->data, frame->len,
	    worker->dp->mode == DP_TAP) % n];
}

static void
send_lane(struct worker *worker, struct lane *lane)
{
	for (unsigned i = 0, n; i < lane->nout; i += n) {
		const struct frame *frame = &lane->out[i];

		n = gather(lane, i);
		if (frame->gso != FRAME_WHOLE)
			send_super(worker, lane, frame);
		else if (n > 1)
			send_gathered(worker, lane, i, n);
		else
			count(lane->port, frame,
			    send_one(worker, lane, frame));
	}
	lane->nout = 0;
}

/* How many frames from there on fit into one record; at least 1. */
static unsigned
gather(struct lane *lane, unsigned from)
{
	size_t	 len = 0, max = lane_capacity(lane);
	unsigned i = from;

	while (i < lane->nout && lane->out[i].gso == FRAME_WHOLE) {
		len += ITEM_FRAME_HEADER + lane->out[i].len;
		if (len > max)
			break;
		i++;
	}
	return i > from ? i - from : 1;
}

static void
send_gathered(struct worker *worker, struct lane *lane, unsigned from,
    unsigned n)
{
	uint8_t	 *dst = worker->scratch;
	enum drop drop;

	for (unsigned i = from; i < from + n; i++) {
		const struct frame *frame = &lane->out[i];

		dst += item_put_frame(dst, frame);
		memcpy(dst, frame->data, frame->len);
		dst += frame->len;
	}
	drop = lane_seal(lane, worker->scratch,
	    (size_t)(dst - worker->scratch));
	for (unsigned i = from; i < from + n; i++)
		count(lane->port, &lane->out[i], drop);
}

static void
send_super(struct worker *worker, struct lane *lane, const struct frame *super)
{
	struct split split;
	struct frame frame;

	if (!split_begin(&split, super, worker->dp->mode == DP_TAP,
		lane_room(lane))) {
		port_drop(lane->port, DROP_BAD_FRAME);
		return;
	}
	while (split_next(&split, &frame))
		count(lane->port, &frame, send_one(worker, lane, &frame));
}

static void
count(struct port *port, const struct frame *frame, enum drop drop)
{
	if (drop != DROP_NONE)
		port_drop(port, drop);
	else
		port_sent(port, frame);
}

/* The header of the item goes into the headroom, in place. */
static enum drop
send_one(struct worker *worker, struct lane *lane, const struct frame *frame)
{
	uint8_t *item = frame->data - ITEM_FRAME_HEADER;
	size_t	 len = ITEM_FRAME_HEADER + frame->len;

	item_put_frame(item, frame);
	if (len <= lane_capacity(lane))
		return lane_seal(lane, item, len);
	return send_fragments(worker, lane, item, len);
}

static enum drop
send_fragments(struct worker *worker, struct lane *lane, const uint8_t *item,
    size_t len)
{
	size_t	  room = lane_capacity(lane) - ITEM_FRAGMENT_HEADER;
	uint32_t  id = lane->next_frame_id++;
	enum drop drop = DROP_NONE;

	if (len > room * FRAG_MAX_PIECES)
		return DROP_TOO_LARGE;
	for (size_t offset = 0; offset < len && drop == DROP_NONE;) {
		size_t	n = len - offset < room ? len - offset : room;
		uint8_t flags = offset + n == len ? ITEM_FRAGMENT_LAST : 0;
		size_t	header = item_put_fragment(worker->scratch, flags, id,
		     (uint16_t)offset, (uint16_t)n);

		memcpy(worker->scratch + header, item + offset, n);
		drop = lane_seal(lane, worker->scratch, header + n);
		offset += n;
	}
	return drop;
}
