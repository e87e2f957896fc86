/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "monitor/watchdog.h"

#include <stdlib.h>
#include <unistd.h>

#include <bsd/stdlib.h>

#include "base/log.h"
#include "monitor/sd_notify.h"
#include "proc/request.h"

#define MIN_SEC 0.1

static double watchdog_sec(void);
static void   on_due(struct ev_loop *loop, struct ev_timer *timer, int what);
static void   ask(struct watchdog *watchdog);

void
watchdog_init(struct watchdog *watchdog, struct ev_loop *loop)
{
	double limit = watchdog_sec(), every = WATCHDOG_SEC;

	*watchdog = (struct watchdog) { .loop = loop, .watched = limit > 0 };
	if (limit > 0 && limit / 2 / WATCHDOG_SILENT < every)
		every = limit / 2 / WATCHDOG_SILENT;
	if (every < MIN_SEC)
		every = MIN_SEC;
	ev_timer_init(&watchdog->timer, on_due, every, every);
	watchdog->timer.data = watchdog;
}

void
watchdog_start(struct watchdog *watchdog, struct chan *engine)
{
	watchdog_stop(watchdog);
	watchdog->engine = engine;
	ev_timer_again(watchdog->loop, &watchdog->timer);
	ask(watchdog);
}

void
watchdog_stop(struct watchdog *watchdog)
{
	ev_timer_stop(watchdog->loop, &watchdog->timer);
	watchdog->engine = NULL;
	watchdog->waits = false;
	watchdog->silent = 0;
}

void
watchdog_heard(struct watchdog *watchdog)
{
	if (!watchdog->waits)
		return;
	watchdog->waits = false;
	watchdog->silent = 0;
	if (watchdog->watched)
		sd_notify_send("WATCHDOG=1");
}

/*
 * The longest time between two notifications that the service manager allows;
 * 0: it has no watchdog.
 */
static double
watchdog_sec(void)
{
	const char *usec = getenv("WATCHDOG_USEC"), *pid = getenv("WATCHDOG_PID");
	const char *wrong;
	long long   value;

	if (usec == NULL)
		return 0;
	if (pid != NULL && strtonum(pid, 1, INT32_MAX, &wrong) != getpid())
		return 0;
	value = strtonum(usec, 1, INT64_MAX, &wrong);
	if (wrong != NULL) {
		log_warnx("$WATCHDOG_USEC is not valid: the service manager "
			  "gets no watchdog notifications");
		return 0;
	}
	return (double)value / 1e6;
}

static void
on_due(struct ev_loop *loop, struct ev_timer *timer, int what)
{
	struct watchdog *watchdog = timer->data;

	if (!watchdog->waits) {
		ask(watchdog);
	} else if (++watchdog->silent == WATCHDOG_SILENT) {
		log_warnx("engine: does not answer for %.0f s; it is killed",
		    WATCHDOG_SILENT * timer->repeat);
		watchdog->on_silent(watchdog->arg);
	}
}

/* A ping that cannot be sent is not answered. */
static void
ask(struct watchdog *watchdog)
{
	watchdog->waits = true;
	(void)chan_send(watchdog->engine, REQUEST_PING, 0, NULL, 0, NULL, 0);
}
