/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/log.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "unit.h"

/* What goes to stderr from here on is read by captured(). */
static int from_stderr;

static void
capture(void)
{
	int fds[2];

	ck_assert_int_eq(pipe(fds), 0);
	ck_assert_int_ne(dup2(fds[1], STDERR_FILENO), -1);
	close(fds[1]);
	from_stderr = fds[0];
}

static const char *
captured(void)
{
	static char text[4096];
	ssize_t	    n;

	/* There must be something, or the read would wait. */
	ck_assert_int_eq(write(STDERR_FILENO, "$", 1), 1);
	n = read(from_stderr, text, sizeof(text) - 1);
	ck_assert_int_gt(n, 0);
	ck_assert_int_eq(text[n - 1], '$');
	text[n - 1] = '\0';
	return text;
}

START_TEST(lines_have_a_prefix)
{
	capture();
	log_init("engine", LOG_LEVEL_INFO);
	log_info("peer %s: up", "alice");
	ck_assert_str_eq(captured(), "tombolo: engine: peer alice: up\n");
	log_init(NULL, LOG_LEVEL_INFO);
	log_warnx("no");
	ck_assert_str_eq(captured(), "tombolo: no\n");
}
END_TEST

START_TEST(warn_says_why_and_keeps_errno)
{
	capture();
	log_init(NULL, LOG_LEVEL_INFO);
	errno = ENOENT;
	log_warn("%s", "file");
	ck_assert_int_eq(errno, ENOENT);
	ck_assert_str_eq(captured(), "tombolo: file: No such file or directory\n");
	log_warnx("file");
	ck_assert_str_eq(captured(), "tombolo: file\n");
}
END_TEST

START_TEST(less_important_lines_are_left_out)
{
	capture();
	log_init(NULL, LOG_LEVEL_WARN);
	log_debug("a");
	log_info("b");
	log_warnx("c");
	ck_assert_str_eq(captured(), "tombolo: c\n");
	log_set_level(LOG_LEVEL_DEBUG);
	log_debug("a");
	log_info("b");
	ck_assert_str_eq(captured(), "tombolo: a\ntombolo: b\n");
	log_set_level(LOG_LEVEL_ERROR);
	log_warnx("c");
	ck_assert_str_eq(captured(), "");
}
END_TEST

START_TEST(a_peer_s_words_cannot_forge_a_line)
{
	capture();
	log_init(NULL, LOG_LEVEL_INFO);
	log_info("site %s", "x\ntombolo: all is well\033[2J\xff");
	ck_assert_str_eq(captured(),
	    "tombolo: site x\\x0atombolo: all is well\\x1b[2J\\xff\n");
}
END_TEST

START_TEST(endless_lines_are_cut)
{
	char	    text[3000];
	const char *line;

	capture();
	log_init("engine", LOG_LEVEL_INFO);
	memset(text, 'x', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	errno = ENOENT;
	log_warn("%s", text);
	line = captured();
	ck_assert_uint_lt(strlen(line), 1100);
	ck_assert_ptr_eq(strchr(line, '\n'), line + strlen(line) - 1);

	memset(text, '\n', sizeof(text) - 1);
	log_warnx("%s", text);
	line = captured();
	ck_assert_uint_lt(strlen(line), 1100);
	ck_assert_ptr_eq(strchr(line, '\n'), line + strlen(line) - 1);
}
END_TEST

START_TEST(fatal_ends_with_status_1)
{
	int   status;
	pid_t pid;

	capture();
	pid = fork();
	if (pid == 0) {
		errno = EPERM;
		fatal("cannot");
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 1);
	ck_assert_str_eq(captured(), "tombolo: cannot: Operation not permitted\n");
}
END_TEST

START_TEST(ten_lines_in_ten_seconds)
{
	const int64_t	 second = 1000000;
	struct log_limit limit = { 0 };
	uint64_t	 swallowed;
	int64_t		 now = 77 * second;

	for (unsigned i = 0; i < 10; i++) {
		ck_assert(log_limit_allow(&limit, now, &swallowed));
		ck_assert_uint_eq(swallowed, 0);
	}
	for (unsigned i = 0; i < 25; i++)
		ck_assert(!log_limit_allow(&limit, now + i, &swallowed));
	ck_assert(!log_limit_allow(&limit, now + 10 * second - 1, &swallowed));
	ck_assert(log_limit_allow(&limit, now + 10 * second, &swallowed));
	ck_assert_uint_eq(swallowed, 26);
	ck_assert(log_limit_allow(&limit, now + 10 * second, &swallowed));
	ck_assert_uint_eq(swallowed, 0);
}
END_TEST

static const struct {
	const char *src;
	size_t	    len, size;
	const char *dst;
} escapes[] = {
	{ "plain ~", 7, 64, "plain ~" },
	{ "", 0, 64, "" },
	{ "a\0b", 3, 64, "a\\x00b" },
	{ "\x7f\x80", 2, 64, "\\x7f\\x80" },
	{ "abcdef", 6, 9, "abcde" },
	{ "\n\n\n", 3, 9, "\\x0a\\x0a" },
	{ "abc", 3, 1, "" },
};

START_TEST(escaping_is_printable_and_fits)
{
	for (size_t i = 0; i < nitems(escapes); i++) {
		char *dst = malloc(escapes[i].size);

		ck_assert_ptr_nonnull(dst);
		log_escape(dst, escapes[i].size, escapes[i].src,
		    escapes[i].len);
		ck_assert_str_eq(dst, escapes[i].dst);
		free(dst);
	}
	ck_assert_ptr_null(log_escape(NULL, 0, "abc", 3));
}
END_TEST

UNIT_MAIN("log", lines_have_a_prefix, warn_says_why_and_keeps_errno,
    less_important_lines_are_left_out, a_peer_s_words_cannot_forge_a_line,
    endless_lines_are_cut, fatal_ends_with_status_1, ten_lines_in_ten_seconds,
    escaping_is_printable_and_fits)
