/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Inbound flow
 *
 * 1. a batch of datagrams			io/udp.c udp_next()
 * 2. exactly one record of ours?		lane_header_read()
 * 3. whose lane is it?				session_table_lookup(),
 * worker_lanes_find()
 * 4. handshake: MAC checked, to GnuTLS	lane_handshake()
 * 5. data: window, key, window, path		lane_open()
 * 6. the items inside				deliver_items()
 * 7. fragments joined				frag_join()
 * 8. a frame, also of the control connection	receive_frame()
 * 9. MSS of SYNs clamped			mss_clamp()
 * 10. forwarded				forward_frame()
 *
 * The functions stand in that order.
 */
#include "datapath/receive.h"

#include "datapath/forward.h"
#include "datapath/lane/lane_path.h"
#include "datapath/offload/mss.h"
#include "datapath/worker.h"
#include "datapath/worker_lanes.h"

static enum drop receive_one(struct worker *worker,
    const struct udp_datagram *dgram, struct port **port);
static enum drop deliver_items(struct worker *worker, struct lane *lane,
    uint8_t *record, size_t len, const struct udp_path *from);
static enum drop deliver_fragment(struct worker *worker, struct lane *lane,
    const struct item *item);

void
receive_datagram(struct worker *worker, const struct udp_datagram *datagram)
{
	struct port *port = NULL;
	enum drop    drop = receive_one(worker, datagram, &port);

	if (drop != DROP_NONE)
		port_drop(port != NULL ? port : worker->local, drop);
}

/*
 * Processes one datagram.  One from an unknown host costs a look-up, gets no
 * answer and leaves no state.
 */
static enum drop
receive_one(struct worker *worker, const struct udp_datagram *dgram,
    struct port **port)
{
	struct lane_header hdr;
	struct lane	  *lane;
	uint8_t		  *plain;
	size_t		   len;
	enum drop	   drop;

	if (lane_header_read(&hdr, dgram->data, dgram->len) < 0)
		return DROP_MALFORMED;
	if (hdr.lane >= LANE_MAX)
		return DROP_MALFORMED;
	/* Every worker has a port of every session. */
	*port = session_table_lookup(&worker->lanes, hdr.session);
	if (*port == NULL)
		return DROP_NO_SESSION;
	if (hdr.lane % worker->dp->nworkers != worker->index)
		return DROP_WRONG_WORKER;
	lane = worker_lanes_find(*port, hdr.phase, hdr.lane);
	if (lane == NULL)
		return DROP_NO_KEY;
	if (hdr.type != LANE_TYPE_DATA)
		return lane_handshake(lane, dgram->data, dgram->len,
		    dgram->path, worker->now);
	drop = lane_open(lane, &hdr, dgram->data, dgram->len, dgram->path,
	    &plain, &len, worker->now);
	if (drop != DROP_NONE)
		return drop;
	return deliver_items(worker, lane, plain, len, dgram->path);
}

static enum drop
deliver_items(struct worker *worker, struct lane *lane, uint8_t *record,
    size_t len, const struct udp_path *from)
{
	struct item item;
	size_t	    pos = 0;
	enum drop   drop;

	while (item_next(record, len, &pos, &item)) {
		drop = DROP_NONE;
		switch (item.type) {
		case ITEM_FRAME:
			drop = receive_frame(worker, lane->port, &item,
			    lane_room(lane));
			break;
		case ITEM_FRAGMENT:
			drop = deliver_fragment(worker, lane, &item);
			break;
		case ITEM_ECHO:
			lane_path_echo(lane, &item, from, worker->now);
			break;
		default: /* ignored: from a later version */
			drop = DROP_BAD_ITEM;
			break;
		}
		if (drop != DROP_NONE)
			port_drop(lane->port, drop);
	}
	return pos == len ? DROP_NONE : DROP_BAD_ITEM;
}

static enum drop
deliver_fragment(struct worker *worker, struct lane *lane,
    const struct item *item)
{
	struct item whole;

	/* At most half of the pool may be held (frag.h). */
	if (worker->joined == FRAG_POOL / 2)
		worker_flush(worker);
	switch (frag_join(worker->frags, lane->frag_owner, item, worker->now,
	    &whole)) {
	case FRAG_WAIT:
		return DROP_NONE;
	case FRAG_BAD:
		return DROP_BAD_FRAGMENT;
	case FRAG_WHOLE:
		break;
	}
	worker->joined++;
	return receive_frame(worker, lane->port, &whole, lane_room(lane));
}

/* The item's own header, in front of the bytes, is the frame's headroom. */
enum drop
receive_frame(struct worker *worker, struct port *from, const struct item *item,
    size_t room)
{
	struct frame frame;

	if (!item_to_frame(item, from->may_tag, &frame))
		return DROP_BAD_ITEM;
	if (worker->dp->clamp_mss)
		mss_clamp(&frame, worker->dp->mode == DP_TAP, room);
	forward_frame(worker, from, &frame);
	return DROP_NONE;
}
