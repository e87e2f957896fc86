/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * loop_watch: sends a hub's loop probes and receives them.
 *
 * In each round worker 0 sends a probe to the device and to every site of this
 * hub, one eighth of the ports at a time.  A round takes two seconds, or ten
 * with a thousand sites.  Blocked ports are probed too, to notice when a loop
 * is gone.  All workers receive probes.
 *
 * A loop also shows in the address table: a host's broadcasts come back by
 * another port, so its address seems to move there.  That port is probed at
 * once, at most ten times a second per worker, because moves can be forged.
 *
 * The control thread gets the results and decides (dataplane/loop_guard.h).
 */
#ifndef LOOP_WATCH_H
#define LOOP_WATCH_H

#include <stdbool.h>

#define LOOP_WATCH_ROUND_MAX_SEC 10

struct frame;
struct port;
struct worker;

/* Worker 0, at every tick: sends the probes that are due. */
void loop_watch_tick(struct worker *worker);

/* Probes a port that can be sent to from now on. */
void loop_watch_probe_port(struct worker *worker, struct port *port);

/*
 * Probes `to`, where an address was seen that was known at another port.  The
 * probe is in the worker's memory until its next flush.
 */
void loop_watch_moved(struct worker *worker, struct port *to);

/* True if the frame is one of our probes; do not forward it then. */
bool loop_watch_heard(struct worker *worker, struct port *from,
    const struct frame *frame);

#endif /* LOOP_WATCH_H */
