/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "monitor/state/pidfile.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
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
#include "monitor/host/journal.h"

#define RUN_DIR	  "/run/tombolo" /* as in conf_socket_default() */
#define FOR_SLASH '!'

static char *owner_of(const char *socket);
static char *look_in(const char *dir, const char *config);
static char *socket_of(const char *link, const char *config);
static bool  runs_elsewhere(const char *socket, const char *config);
static const char *find_open(char *path);
static bool  may_others_change(const struct stat *st, bool is_above);
static bool  may_take(const char *socket, const char *config);
static bool  is_left_by_another(const char *socket, const char *config);
static int   write_owner(const char *socket, const char *config);
static bool  name_here(char path[PIDFILE_PATH_SIZE], const char *socket);
static void  remove_owner(const char *socket);
static pid_t parse_pid(const char *text);
static int   make_parent(const char *path);

/* NAME of NAME.sock, or whatever the socket is called. */
const char *
pidfile_beside(char path[PIDFILE_PATH_SIZE], const char *socket,
    const char *suffix)
{
	size_t len = strlen(socket);

	if (len > 5 && strcmp(socket + len - 5, ".sock") == 0)
		len -= 5;
	if (snprintf(path, PIDFILE_PATH_SIZE, "%.*s%s", (int)len, socket,
		suffix) >= PIDFILE_PATH_SIZE)
		path[0] = '\0';
	return path;
}

char *
pidfile_elsewhere(const char *socket, const char *config)
{
	char *owner = owner_of(socket), *copy = strdup(socket);
	char *found = NULL;

	if (owner == NULL || strcmp(owner, config) != 0) {
		found = look_in(RUN_DIR, config);
		if (found == NULL && copy != NULL)
			found = look_in(dirname(copy), config);
	}
	free(copy);
	free(owner);
	return found;
}

bool
pidfile_is_left(const char *socket)
{
	char  journal[PIDFILE_PATH_SIZE];
	char *owner = owner_of(socket);
	bool  left = owner != NULL ||
	    access(pidfile_beside(journal, socket, ".journal"), F_OK) == 0;

	free(owner);
	return left;
}

bool
pidfile_is_ours(const char *socket, const char *config)
{
	char *owner = config != NULL ? owner_of(socket) : NULL;
	bool  ours = owner == NULL || strcmp(owner, config) == 0;

	if (!ours && access(owner, F_OK) == -1)
		log_warnx("%s belongs to %s, which is gone; if that was renamed, "
			  "end its daemon with tombolo stop --socket %s",
		    socket, owner, socket);
	else if (!ours)
		log_warnx("%s belongs to %s: set `socket` in [server] or "
			  "[client] of %s to another path", socket, owner,
		    config);
	free(owner);
	return ours;
}

bool
pidfile_dir_is_private(const char *socket)
{
	char	   *copy = strdup(socket), *dir = copy != NULL ? dirname(copy) :
								NULL;
	char	   *real = dir != NULL ? realpath(dir, NULL) : NULL;
	const char *bad = NULL;

	/* As written, for the owners of links, and where they lead. */
	if (real != NULL && (bad = find_open(dir)) == NULL)
		bad = find_open(real);
	if (bad != NULL)
		log_warnx("%s: others may put files there, which the daemon "
			  "would trust: set `socket` to another directory, or "
			  "chown and chmod this one", bad);
	free(real);
	free(copy);
	return dir != NULL && bad == NULL;
}

struct pidfh *
pidfile_lock(const char *socket, const char *config)
{
	char	      path[PIDFILE_PATH_SIZE];
	struct pidfh *pidfile;
	pid_t	      other = -1;
	int	      r = make_parent(pidfile_beside(path, socket, ".pid"));

	if (r < 0) {
		log_warnx("%s: its directory cannot be made: %s", path,
		    strerror(-r));
		return NULL;
	}
	if (!pidfile_dir_is_private(socket))
		return NULL;
	if (config != NULL && runs_elsewhere(socket, config))
		return NULL;
	/* 0600: others could lock it and keep us from starting. */
	pidfile = pidfile_open(path, 0600, &other);
	if (pidfile == NULL && errno != EEXIST)
		log_warn("%s", path);
	else if (pidfile == NULL && pidfile_is_ours(socket, config))
		log_warnx("a daemon of this configuration runs already, pid "
			  "%ld; tombolo stop ends it", (long)other);
	if (pidfile == NULL || may_take(socket, config))
		return pidfile;
	pidfile_remove(pidfile);
	return NULL;
}

