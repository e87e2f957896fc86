/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * connect_refusals: detects from refused connections that a server has ended.
 *
 * One refusal proves little: anyone on the path can send a reset, and a router
 * that loses a line rejects packets for a moment.  So several refusals in a
 * row, over some seconds, must come from the address of the lost session.
 * Answers of other servers or a proxy do not count.  Pure: no clock, no socket.
 */
#ifndef CONNECT_REFUSALS_H
#define CONNECT_REFUSALS_H

#include <stdbool.h>

#include "base/addr.h"
#include "base/mono.h"

#define CONNECT_REFUSALS_LAST_US (4 * MONO_SEC) /* from the first to the newest */
#define CONNECT_REFUSALS_LEAST	 3

/* Zeroed storage watches no server. */
struct connect_refusals {
	struct endpoint by;
	unsigned	n; /* in a row */
	struct mono	first, newest;
};

/* Counts the refusals of `by` from now on; with len 0, nobody's. */
void connect_refusals_begin(struct connect_refusals *refusals,
    const struct endpoint *by);

/* The result of an attempt to connect to `at`: an errno value, or 0. */
void connect_refusals_note(struct connect_refusals *refusals,
    const struct endpoint *at,
    int error, struct mono now);

bool connect_refusals_last(const struct connect_refusals *refusals);

#endif /* CONNECT_REFUSALS_H */
