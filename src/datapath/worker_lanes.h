/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * worker_lanes: a port's lanes at their worker, and how new keys replace old.
 *
 *            all confirmed              2 s
 *   next ------------------> set ------------------> (control frees it)
 *                                as `old`: heard, no longer sent by
 *
 * Make before break: a lane of `next` carries frames as soon as it can, the
 * others go on with the old keys, and records under way are still opened.
 * Where a phase comes before the last one is complete, that one moves on with
 * the lanes that it has; if it has none it is forgotten.
 */
#ifndef WORKER_LANES_H
#define WORKER_LANES_H

#include <stdbool.h>
#include <stdint.h>

struct lane;
struct lane_set;
struct port;
struct worker;

/* Starts the port's first lanes, and listens to their sockets, if they have some. */
void worker_lanes_attach(struct worker *worker, struct port *port);
/* Stops all of them.  Nothing that is queued may point into them. */
void worker_lanes_detach(struct worker *worker, struct port *port);

/* Takes over lanes of a newer phase. */
void worker_lanes_renew(struct worker *worker, struct lane_set *next);

/* Every lane at work sends an ECHO now. */
void worker_lanes_probe(struct worker *worker, struct port *port);

/* Ticks each lane; moves on.  True while something is under way. */
bool worker_lanes_tick(struct worker *worker, struct port *port);

/* NULL when the port has none of this number and phase. */
struct lane *worker_lanes_find(struct port *port, uint8_t phase,
    uint8_t number);

#endif /* WORKER_LANES_H */
