/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * bridge: layer 2: learns where addresses are, and chooses the ports that a
 * frame goes to (IEEE 802.1Q 8.6 to 8.8, without spanning tree).
 *
 * It reads the address table, the list of ports, and which ports are blocked.
 * It sends nothing and counts nothing; forward.c does that.
 *
 * Pure: no clock, no descriptors, no globals.  Each worker has one; only the
 * address table is shared.
 */
#ifndef BRIDGE_H
#define BRIDGE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/frame.h"
#include "base/mono.h"
#include "base/relaxed.h"
#include "datapath/switch/fdb.h"
#include "datapath/util/drop.h"

struct port;

struct bridge {
	struct fdb	      *fdb; /* borrowed, as the next two */
	struct port *const    *ports;   /* by number; NULL: no such port */
	const _Atomic uint8_t *blocked; /* by number; written by other threads */
	/*
	 * A cache of one: where the last frame went, and its addresses and tag.
	 * It is cleared at each flush and whenever an address is learned; so
	 * its port always exists, and it is out of date for at most one turn.
	 */
	uint8_t	     head[16]; /* of a frame long enough for a tag */
	uint16_t     from;     /* 0: empty */
	struct port *to;
};

/* Where a frame goes. */
struct bridge_way {
	struct port	*one;	  /* NULL: all ports but the one it came from */
	enum fdb_learned learned; /* the result for its source, also if dropped */
};

static inline void
bridge_init(struct bridge *bridge, struct fdb *fdb, struct port *const *ports,
    const _Atomic uint8_t *blocked)
{
	*bridge = (struct bridge) { .fdb = fdb, .ports = ports,
		.blocked = blocked };
}

/* Sets `*way` and returns DROP_NONE, or returns why the frame is dropped. */
enum drop bridge_choose(struct bridge *bridge, uint16_t from,
    const struct frame *frame, struct mono now, struct bridge_way *way);

static inline bool
bridge_is_blocked(const struct bridge *bridge, uint16_t port)
{
	return relaxed_load(&bridge->blocked[port]) != 0;
}

/* Clears the cache: at the end of a turn, and before a port is removed. */
static inline void
bridge_forget(struct bridge *bridge)
{
	bridge->from = 0;
}

#endif /* BRIDGE_H */
