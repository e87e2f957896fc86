/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * bridge: layer 2: learn where an address is, look up where one goes, choose
 * the ports (IEEE 802.1Q 8.6 to 8.8, without spanning tree).
 */
#ifndef BRIDGE_H
#define BRIDGE_H

#include "datapath/util/drop.h"
#include "base/frame.h"

struct port;
struct worker;

/*
 * Where the last frame went, for the next one of its stream, which was looked up
 * by the same: addresses and tag.  Each flush forgets it, and so does whatever is
 * learned: so a port in it is attached, and no frame follows an older word about
 * its receiver than one turn.
 */
struct bridge_last {
	uint8_t	     head[16]; /* of a frame that is long enough for a tag */
	struct port *from, *to; /* from NULL: there was none */
};

enum drop bridge_forward(struct worker *worker, struct port *from,
    struct frame *frame);

#endif /* BRIDGE_H */
