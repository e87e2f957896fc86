/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * monitor: the process that keeps its rights, and reads nothing from the
 * network.
 *
 * Starts keeper, engine and (client) resolver, holds the device and every
 * listening and UDP socket while they come and go, and serves the requests of
 * proc/request.h by a table (serve.c): which request, in which role, how
 * often.  Reads its configuration again on SIGHUP.  Ends on SIGTERM and SIGINT,
 * and takes everything back.
 */
#ifndef MONITOR_H
#define MONITOR_H

#include <stdbool.h>

struct conf;

/*
 * Runs until it is told to stop; consumes `conf` (from the file `path`, which
 * is absolute or the working directory stays).  `ready_fd` gets one byte when
 * the engine is up, and is closed (-1: nobody waits).  `log_level` -1 is what
 * the configuration says.  Returns the exit status.
 */
int monitor_run(struct conf *conf, const char *path, int log_level,
    int ready_fd);

/*
 * Undoes what a daemon of this configuration that ended badly has left on the
 * host; refuses while one runs.  Returns the exit status.
 */
int monitor_sweep(const struct conf *conf);

/* "/run/tombolo/NAME.pid", ".journal" beside the socket; caller frees. */
char *monitor_pid_path(const struct conf *conf);
char *monitor_journal_path(const struct conf *conf);

#endif /* MONITOR_H */
