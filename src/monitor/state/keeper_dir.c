/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "monitor/state/keeper_dir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"

#define OPEN_DIR (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)

static int give_dir(int fd, const char *path, const struct proc_user *user);
static int give_files(int dirfd, const struct proc_user *user);
static int give_file(int dirfd, const char *name, const struct proc_user *user);

int
keeper_dir_open(const char *path, const struct proc_user *user)
{
	int fd, sites, r;

	fd = open(path, OPEN_DIR);
	if (fd == -1) {
		r = -errno;
		log_warn("%s: cannot open the keeper's directory", path);
		return r;
	}
	/*
	 * Without root we cannot change owners, and the keeper has the same
	 * user.
	 */
	if (geteuid() != 0)
		return fd;
	r = give_dir(fd, path, user);
	sites = openat(fd, "sites", OPEN_DIR);
	if (r == 0 && sites != -1)
		r = give_dir(sites, path, user);
	if (sites != -1)
		close(sites);
	/*
	 * An administrator writes this one by hand, at any time.  If it cannot
	 * be given away here, the keeper reports whether it can read it.
	 */
	if (r == 0 && (r = give_file(fd, "proxy", user)) == -EROFS)
		r = 0;
	if (r == 0)
		return fd;
	log_warnx("%s: cannot be given to user %u: %s; fix with: chown -R %u:%u "
		  "%s%s", path, (unsigned)user->uid, strerror(-r),
	    (unsigned)user->uid, (unsigned)user->gid, path, r == -EROFS ?
		", where it can be written, or mount it read-write once" : "");
	close(fd);
	return r;
}

static int
give_dir(int fd, const char *path, const struct proc_user *user)
{
	struct stat st;
	int	    r;

	if (fstat(fd, &st) == -1)
		return -errno;
	if (st.st_uid == user->uid)
		return 0;
	/* The directory last: if its owner is right, everything is done. */
	r = give_files(fd, user);
	if (r < 0)
		return r;
	if (fchown(fd, user->uid, user->gid) == -1)
		return -errno;
	log_info("%s: given to the keeper (user %u)", path,
	    (unsigned)user->uid);
	return 0;
}

static int
give_files(int dirfd, const struct proc_user *user)
{
	/* Its own descriptor: fdopendir(3) would take over ours. */
	int	       fd = openat(dirfd, ".", OPEN_DIR), r = 0;
	DIR	      *dir = fd != -1 ? fdopendir(fd) : NULL;
	struct dirent *entry;

	if (dir == NULL) {
		r = -errno;
		if (fd != -1)
			close(fd);
		return r;
	}
	while (r == 0 && (entry = readdir(dir)) != NULL)
		r = give_file(dirfd, entry->d_name, user);
	closedir(dir);
	return r;
}

/* A second hard link may be another user's file. */
static int
give_file(int dirfd, const char *name, const struct proc_user *user)
{
	struct stat st;
	int	    r = 0;
	int	    fd = openat(dirfd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);

	if (fd == -1)
		return errno == ENOENT ? 0 : -errno;
	if (fstat(fd, &st) == -1)
		r = -errno;
	else if (S_ISREG(st.st_mode) && st.st_nlink == 1 &&
	    st.st_uid != user->uid &&
	    fchownat(fd, "", user->uid, user->gid, AT_EMPTY_PATH) == -1)
		r = -errno;
	close(fd);
	return r;
}
