/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * happy_eyeballs: connections to the addresses of one server, of which the
 * first wins.
 *
 * As RFC 8305 has it: IPv6 and IPv4 in turn, the next one
 * HAPPY_EYEBALLS_DELAY_SEC after
 * the one before or when that has failed; when one is there, the others are
 * closed.  The monitor makes the sockets, and is asked by place in its own
 * list.  Who was not there by then may be tried later, with
 * happy_eyeballs_go_on().
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
	/* How it went: 0, or an errno value. */
	void (*on_came_out)(void *arg, unsigned place, int error);
	/* From the loop, last of all; `fd` is the callee's, and connected. */
	void (*on_won)(void *arg, int fd, unsigned place);
	/* From the loop, last of all: none is left. */
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

/* Everything is borrowed; `asks` is what else asks the monitor, too. */
void happy_eyeballs_init(struct happy_eyeballs *race, struct ev_loop *loop,
    struct monitor_ask *monitor, struct bucket *asks,
    const struct happy_eyeballs_events *events, void *arg);

/*
 * Another race: `n` addresses (at most REQUEST_MAX_ENDPOINTS) of what is number
 * `which` for the monitor.  It goes with happy_eyeballs_go_on().
 */
void happy_eyeballs_begin(struct happy_eyeballs *race, unsigned which,
    const struct endpoint *list,
    unsigned n);
/* Tries those that were not tried, or not long enough; false: none is left. */
bool happy_eyeballs_go_on(struct happy_eyeballs *race);
/* Nothing is under way any more, and no event comes. */
void happy_eyeballs_stop(struct happy_eyeballs *race);

#endif /* HAPPY_EYEBALLS_H */
