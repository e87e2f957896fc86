/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * lane_repair: decides when a site replaces dead lanes (PROTOCOL 5.7).
 *
 *            some are dead               still, 2 s later
 *   WELL -----------------> WATCHING -----------------------> rebuild them
 *    ^    PROBE all lanes      |                                  |
 *    +------ none of them -----+<------------ the pause ----------+
 *
 * Each attempt that does not help makes the pause longer.  If all lanes are
 * dead, the path is probably blocked, and frames use TCP (transport.h).  But a
 * NAT may block only these ports, by its state, so all lanes are replaced then
 * too, but rarely: LANE_REPAIR_ALL_US after the probe.  Pure: no clock, no
 * lane.
 */
#ifndef LANE_REPAIR_H
#define LANE_REPAIR_H

#include <stdbool.h>
#include <stdint.h>

#include "base/mono.h"

#define LANE_REPAIR_AFTER_US	    (2 * MONO_SEC)  /* an answer to the probe */
#define LANE_REPAIR_ALL_US	    (45 * MONO_SEC) /* the same where none lives */
#define LANE_REPAIR_PAUSE_US	    (5 * MONO_SEC)  /* between two attempts, at first */
#define LANE_REPAIR_MAX_PAUSE_US (60 * MONO_SEC) /* and at most; then it was well */

enum lane_repair_step { LANE_REPAIR_NOTHING, LANE_REPAIR_PROBE,
    LANE_REPAIR_REBUILD };

/* Zeroed storage is the state WELL. */
struct lane_repair {
	bool	    watching;
	bool	    others_alive; /* when WATCHING began */
	uint32_t    lanes; /* a bit each: dead since then */
	struct mono since; /* WATCHING, or WELL */
	struct mono next;  /* no attempt before that */
	int64_t	    pause_us;
};

/*
 * Call every second.  `dead` has a bit for each lane.  `others_alive`: other
 * lanes live, or the hub's address has changed, so that new lanes may work.
 * LANE_REPAIR_REBUILD: replace `repair->lanes`.
 */
enum lane_repair_step lane_repair_tick(struct lane_repair *repair,
    uint32_t dead,
    bool others_alive, struct mono now);

#endif /* LANE_REPAIR_H */
