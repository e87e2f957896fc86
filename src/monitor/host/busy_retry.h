/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * busy_retry: waits for a device, port or local socket that a killed daemon
 * still holds.  They are busy until the last of its processes has exited, which
 * with a thousand sites takes longer than a restart.
 */
#ifndef BUSY_RETRY_H
#define BUSY_RETRY_H

#include <stdbool.h>
#include <time.h>

#include "base/log.h"

#define BUSY_RETRY_STEP_MS	  100
#define BUSY_RETRY_MAX_STEPS 30

/*
 * Waits one step because `what` is busy, and logs that once.  `*steps` starts
 * at 0.  False after the last step.
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
