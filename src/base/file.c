/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/secret.h"

static int write_beside(const char *temp, const void *data, size_t len,
    mode_t mode, uid_t uid, gid_t gid);
static int write_all(int fd, const char *data, size_t len);
static int sync_directory(const char *path);
static int put(const char *path, const void *data, size_t len, mode_t mode,
    uid_t uid, gid_t gid, bool replace);

int
file_read(const char *path, size_t max, char **data, size_t *len)
{
	/* A FIFO that nobody writes to is empty: the monitor must not hang. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);

	return fd == -1 ? -errno : file_read_fd(fd, max, data, len);
}

int
file_read_fd(int fd, size_t max, char **data, size_t *len)
{
	size_t	size = 4096, n = 0;
	char   *buf = malloc(size), *bigger;
	ssize_t got;
	int	r = 0;

	if (buf == NULL) {
		r = -ENOMEM;
		goto out;
	}
	while ((got = read(fd, buf + n, size - n - 1)) != 0) {
		if (got == -1) {
			if (errno == EINTR)
				continue;
			if (errno == EAGAIN &&
			    poll(&(struct pollfd) { fd, POLLIN, 0 }, 1, -1) != -1)
				continue;
			r = -errno;
			goto out;
		}
		n += (size_t)got;
		if (n > max) {
			r = -EFBIG;
			goto out;
		}
		if (size - n > 1)
			continue;
		/* Not realloc: it would leave a copy of a secret behind. */
		bigger = malloc(size * 2);
		if (bigger == NULL) {
			r = -ENOMEM;
			goto out;
		}
		memcpy(bigger, buf, n);
		secret_free(buf, size);
		buf = bigger;
		size *= 2;
	}
	buf[n] = '\0';
	*data = buf;
	*len = n;
	buf = NULL;
out:
	secret_free(buf, size);
	close(fd);
	return r;
}

int
file_write(const char *path, const void *data, size_t len, mode_t mode,
    uid_t uid, gid_t gid)
{
	return put(path, data, len, mode, uid, gid, true);
}

int
file_create(const char *path, const void *data, size_t len, mode_t mode,
    uid_t uid, gid_t gid)
{
	return put(path, data, len, mode, uid, gid, false);
}

void
file_keep(const char *path, mode_t *mode, uid_t *uid, gid_t *gid)
{
	struct stat st;

	if (stat(path, &st) == -1)
		return;
	*mode = st.st_mode & 0777;
	*uid = st.st_uid;
	*gid = st.st_gid;
}

char *
file_join(const char *dir, const char *name)
{
	char *path;

	if (name[0] == '/')
		return strdup(name);
	return asprintf(&path, "%s/%s", dir, name) == -1 ? NULL : path;
}

static int
put(const char *path, const void *data, size_t len, mode_t mode, uid_t uid,
    gid_t gid, bool replace)
{
	char *temp;
	int   r;

	if (asprintf(&temp, "%s.%ld.tmp", path, (long)getpid()) == -1)
		return -ENOMEM;
	if (replace && (mode & 077) != 0)
		file_keep(path, &mode, &uid, &gid);
	r = write_beside(temp, data, len, mode, uid, gid);
	if (r == 0) {
		/* link(2), unlike rename(2), refuses to replace. */
		if ((replace ? rename(temp, path) : link(temp, path)) == -1)
			r = -errno;
		else
			r = sync_directory(path);
	}
	if (r < 0 || !replace)
		unlink(temp);
	free(temp);
	return r;
}

static int
write_beside(const char *temp, const void *data, size_t len, mode_t mode,
    uid_t uid, gid_t gid)
{
	int r, fd;

	unlink(temp);
	fd = open(temp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW,
	    0600);
	if (fd == -1)
		return -errno;
	r = write_all(fd, data, len);
	if (r == 0 && uid != (uid_t)-1 && fchown(fd, uid, gid) == -1)
		r = -errno;
	if (r == 0 && (fchmod(fd, mode) == -1 || fsync(fd) == -1))
		r = -errno;
	close(fd);
	if (r < 0)
		unlink(temp);
	return r;
}

static int
write_all(int fd, const char *data, size_t len)
{
	while (len > 0) {
		ssize_t n = write(fd, data, len);

		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return -errno;
		data += n;
		len -= (size_t)n;
	}
	return 0;
}

static int
sync_directory(const char *path)
{
	char *copy = strdup(path);
	int   fd, r = 0;

	if (copy == NULL)
		return -ENOMEM;
	fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	free(copy);
	if (fd == -1)
		return -errno;
	/* Some file systems cannot sync a directory; the rename is done. */
	if (fsync(fd) == -1 && errno != EINVAL && errno != EROFS)
		r = -errno;
	close(fd);
	return r;
}
