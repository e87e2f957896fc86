/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The keeper's directory: given to it with the plain files in it, and with
 * nothing that a link may stand for.  Giving files away takes root.
 */
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "monitor/state/keeper_dir.h"

#define KEEPER 12345

static const struct proc_user user = { .uid = KEEPER, .gid = KEEPER };
static char dir[64];

static char *
path_of(const char *name)
{
	static char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return path;
}

static void
put(const char *name)
{
	int fd = open(path_of(name), O_WRONLY | O_CREAT | O_EXCL, 0600);

	ck_assert_int_ge(fd, 0);
	close(fd);
}

static void
make_tree(void)
{
	strcpy(dir, "/tmp/check-keeper-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	ck_assert_int_eq(mkdir(path_of("keeper"), 0700), 0);
	ck_assert_int_eq(mkdir(path_of("keeper/sites"), 0700), 0);
	put("keeper/server.key");
	put("keeper/sites/berlin.srp");
	log_init("check", LOG_LEVEL_ERROR);
}

static void
remove_tree(void)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -rf %s", dir);
	ck_assert_int_eq(system(command), 0);
}

/* Of the link itself. */
static uid_t
owner(const char *name)
{
	struct stat st;

	ck_assert_msg(lstat(path_of(name), &st) == 0, "%s", name);
	return st.st_uid;
}

static void
open_keeper(void)
{
	int fd = keeper_dir_open(path_of("keeper"), &user);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(faccessat(fd, "server.key", F_OK, 0), 0);
	close(fd);
}

START_TEST(directories_and_plain_files_are_given)
{
	make_tree();
	open_keeper();
	ck_assert_uint_eq(owner("keeper"), KEEPER);
	ck_assert_uint_eq(owner("keeper/server.key"), KEEPER);
	ck_assert_uint_eq(owner("keeper/sites"), KEEPER);
	ck_assert_uint_eq(owner("keeper/sites/berlin.srp"), KEEPER);
	ck_assert_msg(owner("") == 0, "the directory above stays root's");
	remove_tree();
}
END_TEST

/* Whatever the keeper put there, root must not give it more by it. */
START_TEST(links_and_what_is_deeper_are_not_given)
{
	char from[PATH_MAX];

	make_tree();
	put("shadow");
	strcpy(from, path_of("shadow"));
	ck_assert_int_eq(symlink(from, path_of("keeper/soft")), 0);
	ck_assert_int_eq(link(from, path_of("keeper/hard")), 0);
	ck_assert_int_eq(link(from, path_of("keeper/sites/hard")), 0);
	ck_assert_int_eq(mkdir(path_of("keeper/deeper"), 0700), 0);
	put("keeper/deeper/file");
	open_keeper();
	ck_assert_uint_eq(owner("keeper/server.key"), KEEPER);
	ck_assert_uint_eq(owner("shadow"), 0);
	ck_assert_uint_eq(owner("keeper/soft"), 0);
	ck_assert_uint_eq(owner("keeper/deeper"), 0);
	ck_assert_uint_eq(owner("keeper/deeper/file"), 0);
	remove_tree();
}
END_TEST

START_TEST(what_is_its_own_already_is_left_alone)
{
	make_tree();
	ck_assert_int_eq(chown(path_of("keeper"), KEEPER, KEEPER), 0);
	ck_assert_int_eq(chown(path_of("keeper/sites"), KEEPER, KEEPER), 0);
	open_keeper();
	ck_assert_uint_eq(owner("keeper/server.key"), 0);
	ck_assert_uint_eq(owner("keeper/sites/berlin.srp"), 0);
	remove_tree();
}
END_TEST

START_TEST(link_in_its_place_is_refused)
{
	char from[PATH_MAX];

	make_tree();
	ck_assert_int_eq(mkdir(path_of("other"), 0700), 0);
	put("other/file");
	strcpy(from, path_of("other"));
	ck_assert_int_eq(symlink(from, path_of("link")), 0);
	ck_assert_int_eq(keeper_dir_open(path_of("link"), &user), -ENOTDIR);
	ck_assert_uint_eq(owner("other/file"), 0);
	/* And one below it is none. */
	ck_assert_int_eq(unlink(path_of("keeper/sites/berlin.srp")), 0);
	ck_assert_int_eq(rmdir(path_of("keeper/sites")), 0);
	ck_assert_int_eq(symlink(from, path_of("keeper/sites")), 0);
	open_keeper();
	ck_assert_uint_eq(owner("other"), 0);
	ck_assert_uint_eq(owner("other/file"), 0);
	remove_tree();
}
END_TEST

/* A directory without write access still starts, if it can be read. */
START_TEST(one_that_cannot_be_written)
{
	int fd;

	make_tree();
	put("keeper/proxy");
	ck_assert_int_eq(unshare(CLONE_NEWNS), 0);
	ck_assert_int_eq(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
	for (int own = 0; own < 3; own++) {
		const char *path = path_of("keeper");

		ck_assert_int_eq(mount(path, path, NULL, MS_BIND, NULL), 0);
		ck_assert_int_eq(mount(NULL, path, NULL,
		    MS_REMOUNT | MS_BIND | MS_RDONLY, NULL), 0);
		fd = keeper_dir_open(path, &user);
		ck_assert_int_eq(own == 0 ? fd : fd < 0, own == 0 ? -EROFS : 0);
		if (fd >= 0)
			close(fd);
		ck_assert_int_eq(umount(path_of("keeper")), 0);
		/* Given where it can be written; a proxy file of root's then. */
		open_keeper();
		if (own == 1)
			ck_assert_int_eq(chown(path_of("keeper/proxy"), 0, 0), 0);
	}
	remove_tree();
}
END_TEST

START_TEST(missing_one_is_an_error)
{
	log_init("check", LOG_LEVEL_ERROR);
	ck_assert_int_eq(keeper_dir_open("/nonexistent/keeper", &user),
	    -ENOENT);
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = { directories_and_plain_files_are_given,
		links_and_what_is_deeper_are_not_given,
		what_is_its_own_already_is_left_alone,
		link_in_its_place_is_refused, one_that_cannot_be_written,
		missing_one_is_an_error };

	if (geteuid() != 0) {
		printf("skipped: only root can give files away\n");
		return 77;
	}
	return unit_run("keeper_dir", tests, nitems(tests));
}
