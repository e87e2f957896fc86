/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * monitor: the privileged process.  It reads nothing from the network.
 *
 * Starts keeper, engine and, at a site, the resolver.  Holds the device and all
 * listening and UDP sockets while these are restarted.  Serves the requests of
 * proc/request.h by a table (serve.c): which request, in which role, and how
 * often.  Reads the configuration again on SIGHUP. Stops on SIGTERM and SIGINT,
 * and undoes all changes to the host; on SIGUSR1, traffic that when-down =
 * block blocks stays blocked.
 */
#ifndef MONITOR_H
#define MONITOR_H

#include <stdbool.h>

struct conf;

/*
 * The command that started the daemon and waits for it; -1 if none.  Both
 * descriptors are owned.
 */
struct monitor_starter {
	int ready_fd; /* gets one byte when the engine is up */
	/*
	 * A byte from it means that the command no longer waits.  End of file
	 * before that means that the command was interrupted; then the daemon
	 * stops.
	 */
	int leash_fd;
};

/*
 * Runs until the daemon stops; returns the exit status.  Takes ownership of
 * `conf`, which was read from the file `path`; if that is relative, the working
 * directory is kept.  `log_level` -1: the one in the configuration.
 */
int monitor_run(struct conf *conf, const char *path, int log_level,
    const struct monitor_starter *starter);

/*
 * Undoes what a daemon with this local socket left on the host when it was
 * killed.  Refuses if one is running, or if it belongs to another configuration
 * than `config` (pidfile.h).  Needs no configuration, since that may be what is
 * wrong.  Returns the exit status.
 */
int monitor_sweep(const char *socket, const char *config);

#endif /* MONITOR_H */
