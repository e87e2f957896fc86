/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "datapath/switch/bridge.h"

#include <string.h>

static enum drop admit(const struct frame *frame);
static bool is_alike(const struct bridge *bridge, uint16_t from,
    const struct frame *frame);
static void remember(struct bridge *bridge, uint16_t from,
    const struct frame *frame, struct port *to);

enum drop
bridge_choose(struct bridge *bridge, uint16_t from, const struct frame *frame,
    struct mono now, struct bridge_way *way)
{
	enum drop drop = admit(frame);
	uint16_t  vlan, id;

	*way = (struct bridge_way) { .learned = FDB_KNOWN };
	if (drop != DROP_NONE)
		return drop;
	if (bridge_is_blocked(bridge, from))
		return DROP_BLOCKED;
	if (is_alike(bridge, from, frame)) {
		way->one = bridge->to;
		return DROP_NONE;
	}

	/* A frame is forwarded even if its source exceeds the port's limit. */
	vlan = eth_vlan(frame->data, frame->len);
	way->learned = fdb_learn(bridge->fdb, eth_src(frame->data), vlan, from,
	    now);
	if (way->learned == FDB_NEW || way->learned == FDB_MOVED)
		bridge_forget(bridge);
	if (eth_is_group(eth_dst(frame->data)))
		return DROP_NONE;
	id = fdb_lookup(bridge->fdb, eth_dst(frame->data), vlan, now);
	if (id == from)
		return DROP_HAIRPIN;
	way->one = id != 0 ? bridge->ports[id] : NULL;
	if (way->one != NULL)
		remember(bridge, from, frame, way->one);
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
is_alike(const struct bridge *bridge, uint16_t from, const struct frame *frame)
{
	return bridge->from == from &&
	    frame->len >= ETH_HEADER_LEN + ETH_TAG_LEN &&
	    memcmp(bridge->head, frame->data, sizeof(bridge->head)) == 0;
}

static void
remember(struct bridge *bridge, uint16_t from, const struct frame *frame,
    struct port *to)
{
	if (frame->len < ETH_HEADER_LEN + ETH_TAG_LEN)
		return;
	bridge->from = from;
	bridge->to = to;
	memcpy(bridge->head, frame->data, sizeof(bridge->head));
}
