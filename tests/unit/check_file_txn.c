/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cmd/util/file_txn.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "unit.h"

static char	dir[64];
static unsigned joins_left; /* until memory ends */

char *__real_file_join(const char *dir, const char *name);
char *__wrap_file_join(const char *dir, const char *name);

char *
__wrap_file_join(const char *where, const char *name)
{
	return joins_left-- > 0 ? __real_file_join(where, name) : NULL;
}

static const char *
path_of(const char *name)
{
	static char path[128];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return path;
}

static void
begin(void)
{
	strcpy(dir, "/tmp/check_file_txn.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	ck_assert_int_eq(file_write(path_of("there"), "old", 3, 0640,
			     (uid_t)-1, (gid_t)-1),
	    0);
}

/* That file has this text, and its directory no other. */
static void
end(const char *want)
{
	struct stat st;
	char	   *text;
	size_t	    len;

	ck_assert_int_eq(stat(path_of("there"), &st), 0);
	ck_assert_uint_eq(st.st_nlink, 1);
	ck_assert_int_eq(file_read(path_of("there"), 100, &text, &len), 0);
	ck_assert_str_eq(text, want);
	free(text);
	unlink(path_of("there"));
	ck_assert_msg(rmdir(dir) == 0, "%s: %s", dir, strerror(errno));
}

/* One of each kind. */
static bool
steps(struct file_txn *undo)
{
	return file_txn_mkdir(undo, dir, "sub", 0755) &&
	    file_txn_create(undo, dir, "sub/new", "text", 0644) &&
	    file_txn_replace(undo, dir, "there", "new", 0644) &&
	    file_txn_replace(undo, dir, "absent", "text", 0644) &&
	    file_txn_mkdir(undo, dir, "sub/last", 0755);
}

START_TEST(all_are_made)
{
	struct file_txn undo = { .who = "check" };

	begin();
	joins_left = 100;
	ck_assert(file_txn_unless(&undo, steps(&undo)));
	ck_assert_int_eq(rmdir(path_of("sub/last")), 0);
	ck_assert_int_eq(unlink(path_of("sub/new")), 0);
	ck_assert_int_eq(rmdir(path_of("sub")), 0);
	ck_assert_int_eq(unlink(path_of("absent")), 0);
	end("new");
}
END_TEST

/* "absent" needs two paths: it is not replaced but made. */
START_TEST(none_is_made_where_memory_ends)
{
	for (unsigned n = 0; n < 6; n++) {
		struct file_txn undo = { .who = "check" };

		begin();
		joins_left = n;
		ck_assert_msg(!file_txn_unless(&undo, steps(&undo)),
		    "after %u paths", n);
		end("old");
	}
}
END_TEST

START_TEST(none_is_made_where_one_is_there)
{
	struct file_txn undo = { .who = "check" };

	begin();
	joins_left = 100;
	ck_assert(!file_txn_unless(&undo,
	    steps(&undo) && file_txn_create(&undo, dir, "there", "x", 0644)));
	end("old");
}
END_TEST

UNIT_MAIN("file_txn", all_are_made, none_is_made_where_memory_ends,
    none_is_made_where_one_is_there)