void
pidfile_unlock(struct pidfh *pidfile, const char *socket)
{
	char path[PIDFILE_PATH_SIZE];

	/* A later start or sweep needs to know the owner of what is left. */
	if (access(pidfile_beside(path, socket, ".journal"), F_OK) == -1)
		remove_owner(socket);
	pidfile_remove(pidfile);
}

void
pidfile_adopt(const char *socket, const char *left)
{
	char   path[PIDFILE_PATH_SIZE], old[PIDFILE_PATH_SIZE];
	char  *text = NULL;
	size_t len;

	pidfile_beside(path, socket, ".journal");
	pidfile_beside(old, left, ".journal");
	/* Copied: it may be on another file system. */
	if (pidfile_dir_is_private(left) &&
	    file_read(old, JOURNAL_MAX_SIZE, &text, &len) == 0 &&
	    file_create(path, text, len, 0600, (uid_t)-1, (gid_t)-1) == 0)
		unlink(old);
	free(text);
}

pid_t
pidfile_pid(const char *socket)
{
	char   path[PIDFILE_PATH_SIZE];
	char  *text = NULL;
	size_t len;
	pid_t  pid;
	int    fd = open(pidfile_beside(path, socket, ".pid"),
	       O_RDONLY | O_CLOEXEC);

	if (fd == -1)
		return errno == ENOENT ? 0 : -errno;
	/* A shared lock, only to test: the daemon's is exclusive. */
	if (flock(fd, LOCK_SH | LOCK_NB) == 0)
		pid = 0;
	else if (errno != EWOULDBLOCK)
		pid = -errno;
	else
		pid = file_read(path, 32, &text, &len);
	if (text != NULL)
		pid = parse_pid(text);
	free(text);
	close(fd);
	return pid;
}

/* The owner, a new string; NULL if unknown. */
static char *
owner_of(const char *socket)
{
	char	target[PATH_MAX], path[PIDFILE_PATH_SIZE];
	ssize_t n = readlink(pidfile_beside(path, socket, ".owner"), target,
	    sizeof(target) - 1);

	return n > 0 ? strndup(target, (size_t)n) : NULL;
}

static char *
look_in(const char *dir, const char *config)
{
	char  *pattern = file_join(dir, "*.owner"), *socket, *found = NULL;
	glob_t links = { 0 };

	if (pattern == NULL || glob(pattern, 0, NULL, &links) != 0)
		links.gl_pathc = 0;
	for (size_t i = 0; i < links.gl_pathc; i++) {
		socket = socket_of(links.gl_pathv[i], config);
		if (socket == NULL ||
		    (found != NULL && pidfile_pid(socket) == 0)) {
			free(socket);
			continue;
		}
		free(found);
		found = socket;
	}
	globfree(&links);
	free(pattern);
	return found;
}

/* NULL if the link is not ours; the socket's name may have no ".sock". */
static char *
socket_of(const char *link, const char *config)
{
	int	    len = (int)(strlen(link) - strlen(".owner"));
	const char *name = strrchr(link, '/') + 1;
	char	   *path, *owner;
	struct stat st;

	if (lstat(link, &st) == -1 ||
	    (st.st_uid != 0 && st.st_uid != geteuid()) ||
	    asprintf(&path, "%.*s.sock", len, link) == -1)
		return NULL;
	/* In another directory; see name_here(). */
	if (*name == FOR_SLASH) {
		memmove(path, path + (name - link),
		    strlen(path + (name - link)) + 1);
		for (char *p = path; *p != '\0'; p++)
			*p = *p == FOR_SLASH ? '/' : *p;
	}
	len = (int)(strlen(path) - strlen(".sock"));
	if (stat(path, &st) == -1) {
		path[len] = '\0';
		if (stat(path, &st) == -1)
			path[len] = '.';
	}
	owner = owner_of(path);
	if (owner == NULL || strcmp(owner, config) != 0) {
		free(path);
		path = NULL;
	}
	free(owner);
	return path;
}

