/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The watch over a server's files, with the kernel's own inotify: each way in
 * which a command or an editor changes a file is noticed, once, within a
 * second, and what is none of ours is not.
 */
#include "unit.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <bsd/string.h>
#include <ev.h>

#include "base/file.h"
#include "base/log.h"
#include "monitor/sites_watch.h"

#define WAIT_SEC 5.	/* promised: one; the machine may be busy */
#define QUIET_SEC 0.35	/* more than it settles for */
#define TRIES	 10

static char	       dir[64];
static struct ev_loop *loop;

static struct seen {
	unsigned changes, credentials;
	char	 names[65536]; /* " berlin" each */
	bool	 credential_first;
} seen;

static bool
is_file(void *arg, const char *name)
{
	return strcmp(name, "crl.pem") == 0;
}

static void
on_change(void *arg)
{
	seen.changes++;
	seen.credential_first |= seen.credentials > 0;
}

static void
on_credentials(void *arg, const char *const *sites, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		seen.credentials++;
		strlcat(seen.names, " ", sizeof(seen.names));
		strlcat(seen.names, sites[i], sizeof(seen.names));
	}
}

static const struct sites_watch_events events = { .is_file = is_file,
	.on_change = on_change, .on_credentials = on_credentials };

static char *
path_of(const char *name)
{
	static char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return path;
}

static void
make_tree(void)
{
	strcpy(dir, "/tmp/check-watch-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	ck_assert_int_eq(mkdir(path_of("sites.d"), 0755), 0);
	ck_assert_int_eq(mkdir(path_of("keeper"), 0700), 0);
	ck_assert_int_eq(mkdir(path_of("keeper/sites"), 0700), 0);
	loop = ev_loop_new(0);
	seen = (struct seen) { 0 };
	log_init("check", LOG_LEVEL_WARN);
}

static void
remove_tree(void)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -rf %s", dir);
	ck_assert_int_eq(system(command), 0);
	ev_loop_destroy(loop);
}

static void
on_timeout(struct ev_loop *l, struct ev_timer *timer, int what)
{
	ev_break(l, EVBREAK_ALL);
}

static void
run_for(double seconds)
{
	struct ev_timer timer;

	ev_now_update(loop);
	ev_timer_init(&timer, on_timeout, seconds, 0.);
	ev_timer_start(loop, &timer);
	ev_run(loop, 0);
	ev_timer_stop(loop, &timer);
}

/* Until as many were seen, and then until it is quiet. */
static void
run_until(unsigned changes, unsigned credentials)
{
	for (double waited = 0; waited < WAIT_SEC &&
	     (seen.changes < changes || seen.credentials < credentials);
	     waited += 0.05)
		run_for(0.05);
	ck_assert_msg(seen.changes >= changes &&
		seen.credentials >= credentials,
	    "%u changes and %u credentials (%s) in time", seen.changes,
	    seen.credentials, seen.names);
	run_for(QUIET_SEC);
}

static void
put(const char *name, const char *text)
{
	FILE *f = fopen(path_of(name), "w");

	ck_assert_ptr_nonnull(f);
	fputs(text, f);
	fclose(f);
}

/* Whole, by another name first, as site passwd does. */
static void
replace(const char *name)
{
	ck_assert_int_eq(file_write(path_of(name), "x", 1, 0600, (uid_t)-1,
			     (gid_t)-1), 0);
}

static void
create(const char *name)
{
	ck_assert_int_eq(file_create(path_of(name), "x", 1, 0600, (uid_t)-1,
			     (gid_t)-1), 0);
}

static void
write_it(const char *name)
{
	put(name, "y");
}

static void
remove_it(const char *name)
{
	ck_assert_int_eq(unlink(path_of(name)), 0);
}

/* As `site disable` does. */
static void
touch(const char *name)
{
	ck_assert_int_eq(utimensat(AT_FDCWD, path_of(name), NULL, 0), 0);
}

static void
command(const char *what)
{
	char line[1024];

	snprintf(line, sizeof(line), "cd %s && %s", dir, what);
	ck_assert_int_eq(system(line), 0);
}

