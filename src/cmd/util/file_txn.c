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
#include "proc/proc.h"

static int make_dir(const char *path, mode_t mode, struct file_txn_owner owner,
    bool *made);
static void put_back(const char *old, const char *path);
static void remember(struct file_txn *undo, char *path, bool is_dir);
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
file_txn_find_keeper(struct file_txn_owner *owner, const char *who)
{
	struct proc_user user;
	int		 r;

	*owner = FILE_TXN_SELF;
	if (geteuid() != 0)
		return true;
	r = proc_user(PROC_KEEPER, &user);
	if (r < 0) {
		log_warnx("%s: there is no user for the keeper: %s", who,
		    strerror(-r));
		return false;
	}
	*owner = (struct file_txn_owner) { user.uid, user.gid };
	return true;
}

bool
file_txn_mkdir(struct file_txn *undo, const char *dir, const char *name,
    mode_t mode,
    struct file_txn_owner owner)
{
	char *path = file_join(dir, name);
	bool  made = false;
	int   r;

	if (path == NULL)
		return report(undo, name, -ENOMEM);
	r = make_dir(path, mode, owner, &made);
	if (r < 0)
		report(undo, path, r);
	if (made)
		remember(undo, path, true);
	else
		free(path);
	return r == 0;
}

bool
file_txn_create(struct file_txn *undo, const char *dir, const char *name,
    const void *data, size_t len, mode_t mode, struct file_txn_owner owner)
{
	char *path = file_join(dir, name);
	int   r;

	if (path == NULL)
		return report(undo, name, -ENOMEM);
	r = file_create(path, data, len, mode, owner.uid, owner.gid);
	if (r < 0) {
		report(undo, path, r);
		free(path);
		return false;
	}
	remember(undo, path, false);
	return true;
}

bool
file_txn_replace(struct file_txn *undo, const char *dir, const char *name,
    const void *data, size_t len, mode_t mode, struct file_txn_owner owner)
{
	char *path = file_join(dir, name), *old;
	int   r = -ENOMEM;

	if (path == NULL || asprintf(&old, "%s.%ld.old", path,
				(long)getpid()) == -1)
		goto out;
	r = link(path, old) == -1 ? -errno : 0;
	if (r == -ENOENT) {
		free(old);
		free(path);
		return file_txn_create(undo, dir, name, data, len, mode, owner);
	}
	if (r == 0) {
		remember(undo, path, false);
		undo->made[undo->n - 1].old = old;
		r = file_write(path, data, len, mode, owner.uid, owner.gid);
		return r == 0 || report(undo, path, r);
	}
	free(old);
out:
	report(undo, path != NULL ? path : name, r);
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

/* Two names of one file are left as they are by rename(2). */
static void
put_back(const char *old, const char *path)
{
	if (rename(old, path) == 0)
		unlink(old);
}

static int
make_dir(const char *path, mode_t mode, struct file_txn_owner owner, bool *made)
{
	int r = 0, fd;

	*made = mkdir(path, mode) == 0;
	if (!*made && errno != EEXIST)
		return -errno;
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC |
	    (owner.uid != (uid_t)-1 ? O_NOFOLLOW : 0));
	if (fd == -1)
		return -errno;
	if (owner.uid != (uid_t)-1 && fchown(fd, owner.uid, owner.gid) == -1)
		r = -errno;
	/* mkdir(2) heeds the umask. */
	if (r == 0 && (*made || owner.uid != (uid_t)-1) &&
	    fchmod(fd, mode) == -1)
		r = -errno;
	close(fd);
	return r;
}

static void
remember(struct file_txn *undo, char *path, bool is_dir)
{
	assert(undo->n < FILE_TXN_MAX);
	undo->made[undo->n].path = path;
	undo->made[undo->n].old = NULL;
	undo->made[undo->n++].is_dir = is_dir;
}

static bool
report(const struct file_txn *undo, const char *path, int error)
{
	if (error == -EEXIST)
		log_warnx("%s: %s is there already; move it away first",
		    undo->who, path);
	else
		log_warnx("%s: %s: %s", undo->who, path, strerror(-error));
	return false;
}
