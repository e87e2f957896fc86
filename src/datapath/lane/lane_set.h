/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * lane_set: one worker's lanes to a site, all of one phase of keys.
 *
 * Control creates a set and posts it with its port, or on its own when keys are
 * renewed.  From then on only the worker uses it, except for the atomic members
 * of its lanes.  The set's letter returns it to control, which frees it.
 */
#ifndef LANE_SET_H
#define LANE_SET_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "base/mono.h"
#include "datapath/lane/lane.h"
#include "datapath/util/mailbox.h"

struct port;

struct lane_set {
	struct letter letter; /* to the worker: a new set; back: free it */
	struct port  *port;
	uint8_t	      phase;
	unsigned      n;
	struct mono   retire_at; /* used by the worker: when it is old enough */
	LIST_ENTRY(lane_set) entry; /* used by control */
	struct lane   lanes[]; /* in order of number */
};

/* A set of `n` zeroed lanes of that port and phase.  NULL: out of memory. */
struct lane_set *lane_set_new(struct port *port, uint8_t phase, unsigned n);
/*
 * Wipes the keys and closes sockets that no worker took; the lanes must be
 * stopped.
 */
void lane_set_free(struct lane_set *set);

/* True if every lane of the set is ready. */
bool lane_set_is_up(const struct lane_set *set);

struct lane *lane_set_find(struct lane_set *set, uint8_t number);

#endif /* LANE_SET_H */
