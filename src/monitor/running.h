/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * running: whether a daemon of a configuration runs: its locked pid file.
 *
 * The lock is what counts; a file without one was left by a crash.
 */
#ifndef RUNNING_H
#define RUNNING_H

#include <sys/types.h>

struct conf;
struct pidfh;

/*
 * Makes and locks the pid file (and /run/tombolo).  NULL when it cannot, or
 * when a daemon has it: logged.  Give back with pidfile_remove().
 */
struct pidfh *running_lock(const struct conf *conf);

/*
 * The pid of the daemon that runs, 0 when none does, or a negative errno
 * value (-EAGAIN: it has only just begun).  Makes no file.
 */
pid_t running_pid(const struct conf *conf);

#endif /* RUNNING_H */
