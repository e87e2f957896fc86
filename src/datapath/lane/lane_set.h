/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * lane_set: one worker's lanes to a site, all of one phase of keys.
 *
 * Control makes it and posts it with its port, or, when keys are to be
 * renewed, on its own.  From then on only the worker touches it, but for the
 * atomic members of its lanes, until its letter comes back: then it is
 * control's to free.
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
	struct letter letter; /* to the worker: take it; back: it is free */
	struct port  *port;
	uint8_t	      phase;
	unsigned      n;
	struct mono   retire_at; /* the worker's: when it is old enough */
	LIST_ENTRY(lane_set) entry; /* control's */
	struct lane   lanes[]; /* in order of number */
};

/* With `n` lanes, zeroed but for port and phase; NULL when there is no memory. */
struct lane_set *lane_set_new(struct port *port, uint8_t phase, unsigned n);
/* Wipes the keys, closes sockets that no worker took; its lanes are stopped. */
void lane_set_free(struct lane_set *set);

/* Whether every one of them carries frames. */
bool lane_set_is_up(const struct lane_set *set);

struct lane *lane_set_find(struct lane_set *set, uint8_t number);

#endif /* LANE_SET_H */
