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
static void   ask(struct watchdog *pulse);

void
watchdog_init(struct watchdog *pulse, struct ev_loop *loop)
{
	double limit = watchdog_sec(), every = WATCHDOG_SEC;

	*pulse = (struct watchdog) { .loop = loop, .watched = limit > 0 };
	if (limit > 0 && limit / 2 / WATCHDOG_SILENT < every)
		every = limit / 2 / WATCHDOG_SILENT;
	if (every < MIN_SEC)
		every = MIN_SEC;
	ev_timer_init(&pulse->timer, on_due, every, every);
	pulse->timer.data = pulse;
}

void
watchdog_start(struct watchdog *pulse, struct chan *engine)
{
	watchdog_stop(pulse);
	pulse->engine = engine;
	ev_timer_again(pulse->loop, &pulse->timer);
	ask(pulse);
}

void
watchdog_stop(struct watchdog *pulse)
{
	ev_timer_stop(pulse->loop, &pulse->timer);
	pulse->engine = NULL;
	pulse->waits = false;
	pulse->silent = 0;
}

void
watchdog_heard(struct watchdog *pulse)
{
	if (!pulse->waits)
		return;
	pulse->waits = false;
	pulse->silent = 0;
	if (pulse->watched)
		sd_notify_send("WATCHDOG=1");
}

/* What the service manager allows between two signs of life; 0: it waits for none. */
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
	struct watchdog *pulse = timer->data;

	if (!pulse->waits) {
		ask(pulse);
	} else if (++pulse->silent == WATCHDOG_SILENT) {
		log_warnx("engine: does not answer for %.0f s; it is killed",
		    WATCHDOG_SILENT * timer->repeat);
		pulse->on_silent(pulse->arg);
	}
}

/* One that cannot be sent stays unanswered. */
static void
ask(struct watchdog *pulse)
{
	pulse->waits = true;
	(void)chan_send(pulse->engine, REQUEST_PING, 0, NULL, 0, NULL, 0);
}
