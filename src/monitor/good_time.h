/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * good_time: the last time that was right, kept over reboots.
 *
 * A host without a clock wakes up in 1970, or on the day of its firmware, and
 * must verify a certificate before anybody tells it the time.  It takes no
 * time for true that is before one at which a server's certificate was found
 * valid.  That one is written down at most once a day, in /var/lib/tombolo
 * ($STATE_DIRECTORY), under the name of the local socket.
 */
#ifndef GOOD_TIME_H
#define GOOD_TIME_H

#include <time.h>

struct conf;

struct good_time {
	char  *path; /* owned; NULL: there is no memory for it */
	time_t last; /* 0: none is known */
};

/* Reads it; a file that says nothing sensible is none. */
void good_time_init(struct good_time *good, const struct conf *conf);
void good_time_fini(struct good_time *good);

/* At `now`, by the clock, a certificate was verified.  Failures are logged. */
void good_time_note(struct good_time *good, time_t now);

#endif /* GOOD_TIME_H */
