/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The directory of state: one a configuration, whatever the two are called; and
 * a place for it in every case.
 */
#include "monitor/state/state_dir.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "conf/conf.h"
#include "proc/proc.h"
#include "unit.h"

static char root[64], lib[96], run[96];

static void
begin(void)
{
	strcpy(root, "/tmp/check-state-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(root));
	snprintf(lib, sizeof(lib), "%s/lib", root);
	snprintf(run, sizeof(run), "%s/run", root);
	ck_assert_int_eq(mkdir(run, 0755), 0);
	/* A list, of which the first counts; it is made. */
	strcat(lib, ":/nonexistent");
	setenv("STATE_DIRECTORY", lib, 1);
	*strchr(lib, ':') = '\0';
	log_init("check", LOG_LEVEL_ERROR);
}

static void
end(void)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -rf %s", root);
	ck_assert_int_eq(system(command), 0);
}

/* A configuration's directory below the root; its socket is of that name. */
static struct conf *
make_conf(const char *name)
{
	struct conf *conf = calloc(1, sizeof(*conf));

	ck_assert_ptr_nonnull(conf);
	ck_assert_int_gt(asprintf(&conf->dir, "%s/%s", root, name), 0);
	ck_assert_int_gt(asprintf(&conf->socket, "%s/%s.sock", run,
			     strrchr(conf->dir, '/') + 1), 0);
	ck_assert(mkdir(conf->dir, 0755) == 0 || access(conf->dir, F_OK) == 0);
	return conf;
}

static char *
id_path(const struct conf *conf)
{
	static char path[256];

	snprintf(path, sizeof(path), "%s/" STATE_DIR_ID_FILE, conf->dir);
	return path;
}

static void
put_id(const struct conf *conf, const char *text)
{
	ck_assert_int_eq(file_write(id_path(conf), text, strlen(text), 0644,
			     (uid_t)-1, (gid_t)-1), 0);
}

/* Where its state lies; the caller frees.  NULL: it refuses. */
static char *
place_of(const struct conf *conf)
{
	struct state_dir state = { .fd = -1 };
	char		*path = NULL;

	if (state_dir_open(&state, conf))
		path = strdup(state.path);
	state_dir_close(&state);
	return path;
}

static void
is_at(const struct conf *conf, const char *dir, const char *name)
{
	char expected[256], *path = place_of(conf);

	snprintf(expected, sizeof(expected), "%s/%s", dir, name);
	ck_assert_ptr_nonnull(path);
	ck_assert_str_eq(path, expected);
	free(path);
}

START_TEST(an_id_is_a_line_of_digits_and_another_each_time)
{
	char a[STATE_DIR_ID_SIZE], b[STATE_DIR_ID_SIZE];

	state_dir_make_id(a);
	state_dir_make_id(b);
	ck_assert_uint_eq(strlen(a), STATE_DIR_ID_SIZE - 1);
	ck_assert_uint_eq(strspn(a, "0123456789abcdef"), 32);
	ck_assert(a[32] == '\n' && strcmp(a, b) != 0);
}
END_TEST

START_TEST(what_is_in_the_file_names_the_directory)
{
	static const char *const good[] = {
		"00112233445566778899aabbccddeeff",
		"00112233445566778899aabbccddeeff\n",
		"00112233445566778899aabbccddeeff\r\n",
		"00112233445566778899aabbccddeeff \n\n",
	};
	static const char *const bad[] = { "", "\n", "0011\n",
		"../../../../../../etc/tombolo-x/\n",
		"00112233445566778899aabbccddeef/\n",
		"00112233445566778899AABBCCDDEEFF\n",
		"00112233445566778899aabbccddeeff0\n",
		"00112233445566778899aabbccddeeff\n00\n",
		"00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
		"\n" };
	struct conf *conf = make_conf("office");
	struct stat  st;
	char	     path[256];

	for (size_t i = 0; i < nitems(good); i++) {
		put_id(conf, good[i]);
		is_at(conf, lib, good[0]);
	}
	snprintf(path, sizeof(path), "%s/%s", lib, good[0]);
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_int_eq(st.st_mode & 0777, 0700);
	for (size_t i = 0; i < nitems(bad); i++) {
		put_id(conf, bad[i]);
		ck_assert_msg(place_of(conf) == NULL, "%s", bad[i]);
	}
	conf_free(conf);
}
END_TEST

/* As a command finds it, which makes nothing. */
START_TEST(a_file_of_it_is_found_by_the_id)
{
	struct state_dir state = { .fd = -1 };
	struct conf	*conf;
	char		*file, path[256];

	conf = make_conf("etc");
	ck_assert_ptr_null(state_dir_file(conf->dir, STATE_DIR_CRL));
	snprintf(path, sizeof(path), "%s/id", conf->dir);
	ck_assert_int_eq(access(path, F_OK), -1);
	ck_assert(state_dir_open(&state, conf));
	file = state_dir_file(conf->dir, STATE_DIR_CRL);
	snprintf(path, sizeof(path), "%s/crl.pem", state.path);
	ck_assert_str_eq(file, path);
	free(file);
	state_dir_close(&state);
	conf_free(conf);
}
END_TEST

