/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * bridge: layer 2: learns where an address is, and chooses the ports that a
 * frame goes to (IEEE 802.1Q 8.6 to 8.8, without spanning tree).
 *
 * It gets the table of addresses, the ports that are there, and which are
 * blocked; it sends nothing and counts nothing: forward.c does what it says.
 *
 * Pure: no clock, no descriptors, no globals.  One a worker; only the table is
 * shared.
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
	struct fdb	      *fdb; /* borrowed, like the other two */
	struct port *const    *ports;   /* by number; NULL: not there */
	const _Atomic uint8_t *blocked; /* by number; others write it */
	/*
	 * Where the last frame went, for the next one of its stream, which was
	 * looked up by the same: addresses and tag.  Each flush forgets it, and so
	 * does whatever is learned: so the port in it is there, and no frame
	 * follows an older word about its receiver than one turn.
	 */
	uint8_t	     head[16]; /* of a frame that is long enough for a tag */
	uint16_t     from;     /* 0: there was none */
	struct port *to;
};

/* Where a frame goes. */
struct bridge_way {
	struct port	*one;	  /* NULL: every port but the one it came by */
	enum fdb_learned learned; /* of its source; of a dropped one, too */
};

static inline void
bridge_init(struct bridge *bridge, struct fdb *fdb, struct port *const *ports,
    const _Atomic uint8_t *blocked)
{
	*bridge = (struct bridge) { .fdb = fdb, .ports = ports,
		.blocked = blocked };
}

/* Why a frame that came by `from` goes nowhere; DROP_NONE: it goes `*way`. */
enum drop bridge_choose(struct bridge *bridge, uint16_t from,
    const struct frame *frame, struct mono now, struct bridge_way *way);

static inline bool
bridge_is_blocked(const struct bridge *bridge, uint16_t port)
{
	return relaxed_load(&bridge->blocked[port]) != 0;
}

/* At the end of a turn, and before a port goes. */
static inline void
bridge_forget(struct bridge *bridge)
{
	bridge->from = 0;
}

#endif /* BRIDGE_H */
