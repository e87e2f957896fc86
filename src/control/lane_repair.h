/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * lane_repair: when a site makes lanes anew that died (PROTOCOL 5.7).
 *
 *            some are dead               still, 2 s later
 *   WELL -----------------> WATCHING -----------------------> rebuild them
 *    ^    PROBE all lanes      |                                  |
 *    +------ none of them -----+<------------ the pause ----------+
 *
 * Each attempt that does not help makes the pause longer.  Where nothing lives
 * it is likely the way, not the lanes, and frames go by TCP (transport.h); but it
 * may be that only the way of these ports is blocked, by what a NAT remembers of
 * them.  So all are made anew then, too, seldom: LANE_REPAIR_ALL_US after the
 * probe.
 * Pure: no clock, no lane.
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

/* Zeroed, nothing was ever wrong. */
struct lane_repair {
	bool	    watching;
	bool	    others_alive; /* as it was told, WATCHING */
	uint32_t    lanes; /* a bit each: dead since then */
	struct mono since; /* WATCHING, or WELL */
	struct mono next;  /* no attempt before that */
	int64_t	    pause_us;
};

/*
 * Every second.  `dead`: a bit a lane; `others_alive`: other
 * lanes live, or the network changed and new lanes may get through.  LANE_REPAIR_REBUILD: make `repair->lanes`
 * anew.
 */
enum lane_repair_step lane_repair_tick(struct lane_repair *repair,
    uint32_t dead,
    bool others_alive, struct mono now);

#endif /* LANE_REPAIR_H */
