/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * repairs: how often what others change is put back, and what the log says.
 *
 * The first time in 10 s at once, then after 100 ms, 200 and so on to 800: who
 * changes something again and again gets no race.  The log names what was
 * repaired, at most once a minute.
 */
#ifndef REPAIRS_H
#define REPAIRS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/addr.h"
#include "base/mono.h"

enum repair_of {
	REPAIR_UP,
	REPAIR_MTU,
	REPAIR_BRIDGE, /* one of ours */
	REPAIR_PORT,   /* that the device is one of its bridge */
	REPAIR_ADDRESS,
	REPAIR_ROUTE,
};

/* Zeroed: nothing was repaired. */
struct repairs {
	struct repair {
		enum repair_of of;
		struct prefix  network;
		struct mono    last;
		int64_t	       pause_us; /* after it */
	} recent[64];
	unsigned    next; /* the place of the oldest */
	int64_t	    again_us; /* until the first of those that wait; 0: none */
	char	    text[256]; /* not in the log yet */
	unsigned    n;
	bool	    more; /* than there is room for */
	const char *hint; /* who does such things, or NULL */
	struct mono said;
};

/* Before a look: forgets who waited in the last one. */
void repairs_begin(struct repairs *repairs);
/* Whether that one may be put back now; then it counts as done. */
bool repairs_may(struct repairs *repairs, enum repair_of of,
    const struct prefix *network, struct mono now);
/* What was put back, for the log. */
void repairs_note(struct repairs *repairs, const char *fmt, ...)
    __attribute__((__format__(printf, 2, 3)));
void repairs_say(struct repairs *repairs, const char *device);

/* Whether the last time is a minute ago; then it is now. */
bool repairs_may_say(struct mono *said);

#endif /* REPAIRS_H */
