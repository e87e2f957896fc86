/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "control/lane_repair.h"

static void be_well(struct lane_repair *repair, struct mono now);
static void plan(struct lane_repair *repair, struct mono now);

enum lane_repair_step
lane_repair_tick(struct lane_repair *repair, uint32_t dead, bool others_alive,
    struct mono now)
{
	/* One that comes and goes must not keep the others waiting. */
	repair->lanes &= dead;
	if (dead == 0) {
		be_well(repair, now);
		return LANE_REPAIR_NOTHING;
	}
	if (!repair->watching || repair->lanes == 0 ||
	    repair->others_alive != others_alive) {
		repair->watching = true;
		repair->others_alive = others_alive;
		repair->lanes = dead;
		repair->since = now;
		return LANE_REPAIR_PROBE;
	}
	if (mono_sub(now, repair->since) <
		(others_alive ? LANE_REPAIR_AFTER_US : LANE_REPAIR_ALL_US) ||
	    (others_alive && !mono_is_due(repair->next, now)))
		return LANE_REPAIR_NOTHING;
	if (others_alive)
		plan(repair, now);
	else
		*repair = (struct lane_repair) { .lanes = repair->lanes,
			.since = now };
	return LANE_REPAIR_REBUILD;
}

static void
be_well(struct lane_repair *repair, struct mono now)
{
	if (repair->watching)
		repair->since = now;
	repair->watching = false;
	if (mono_sub(now, repair->since) >= LANE_REPAIR_MAX_PAUSE_US)
		repair->pause_us = 0;
}

static void
plan(struct lane_repair *repair, struct mono now)
{
	repair->watching = false;
	repair->since = now;
	repair->pause_us *= 2;
	if (repair->pause_us < LANE_REPAIR_PAUSE_US)
		repair->pause_us = LANE_REPAIR_PAUSE_US;
	if (repair->pause_us > LANE_REPAIR_MAX_PAUSE_US)
		repair->pause_us = LANE_REPAIR_MAX_PAUSE_US;
	repair->next = mono_add(now, repair->pause_us);
}
