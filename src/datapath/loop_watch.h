/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * loop_watch: sends a hub's loop probes and hears them come back.
 *
 * Worker 0 sends one out of the device and to every site of ours in a round of two
 * seconds, or of ten where there are a thousand, to blocked ones too (so that we know when a
 * loop is gone), an eighth of the ports at a time; every worker listens.
 *
 * A loop betrays itself sooner: what a host sends to all comes back by another
 * port, and its address seems to move.  So the port where that happens is
 * probed at once; each worker does so ten times a second at most, for moves
 * can be made up.
 *
 * What was heard goes to the control thread, which decides
 * (dataplane/loop_guard.h).
 */
#ifndef LOOP_WATCH_H
#define LOOP_WATCH_H

#include <stdbool.h>

#define LOOP_WATCH_ROUND_MAX_SEC 10

struct frame;
struct port;
struct worker;

/* Worker 0, at every tick: the probes that are due. */
void loop_watch_tick(struct worker *worker);

/* A port that can be sent to from now on is probed at once. */
void loop_watch_probe_port(struct worker *worker, struct port *port);

/*
 * An address was seen at `to` that was known elsewhere.  Lends memory of the
 * worker's until its next flush.
 */
void loop_watch_moved(struct worker *worker, struct port *to);

/* Whether a frame was a probe of ours (then it goes no further). */
bool loop_watch_heard(struct worker *worker, struct port *from,
    const struct frame *frame);

#endif /* LOOP_WATCH_H */
