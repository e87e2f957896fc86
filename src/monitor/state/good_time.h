/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * good_time: the last time that was right, kept over reboots.
 *
 * A host without a clock wakes up in 1970, or on the day of its firmware, and
 * must verify a certificate before anybody tells it the time.  It takes no
 * time for true that is before one at which a server's certificate was found
 * valid.  That one is written down at most once a day, in the directory of state
 * (state_dir.h).
 */
#ifndef GOOD_TIME_H
#define GOOD_TIME_H

#include <time.h>

struct conf;

struct good_time {
	char  *path; /* owned; NULL: there is no memory for it */
	time_t last; /* 0: none is known */
};

/*
 * Reads it; a file that says nothing sensible is none.  The file of version 0.1,
 * named after the local socket, is moved to `dir`, or read where it is.
 */
void good_time_init(struct good_time *good, const char *dir,
    const struct conf *conf);
void good_time_fini(struct good_time *good);

/* At `now`, by the clock, a certificate was verified.  Failures are logged. */
void good_time_note(struct good_time *good, time_t now);

#endif /* GOOD_TIME_H */
