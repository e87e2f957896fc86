/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * watchdog: whether the engine answers; and the service manager's watchdog,
 * which
 * is fed with its answers and with nothing else.
 *
 * A PING every 5 s.  An engine that owes the answer to one for 30 s hangs: its
 * owner ends it.  Where a watchdog waits (WATCHDOG_USEC, sd_notify(3)) that is
 * no longer than half of its time, so a new engine is there before it bites.
 * It counts turns of a timer, so the time that a host is suspended is nobody's
 * fault.
 */
#ifndef WATCHDOG_H
#define WATCHDOG_H

#include <stdbool.h>

#include <ev.h>

#include "proc/chan.h"

#define WATCHDOG_SEC    5.0
#define WATCHDOG_SILENT 6 /* so many times that it is silent */

struct watchdog {
	/* Set by the owner after watchdog_init(). */
	void (*on_silent)(void *arg); /* logged already; end the engine */
	void *arg;

	struct ev_loop *loop;
	struct ev_timer timer;
	struct chan    *engine; /* NULL: none that is up */
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
