/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * happy_eyeballs: connects to the addresses of one server; the first connection
 * that is established wins (RFC 8305).
 *
 * IPv6 and IPv4 addresses alternate.  Each attempt starts
 * HAPPY_EYEBALLS_DELAY_SEC after the previous one, or when that fails.  The
 * others are closed when one wins; happy_eyeballs_go_on() tries them later.
 * The monitor makes the sockets; requests name an address by its place in the
 * list.
 */
#ifndef HAPPY_EYEBALLS_H
#define HAPPY_EYEBALLS_H

#include <ev.h>
#include <stdbool.h>

#include "base/addr.h"
#include "base/bucket.h"
#include "engine/ask/monitor_ask.h"
#include "proc/request.h"

#define HAPPY_EYEBALLS_DELAY_SEC	  0.25
#define HAPPY_EYEBALLS_PATIENCE_SEC 10 /* with all of them, from the last one on */
/* What the monitor is asked; well within what it permits (monitor/serve/serve.c). */
#define HAPPY_EYEBALLS_ASK_BURST	  24
#define HAPPY_EYEBALLS_ASK_PAUSE_US (MONO_SEC / 4)

/* A `place` is one in the list that happy_eyeballs_begin() was given. */
struct happy_eyeballs_events {
	void (*on_trying)(void *arg, unsigned place);
	/* The result of an attempt: 0, or an errno value. */
	void (*on_came_out)(void *arg, unsigned place, int error);
	/*
	 * From the loop, the last event; the callee owns `fd`, which is
	 * connected.
	 */
	void (*on_won)(void *arg, int fd, unsigned place);
	/* From the loop, the last event: all attempts have failed. */
	void (*on_lost)(void *arg);
};

struct happy_eyeballs {
	struct ev_loop		 *loop;
	struct monitor_ask	 *monitor;
	struct bucket		 *asks;
	const struct happy_eyeballs_events *events;
	void			 *arg;
	unsigned		  which;
	unsigned		  n;
	unsigned		  order[REQUEST_MAX_ENDPOINTS];
	struct happy_eyeballs_attempt {
		struct happy_eyeballs *race;
		enum { HAPPY_EYEBALLS_UNTRIED, HAPPY_EYEBALLS_TRYING,
		    HAPPY_EYEBALLS_DONE } state;
		int	     fd; /* connecting; -1: none (yet) */
		struct ev_io writable;
	} attempts[REQUEST_MAX_ENDPOINTS]; /* by place */
	struct ev_timer delay, patience;
};

/* Borrows all; `asks` limits all requests to the monitor together. */
void happy_eyeballs_init(struct happy_eyeballs *race, struct ev_loop *loop,
    struct monitor_ask *monitor, struct bucket *asks,
    const struct happy_eyeballs_events *events, void *arg);

/*
 * Prepares attempts for `n` addresses (at most REQUEST_MAX_ENDPOINTS) of the
 * monitor's server `which`.  happy_eyeballs_go_on() starts them.
 */
void happy_eyeballs_begin(struct happy_eyeballs *race, unsigned which,
    const struct endpoint *list,
    unsigned n);
/*
 * Tries those that were not tried, or not long enough; false if none is left.
 */
bool happy_eyeballs_go_on(struct happy_eyeballs *race);
/* Ends all attempts; no event follows. */
void happy_eyeballs_stop(struct happy_eyeballs *race);

#endif /* HAPPY_EYEBALLS_H */
