/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "datapath/forward.h"

#include "datapath/offload/csum.h"
#include "datapath/device.h"
#include "datapath/loop_watch.h"
#include "datapath/offload/headers.h"
#include "datapath/offload/split.h"
#include "datapath/router.h"
#include "datapath/send.h"
#include "datapath/worker.h"

static enum drop switch_frame(struct worker *worker, struct port *from,
    const struct frame *frame);
static void note_learned(struct worker *worker, struct port *from,
    enum fdb_learned learned);
static enum drop route_packet(struct worker *worker, struct port *from,
    const struct frame *packet);
static void out(struct worker *worker, struct port *to,
    const struct frame *frame);
static bool settle_csum(const struct worker *worker, const struct port *from,
    struct frame *frame);

void
forward_frame(struct worker *worker, struct port *from, struct frame *frame)
{
	size_t	  bytes;
	unsigned  n = split_count(frame, worker->dp->mode == DP_TAP, &bytes);
	enum drop drop;

	port_count(&from->counters.rx_frames, n);
	port_count(&from->counters.rx_bytes, bytes);
	if (frame->len > FRAME_MAX_LEN && frame->gso == FRAME_WHOLE)
		drop = DROP_BAD_FRAME;
	else if ((frame->flags & FRAME_CSUM) != 0 &&
	    frame->gso == FRAME_WHOLE && !settle_csum(worker, from, frame))
		drop = DROP_BAD_FRAME;
	else if (worker->dp->mode == DP_TAP)
		drop = switch_frame(worker, from, frame);
	else
		drop = route_packet(worker, from, frame);
	if (drop != DROP_NONE)
		forward_drop(worker, from, frame, drop);
}

void
forward_drop(const struct worker *worker, struct port *port,
    const struct frame *frame, enum drop reason)
{
	size_t bytes;

	port_count(&port->counters.drops[reason],
	    split_count(frame, worker->dp->mode == DP_TAP, &bytes));
}

enum drop
forward_to(struct worker *worker, struct port *to, const struct frame *frame)
{
	if (to->id != DP_PORT_LOCAL)
		return send_frame(worker, to, frame);
	device_queue(worker, frame);
	return DROP_NONE;
}

static enum drop
switch_frame(struct worker *worker, struct port *from,
    const struct frame *frame)
{
	struct bridge_way way;
	struct port	 *port;
	enum drop	  drop;

	/*
	 * Our own probes are never forwarded, whatever the state of the port.
	 */
	if (loop_probe_is(frame->data, frame->len) &&
	    loop_watch_heard(worker, from, frame))
		return DROP_NONE;
	drop = bridge_choose(&worker->bridge, from->id, frame, worker->now,
	    &way);
	note_learned(worker, from, way.learned);
	if (drop != DROP_NONE)
		return drop;
	if (way.one != NULL) {
		out(worker, way.one, frame);
		return DROP_NONE;
	}
	if (from != worker->local)
		out(worker, worker->local, frame);
	TAILQ_FOREACH(port, &worker->sites, entry) {
		if (port != from)
			out(worker, port, frame);
	}
	return DROP_NONE;
}

static void
note_learned(struct worker *worker, struct port *from,
    enum fdb_learned learned)
{
	if (learned == FDB_MOVED) {
		port_count(&from->counters.moved_in, 1);
		loop_watch_moved(worker, from);
	} else if (learned == FDB_REFUSED) {
		port_count(&from->counters.unlearned, 1);
	}
}

static enum drop
route_packet(struct worker *worker, struct port *from,
    const struct frame *packet)
{
	struct port *to;
	enum drop    drop = router_choose(worker, from, packet, &to);

	if (drop == DROP_NONE)
		out(worker, to, packet);
	return drop;
}

/* A drop on the way out is counted at the port it was for. */
static void
out(struct worker *worker, struct port *to, const struct frame *frame)
{
	enum drop drop = bridge_is_blocked(&worker->bridge, to->id) ?
	    DROP_BLOCKED :
	    forward_to(worker, to, frame);

	if (drop != DROP_NONE)
		forward_drop(worker, to, frame, drop);
}

/*
 * Later stages complete a partial checksum without checking where it goes, so
 * it is only accepted at the place that the headers give: anywhere else it
 * would change bytes that have been checked.  The checksum of an inner packet
 * (the kernel leaves those of VXLAN to us) is completed here, before anything
 * is checked.  Returns false if a site's frame has one anywhere else.
 */
static bool
settle_csum(const struct worker *worker, const struct port *from,
    struct frame *frame)
{
	struct headers h;
	bool	       is_ip = headers_read(&h, frame->data, frame->len,
		  worker->dp->mode == DP_TAP);

	if (is_ip && h.protocol != 0 && frame->csum_start == h.l4 &&
	    frame->csum_offset == headers_csum_offset(&h))
		return true;
	if (from != worker->local &&
	    (!is_ip || h.fragment || frame->csum_start <= h.l4 ||
		frame->csum_start < h.payload))
		return false;
	csum_complete(frame->data, frame->len, frame->csum_start,
	    frame->csum_offset);
	frame->flags &= (uint8_t)~FRAME_CSUM;
	return true;
}
