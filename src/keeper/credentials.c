/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "keeper/credentials.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mono.h"
#include "base/secret.h"
#include "base/text.h"
#include "conf/conf.h"

static bool is_psk(const char *name);
static int open_file(int dir, const char *name);
static int check(int fd);
static bool is_dir(const char *name);
static int write_beside(int dir, const char *name,
    char tmp[CREDENTIALS_NAME_MAX + 8], const char *data, size_t len,
    const char *end);

int
credentials_read(int dir, const char *name, char **data, size_t *len)
{
	int fd = open_file(dir, name), r;

	*len = 0;
	if (fd < 0)
		return fd;
	r = check(fd);
	if (r == 0)
		return file_read_fd(fd, CREDENTIALS_MAX, data, len);
	close(fd);
	return r;
}

int
credentials_line(int dir, const char *name, char *dst, size_t size, size_t *len)
{
	size_t file_len, n;
	char  *data;
	int    r = credentials_read(dir, name, &data, &file_len);

	if (r != 0)
		return r;
	n = file_len;
	r = text_line(data, &n);
	if (r == 0 && n >= size)
		r = -EFBIG;
	if (r == 0) {
		memcpy(dst, data, n);
		dst[n] = '\0';
		*len = n;
	}
	secret_free(data, file_len + 1);
	return r;
}

int
credentials_check_dir(int dir, const char *name)
{
	struct stat st;

	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == -1)
		return -errno;
	return S_ISDIR(st.st_mode) && st.st_uid == geteuid() &&
		(st.st_mode & 077) == 0 ?
	    0 :
	    -EPERM;
}

int
credentials_create(int dir, const char *name, const char *line)
{
	char	tmp[CREDENTIALS_NAME_MAX + 8];
	int	r = write_beside(dir, name, tmp, line, strlen(line), "\n");

	/* link(2), because rename(2) would replace an existing file. */
	if (r == 0 && linkat(dir, tmp, dir, name, 0) == -1)
		r = -errno;
	unlinkat(dir, tmp, 0);
	if (r == 0)
		(void)fsync(dir);
	return r;
}

int
credentials_replace(int dir, const char *name, const char *data, size_t len)
{
	char tmp[CREDENTIALS_NAME_MAX + 8];
	int  r = write_beside(dir, name, tmp, data, len, "");

	if (r == 0 && renameat(dir, tmp, dir, name) == -1)
		r = -errno;
	if (r == 0)
		(void)fsync(dir);
	else
		unlinkat(dir, tmp, 0);
	return r;
}

bool
credentials_site_name(const char *site, enum conf_auth auth,
    char name[CREDENTIALS_NAME_MAX])
{
	int n;

	/*
	 * A site's name has no slash; checked again because it becomes a path.
	 */
	if (!conf_is_site_name(site) || auth == CONF_AUTH_CERTIFICATE)
		return false;
	n = snprintf(name, CREDENTIALS_NAME_MAX, "sites/%s.%s", site,
	    conf_auth_name(auth));
	return n > 0 && n < CREDENTIALS_NAME_MAX;
}

bool
credentials_nobody_name(enum conf_auth auth, char name[CREDENTIALS_NAME_MAX])
{
	int n = snprintf(name, CREDENTIALS_NAME_MAX, "nobody.%s",
	    conf_auth_name(auth));

	return auth != CONF_AUTH_CERTIFICATE && n > 0 &&
	    n < CREDENTIALS_NAME_MAX;
}

const char *
credentials_dir_path(int dir, char *dst, size_t size)
{
	char	link[32];
	ssize_t n;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", dir);
	n = readlink(link, dst, size - 1);
	if (n == -1)
		n = snprintf(dst, size, "%s", CONF_KEEPER_DIR);
	dst[n] = '\0';
	return dst;
}

const char *
credentials_explain(int dir, const char *name, int error, char *dst, size_t size)
{
	char path[PATH_MAX];
	bool dir_itself = is_dir(name);

	credentials_dir_path(dir, path, sizeof(path));
	/* Another user's file, such as one that root copied there. */
	if (error == -EACCES)
		error = -EPERM;
	if (error == -EPERM)
		snprintf(dst, size,
		    "%s/%s: must be a %s of the keeper's own that nobody else "
		    "may %s; fix with: chown %u:%u %s/%s; chmod %s %s/%s",
		    path, name, dir_itself ? "directory" : "file",
		    dir_itself ? "enter" : "read", (unsigned)geteuid(),
		    (unsigned)getegid(), path, name,
		    dir_itself ? "700" : "600", path, name);
	else if (error == -EBADMSG && strcmp(name, CREDENTIALS_PROXY) == 0)
		snprintf(dst, size, "%s/%s: must be one line, USER:PASSWORD",
		    path, name);
	else if (error == -EBADMSG && is_psk(name))
		snprintf(dst, size, "%s/%s: is not what tombolo wrote; a new "
		    "invitation replaces it (tombolo site passwd)", path, name);
	else if (error == -EBADMSG)
		snprintf(dst, size,
		    "%s/%s: must be one line, as tombolo %s writes it; set the "
		    "password anew",
		    path, name,
		    strcmp(name, CREDENTIALS_SECRET) == 0 ? "join" : "site");
	else
		snprintf(dst, size, "%s/%s: %s", path, name,
		    text_explain(error));
	return dst;
}

void
credentials_complain(int dir, const char *name, int error,
    struct log_limit *limit)
{
	char text[512];

	if (log_limit_allow(limit, mono_now().us, NULL))
		log_warnx("%s", credentials_explain(dir, name, error, text,
		    sizeof(text)));
}

static bool
is_psk(const char *name)
{
	const char *end = strrchr(name, '.');

	return strcmp(name, CREDENTIALS_PSK) == 0 ||
	    strcmp(name, CREDENTIALS_RING) == 0 ||
	    (end != NULL && strcmp(end, ".psk") == 0);
}

static bool
is_dir(const char *name)
{
	return strcmp(name, CREDENTIALS_DIR) == 0 ||
	    strcmp(name, CREDENTIALS_SITES) == 0;
}

/* A descriptor or a negative errno value. */
static int
open_file(int dir, const char *name)
{
	/* Non-blocking, or a FIFO of that name would block us. */
	int fd = openat(dir, name,
	    O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK);

	if (fd != -1)
		return fd;
	return errno == ELOOP ? -EPERM : -errno;
}

static int
check(int fd)
{
	struct stat st;

	if (fstat(fd, &st) == -1)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	if (st.st_uid != geteuid() || (st.st_mode & 077) != 0)
		return -EPERM;
	return st.st_size > CREDENTIALS_MAX ? -EFBIG : 0;
}

/* Writes to `tmp`, which may be left incomplete. */
static int
write_beside(int dir, const char *name, char tmp[CREDENTIALS_NAME_MAX + 8],
    const char *data, size_t len, const char *end)
{
	struct iovec parts[] = { { (void *)(uintptr_t)data, len },
		{ (void *)(uintptr_t)end, strlen(end) } };
	int	     fd, r = 0;

	snprintf(tmp, CREDENTIALS_NAME_MAX + 8, "%s.new", name);
	/* Left by an interrupted start. */
	unlinkat(dir, tmp, 0);
	fd = openat(dir, tmp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd == -1)
		return -errno;
	errno = ENOSPC; /* the meaning of a short write */
	if (writev(fd, parts, 2) != (ssize_t)(len + parts[1].iov_len) ||
	    fsync(fd) == -1)
		r = -errno;
	close(fd);
	return r;
}