static void
restore(const char *name)
{
	char line[256];

	snprintf(line, sizeof(line), "cp -a %s bak && cp -a bak %s", name,
	    name);
	command(line);
}

static void
restore_older(const char *name)
{
	char line[256];

	snprintf(line, sizeof(line), "echo older >bak && "
	    "touch -d 2001-01-01 bak && cp -a bak %s", name);
	command(line);
}

static void
move_away(const char *name)
{
	char to[PATH_MAX];

	strlcpy(to, path_of("elsewhere"), sizeof(to));
	ck_assert_int_eq(rename(path_of(name), to), 0);
}

static const struct {
	const char *what, *name;
	bool	    before; /* is it there already */
	void (*act)(const char *name);
	unsigned    changes;
	const char *credentials;
} rows[] = {
	{ "a site is made", "sites.d/berlin.conf", false, create, 1, "" },
	{ "a site is edited", "sites.d/berlin.conf", true, write_it, 1, "" },
	{ "a site is replaced", "sites.d/berlin.conf", true, replace, 1, "" },
	{ "a site is removed", "sites.d/berlin.conf", true, remove_it, 1, "" },
	{ "a site is moved away", "sites.d/berlin.conf", true, move_away, 1,
	    "" },
	{ "an editor's own file", "sites.d/.berlin.conf", false, create, 0,
	    "" },
	{ "an issued certificate", "sites.d/berlin.crt", false, create, 0, "" },
	{ "a password is made", "keeper/sites/berlin.srp", false, create, 1,
	    "" },
	{ "a password's time is set", "keeper/sites/berlin.srp", true, touch, 0,
	    " berlin" },
	{ "a password is restored", "keeper/sites/berlin.srp", true, restore, 0,
	    "" },
	{ "an older password is restored", "keeper/sites/berlin.srp", true,
	    restore_older, 0, " berlin" },
	{ "a password is replaced", "keeper/sites/berlin.srp", true, replace, 0,
	    " berlin" },
	{ "a password is written by hand", "keeper/sites/b-2.x_y.password",
	    true, write_it, 0, " b-2.x_y" },
	{ "a password is removed", "keeper/sites/berlin.tls-srp", true,
	    remove_it, 1, " berlin" },
	{ "PAM's line is moved away", "keeper/sites/berlin.pam", true,
	    move_away, 1, " berlin" },
	{ "a file of no method", "keeper/sites/berlin.txt", false, create, 0,
	    "" },
	{ "a file of no site", "keeper/sites/BERLIN.srp", false, create, 0,
	    "" },
	{ "the keeper's own file", "keeper/master.key", false, create, 0, "" },
	{ "a file that counts is made", "crl.pem", false, create, 1, "" },
	{ "a file that counts is replaced", "crl.pem", true, replace, 1, "" },
	{ "a file that counts is removed", "crl.pem", true, remove_it, 1, "" },
	{ "another one", "ca.key", true, replace, 0, "" },
};

START_TEST(each_change_is_noticed_once)
{
	struct sites_watch *watch;

	make_tree();
	if (rows[_i].before)
		put(rows[_i].name, "before");
	watch = sites_watch_new(loop, dir, &events);
	ck_assert_ptr_nonnull(watch);
	rows[_i].act(rows[_i].name);
	run_until(rows[_i].changes, *rows[_i].credentials != '\0');
	ck_assert_msg(seen.changes == rows[_i].changes, "%s: %u changes",
	    rows[_i].what, seen.changes);
	ck_assert_msg(strcmp(seen.names, rows[_i].credentials) == 0,
	    "%s: credentials%s", rows[_i].what, seen.names);
	sites_watch_free(watch);
	remove_tree();
}
END_TEST

START_TEST(handful_of_changes_is_one_and_credentials_come_last)
{
	struct sites_watch *watch;

	make_tree();
	put("keeper/sites/a.srp", "before");
	put("keeper/sites/b.pam", "before");
	watch = sites_watch_new(loop, dir, &events);
	replace("keeper/sites/b.pam");
	replace("keeper/sites/a.srp");
	create("sites.d/a.conf");
	create("sites.d/b.conf");
	create("crl.pem");
	run_until(1, 2);
	ck_assert_uint_eq(seen.changes, 1);
	ck_assert_str_eq(seen.names, " a b");
	ck_assert(!seen.credential_first);
	sites_watch_free(watch);
	remove_tree();
}
END_TEST

