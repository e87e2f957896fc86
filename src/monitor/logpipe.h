/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * logpipe: carries stderr of every process of the daemon to where it belongs:
 * to the terminal until the daemon is up, to syslog from then on.
 *
 * A pipe and a thread of its own: a process that logs must never wait for
 * itself.  Lines are cut at 1 KiB, and of a flood (a taken-over engine's, say)
 * only so many a second are passed on; the rest is counted.
 */
#ifndef LOGPIPE_H
#define LOGPIPE_H

struct logpipe;

/*
 * From now on stderr is the pipe.  When a byte comes by `ready` (a pipe's read
 * end), everything before it goes to the terminal, the byte is passed on to
 * `parent`, and syslog takes over.  Both are owned from now on; NULL on
 * failure (errno is set), then both are closed.
 */
struct logpipe *logpipe_new(int ready, int parent);

/* Passes on what is left; stderr is the terminal's again, or nothing. */
void logpipe_free(struct logpipe *logpipe);

#endif /* LOGPIPE_H */
