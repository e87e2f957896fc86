/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * supervise: keeps one child process running.
 *
 * Starts it again when it dies, after a pause that doubles from 100 ms to 30 s
 * while it keeps dying young, and logs how it died and how long the pause is.
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
	unsigned	row;	 /* of them, young and one after another */
	int64_t		pause_us; /* before the next start */
	struct mono	started_at;
	struct ev_loop *loop;
	struct ev_child child;
	struct ev_timer timer;
	/* Starts the process; returns its pid or a negative errno value. */
	pid_t (*start)(struct supervise *supervise);
	/* It died (its channel is to be closed); it will be started again. */
	void (*on_death)(struct supervise *supervise);
	void *arg;
};

/*
 * Starts it now.  The struct is the caller's; callbacks as above.  `loop` is
 * libev's default loop: no other one hears of children.
 */
int supervise_start(struct supervise *supervise, struct ev_loop *loop);

/*
 * Ends it at once and starts it anew, without a pause and without on_death:
 * the process at the other end of its channels is gone.  Blocking, but only
 * for as long as SIGKILL takes.  0 or a negative errno value; then it will be
 * tried again.
 */
int supervise_restart(struct supervise *supervise);

/* SIGKILL, as the answer to a broken rule; it will be started again. */
void supervise_kill(struct supervise *supervise);

/*
 * Ends it for good: closes nothing, sends SIGTERM, waits up to `wait_ms`, then
 * sends SIGKILL and waits up to 5 s.  Blocking; for the end of the monitor.  One that was never started
 * (all zeros) is fine.
 */
void supervise_stop(struct supervise *supervise, int wait_ms);

#endif /* SUPERVISE_H */
