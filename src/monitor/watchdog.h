/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * watchdog: checks that the engine answers, and notifies the service manager's
 * watchdog when it does.
 *
 * Sends a PING every 5 s.  If the engine does not answer for 30 s, the owner
 * kills it.  If the service manager has a watchdog (WATCHDOG_USEC,
 * sd_notify(3)), the limit is at most half of its time, so that a new engine is
 * up before it acts.  Time is counted in runs of a timer, so that the time a
 * host is suspended does not count.
 */
#ifndef WATCHDOG_H
#define WATCHDOG_H

#include <stdbool.h>

#include <ev.h>

#include "proc/chan.h"

#define WATCHDOG_SEC    5.0
#define WATCHDOG_SILENT 6 /* after so many unanswered PINGs */

struct watchdog {
	/* Set by the owner after watchdog_init(). */
	void (*on_silent)(void *arg); /* kill it; this was logged */
	void *arg;

	struct ev_loop *loop;
	struct ev_timer timer;
	struct chan    *engine; /* NULL: no engine is up */
	bool		waits;
	unsigned	silent;
	bool		watched; /* by the service manager */
};

void watchdog_init(struct watchdog *watchdog, struct ev_loop *loop);

/* An engine is up (its channel is borrowed); it is gone. */
void watchdog_start(struct watchdog *watchdog, struct chan *engine);
void watchdog_stop(struct watchdog *watchdog);

/* PONG came. */
void watchdog_heard(struct watchdog *watchdog);

#endif /* WATCHDOG_H */
