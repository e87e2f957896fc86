/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cmd_stop: ends the running daemon, and waits until it has taken everything
 * back.
 */
#include "cmd/cmd.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/log.h"
#include "base/mono.h"
#include "cmd/options.h"
#include "conf/conf.h"
#include "monitor/running.h"

#define WAIT_US (10 * MONO_SEC)
#define STEP_MS 50

static int   end_daemon(const struct conf *conf);
static pid_t find_daemon(const struct conf *conf);
static bool  wait_for_end(const struct conf *conf, pid_t pid);
static void  pause_a_moment(void);

int
cmd_stop(int argc, char **argv)
{
	static const struct options_spec spec = {
		.command = "stop",
		.synopsis = "[-c FILE]",
		.help = "Stops the running daemon and waits until it is gone.",
		.takes = OPTION_CONFIG,
	};
	struct options options;
	struct conf   *conf;
	char	      *path;
	int	       status = options_parse(&options, &spec, argc, argv);

	if (status != OPTIONS_GO_ON)
		return status;
	path = options_config(&options);
	conf = path != NULL ? options_load_conf(path) : NULL;
	status = conf != NULL ? end_daemon(conf) : 1;
	conf_free(conf);
	free(path);
	return status;
}

static int
end_daemon(const struct conf *conf)
{
	pid_t pid = find_daemon(conf);

	if (pid == 0) {
		log_warnx("stop: no daemon of %s runs", conf->dir);
		return 1;
	}
	if (pid < 0) {
		log_warnx("stop: whether a daemon of %s runs cannot be read: "
			  "%s", conf->dir, strerror((int)-pid));
		return 1;
	}
	if (kill(pid, SIGTERM) == -1 && errno != ESRCH) {
		log_warn("stop: pid %ld", (long)pid);
		return 1;
	}
	if (!wait_for_end(conf, pid)) {
		log_warnx("stop: pid %ld does not end", (long)pid);
		return 1;
	}
	return 0;
}

/* One that is only just starting has no pid in its file yet. */
static pid_t
find_daemon(const struct conf *conf)
{
	struct mono end = mono_add(mono_now(), MONO_SEC);
	pid_t	    pid;

	while ((pid = running_pid(conf)) == -EAGAIN &&
	    !mono_is_due(end, mono_now()))
		pause_a_moment();
	return pid;
}

/* Another one in its place is an end, too: systemd may have restarted it. */
static bool
wait_for_end(const struct conf *conf, pid_t pid)
{
	struct mono end = mono_add(mono_now(), WAIT_US);

	while (running_pid(conf) == pid) {
		if (mono_is_due(end, mono_now()))
			return false;
		pause_a_moment();
	}
	return true;
}

static void
pause_a_moment(void)
{
	const struct timespec step = { .tv_nsec = STEP_MS * 1000000L };

	nanosleep(&step, NULL);
}
