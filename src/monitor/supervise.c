/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 *   begin() --start() ok--> running --died--> schedule() --pause--> begin()
 *      `------ failed ---------------------------^
 */
#include "monitor/supervise.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

#include "base/log.h"

static int     begin(struct supervise *supervise);
static void    on_child(struct ev_loop *loop, struct ev_child *child, int what);
static void    on_due(struct ev_loop *loop, struct ev_timer *timer, int what);
static void    schedule(struct supervise *supervise);
static int64_t next_pause(const struct supervise *supervise, struct mono now);
static void    log_death(const struct supervise *supervise, int status);
static void    forget(struct supervise *supervise);

int
supervise_start(struct supervise *supervise, struct ev_loop *loop)
{
	supervise->loop = loop;
	supervise->pid = -1;
	supervise->stopping = false;
	supervise->deaths = supervise->row = 0;
	supervise->pause_us = 0;
	ev_timer_init(&supervise->timer, on_due, 0., 0.);
	ev_child_init(&supervise->child, on_child, 0, 0);
	/* Handled before other callbacks could use the dead process's pid. */
	ev_set_priority(&supervise->child, EV_MAXPRI);
	supervise->timer.data = supervise;
	supervise->child.data = supervise;
	return begin(supervise);
}

int
supervise_restart(struct supervise *supervise)
{
	int r;

	if (supervise->pid > 0)
		proc_kill(supervise->pid, supervise->pid);
	forget(supervise);
	ev_timer_stop(supervise->loop, &supervise->timer);
	r = begin(supervise);
	if (r < 0)
		schedule(supervise);
	return r;
}

void
supervise_kill(struct supervise *supervise)
{
	if (supervise->pid > 0)
		kill(supervise->pid, SIGKILL);
}

void
supervise_stop(struct supervise *supervise, int wait_ms)
{
	if (supervise->loop == NULL)
		return;
	supervise->stopping = true;
	ev_timer_stop(supervise->loop, &supervise->timer);
	if (supervise->pid <= 0)
		return;
	kill(supervise->pid, SIGTERM);
	if (!proc_wait(supervise->pid, wait_ms)) {
		log_warnx("%s: does not exit; killed",
		    proc_name(supervise->role));
		proc_kill(supervise->pid, supervise->pid);
	}
	forget(supervise);
}

static int
begin(struct supervise *supervise)
{
	pid_t pid = supervise->start(supervise);

	supervise->started_at = mono_now();
	if (pid < 0)
		return (int)pid;
	supervise->pid = pid;
	ev_child_set(&supervise->child, pid, 0);
	ev_child_start(supervise->loop, &supervise->child);
	log_debug("%s: started, pid %ld", proc_name(supervise->role),
	    (long)pid);
	return 0;
}

static void
on_child(struct ev_loop *loop, struct ev_child *child, int what)
{
	struct supervise *supervise = child->data;
	int		  status = child->rstatus;

	forget(supervise);
	if (supervise->stopping)
		return;
	supervise->deaths++;
	log_death(supervise, status);
	supervise->on_death(supervise);
	if (!supervise->stopping)
		schedule(supervise);
}

static void
on_due(struct ev_loop *loop, struct ev_timer *timer, int what)
{
	struct supervise *supervise = timer->data;
	int		  r;

	r = begin(supervise);
	if (r == 0)
		return;
	log_warnx("%s: cannot be started: %s", proc_name(supervise->role),
	    strerror(-r));
	schedule(supervise);
}

static void
schedule(struct supervise *supervise)
{
	struct mono now = mono_now();

	supervise->pause_us = next_pause(supervise, now);
	supervise->row =
	    supervise->pause_us > SUPERVISE_MIN_PAUSE_US ? supervise->row + 1 : 1;
	if (supervise->row > 1)
		log_warnx("%s: %u failures in a row; the next start is in "
			  "%.1f s", proc_name(supervise->role), supervise->row,
		    (double)supervise->pause_us / (double)MONO_SEC);
	/* The loop's time is old after waiting for a child. */
	ev_now_update(supervise->loop);
	ev_timer_stop(supervise->loop, &supervise->timer);
	ev_timer_set(&supervise->timer,
	    (double)supervise->pause_us / (double)MONO_SEC, 0.);
	ev_timer_start(supervise->loop, &supervise->timer);
}

static int64_t
next_pause(const struct supervise *supervise, struct mono now)
{
	int64_t pause = supervise->pause_us * 2;

	if (mono_sub(now, supervise->started_at) >= SUPERVISE_YOUNG_US)
		return SUPERVISE_MIN_PAUSE_US;
	if (pause < SUPERVISE_MIN_PAUSE_US)
		return SUPERVISE_MIN_PAUSE_US;
	return pause < SUPERVISE_MAX_PAUSE_US ? pause : SUPERVISE_MAX_PAUSE_US;
}

static void
log_death(const struct supervise *supervise, int status)
{
	if (WIFSIGNALED(status))
		log_warnx("%s: died by signal %d (%s)",
		    proc_name(supervise->role), WTERMSIG(status),
		    strsignal(WTERMSIG(status)));
	else
		log_warnx("%s: ended with status %d",
		    proc_name(supervise->role), WEXITSTATUS(status));
}

static void
forget(struct supervise *supervise)
{
	/* Also cancels a pending event. */
	ev_child_stop(supervise->loop, &supervise->child);
	supervise->pid = -1;
}