START_TEST(directories_that_come_later_or_again_are_noticed)
{
	struct sites_watch *watch;
	char		    to[PATH_MAX];

	make_tree();
	ck_assert_int_eq(rmdir(path_of("sites.d")), 0);
	ck_assert_int_eq(rmdir(path_of("keeper/sites")), 0);
	ck_assert_int_eq(rmdir(path_of("keeper")), 0);
	watch = sites_watch_new(loop, dir, &events);
	ck_assert_ptr_nonnull(watch);

	ck_assert_int_eq(mkdir(path_of("sites.d"), 0755), 0);
	ck_assert_int_eq(mkdir(path_of("keeper"), 0700), 0);
	run_until(1, 0);
	seen = (struct seen) { 0 };
	ck_assert_int_eq(mkdir(path_of("keeper/sites"), 0700), 0);
	create("sites.d/a.conf");
	create("keeper/sites/a.srp");
	run_until(1, 0);
	replace("sites.d/a.conf");
	put("keeper/sites/a.srp", "another");
	run_until(2, 1);
	ck_assert_str_eq(seen.names, " a");

	/* Another one in its place: what is in it counts. */
	seen = (struct seen) { 0 };
	strlcpy(to, path_of("old"), sizeof(to));
	ck_assert_int_eq(rename(path_of("sites.d"), to), 0);
	ck_assert_int_eq(mkdir(path_of("sites.d"), 0755), 0);
	run_until(1, 0);
	seen = (struct seen) { 0 };
	create("sites.d/b.conf");
	run_until(1, 0);
	sites_watch_free(watch);
	remove_tree();
}
END_TEST

static const unsigned numbers[] = { 33, 60, 200, 1000, 4096 };

/* However many others come and go. */
START_TEST(only_what_changed_is_reported)
{
	struct sites_watch *watch;
	unsigned	    n = numbers[_i];
	char		    name[64], want[16];

	make_tree();
	for (unsigned i = 0; i < n; i++) {
		snprintf(name, sizeof(name), "keeper/sites/s%u.srp", i);
		put(name, "x");
	}
	put("keeper/sites/berlin.srp", "x");
	put("keeper/sites/munich.password", "x");
	put("keeper/sites/t.pam", "x");
	watch = sites_watch_new(loop, dir, &events);
	for (unsigned i = 0; i < n; i++) {
		snprintf(name, sizeof(name), "keeper/sites/s%u.srp", i);
		remove_it(name);
		snprintf(name, sizeof(name), "keeper/sites/new%u.srp", i);
		put(name, "x");
	}
	put("keeper/sites/munich.password", "another");
	run_until(0, n + 1);
	ck_assert_uint_eq(seen.credentials, n + 1);
	ck_assert_ptr_nonnull(strstr(seen.names, " munich"));
	ck_assert_ptr_null(strstr(seen.names, "berlin"));
	ck_assert_ptr_null(strstr(seen.names, "new"));
	snprintf(want, sizeof(want), " s%u", n - 1);
	ck_assert_ptr_nonnull(strstr(seen.names, want));
	sites_watch_free(watch);
	remove_tree();
}
END_TEST

static const struct {
	const char *what, *how, *credentials;
} restores[] = {
	{ "in its place", "cp -a bak/. keeper/sites/", "" },
	{ "made anew", "rm -rf keeper/sites && cp -a bak keeper/sites", "" },
	{ "by a rename", "mv keeper/sites old && mv bak keeper/sites", "" },
	{ "with all of keeper/",
	    "mkdir k && mv bak k/sites && mv keeper old && mv k keeper", "" },
	{ "and one was another, and one not yet there",
	    "echo another >bak/s7.srp && rm bak/s9.srp && "
	    "rm -rf keeper/sites && cp -a bak keeper/sites", " s7 s9" },
	{ "later than it went",
	    "mv keeper/sites old && sleep 0.4 && mv bak keeper/sites", "" },
	{ "slowly",
	    "rm -rf keeper/sites && mkdir keeper/sites && for i in 0 1 2 3 4 5 "
	    "6; do cp -a bak/s$i*.srp keeper/sites; sleep 0.1; done && "
	    "cp -a bak/* keeper/sites", "" },
	{ "and it is gone", "rm -rf keeper/sites", "" },
};

