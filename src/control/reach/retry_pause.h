/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * retry_pause: how long a site waits before it tries its hubs again.
 *
 * From 1 s to 30 s, each pause a quarter longer than the previous one, so that
 * a pause is about a third of the time that the hub has been down; if it
 * doubled, it could be all of that time.  Jitter keeps sites from retrying in
 * step.  A hub may ask for a longer pause.
 */
#ifndef RETRY_PAUSE_H
#define RETRY_PAUSE_H

#include <stdbool.h>

#define RETRY_PAUSE_MAX_SEC 30

struct retry_pause {
	double	 sec; /* the next one, before jitter */
	unsigned asked_sec; /* by the hub, for the next one; or 0 */
	bool	 is_asked;  /* the hub determined the last one */
};

/* Starts over: the host was suspended, or a session was up. */
void retry_pause_reset(struct retry_pause *pause);
/* The next pause is at least `sec`, but at most ten minutes. */
void retry_pause_ask(struct retry_pause *pause, unsigned sec);
/* In seconds. */
double retry_pause_next(struct retry_pause *pause);

#endif /* RETRY_PAUSE_H */
