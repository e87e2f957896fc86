/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * startup: the table of messages that the monitor sends an engine, before START
 * and later.
 *
 * Used by both ends: monitor/serve/startup_send.c and
 * engine/ask/startup_recv.c.
 */
#ifndef STARTUP_H
#define STARTUP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proc/request.h"

#define STARTUP_MAX_CONF ((size_t)16 * 1024 * 1024) /* of its text */

/* When a message may come. */
#define STARTUP_BEFORE 0x1 /* before START, once, in order */
#define STARTUP_AGAIN  0x2 /* the same, and repeated in a row */
#define STARTUP_LATER  0x4 /* at any time after it */

/*
 * Whether a message of this type, size and number of descriptors may come
 * `when`; 0: at any time.
 */
bool startup_fits(unsigned when, uint16_t type, size_t len, unsigned nfds);

/* PEM, NUL-terminated, owned; NULL: the role has none of that kind. */
struct startup_text {
	char	*text;
	size_t	 len;
	uint32_t number; /* the monitor's, of this text */
};

bool startup_text_is_same(const struct startup_text *a,
    const struct startup_text *b);

#endif /* STARTUP_H */
