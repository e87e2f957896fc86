/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * retry_pause: how long a site waits before it tries its hubs again.
 *
 * From 1 s to 30 s, each pause a quarter longer than the one before: about a
 * third of the time that the hub is away.  Doubled, it would be all of that, and
 * who was unlucky would stay away as long again.  Jittered, so that sites do not
 * come in step.  A hub may ask for more.
 */
#ifndef RETRY_PAUSE_H
#define RETRY_PAUSE_H

#include <stdbool.h>

#define RETRY_PAUSE_MAX_SEC 30

struct retry_pause {
	double	 sec; /* the next one, before chance */
	unsigned asked_sec; /* by the hub, for the next one; or 0 */
	bool	 is_asked;  /* the last one was as long as that */
};

/* From now on as at first: the host was suspended, or a session stood. */
void retry_pause_reset(struct retry_pause *pause);
/* The next one is at least so long; ten minutes at most. */
void retry_pause_ask(struct retry_pause *pause, unsigned sec);
/* In seconds. */
double retry_pause_next(struct retry_pause *pause);

#endif /* RETRY_PAUSE_H */
