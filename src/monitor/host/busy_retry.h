/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * busy_retry: patience with a daemon that was killed.  Its device, its ports
 * and its
 * local socket are there until the last of its processes is gone, which under a
 * thousand sites takes longer than it takes to be started again.
 */
#ifndef BUSY_RETRY_H
#define BUSY_RETRY_H

#include <stdbool.h>
#include <time.h>

#include "base/log.h"

#define BUSY_RETRY_STEP_MS	  100
#define BUSY_RETRY_MAX_STEPS 30

/*
 * Waits a step, and says so once; `what` is taken.  False when `*steps`, at first
 * 0, are as many as there may be.
 */
static inline bool
busy_retry_wait(const char *what, unsigned *steps)
{
	const struct timespec step = { .tv_nsec =
	    BUSY_RETRY_STEP_MS * 1000000L };

	if (*steps == BUSY_RETRY_MAX_STEPS)
		return false;
	if ((*steps)++ == 0)
		log_info("%s: taken: waiting in case a killed daemon leaves it",
		    what);
	nanosleep(&step, NULL);
	return true;
}

#endif /* BUSY_RETRY_H */
