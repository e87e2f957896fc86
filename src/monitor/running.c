/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "monitor/running.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <bsd/libutil.h>
#include <bsd/stdlib.h>

#include "base/file.h"
#include "base/log.h"
#include "conf/conf.h"
#include "monitor/monitor.h"

static pid_t parse_pid(const char *text);
static int   make_parent(const char *path);

struct pidfh *
running_lock(const struct conf *conf)
{
	char	     *path = monitor_pid_path(conf);
	struct pidfh *pidfile = NULL;
	pid_t	      other = -1;
	int	      r = path != NULL ? make_parent(path) : -ENOMEM;

	if (r < 0) {
		log_warnx("%s: its directory cannot be made: %s",
		    path != NULL ? path : "pid file", strerror(-r));
		free(path);
		return NULL;
	}
	/* 0600: who can open it could lock it, and keep us from starting. */
	pidfile = pidfile_open(path, 0600, &other);
	if (pidfile == NULL && errno == EEXIST)
		log_warnx("a daemon of this configuration runs already, pid "
			  "%ld; tombolo stop ends it", (long)other);
	else if (pidfile == NULL)
		log_warn("%s", path);
	free(path);
	return pidfile;
}

pid_t
running_pid(const struct conf *conf)
{
	char   *path = monitor_pid_path(conf);
	char   *text = NULL;
	size_t	len;
	pid_t	pid;
	int	fd = path != NULL ? open(path, O_RDONLY | O_CLOEXEC) : -1;

	if (fd == -1) {
		pid = path == NULL ? -ENOMEM : errno == ENOENT ? 0 : -errno;
		free(path);
		return pid;
	}
	/* A shared lock, and only to ask: the daemon's is exclusive. */
	if (flock(fd, LOCK_SH | LOCK_NB) == 0)
		pid = 0;
	else if (errno != EWOULDBLOCK)
		pid = -errno;
	else
		pid = file_read(path, 32, &text, &len);
	if (text != NULL)
		pid = parse_pid(text);
	free(text);
	free(path);
	close(fd);
	return pid;
}

/* A daemon that has just locked it has not written it yet. */
static pid_t
parse_pid(const char *text)
{
	const char *error;
	pid_t	    pid = (pid_t)strtonum(text, 1, INT_MAX, &error);

	return error == NULL ? pid : -EAGAIN;
}

/* /run/tombolo; deeper ones are the administrator's. */
static int
make_parent(const char *path)
{
	char *copy = strdup(path);
	int   r = 0;

	if (copy == NULL)
		return -ENOMEM;
	if (mkdir(dirname(copy), 0755) == -1 && errno != EEXIST)
		r = -errno;
	free(copy);
	return r;
}
