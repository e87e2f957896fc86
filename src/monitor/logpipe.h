/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * logpipe: forwards standard error of all processes of the daemon: to the
 * terminal until the daemon is up, then to syslog.
 *
 * It is a pipe that a thread reads, so a process never waits for itself when it
 * logs.  Lines are cut at 1 KiB. At most a certain number of lines a second is
 * forwarded, for example of an engine that was taken over; the others are
 * counted.
 */
#ifndef LOGPIPE_H
#define LOGPIPE_H

struct logpipe;

/*
 * Makes stderr the pipe.  When a byte arrives on `ready` (the reading end of a
 * pipe), everything before it goes to the terminal, the byte is forwarded to
 * `parent`, and everything after it goes to syslog.  Takes ownership of both
 * descriptors; on failure, which is NULL with errno set, both are closed.
 */
struct logpipe *logpipe_new(int ready, int parent);

/*
 * Forwards what is left, and makes stderr the terminal again, if there is one.
 */
void logpipe_free(struct logpipe *logpipe);

#endif /* LOGPIPE_H */
