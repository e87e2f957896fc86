/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The file of the sites' totals: what is in the memory at a stop is there again. */
#include "monitor/state/totals_file.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <ev.h>

#include "base/file.h"
#include "base/log.h"
#include "proc/request.h"
#include "unit.h"

static char dir[64], path[96];
static struct totals_file file; /* its timer stays where it is */

static void
begin(void)
{
	if (dir[0] == '\0') {
		strcpy(dir, "/tmp/check-totals-XXXXXX");
		ck_assert_ptr_nonnull(mkdtemp(dir));
		snprintf(path, sizeof(path), "%s/totals", dir);
		log_init("check", LOG_LEVEL_ERROR);
	}
	ck_assert(totals_file_open(&file, EV_DEFAULT, dir));
}

static void
end(void)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -rf %s", dir);
	ck_assert_int_eq(system(command), 0);
}

static void
put(const char *text, off_t at)
{
	ck_assert_int_eq(pwrite(file.fd, text, strlen(text), at),
	    strlen(text));
}

static void
check_memory(const char *text, off_t at)
{
	char found[16] = "";

	ck_assert_int_eq(pread(file.fd, found, strlen(text), at),
	    strlen(text));
	ck_assert_str_eq(found, text);
	ck_assert_int_eq(lseek(file.fd, 0, SEEK_END), REQUEST_TOTALS_SIZE);
}

static void
check_zeros(void)
{
	static char bytes[REQUEST_TOTALS_SIZE], zeros[REQUEST_TOTALS_SIZE];

	ck_assert_int_eq(pread(file.fd, bytes, sizeof(bytes), 0),
	    sizeof(bytes));
	ck_assert_int_eq(memcmp(bytes, zeros, sizeof(bytes)), 0);
}

START_TEST(what_was_there_at_the_end_is_there_again)
{
	struct stat st, again;

	begin();
	check_zeros();
	totals_file_close(&file);
	ck_assert_int_eq(stat(path, &st), -1);
	totals_file_close(&file); /* twice is once */

	begin();
	put("berlin", 100);
	put("paris", 5000);
	totals_file_close(&file);
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_int_eq(st.st_mode & 0777, 0600);
	ck_assert_int_eq(st.st_size, 5005); /* not the zeros behind it */

	begin();
	check_memory("berlin", 100);
	check_memory("paris", 5000);
	totals_file_close(&file);
	ck_assert_int_eq(stat(path, &again), 0);
	ck_assert_msg(st.st_ino == again.st_ino &&
		st.st_mtim.tv_nsec == again.st_mtim.tv_nsec,
	    "nothing changed, and it is written all the same");

	begin();
	put("london", REQUEST_TOTALS_SIZE - 6);
	totals_file_close(&file);
	begin();
	check_memory("paris", 5000);
	check_memory("london", REQUEST_TOTALS_SIZE - 6);
	totals_file_close(&file);
	end();
}
END_TEST

START_TEST(a_file_that_is_none_of_ours_is_not_taken)
{
	char *junk = malloc(REQUEST_TOTALS_SIZE + 1);

	begin();
	totals_file_close(&file);
	ck_assert_ptr_nonnull(junk);
	memset(junk, 'x', REQUEST_TOTALS_SIZE + 1);
	ck_assert_int_eq(file_write(path, junk, REQUEST_TOTALS_SIZE + 1, 0600,
			     (uid_t)-1, (gid_t)-1), 0);
	free(junk);
	begin();
	check_zeros();
	put("berlin", 0);
	totals_file_close(&file);
	ck_assert_int_eq(unlink(path), 0);
	ck_assert_int_eq(mkdir(path, 0700), 0);
	begin();
	check_zeros();
	put("berlin", 0);
	totals_file_close(&file);
	end();
}
END_TEST

/* Whatever becomes of the disk; and it is tried again. */
START_TEST(where_nothing_can_be_written_nothing_else_is_lost)
{
	char away[96];

	begin();
	put("berlin", 0);
	snprintf(away, sizeof(away), "%s.away", dir);
	ck_assert_int_eq(rename(dir, away), 0);
	ev_feed_event(EV_DEFAULT, &file.timer, EV_TIMER);
	ev_invoke_pending(EV_DEFAULT);
	check_memory("berlin", 0);
	ck_assert_int_eq(rename(away, dir), 0);
	ev_feed_event(EV_DEFAULT, &file.timer, EV_TIMER);
	ev_invoke_pending(EV_DEFAULT);
	ck_assert_int_eq(access(path, F_OK), 0);
	totals_file_close(&file);
	end();
}
END_TEST

UNIT_MAIN("totals_file", what_was_there_at_the_end_is_there_again,
    a_file_that_is_none_of_ours_is_not_taken,
    where_nothing_can_be_written_nothing_else_is_lost)
