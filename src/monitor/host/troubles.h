/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * troubles: what on this host is not as it should be, since when and why; for
 * the log and for status.
 *
 * A look at the host is a round: what is not added again in it has ended.  The
 * log names a trouble once it has lasted a second.
 */
#ifndef TROUBLES_H
#define TROUBLES_H

#include <stdbool.h>

#include "base/mono.h"
#include "proc/request.h"

/* Zeroed: there are none. */
struct troubles {
	struct trouble {
		struct request_trouble row;
		bool		       is_now; /* in this round */
		bool		       is_said;
	} list[REQUEST_MAX_TROUBLES];
	unsigned n;
};

void troubles_begin(struct troubles *troubles);
/* `what` is short and always the same, as in "route 10.0.7.0/24". */
void troubles_add(struct troubles *troubles, const char *what, const char *fmt,
    ...) __attribute__((__format__(printf, 3, 4)));
/*
 * Ends the round.  `at_once`: the log need not wait.  Whether some wait to be
 * said.
 */
bool troubles_end(struct troubles *troubles, const char *device, bool at_once);

/* All of them; whether they are others than in `told`. */
bool troubles_tell(const struct troubles *troubles, struct request_host *told);

#endif /* TROUBLES_H */
