/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "datapath/forward.h"

#include "datapath/bridge.h"
#include "datapath/offload/csum.h"
#include "datapath/device.h"
#include "datapath/offload/headers.h"
#include "datapath/router.h"
#include "datapath/send.h"
#include "datapath/worker.h"

static bool settle_csum(const struct worker *worker, const struct port *from,
    struct frame *frame);

void
forward_frame(struct worker *worker, struct port *from, struct frame *frame)
{
	enum drop drop;

	port_count(&from->counters.rx_frames, 1);
	port_count(&from->counters.rx_bytes, frame->len);
	if (frame->len > FRAME_MAX_LEN && frame->gso == FRAME_WHOLE)
		drop = DROP_BAD_FRAME;
	else if ((frame->flags & FRAME_CSUM) != 0 &&
	    frame->gso == FRAME_WHOLE && !settle_csum(worker, from, frame))
		drop = DROP_BAD_FRAME;
	else if (worker->dp->mode == DP_TAP)
		drop = bridge_forward(worker, from, frame);
	else
		drop = router_forward(worker, from, frame);
	if (drop != DROP_NONE)
		port_drop(from, drop);
}

enum drop
forward_to(struct worker *worker, struct port *to, const struct frame *frame)
{
	if (to->id != DP_PORT_LOCAL)
		return send_frame(worker, to, frame);
	device_queue(worker, frame);
	return DROP_NONE;
}

/*
 * Behind us a checksum is completed without another look, so it may only go
 * where the headers have it: anywhere else it would change what was checked.
 * That of a packet within the packet (the kernel leaves those of VXLAN to us) is
 * completed before anything is checked.  False when a site has one elsewhere.
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