/* Whether what was restored so is what is reported. */
static bool
restores_to(const char *how, const char *credentials)
{
	struct sites_watch *watch;
	char		    name[64], line[512];
	bool		    right;

	make_tree();
	for (unsigned i = 0; i < 100; i++) {
		snprintf(name, sizeof(name), "keeper/sites/s%u.srp", i);
		put(name, "x");
	}
	command("cp -a keeper/sites bak");
	watch = sites_watch_new(loop, dir, &events);
	snprintf(line, sizeof(line), "(%s; : >done) &", how);
	command(line);
	for (unsigned i = 0; i < 600 && access(path_of("done"), F_OK) != 0; i++)
		run_for(0.05);
	run_for(2 * QUIET_SEC);
	right = strcmp(seen.names, credentials) == 0;
	sites_watch_free(watch);
	remove_tree();
	return right;
}

/*
 * On a busy machine a restore may stand still for longer than it is waited for,
 * and then what is not there yet counts as gone.  What is wrong is always wrong.
 */
START_TEST(restored_directory_is_what_it_was)
{
	unsigned tries = 0;

	while (tries < TRIES &&
	    !restores_to(restores[_i].how, restores[_i].credentials))
		tries++;
	ck_assert_msg(tries < TRIES, "%s: credentials%s", restores[_i].what,
	    seen.names);
}
END_TEST

/* The kernel's queue is finite: what it lost is found all the same. */
START_TEST(lost_events_mean_another_look)
{
	struct sites_watch *watch;
	unsigned	    limit = 16384;
	FILE *f = fopen("/proc/sys/fs/inotify/max_queued_events", "r");

	if (f != NULL && fscanf(f, "%u", &limit) != 1)
		limit = 16384;
	if (f != NULL)
		fclose(f);
	if (limit > 100000)
		return; /* it would take too long to fill */
	make_tree();
	put("keeper/sites/a.srp", "before");
	put("keeper/sites/b.srp", "before");
	watch = sites_watch_new(loop, dir, &events);
	/* Two names in turn: the kernel joins events that are alike. */
	for (unsigned i = 0; i < limit + 10; i++)
		put(i % 2 == 0 ? "sites.d/none" : "sites.d/nobody", "x");
	put("keeper/sites/a.srp", "another");
	run_until(1, 1);
	ck_assert_str_eq(seen.names, " a");
	sites_watch_free(watch);
	remove_tree();
}
END_TEST

START_TEST(without_its_directory_there_is_none)
{
	loop = ev_loop_new(0);
	ck_assert_ptr_null(sites_watch_new(loop, "/nonexistent/tombolo",
	    &events));
	ev_loop_destroy(loop);
}
END_TEST

int
main(void)
{
	Suite	*suite = suite_create("sites_watch");
	TCase	*tcase = tcase_create("sites_watch");
	SRunner *runner = srunner_create(suite);
	int	 failed;

	tcase_add_loop_test(tcase, each_change_is_noticed_once, 0,
	    nitems(rows));
	tcase_add_test(tcase,
	    handful_of_changes_is_one_and_credentials_come_last);
	tcase_add_test(tcase,
	    directories_that_come_later_or_again_are_noticed);
	tcase_add_loop_test(tcase, only_what_changed_is_reported, 0,
	    nitems(numbers));
	tcase_add_loop_test(tcase, restored_directory_is_what_it_was, 0,
	    nitems(restores));
	tcase_add_test(tcase, lost_events_mean_another_look);
	tcase_add_test(tcase, without_its_directory_there_is_none);
	tcase_set_timeout(tcase, 60);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
