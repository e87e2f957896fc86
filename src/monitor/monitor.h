/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * monitor: the process that keeps its rights, and reads nothing from the
 * network.
 *
 * Starts keeper, engine and (client) resolver, holds the device and every
 * listening and UDP socket while they come and go, and serves the requests of
 * proc/request.h by a table (serve.c): which request, in which role, how
 * often.  Reads its configuration again on SIGHUP.  Ends on SIGTERM and SIGINT,
 * and takes everything back; on SIGUSR1 what when-down = block blocks stays so.
 */
#ifndef MONITOR_H
#define MONITOR_H

#include <stdbool.h>

struct conf;

/* Who started it, as far as somebody waits; -1: nobody does.  Both are owned. */
struct monitor_starter {
	int ready_fd; /* gets one byte when the engine is up */
	/*
	 * A byte from it: the daemon may go on alone.  Its end before that: the
	 * command was ended while it waited, so the daemon ends, too.
	 */
	int leash_fd;
};

/*
 * Runs until it is told to stop; consumes `conf` (from the file `path`, which
 * is absolute or the working directory stays).  `log_level` -1 is what the
 * configuration says.  Returns the exit status.
 */
int monitor_run(struct conf *conf, const char *path, int log_level,
    const struct monitor_starter *starter);

/*
 * Undoes what a daemon at that local socket that ended badly has left on the
 * host; refuses while one runs, or if it belongs to another configuration than
 * `config` (pidfile.h).  Needs no configuration: that may be what is wrong.
 * Returns the exit status.
 */
int monitor_sweep(const char *socket, const char *config);

#endif /* MONITOR_H */
