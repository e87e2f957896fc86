/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * worker_lanes: a port's lanes at their worker, and how new keys replace old.
 *
 *            all confirmed              2 s
 *   next ------------------> set ------------------> (control frees it)
 *                                as `old`: only receives
 *
 * A lane of `next` carries frames as soon as it is ready.  The others go on
 * with the old keys, and records under way are still opened.  If another phase
 * arrives before `next` is complete, `next` is put into use with the lanes that
 * are ready; if none is, it is discarded.
 */
#ifndef WORKER_LANES_H
#define WORKER_LANES_H

#include <stdbool.h>
#include <stdint.h>

struct lane;
struct lane_set;
struct port;
struct worker;

/* Starts the port's first lanes and listens to their sockets, if any. */
void worker_lanes_attach(struct worker *worker, struct port *port);
/* Stops all lanes.  No queued frame may point into them. */
void worker_lanes_detach(struct worker *worker, struct port *port);

/* Adopts lanes of a newer phase. */
void worker_lanes_renew(struct worker *worker, struct lane_set *next);

/* Sends an ECHO by every lane, now. */
void worker_lanes_probe(struct worker *worker, struct port *port);

/*
 * Ticks each lane and changes sets when it is time.  True while something is
 * under way.
 */
bool worker_lanes_tick(struct worker *worker, struct port *port);

/* NULL: the port has no lane of this number and phase. */
struct lane *worker_lanes_find(struct port *port, uint8_t phase,
    uint8_t number);

#endif /* WORKER_LANES_H */
