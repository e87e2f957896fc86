/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cmd/util/file_txn.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "base/nitems.h"
#include "conf/conf.h"
#include "proc/proc.h"

static bool find_owner(struct file_txn_owner *owner,
    const struct file_txn *undo, const char *name, mode_t mode);
static bool create(struct file_txn *undo, const char *dir, const char *name,
    const char *text, const struct file_txn_owner *owner);
static int make_dir(const char *path, const struct file_txn_owner *owner,
    bool *made);
static void put_back(const char *old, const char *path);
static void remember(struct file_txn *undo, char *path, char *old,
    bool is_dir);
static bool report(const struct file_txn *undo, const char *path, int error);

void
file_txn_hold_signals(sigset_t *before)
{
	static const int held[] = { SIGINT, SIGTERM, SIGHUP, SIGPIPE, SIGXFSZ };
	sigset_t	 set;

	sigemptyset(&set);
	for (size_t i = 0; i < nitems(held); i++)
		sigaddset(&set, held[i]);
	sigprocmask(SIG_BLOCK, &set, before);
}

void
file_txn_release_signals(const sigset_t *before)
{
	sigprocmask(SIG_SETMASK, before, NULL);
}

bool
file_txn_mkdir(struct file_txn *undo, const char *dir, const char *name,
    mode_t mode)
{
	struct file_txn_owner owner;
	char *path;
	bool  made = false;
	int   r;

	if (!find_owner(&owner, undo, name, mode))
		return false;
	path = file_join(dir, name);
	if (path == NULL)
		return report(undo, name, -ENOMEM);
	r = make_dir(path, &owner, &made);
	if (r < 0)
		report(undo, path, r);
	if (made)
		remember(undo, path, NULL, true);
	else
		free(path);
	return r == 0;
}

bool
file_txn_create(struct file_txn *undo, const char *dir, const char *name,
    const char *text, mode_t mode)
{
	struct file_txn_owner owner;

	return find_owner(&owner, undo, name, mode) &&
	    create(undo, dir, name, text, &owner);
}

bool
file_txn_replace(struct file_txn *undo, const char *dir, const char *name,
    const char *text, mode_t mode)
{
	struct file_txn_owner owner;

	return find_owner(&owner, undo, name, mode) &&
	    file_txn_replace_as(undo, dir, name, text, &owner);
}

bool
file_txn_replace_as(struct file_txn *undo, const char *dir, const char *name,
    const char *text, const struct file_txn_owner *owner)
{
	char *path = file_join(dir, name), *old;
	int   r;

	if (path == NULL ||
	    asprintf(&old, "%s.%ld.old", path, (long)getpid()) == -1) {
		free(path);
		return report(undo, name, -ENOMEM);
	}
	r = link(path, old) == -1 ? -errno : 0;
	if (r == 0) {
		remember(undo, path, old, false);
		r = file_write(path, text, strlen(text), owner->mode,
		    owner->uid, owner->gid);
		return r == 0 || report(undo, path, r);
	}
	free(old);
	if (r != -ENOENT)
		report(undo, path, r);
	free(path);
	return r == -ENOENT && create(undo, dir, name, text, owner);
}

/* The keeper's user, or ourselves. */
static bool
find_owner(struct file_txn_owner *owner, const struct file_txn *undo,
    const char *name, mode_t mode)
{
	size_t		 len = strlen(CONF_KEEPER_DIR);
	struct proc_user user = { .uid = (uid_t)-1, .gid = (gid_t)-1 };
	int		 r = 0;

	if (geteuid() == 0 && strncmp(name, CONF_KEEPER_DIR, len) == 0 &&
	    (name[len] == '/' || name[len] == '\0'))
		r = proc_user(PROC_KEEPER, &user);
	*owner = (struct file_txn_owner) { user.uid, user.gid, mode };
	if (r < 0)
		log_warnx("%s: there is no user for the keeper: %s", undo->who,
		    strerror(-r));
	return r == 0;
}

static bool
create(struct file_txn *undo, const char *dir, const char *name,
    const char *text, const struct file_txn_owner *owner)
{
	char *path = file_join(dir, name);
	int   r;

	if (path == NULL)
		return report(undo, name, -ENOMEM);
	r = file_create(path, text, strlen(text), owner->mode, owner->uid,
	    owner->gid);
	if (r == 0) {
		remember(undo, path, NULL, false);
		return true;
	}
	report(undo, path, r);
	free(path);
	return false;
}

bool
file_txn_unless(struct file_txn *undo, bool ok)
{
	while (undo->n > 0) {
		char *path = undo->made[--undo->n].path;
		char *old = undo->made[undo->n].old;

		if (ok && old != NULL)
			unlink(old);
		else if (!ok && undo->made[undo->n].is_dir)
			rmdir(path);
		else if (!ok && old != NULL)
			put_back(old, path);
		else if (!ok)
			unlink(path);
		free(old);
		free(path);
	}
	return ok;
}

/* rename(2) does nothing if both names are the same file. */
static void
put_back(const char *old, const char *path)
{
	if (rename(old, path) == 0)
		unlink(old);
}

static int
make_dir(const char *path, const struct file_txn_owner *owner, bool *made)
{
	int r = 0, fd;

	*made = mkdir(path, owner->mode) == 0;
	if (!*made && errno != EEXIST)
		return -errno;
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC |
	    (owner->uid != (uid_t)-1 ? O_NOFOLLOW : 0));
	if (fd == -1)
		return -errno;
	if (owner->uid != (uid_t)-1 && fchown(fd, owner->uid, owner->gid) == -1)
		r = -errno;
	/* mkdir(2) applies the umask. */
	if (r == 0 && (*made || owner->uid != (uid_t)-1) &&
	    fchmod(fd, owner->mode) == -1)
		r = -errno;
	close(fd);
	return r;
}

static void
remember(struct file_txn *undo, char *path, char *old, bool is_dir)
{
	assert(undo->n < FILE_TXN_MAX);
	undo->made[undo->n].path = path;
	undo->made[undo->n].old = old;
	undo->made[undo->n++].is_dir = is_dir;
}

static bool
report(const struct file_txn *undo, const char *path, int error)
{
	if (error == -EEXIST)
		log_warnx("%s: %s is there already; move it away first",
		    undo->who, path);
	else
		log_warnx("%s: %s: %s", undo->who, path, error == -ENOMEM ?
			"out of memory" : strerror(-error));
	return false;
}
