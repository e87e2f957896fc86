/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "datapath/forward.h"

#include "datapath/bridge.h"
#include "datapath/device.h"
#include "datapath/router.h"
#include "datapath/send.h"
#include "datapath/worker.h"

void
forward_frame(struct worker *worker, struct port *from, struct frame *frame)
{
	enum drop drop;

	port_count(&from->counters.rx_frames, 1);
	port_count(&from->counters.rx_bytes, frame->len);
	if (frame->len > FRAME_MAX_LEN && frame->gso == FRAME_WHOLE)
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
