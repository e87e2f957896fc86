/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/file.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/secret.h"
#include "unit.h"

#define KEEP ((uid_t)-1), ((gid_t)-1)

static char dir[64];
static char path[PATH_MAX];

/* An empty directory of the test's own, and the name of a file in it. */
static void
begin(void)
{
	strcpy(dir, "/tmp/check_file.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/file", dir);
}

/* Nothing may be left but what the test removes. */
static void
end(void)
{
	unlink(path);
	ck_assert_msg(rmdir(dir) == 0, "%s: %s", dir, strerror(errno));
}

static void
assert_content(const char *want, size_t want_len)
{
	char  *data;
	size_t len;

	ck_assert_int_eq(file_read(path, 1 << 20, &data, &len), 0);
	ck_assert_uint_eq(len, want_len);
	ck_assert_mem_eq(data, want, len);
	ck_assert_int_eq(data[len], '\0');
	free(data);
}

START_TEST(what_is_written_is_read)
{
	static const size_t sizes[] = { 0, 1, 4094, 4095, 4096, 4097, 8191,
		8192, 100000 };
	char		   *data = malloc(100000);

	ck_assert_ptr_nonnull(data);
	for (size_t i = 0; i < 100000; i++)
		data[i] = (char)(i * 7);
	begin();
	for (size_t i = 0; i < nitems(sizes); i++) {
		ck_assert_int_eq(file_write(path, data, sizes[i], 0600, KEEP),
		    0);
		assert_content(data, sizes[i]);
	}
	end();
	free(data);
}
END_TEST

START_TEST(too_large_is_refused)
{
	char  *data;
	size_t len;

	begin();
	ck_assert_int_eq(file_write(path, "12345", 5, 0600, KEEP), 0);
	ck_assert_int_eq(file_read(path, 4, &data, &len), -EFBIG);
	ck_assert_int_eq(file_read(path, 5, &data, &len), 0);
	free(data);
	ck_assert_int_eq(file_read("/dev/zero", 100000, &data, &len), -EFBIG);
	end();
}
END_TEST

START_TEST(what_is_not_there_is_an_error)
{
	char  *data;
	size_t len;

	begin();
	ck_assert_int_eq(file_read(path, 10, &data, &len), -ENOENT);
	ck_assert_int_eq(file_read(dir, 10, &data, &len), -EISDIR);
	ck_assert_int_eq(file_write("/nowhere/at/all", "x", 1, 0600, KEEP),
	    -ENOENT);
	end();
}
END_TEST

START_TEST(the_mode_is_what_was_asked_for)
{
	struct stat st;

	begin();
	umask(0077);
	ck_assert_int_eq(file_write(path, "x", 1, 0644, KEEP), 0);
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0644);
	umask(0);
	ck_assert_int_eq(file_write(path, "y", 1, 0600, KEEP), 0);
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0600);
	end();
}
END_TEST

/* Root gives it away; others have a group of theirs for it, perhaps. */
START_TEST(what_is_replaced_keeps_its_mode_and_owner)
{
	static const mode_t modes[] = { 0600, 0640, 0400, 0664 };
	uid_t		    uid = geteuid() == 0 ? 12345 : geteuid();
	gid_t		    gid = geteuid() == 0 ? 23456 : getegid();
	struct stat	    st;

	begin();
	ck_assert_int_eq(file_write(path, "x", 1, 0600, KEEP), 0);
	ck_assert_int_eq(chown(path, uid, gid), 0);
	for (size_t i = 0; i < nitems(modes); i++) {
		ck_assert_int_eq(chmod(path, modes[i]), 0);
		ck_assert_int_eq(file_write(path, "y", 1, 0644, KEEP), 0);
		ck_assert_int_eq(stat(path, &st), 0);
		ck_assert_uint_eq(st.st_mode & 07777, modes[i]);
		ck_assert_uint_eq(st.st_uid, uid);
		ck_assert_uint_eq(st.st_gid, gid);
	}
	/* But not a secret. */
	ck_assert_int_eq(file_write(path, "z", 1, 0600, KEEP), 0);
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0600);
	ck_assert_uint_eq(st.st_uid, geteuid());
	end();
}
END_TEST

