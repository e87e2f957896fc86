/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "monitor/logpipe.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include "base/mono.h"
#include "base/nitems.h"

#define LINE_SIZE	1024
#define LINES_PER_SEC	500
#define PREFIX		"tombolo: " /* syslog has it already */

struct logpipe {
	pthread_t thread;
	int	  log;	    /* the reading end of all processes' stderr */
	int	  ready;    /* -1: the byte has been read */
	int	  parent;   /* -1: it has been forwarded */
	int	  terminal; /* -1: syslog */
	int	  quit[2];
	char	  line[LINE_SIZE];
	size_t	  len;
	/* The current second. */
	struct mono since;
	unsigned    shown;
	unsigned    suppressed;
};

static void *run(void *arg);
static void  on_ready(struct logpipe *logpipe);
static void  take(struct logpipe *logpipe);
static bool  take_some(struct logpipe *logpipe);
static void  put(struct logpipe *logpipe);
static bool  may_show(struct logpipe *logpipe, struct mono now);
static void  show(struct logpipe *logpipe, const char *line);
static int   start(struct logpipe *logpipe);
static void  close_all(struct logpipe *logpipe);

struct logpipe *
logpipe_new(int ready, int parent)
{
	struct logpipe *logpipe = malloc(sizeof(*logpipe));
	int		fds[2] = { -1, -1 }, r;

	if (logpipe == NULL) {
		close(ready);
		close(parent);
		return NULL;
	}
	*logpipe = (struct logpipe) {
		.log = -1,
		.ready = ready,
		.parent = parent,
		.terminal = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3),
		.quit = { -1, -1 },
	};
	r = pipe2(logpipe->quit, O_CLOEXEC) == -1 ||
	    pipe2(fds, O_CLOEXEC) == -1 ? -errno : 0;
	logpipe->log = fds[0];
	if (r == 0)
		r = fcntl(fds[0], F_SETFL, O_NONBLOCK) == -1 ||
		    dup2(fds[1], STDERR_FILENO) == -1 ? -errno : 0;
	if (fds[1] != -1)
		close(fds[1]);
	if (r == 0) {
		openlog("tombolo", LOG_PID, LOG_DAEMON);
		r = start(logpipe);
	}
	if (r == 0)
		return logpipe;
	if (logpipe->terminal != -1)
		dup2(logpipe->terminal, STDERR_FILENO);
	close_all(logpipe);
	free(logpipe);
	errno = -r;
	return NULL;
}

void
logpipe_free(struct logpipe *logpipe)
{
	int rest;

	if (logpipe == NULL)
		return;
	close(logpipe->quit[1]);
	logpipe->quit[1] = -1;
	pthread_join(logpipe->thread, NULL);
	rest = logpipe->terminal != -1 ? dup(logpipe->terminal) :
					 open("/dev/null", O_WRONLY | O_CLOEXEC);
	if (rest != -1) {
		dup2(rest, STDERR_FILENO);
		close(rest);
	}
	closelog();
	close_all(logpipe);
	free(logpipe);
}

/* Signals are handled by the main thread's loop. */
static int
start(struct logpipe *logpipe)
{
	sigset_t all, old;
	int	 r;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	r = pthread_create(&logpipe->thread, NULL, run, logpipe);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return -r;
}

static void *
run(void *arg)
{
	struct logpipe *logpipe = arg;

	for (;;) {
		struct pollfd fds[] = {
			{ .fd = logpipe->log, .events = POLLIN },
			{ .fd = logpipe->ready, .events = POLLIN },
			{ .fd = logpipe->quit[0], .events = POLLIN },
		};

		if (poll(fds, nitems(fds), -1) == -1 && errno != EINTR)
			return NULL;
		take(logpipe);
		if (fds[1].revents != 0)
			on_ready(logpipe);
		if (fds[2].revents == 0)
			continue;
		take(logpipe);
		if (logpipe->len > 0)
			put(logpipe);
		return NULL;
	}
}

/* Without a byte the start has failed: its last lines are still to come. */
static void
on_ready(struct logpipe *logpipe)
{
	char byte;
	bool up = read(logpipe->ready, &byte, 1) == 1;

	close(logpipe->ready);
	logpipe->ready = -1;
	if (!up)
		return;
	take(logpipe);
	if (logpipe->terminal != -1)
		close(logpipe->terminal);
	logpipe->terminal = -1;
	if (write(logpipe->parent, &byte, 1) == -1) {
		/* The command no longer waits. */
	}
	close(logpipe->parent);
	logpipe->parent = -1;
}

static void
take(struct logpipe *logpipe)
{
	/* Limited, so that a flood does not keep us from other events. */
	for (unsigned i = 0; i < 64 && take_some(logpipe); i++)
		;
}

static bool
take_some(struct logpipe *logpipe)
{
	char	buf[4096];
	ssize_t n = read(logpipe->log, buf, sizeof(buf));

	for (ssize_t i = 0; i < n; i++) {
		if (buf[i] != '\n')
			logpipe->line[logpipe->len++] = buf[i];
		if (buf[i] == '\n' || logpipe->len == LINE_SIZE - 1)
			put(logpipe);
	}
	return n > 0;
}

static void
put(struct logpipe *logpipe)
{
	char said[64];

	logpipe->line[logpipe->len] = '\0';
	logpipe->len = 0;
	if (!may_show(logpipe, mono_now())) {
		logpipe->suppressed++;
		return;
	}
	if (logpipe->suppressed > 0) {
		snprintf(said, sizeof(said), PREFIX "%u messages suppressed",
		    logpipe->suppressed);
		logpipe->suppressed = 0;
		show(logpipe, said);
	}
	show(logpipe, logpipe->line);
}

static bool
may_show(struct logpipe *logpipe, struct mono now)
{
	if (mono_sub(now, logpipe->since) >= MONO_SEC) {
		logpipe->since = now;
		logpipe->shown = 0;
	}
	return logpipe->shown++ < LINES_PER_SEC;
}

static void
show(struct logpipe *logpipe, const char *line)
{
	if (logpipe->terminal != -1)
		dprintf(logpipe->terminal, "%s\n", line);
	else if (strncmp(line, PREFIX, strlen(PREFIX)) == 0)
		syslog(LOG_INFO, "%s", line + strlen(PREFIX));
	else if (line[0] != '\0')
		syslog(LOG_INFO, "%s", line);
}

static void
close_all(struct logpipe *logpipe)
{
	const int fds[] = { logpipe->log, logpipe->ready, logpipe->parent,
		logpipe->terminal, logpipe->quit[0], logpipe->quit[1] };

	for (size_t i = 0; i < nitems(fds); i++) {
		if (fds[i] != -1)
			close(fds[i]);
	}
}
