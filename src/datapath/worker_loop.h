/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * worker_loop: sends the loop probes of a server and hears them come back.
 *
 * Worker 0 sends one out of every port in a round of two seconds, or of ten
 * where there are a thousand sites, to blocked ones too (so that we know when a
 * loop is gone), an eighth of the ports at a time; every worker listens.
 *
 * A loop betrays itself sooner: what a host sends to all comes back by another
 * port, and its address seems to move.  So the port where that happens is
 * probed at once; each worker does so ten times a second at most, for moves
 * can be made up.
 *
 * What was heard goes to the control thread, which decides (control/loops.h).
 */
#ifndef WORKER_LOOP_H
#define WORKER_LOOP_H

#include <stdbool.h>

#define WORKER_LOOP_ROUND_MAX_SEC 10

struct frame;
struct port;
struct worker;

/* Worker 0, at every tick: the probes that are due. */
void worker_loop_tick(struct worker *worker);

/* A port that can be sent to from now on is probed at once. */
void worker_loop_probe_port(struct worker *worker, struct port *port);

/*
 * An address was seen at `to` that was known elsewhere.  Lends memory of the
 * worker's until its next flush.
 */
void worker_loop_moved(struct worker *worker, struct port *to);

/* Whether a frame was a probe of ours (then it goes no further). */
bool worker_loop_heard(struct worker *worker, struct port *from,
    const struct frame *frame);

#endif /* WORKER_LOOP_H */