START_TEST(a_reader_of_the_old_file_keeps_it)
{
	char  buf[4] = "";
	FILE *old;

	begin();
	ck_assert_int_eq(file_write(path, "old", 3, 0600, KEEP), 0);
	old = fopen(path, "r");
	ck_assert_ptr_nonnull(old);
	ck_assert_int_eq(file_write(path, "new", 3, 0600, KEEP), 0);
	ck_assert_uint_eq(fread(buf, 1, 3, old), 3);
	ck_assert_str_eq(buf, "old");
	fclose(old);
	assert_content("new", 3);
	end();
}
END_TEST

START_TEST(create_does_not_replace)
{
	begin();
	ck_assert_int_eq(file_create(path, "first", 5, 0600, KEEP), 0);
	ck_assert_int_eq(file_create(path, "second", 6, 0600, KEEP), -EEXIST);
	assert_content("first", 5);
	end();
}
END_TEST

START_TEST(create_does_not_follow_a_link)
{
	char target[PATH_MAX + 8];

	begin();
	snprintf(target, sizeof(target), "%s.target", path);
	ck_assert_int_eq(symlink(target, path), 0);
	ck_assert_int_eq(file_create(path, "x", 1, 0600, KEEP), -EEXIST);
	ck_assert_int_eq(access(target, F_OK), -1);
	/* And writing replaces the link, not what it names. */
	ck_assert_int_eq(file_write(path, "x", 1, 0600, KEEP), 0);
	ck_assert_int_eq(access(target, F_OK), -1);
	assert_content("x", 1);
	end();
}
END_TEST

START_TEST(a_failed_write_leaves_all_as_it_was)
{
	struct stat st;

	begin();
	ck_assert_int_eq(mkdir(path, 0700), 0);
	/* A directory cannot be replaced by a file. */
	ck_assert_int_lt(file_write(path, "x", 1, 0600, KEEP), 0);
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert(S_ISDIR(st.st_mode));
	ck_assert_int_eq(rmdir(path), 0);
	end();
}
END_TEST

static const struct {
	const char *directory, *name, *joined;
} joins[] = {
	{ "/etc/tombolo", "tombolo.conf", "/etc/tombolo/tombolo.conf" },
	{ "/etc/tombolo", "/else/where", "/else/where" },
	{ ".", "sites.d/x", "./sites.d/x" },
};

START_TEST(names_are_joined)
{
	for (size_t i = 0; i < nitems(joins); i++) {
		char *joined = file_join(joins[i].directory, joins[i].name);

		ck_assert_ptr_nonnull(joined);
		ck_assert_str_eq(joined, joins[i].joined);
		free(joined);
	}
}
END_TEST

START_TEST(secrets_compare_and_go)
{
	uint8_t a[32], b[32], zero[32] = { 0 };

	secret_random(a, sizeof(a));
	ck_assert_mem_ne(a, zero, sizeof(a));
	memcpy(b, a, sizeof(b));
	ck_assert(secret_equal(a, b, sizeof(a)));
	for (unsigned bit = 0; bit < 8 * sizeof(b); bit++) {
		b[bit / 8] ^= (uint8_t)(1 << bit % 8);
		ck_assert(!secret_equal(a, b, sizeof(a)));
		b[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	ck_assert(secret_equal(a, zero, 0));
	secret_wipe(a, sizeof(a));
	ck_assert_mem_eq(a, zero, sizeof(a));
	secret_free(NULL, 5);
}
END_TEST

UNIT_MAIN("file", what_is_written_is_read, too_large_is_refused,
    what_is_not_there_is_an_error, the_mode_is_what_was_asked_for,
    what_is_replaced_keeps_its_mode_and_owner,
    a_reader_of_the_old_file_keeps_it, create_does_not_replace,
    create_does_not_follow_a_link, a_failed_write_leaves_all_as_it_was,
    names_are_joined, secrets_compare_and_go)