static bool
runs_elsewhere(const char *socket, const char *config)
{
	char *other = pidfile_elsewhere(socket, config);
	pid_t pid = other != NULL ? pidfile_pid(other) : 0;

	if (pid != 0)
		log_warnx("a daemon of this configuration runs already at %s, "
			  "pid %ld; tombolo stop ends it", other, (long)pid);
	free(other);
	return pid != 0;
}

/* The first of the directory and its parents that others can change. */
static const char *
find_open(char *path)
{
	struct stat st;

	for (bool is_above = false;; is_above = true) {
		if (lstat(path, &st) == 0 && may_others_change(&st, is_above))
			return path;
		if (strcmp(path, "/") == 0)
			return NULL;
		path = dirname(path);
	}
}

/*
 * In a sticky directory, other users cannot replace our files.  The owner of
 * `/` can do anything, and in a user namespace that is not root.
 */
static bool
may_others_change(const struct stat *st, bool is_above)
{
	struct stat top;

	if (st->st_uid != 0 && st->st_uid != geteuid() &&
	    (stat("/", &top) == -1 || st->st_uid != top.st_uid))
		return true;
	return !S_ISLNK(st->st_mode) && (st->st_mode & 022) != 0 &&
	    !(is_above && (st->st_mode & S_ISVTX) != 0);
}

/*
 * No daemon uses the socket, but a killed daemon of another configuration may
 * have left something there.
 */
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
		log_warnx("%s: cannot write its owner file: %s", socket,
		    strerror(-r));
	return r == 0;
}

/* If that configuration was removed or renamed, it cannot clean up any more. */
static bool
is_left_by_another(const char *socket, const char *config)
{
	char  journal[PIDFILE_PATH_SIZE];
	char *owner = owner_of(socket);
	bool  left = owner != NULL && access(owner, F_OK) == 0 &&
	    strcmp(owner, config) != 0 &&
	    access(pidfile_beside(journal, socket, ".journal"), F_OK) == 0;

	if (left)
		log_warnx("%s belongs to %s, whose daemon was killed: undo what "
			  "it left with tombolo run --sweep -c %s, or set "
			  "`socket` in %s to another path", socket, owner,
		    owner, config);
	free(owner);
	return left;
}

static int
write_owner(const char *socket, const char *config)
{
	char path[PIDFILE_PATH_SIZE];

	remove_owner(socket);
	/* To find it when the configuration no longer has its path. */
	if (name_here(path, socket) &&
	    ((mkdir(RUN_DIR, 0755) == -1 && errno != EEXIST) ||
		symlink(config, path) == -1))
		log_debug("%s: %s", path, strerror(errno));
	return symlink(config, pidfile_beside(path, socket, ".owner")) == -1 ?
	    -errno : 0;
}

/*
 * Links a socket in another directory from /run/tombolo, too; false: it is in
 * there already.
 */
static bool
name_here(char path[PIDFILE_PATH_SIZE], const char *socket)
{
	char beside[PIDFILE_PATH_SIZE];

	if (strncmp(socket, RUN_DIR "/", strlen(RUN_DIR "/")) == 0)
		return false;
	pidfile_beside(beside, socket, ".owner");
	for (char *p = beside; *p != '\0'; p++)
		*p = *p == '/' ? FOR_SLASH : *p;
	return snprintf(path, PIDFILE_PATH_SIZE, RUN_DIR "/%s", beside) <
	    PIDFILE_PATH_SIZE;
}

static void
remove_owner(const char *socket)
{
	char path[PIDFILE_PATH_SIZE];

	/* Only the link: `socket` may lie in anybody's directory. */
	if (readlink(pidfile_beside(path, socket, ".owner"), &(char) { 0 },
		1) == 1)
		unlink(path);
	if (name_here(path, socket))
		unlink(path);
}

/* A daemon that has just locked it has not written its pid yet. */
static pid_t
parse_pid(const char *text)
{
	const char *error;
	pid_t	    pid = (pid_t)strtonum(text, 1, INT_MAX, &error);

	return error == NULL ? pid : -EAGAIN;
}

/* Creates /run/tombolo; the administrator makes deeper ones. */
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
