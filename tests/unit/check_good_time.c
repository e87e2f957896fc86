/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "monitor/state/good_time.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "conf/conf.h"
#include "control/conn/tls.h"
#include "unit.h"

#define DAY  86400
#define THEN ((time_t)1900000000)

static char dir[64], path[128], old[128];
static char socket_path[] = "/run/tombolo/office.sock";
static const struct conf conf = { .socket = socket_path };

static void
begin(void)
{
	char root[] = "/tmp/check-good-time.XXXXXX";

	ck_assert_ptr_nonnull(mkdtemp(root));
	snprintf(dir, sizeof(dir), "%s/state", root);
	ck_assert_int_eq(mkdir(dir, 0700), 0);
	snprintf(path, sizeof(path), "%s/good-time", dir);
	/* That of version 0.1. */
	snprintf(old, sizeof(old), "%s/office.time", root);
	setenv("STATE_DIRECTORY", root, 1);
}

static void
end(void)
{
	unlink(path);
	unlink(old);
	rmdir(dir);
	*strrchr(dir, '/') = '\0';
	ck_assert_int_eq(rmdir(dir), 0);
}

static void
put(const char *file, const char *text)
{
	ck_assert_int_eq(file_write(file, text, strlen(text), 0644, (uid_t)-1,
			     (gid_t)-1), 0);
}

static time_t
read_again(void)
{
	struct good_time good;
	time_t		 last;

	good_time_init(&good, dir, &conf);
	last = good.last;
	good_time_fini(&good);
	return last;
}

START_TEST(it_is_kept_once_a_day_and_never_goes_back)
{
	static const struct {
		const char *what;
		time_t	    now, kept;
	} steps[] = {
		{ "the first", THEN, THEN },
		{ "a moment later", THEN + 60, THEN },
		{ "almost a day later", THEN + DAY - 1, THEN },
		{ "a day later", THEN + DAY, THEN + DAY },
		{ "a clock that lost its battery", 5, THEN + DAY },
		{ "a year later", THEN + 365 * DAY, THEN + 365 * DAY },
	};
	struct good_time good;

	begin();
	ck_assert_int_eq(read_again(), 0);
	good_time_init(&good, dir, &conf);
	ck_assert_str_eq(good.path, path);
	for (size_t i = 0; i < nitems(steps); i++) {
		good_time_note(&good, steps[i].now);
		ck_assert_msg(good.last == steps[i].kept, "%s", steps[i].what);
		ck_assert_msg(read_again() == steps[i].kept, "%s",
		    steps[i].what);
	}
	good_time_fini(&good);
	end();
}
END_TEST

START_TEST(a_file_without_a_time_is_none)
{
	static const char *const texts[] = { "", "\n", "nonsense\n", "-5\n",
		"0\n", "99999999999999999999\n", "1900000000x\n",
		"19000000001900000000190000000019000000001900000000\n" };

	begin();
	for (size_t i = 0; i < nitems(texts); i++) {
		put(path, texts[i]);
		ck_assert_msg(read_again() == 0, "%s", texts[i]);
	}
	put(path, "1900000000");
	ck_assert_int_eq(read_again(), 1900000000);
	end();
}
END_TEST

START_TEST(the_file_of_version_0_1_is_moved_once)
{
	begin();
	put(old, "1900000000\n");
	ck_assert_int_eq(read_again(), 1900000000);
	ck_assert_int_eq(access(old, F_OK), -1);
	/* Another configuration of that name, which is none of ours. */
	put(old, "1950000000\n");
	ck_assert_int_eq(read_again(), 1900000000);
	ck_assert_int_eq(access(old, F_OK), 0);
	end();
}
END_TEST

START_TEST(what_cannot_be_written_is_no_trouble)
{
	struct good_time good;

	begin();
	put(old, "1800000000\n");
	good_time_init(&good, "/proc/no/such/place", &conf);
	ck_assert_str_eq(good.path, "/proc/no/such/place/good-time");
	/* Where it cannot be moved it is read. */
	ck_assert_int_eq(good.last, 1800000000);
	good_time_note(&good, THEN);
	ck_assert_int_eq(good.last, THEN);
	good_time_fini(&good);
	ck_assert_int_eq(access(old, F_OK), 0);
	end();
}
END_TEST

START_TEST(certificates_are_not_looked_at_before_it)
{
	time_t now = tls_time();

	tls_set_good_time(now - DAY);
	ck_assert_int_le(tls_time(), now + DAY / 2);
	tls_set_good_time(now + DAY);
	ck_assert_int_eq(tls_time(), now + DAY);
	tls_set_good_time(0);
	ck_assert_int_eq(tls_time(), now + DAY);
}
END_TEST

UNIT_MAIN("good_time", it_is_kept_once_a_day_and_never_goes_back,
    a_file_without_a_time_is_none, the_file_of_version_0_1_is_moved_once,
    what_cannot_be_written_is_no_trouble,
    certificates_are_not_looked_at_before_it)
