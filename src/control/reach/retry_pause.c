/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "control/reach/retry_pause.h"

#include <bsd/stdlib.h>

#define FIRST_SEC     1.0
#define GROWTH	      1.25
#define MAX_ASKED_SEC 600 /* twice what a hub of ours asks for */

void
retry_pause_reset(struct retry_pause *pause)
{
	pause->sec = FIRST_SEC;
}

/* Limits the pause that a hub can ask for. */
void
retry_pause_ask(struct retry_pause *pause, unsigned sec)
{
	pause->asked_sec = sec < MAX_ASKED_SEC ? sec : MAX_ASKED_SEC;
}

double
retry_pause_next(struct retry_pause *pause)
{
	/* Between half and all of it. */
	double sec = pause->sec * (0.5 + arc4random_uniform(1000) / 2000.0);

	pause->is_asked = sec < pause->asked_sec;
	/* As long as the hub wants, or up to a quarter longer. */
	if (pause->is_asked)
		sec = pause->asked_sec *
		    (1 + arc4random_uniform(1000) / 4000.0);
	pause->asked_sec = 0;
	pause->sec = pause->sec * GROWTH < RETRY_PAUSE_MAX_SEC ?
	    pause->sec * GROWTH : RETRY_PAUSE_MAX_SEC;
	return sec;
}
