/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cmd_stop: ends the running daemon, and waits until it has undone its changes
 * to the host.
 */
#include "cmd/cmd.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "base/log.h"
#include "base/mono.h"
#include "cmd/util/options.h"
#include "cmd/util/wait.h"
#include "monitor/monitor.h"
#include "monitor/state/pidfile.h"

#define WAIT_US (10 * MONO_SEC)

static int   end_daemon(const char *socket, const char *owner);
static int   end_nothing(const char *socket, const char *owner);
static pid_t find_daemon(const char *socket);
static bool  wait_for_end(const char *socket, pid_t pid);

int
cmd_stop(int argc, char **argv)
{
	static const struct options_spec spec = {
		.command = "stop",
		.synopsis = "[-c FILE | --dir D | --socket PATH]",
		.help = "Stops the running daemon and waits until it is gone.",
		.takes = OPTION_WHERE | OPTION_SOCKET,
	};
	struct options options;
	AUTO_FREE char *socket = NULL, *owner = NULL;
	int	       status = options_parse(&options, &spec, argc, argv);

	if (status != OPTIONS_GO_ON)
		return status;
	socket = options_socket(&options);
	if (socket == NULL)
		return 1;
	owner = options_owner(&options);
	return end_daemon(socket, owner);
}

static int
end_daemon(const char *socket, const char *owner)
{
	pid_t pid = find_daemon(socket);

	if (pid == 0)
		return end_nothing(socket, owner);
	if (pid < 0) {
		log_warnx("stop: cannot find out whether a daemon runs at %s: "
			  "%s", socket, strerror((int)-pid));
		return 1;
	}
	/* It may have started since the socket was looked up. */
	if (!pidfile_is_ours(socket, owner))
		return 1;
	if (kill(pid, SIGTERM) == -1 && errno != ESRCH) {
		log_warn("stop: pid %ld", (long)pid);
		return 1;
	}
	if (!wait_for_end(socket, pid)) {
		log_warnx("stop: pid %ld does not end", (long)pid);
		return 1;
	}
	return 0;
}

/* Undoes what a killed daemon left, perhaps rules that block all traffic. */
static int
end_nothing(const char *socket, const char *owner)
{
	if (pidfile_is_left(socket))
		return monitor_sweep(socket, owner);
	log_warnx("stop: no daemon runs at %s", socket);
	return 1;
}

/* A daemon that has just started has not written its pid yet. */
static pid_t
find_daemon(const char *socket)
{
	struct mono end = mono_add(mono_now(), MONO_SEC);
	pid_t	    pid;

	while ((pid = pidfile_pid(socket)) == -EAGAIN &&
	    !mono_is_due(end, mono_now()))
		wait_pause();
	return pid;
}

/*
 * Another daemon in its place counts as the end: systemd may have restarted it.
 */
static bool
wait_for_end(const char *socket, pid_t pid)
{
	struct mono end = mono_add(mono_now(), WAIT_US);

	while (pidfile_pid(socket) == pid) {
		if (mono_is_due(end, mono_now()))
			return false;
		wait_pause();
	}
	return true;
}
