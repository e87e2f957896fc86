/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "monitor/pulse.h"

#include <stdlib.h>
#include <unistd.h>

#include <bsd/stdlib.h>

#include "base/log.h"
#include "monitor/notify.h"
#include "proc/request.h"

#define MIN_SEC 0.1

static double watchdog_sec(void);
static void   on_due(struct ev_loop *loop, struct ev_timer *timer, int what);
static void   ask(struct pulse *pulse);

void
pulse_init(struct pulse *pulse, struct ev_loop *loop)
{
	double limit = watchdog_sec(), every = PULSE_SEC;

	*pulse = (struct pulse) { .loop = loop, .watched = limit > 0 };
	if (limit > 0 && limit / 2 / PULSE_SILENT < every)
		every = limit / 2 / PULSE_SILENT;
	if (every < MIN_SEC)
		every = MIN_SEC;
	ev_timer_init(&pulse->timer, on_due, every, every);
	pulse->timer.data = pulse;
}

void
pulse_start(struct pulse *pulse, struct chan *engine)
{
	pulse_stop(pulse);
	pulse->engine = engine;
	ev_timer_again(pulse->loop, &pulse->timer);
	ask(pulse);
}

void
pulse_stop(struct pulse *pulse)
{
	ev_timer_stop(pulse->loop, &pulse->timer);
	pulse->engine = NULL;
	pulse->waits = false;
	pulse->silent = 0;
}

void
pulse_heard(struct pulse *pulse)
{
	if (!pulse->waits)
		return;
	pulse->waits = false;
	pulse->silent = 0;
	if (pulse->watched)
		notify_send("WATCHDOG=1");
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
		log_warnx("$WATCHDOG_USEC is not understood: the service "
			  "manager gets no sign of life");
		return 0;
	}
	return (double)value / 1e6;
}

static void
on_due(struct ev_loop *loop, struct ev_timer *timer, int what)
{
	struct pulse *pulse = timer->data;

	(void)loop;
	(void)what;
	if (!pulse->waits) {
		ask(pulse);
	} else if (++pulse->silent == PULSE_SILENT) {
		log_warnx("engine: does not answer for %.0f s; it is ended",
		    PULSE_SILENT * timer->repeat);
		pulse->on_silent(pulse->arg);
	}
}

/* One that cannot be sent stays unanswered. */
static void
ask(struct pulse *pulse)
{
	pulse->waits = true;
	(void)chan_send(pulse->engine, REQUEST_PING, 0, NULL, 0, NULL, 0);
}
