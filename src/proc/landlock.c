/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "proc/landlock.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/*
 * The kernel's interface, as of ABI 6: headers of the build host are older than
 * the kernel it may run on.  The numbers are the same on every architecture.
 */
#define SYS_CREATE_RULESET 444
#define SYS_ADD_RULE	   445
#define SYS_RESTRICT_SELF  446
#define CREATE_VERSION	   1u
#define RULE_PATH_BENEATH  1

#define FS_EXECUTE	0x0001u
#define FS_WRITE_FILE	0x0002u
#define FS_READ_FILE	0x0004u
#define FS_READ_DIR	0x0008u
#define FS_REMOVE_FILE	0x0020u
#define FS_MAKE_REG	0x0100u
#define FS_ABI_1	0x1fffu
#define FS_REFER	0x2000u /* ABI 2 */
#define FS_TRUNCATE	0x4000u /* ABI 3 */
#define FS_IOCTL_DEV	0x8000u /* ABI 5 */
#define NET_BIND_CONNECT 0x3u	/* ABI 4 */
#define SCOPE_ALL	0x3u	/* ABI 6: abstract sockets, signals */

struct ruleset {
	uint64_t fs, net, scoped;
};

struct path_beneath {
	uint64_t allowed;
	int32_t	 parent_fd;
} __attribute__((__packed__));

static struct ruleset handled_by(int abi, bool no_network);
static size_t size_of(int abi);
static int    add_path(int ruleset, int fd, uint64_t allowed);
static int    add_read_only(int ruleset, const char *const *paths);

int
landlock_abi(void)
{
	long abi = syscall(SYS_CREATE_RULESET, NULL, 0, CREATE_VERSION);

	return abi > 0 ? (int)abi : 0;
}

int
landlock_restrict(int read_fd, int write_fd, const char *const *read_only,
    bool no_network)
{
	int	       abi = landlock_abi(), fd, r = 0;
	struct ruleset handled = handled_by(abi, no_network);

	if (abi == 0)
		return -ENOSYS;
	fd = (int)syscall(SYS_CREATE_RULESET, &handled, size_of(abi), 0);
	if (fd == -1)
		return -errno;
	if (read_fd != -1)
		r = add_path(fd, read_fd, FS_READ_FILE | FS_READ_DIR);
	if (r == 0 && write_fd != -1)
		r = add_path(fd, write_fd, handled.fs & (FS_READ_FILE |
		    FS_READ_DIR | FS_WRITE_FILE | FS_MAKE_REG | FS_REMOVE_FILE |
		    FS_REFER | FS_TRUNCATE));
	if (r == 0 && read_only != NULL)
		r = add_read_only(fd, read_only);
	if (r == 0 && (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1 ||
		syscall(SYS_RESTRICT_SELF, fd, 0) == -1))
		r = -errno;
	close(fd);
	return r;
}

static struct ruleset
handled_by(int abi, bool no_network)
{
	struct ruleset handled = { .fs = FS_ABI_1 };

	if (abi >= 2)
		handled.fs |= FS_REFER;
	if (abi >= 3)
		handled.fs |= FS_TRUNCATE;
	if (abi >= 4 && no_network)
		handled.net = NET_BIND_CONNECT;
	if (abi >= 5)
		handled.fs |= FS_IOCTL_DEV;
	if (abi >= 6 && no_network)
		handled.scoped = SCOPE_ALL;
	return handled;
}

/* An older kernel refuses bytes it does not know. */
static size_t
size_of(int abi)
{
	if (abi >= 6)
		return sizeof(struct ruleset);
	return abi >= 4 ? offsetof(struct ruleset, scoped) :
			  offsetof(struct ruleset, net);
}

static int
add_path(int ruleset, int fd, uint64_t allowed)
{
	struct path_beneath rule = { allowed, fd };

	if (syscall(SYS_ADD_RULE, ruleset, RULE_PATH_BENEATH, &rule, 0) == -1)
		return -errno;
	return 0;
}

static int
add_read_only(int ruleset, const char *const *paths)
{
	for (; *paths != NULL; paths++) {
		int fd = open(*paths, O_PATH | O_CLOEXEC), r;

		if (fd == -1)
			continue;
		r = add_path(ruleset, fd,
		    FS_READ_FILE | FS_READ_DIR | FS_EXECUTE);
		close(fd);
		if (r < 0)
			return r;
	}
	return 0;
}
