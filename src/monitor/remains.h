/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * remains: patience with a daemon that was killed.  Its device, its ports and its
 * local socket are there until the last of its processes is gone, which under a
 * thousand sites takes longer than it takes to be started again.
 */
#ifndef REMAINS_H
#define REMAINS_H

#include <stdbool.h>
#include <time.h>

#include "base/log.h"

#define REMAINS_STEP_MS	  100
#define REMAINS_MAX_STEPS 30

/*
 * Waits a step, and says so once; `what` is taken.  False when `*steps`, at first
 * 0, are as many as there may be.
 */
static inline bool
remains_wait(const char *what, unsigned *steps)
{
	const struct timespec step = { .tv_nsec = REMAINS_STEP_MS * 1000000L };

	if (*steps == REMAINS_MAX_STEPS)
		return false;
	if ((*steps)++ == 0)
		log_info("%s: taken: waiting in case a killed daemon leaves it",
		    what);
	nanosleep(&step, NULL);
	return true;
}

#endif /* REMAINS_H */
