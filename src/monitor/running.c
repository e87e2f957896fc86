/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "monitor/running.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <bsd/libutil.h>
#include <bsd/stdlib.h>

#include "base/file.h"
#include "base/log.h"

static bool  may_take(const char *socket, const char *config);
static bool  is_left_by_another(const char *socket, const char *config);
static int   write_owner(const char *socket, const char *config);
static void  remove_owner(const char *socket);
static pid_t parse_pid(const char *text);
static int   make_parent(const char *path);

/* NAME of NAME.sock; or of whatever it is called. */
char *
running_beside(const char *socket, const char *suffix)
{
	size_t len = strlen(socket);
	char  *path;

	if (len > 5 && strcmp(socket + len - 5, ".sock") == 0)
		len -= 5;
	return asprintf(&path, "%.*s%s", (int)len, socket, suffix) == -1 ?
	    NULL : path;
}

char *
running_owner(const char *socket)
{
	char	target[PATH_MAX];
	char   *path = running_beside(socket, ".owner");
	ssize_t n = path != NULL ? readlink(path, target, sizeof(target) - 1) :
				   -1;

	free(path);
	return n > 0 ? strndup(target, (size_t)n) : NULL;
}

bool
running_is_ours(const char *socket, const char *config)
{
	char *owner = config != NULL ? running_owner(socket) : NULL;
	bool  ours = owner == NULL || strcmp(owner, config) == 0;

	if (!ours)
		log_warnx("%s belongs to %s: set `socket` in [server] or "
			  "[client] of %s to another path", socket, owner,
		    config);
	free(owner);
	return ours;
}

bool
running_dir_is_private(const char *socket)
{
	char	   *copy = strdup(socket), *dir = copy != NULL ? dirname(copy) :
								NULL;
	struct stat st;
	bool	    private = dir != NULL;

	if (private && stat(dir, &st) == 0 &&
	    ((st.st_mode & 022) != 0 ||
		(st.st_uid != 0 && st.st_uid != geteuid()))) {
		log_warnx("%s: others may put files there, which the daemon "
			  "would believe: set `socket` to another directory, or "
			  "chown and chmod this one", dir);
		private = false;
	}
	free(copy);
	return private;
}

struct pidfh *
running_lock(const char *socket, const char *config)
{
	char	     *path = running_beside(socket, ".pid");
	struct pidfh *pidfile = NULL;
	pid_t	      other = -1;
	int	      r = path != NULL ? make_parent(path) : -ENOMEM;

	if (r < 0) {
		log_warnx("%s: its directory cannot be made: %s",
		    path != NULL ? path : "pid file", strerror(-r));
		free(path);
		return NULL;
	}
	if (!running_dir_is_private(socket)) {
		free(path);
		return NULL;
	}
	/* 0600: who can open it could lock it, and keep us from starting. */
	pidfile = pidfile_open(path, 0600, &other);
	if (pidfile == NULL && errno != EEXIST)
		log_warn("%s", path);
	else if (pidfile == NULL && running_is_ours(socket, config))
		log_warnx("a daemon of this configuration runs already, pid "
			  "%ld; tombolo stop ends it", (long)other);
	free(path);
	if (pidfile == NULL || may_take(socket, config))
		return pidfile;
	pidfile_remove(pidfile);
	return NULL;
}

void
running_unlock(struct pidfh *pidfile, const char *socket)
{
	remove_owner(socket);
	pidfile_remove(pidfile);
}

pid_t
running_pid(const char *socket)
{
	char   *path = running_beside(socket, ".pid");
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

/* No daemon has the socket; what a killed one left there may be another's. */
static bool
may_take(const char *socket, const char *config)
{
	int r;

	if (config == NULL)
		return true;
	if (is_left_by_another(socket, config))
		return false;
	r = write_owner(socket, config);
	if (r < 0)
		log_warnx("%s: cannot write beside it whose it is: %s", socket,
		    strerror(-r));
	return r == 0;
}

/* A configuration that is gone, or was renamed, cannot undo it any more. */
static bool
is_left_by_another(const char *socket, const char *config)
{
	char *journal = running_beside(socket, ".journal");
	char *owner = running_owner(socket);
	bool  left = journal != NULL && access(journal, F_OK) == 0 &&
	    owner != NULL && access(owner, F_OK) == 0 &&
	    strcmp(owner, config) != 0;

	if (left)
		log_warnx("%s belongs to %s, whose daemon was killed: undo what "
			  "it left with tombolo run --sweep -c %s, or set "
			  "`socket` in %s to another path", socket, owner,
		    owner, config);
	free(owner);
	free(journal);
	return left;
}

static int
write_owner(const char *socket, const char *config)
{
	char *path = running_beside(socket, ".owner");
	int   r = path == NULL ? -ENOMEM : 0;

	remove_owner(socket);
	if (r == 0 && symlink(config, path) == -1)
		r = -errno;
	free(path);
	return r;
}

static void
remove_owner(const char *socket)
{
	char *path = running_beside(socket, ".owner");

	/* Only the link: `socket` may lie in anybody's directory. */
	if (path != NULL && readlink(path, &(char) { 0 }, 1) == 1)
		unlink(path);
	free(path);
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
