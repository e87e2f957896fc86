/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "datapath/bridge.h"

#include <string.h>

#include "datapath/forward.h"
#include "datapath/worker.h"
#include "datapath/loop_watch.h"

static enum drop admit(const struct frame *frame);
static bool is_alike(const struct bridge_last *last, const struct frame *frame);
static void learn(struct worker *worker, struct port *from,
    const struct frame *frame, uint16_t vlan);
static void flood(struct worker *worker, struct port *from,
    const struct frame *frame);
static void out(struct worker *worker, struct port *to,
    const struct frame *frame);

enum drop
bridge_forward(struct worker *worker, struct port *from, struct frame *frame)
{
	struct dp   *dp = worker->dp;
	struct port *to;
	uint16_t     vlan, id;
	enum drop    drop = admit(frame);

	if (drop != DROP_NONE)
		return drop;
	/* Our own probe ends here, whatever the port's state is. */
	if (loop_probe_is(frame->data, frame->len) &&
	    loop_watch_heard(worker, from, frame))
		return DROP_NONE;
	if (dp_is_blocked(dp, from->id))
		return DROP_BLOCKED;
	if (worker->last.from == from && is_alike(&worker->last, frame)) {
		out(worker, worker->last.to, frame);
		return DROP_NONE;
	}

	vlan = eth_vlan(frame->data, frame->len);
	learn(worker, from, frame, vlan);
	if (eth_is_group(eth_dst(frame->data))) {
		flood(worker, from, frame);
		return DROP_NONE;
	}
	id = fdb_lookup(dp->fdb, eth_dst(frame->data), vlan, worker->now);
	if (id == from->id)
		return DROP_HAIRPIN;
	to = id != 0 ? worker->ports[id] : NULL;
	if (to == NULL) {
		flood(worker, from, frame);
		return DROP_NONE;
	}
	if (frame->len >= ETH_HEADER_LEN + ETH_TAG_LEN) {
		worker->last.from = from;
		worker->last.to = to;
		memcpy(worker->last.head, frame->data,
		    sizeof(worker->last.head));
	}
	out(worker, to, frame);
	return DROP_NONE;
}

static enum drop
admit(const struct frame *frame)
{
	if (frame->len < ETH_MIN_LEN ||
	    eth_is_group(eth_src(frame->data)) ||
	    eth_is_zero(eth_src(frame->data)))
		return DROP_BAD_FRAME;
	if (eth_is_link_local(eth_dst(frame->data)))
		return DROP_LINK_LOCAL;
	return DROP_NONE;
}

static bool
is_alike(const struct bridge_last *last, const struct frame *frame)
{
	return frame->len >= ETH_HEADER_LEN + ETH_TAG_LEN &&
	    memcmp(last->head, frame->data, sizeof(last->head)) == 0;
}

/* A frame goes on even if its source is one address too many. */
static void
learn(struct worker *worker, struct port *from, const struct frame *frame,
    uint16_t vlan)
{
	switch (fdb_learn(worker->dp->fdb, eth_src(frame->data), vlan,
	    from->id, worker->now)) {
	case FDB_KNOWN:
		break;
	case FDB_NEW:
		worker->last.from = NULL;
		break;
	case FDB_MOVED:
		worker->last.from = NULL;
		port_count(&from->counters.moved_in, 1);
		loop_watch_moved(worker, from);
		break;
	case FDB_REFUSED:
		port_count(&from->counters.unlearned, 1);
		break;
	}
}

/* To every port but the one it came from; each gets its own queue's view. */
static void
flood(struct worker *worker, struct port *from, const struct frame *frame)
{
	struct port *port;

	if (from != worker->local)
		out(worker, worker->local, frame);
	TAILQ_FOREACH(port, &worker->sites, entry) {
		if (port != from)
			out(worker, port, frame);
	}
}

/* A drop on the way out is counted at the port it was for. */
static void
out(struct worker *worker, struct port *to, const struct frame *frame)
{
	enum drop drop = dp_is_blocked(worker->dp, to->id) ?
	    DROP_BLOCKED :
	    forward_to(worker, to, frame);

	if (drop != DROP_NONE)
		port_drop(to, drop);
}
