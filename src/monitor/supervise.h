/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * supervise: keeps one child process running.
 *
 * Starts it again when it dies.  The pause before that doubles from 100 ms to
 * 30 s if it dies within a minute again and again.  Logs how it died and the
 * pause.
 */
#ifndef SUPERVISE_H
#define SUPERVISE_H

#include <stdbool.h>
#include <sys/types.h>

#include <ev.h>

#include "base/mono.h"
#include "proc/proc.h"

#define SUPERVISE_MIN_PAUSE_US (100 * MONO_MS)
#define SUPERVISE_MAX_PAUSE_US (30 * MONO_SEC)
#define SUPERVISE_YOUNG_US     (60 * MONO_SEC)

struct supervise {
	enum proc_role	role;
	pid_t		pid; /* -1: not running */
	bool		stopping;
	unsigned	deaths;	 /* for status */
	unsigned	row;	 /* in a row, each within a minute */
	int64_t		pause_us; /* before the next start */
	struct mono	started_at;
	struct ev_loop *loop;
	struct ev_child child;
	struct ev_timer timer;
	/* Starts the process; returns its pid or a negative errno value. */
	pid_t (*start)(struct supervise *supervise);
	/* It died: close its channel; it will be started again. */
	void (*on_death)(struct supervise *supervise);
	void *arg;
};

/*
 * Starts it now.  The struct belongs to the caller; callbacks as above.  `loop`
 * must be libev's default loop, the only one that watches child processes.
 */
int supervise_start(struct supervise *supervise, struct ev_loop *loop);

/*
 * Kills it and starts it again, without a pause and without on_death, because
 * the process at the other end of its channels died.  Blocks as long as SIGKILL
 * takes. 0 or a negative errno value; then the start is tried again later.
 */
int supervise_restart(struct supervise *supervise);

/* Kills it, because it broke a rule or hangs; it will be started again. */
void supervise_kill(struct supervise *supervise);

/*
 * Stops it without a restart: sends SIGTERM, waits up to `wait_ms`, then sends
 * SIGKILL and waits up to 5 s.  Blocking; for the end of the monitor.  Does
 * nothing if it was never started (all zeros).
 */
void supervise_stop(struct supervise *supervise, int wait_ms);

#endif /* SUPERVISE_H */