START_TEST(a_directory_without_one_gets_its_own_and_keeps_it)
{
	struct conf *a = make_conf("office"), *b, *moved;
	char *first = place_of(a), *again, *other, path[256];

	/* Two of one name share nothing. */
	snprintf(path, sizeof(path), "%s/b", root);
	ck_assert_int_eq(mkdir(path, 0755), 0);
	b = make_conf("b/office");
	other = place_of(b);
	ck_assert_str_ne(first, other);
	again = place_of(a);
	ck_assert_str_eq(first, again);
	free(again);
	/* One that is lost for a while, as on a medium that is read-only. */
	ck_assert_int_eq(unlink(id_path(a)), 0);
	again = place_of(a);
	ck_assert_str_eq(first, again);
	free(again);
	/* It goes with the directory. */
	snprintf(path, sizeof(path), "%s/moved", root);
	ck_assert_int_eq(rename(a->dir, path), 0);
	moved = make_conf("moved");
	again = place_of(moved);
	ck_assert_str_eq(first, again);
	free(again);
	free(first);
	free(other);
	conf_free(a);
	conf_free(b);
	conf_free(moved);
}
END_TEST

START_TEST(a_copy_that_runs_at_the_same_time_shares_nothing)
{
	static const char id[] = "00112233445566778899aabbccddeeff";
	struct conf	 *conf = make_conf("office"), *copy = make_conf("copy");
	struct state_dir  state = { .fd = -1 };

	put_id(conf, id);
	put_id(copy, id);
	ck_assert(state_dir_open(&state, conf));
	is_at(copy, run, "copy.sock.00112233445566778899aabbccddeeff.state");
	state_dir_close(&state);
	is_at(copy, lib, id);
	conf_free(conf);
	conf_free(copy);
}
END_TEST

/* Of root's all directories can be written, so it is something else's place. */
START_TEST(where_nothing_can_be_written_there_is_run)
{
	static const char *const roots[] = { "/proc/nonexistent",
		"/dev/null/tombolo", "/proc/self/fd" };
	struct conf *conf = make_conf("office"), *twin;
	char	    *other, path[256];

	put_id(conf, "00112233445566778899aabbccddeeff");
	/* Of the same name, and so with the same socket. */
	snprintf(path, sizeof(path), "%s/b", root);
	ck_assert_int_eq(mkdir(path, 0755), 0);
	twin = make_conf("b/office");
	ck_assert_str_eq(conf->socket, twin->socket);
	for (size_t i = 0; i < nitems(roots); i++) {
		setenv("STATE_DIRECTORY", roots[i], 1);
		is_at(conf, run,
		    "office.sock.00112233445566778899aabbccddeeff.state");
		other = place_of(twin);
		ck_assert_ptr_null(strstr(other, "00112233445566778899aabb"));
		free(other);
	}
	conf_free(twin);
	free(conf->socket);
	conf->socket = strdup("/proc/nonexistent/office.sock");
	ck_assert_ptr_null(place_of(conf));
	conf_free(conf);
}
END_TEST

START_TEST(what_a_killed_daemon_was_writing_is_removed)
{
	struct conf	*conf = make_conf("office");
	struct state_dir state = { .fd = -1 }, other = { .fd = -1 };
	char		 left[256], kept[256];

	ck_assert(state_dir_open(&state, conf));
	snprintf(left, sizeof(left), "%s/totals.4711.tmp", state.path);
	snprintf(kept, sizeof(kept), "%s/totals", state.path);
	ck_assert_int_eq(file_write(left, "x", 1, 0600, (uid_t)-1, (gid_t)-1),
	    0);
	ck_assert_int_eq(file_write(kept, "x", 1, 0600, (uid_t)-1, (gid_t)-1),
	    0);
	/* Not one that a daemon is writing now. */
	ck_assert(state_dir_open(&other, conf));
	ck_assert_int_eq(access(left, F_OK), 0);
	state_dir_close(&other);
	state_dir_close(&state);
	ck_assert(state_dir_open(&state, conf));
	ck_assert_int_eq(access(left, F_OK), -1);
	ck_assert_int_eq(access(kept, F_OK), 0);
	state_dir_close(&state);
	conf_free(conf);
}
END_TEST

START_TEST(the_keepers_part_is_its_own)
{
	struct proc_user user = { .uid = geteuid() == 0 ? 12345 : geteuid(),
		.gid = geteuid() == 0 ? 12345 : getegid() };
	struct conf	*conf = make_conf("office");
	struct state_dir state = { .fd = -1 };
	struct stat	 st;

	ck_assert(state_dir_open(&state, conf));
	for (int i = 0; i < 2; i++) {
		int fd = state_dir_open_keeper(&state, &user);

		ck_assert_int_ge(fd, 0);
		ck_assert_int_eq(fstat(fd, &st), 0);
		ck_assert_int_eq(st.st_mode & 0777, 0700);
		ck_assert_uint_eq(st.st_uid, user.uid);
		close(fd);
	}
	state_dir_close(&state);
	conf_free(conf);
}
END_TEST

int
main(void)
{
	Suite	*suite = suite_create("state_dir");
	TCase	*tc = tcase_create("state_dir");
	SRunner *runner = srunner_create(suite);
	int	 failed;

	tcase_add_checked_fixture(tc, begin, end);
	tcase_add_test(tc, an_id_is_a_line_of_digits_and_another_each_time);
	tcase_add_test(tc, what_is_in_the_file_names_the_directory);
	tcase_add_test(tc, a_file_of_it_is_found_by_the_id);
	tcase_add_test(tc, a_directory_without_one_gets_its_own_and_keeps_it);
	tcase_add_test(tc, a_copy_that_runs_at_the_same_time_shares_nothing);
	tcase_add_test(tc, where_nothing_can_be_written_there_is_run);
	tcase_add_test(tc, what_a_killed_daemon_was_writing_is_removed);
	tcase_add_test(tc, the_keepers_part_is_its_own);
	suite_add_tcase(suite, tc);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
