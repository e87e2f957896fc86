/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * connect_refusals: whether a server that refuses connections has ended.
 *
 * One refusal says little: anyone on the way can send a reset, and a router that
 * loses a line rejects for a moment.  They must last: several, for some
 * seconds, from the address of the session that is missed, and nothing else from
 * there between them.  What other servers say, or a proxy, is not about it.
 * Pure: no clock, no socket.
 */
#ifndef CONNECT_REFUSALS_H
#define CONNECT_REFUSALS_H

#include <stdbool.h>

#include "base/addr.h"
#include "base/mono.h"

#define CONNECT_REFUSALS_LAST_US (4 * MONO_SEC) /* from the first to the newest */
#define CONNECT_REFUSALS_LEAST	 3

/* Zeroed, nobody is looked at. */
struct connect_refusals {
	struct endpoint by;
	unsigned	n; /* in a row */
	struct mono	first, newest;
};

/* `by`: whose refusals count from now on; len 0: nobody's. */
void connect_refusals_begin(struct connect_refusals *refusals,
    const struct endpoint *by);

/* An attempt to connect to `at` came out: an errno value, 0: it is connected. */
void connect_refusals_note(struct connect_refusals *refusals,
    const struct endpoint *at,
    int error, struct mono now);

bool connect_refusals_last(const struct connect_refusals *refusals);

#endif /* CONNECT_REFUSALS_H */
