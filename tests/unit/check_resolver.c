/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The resolver as the monitor sees it: a process at the end of a channel.  Only
 * numbers and /etc/hosts are asked for, so no network is needed.
 */
#include <netdb.h>
#include <check.h>
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <bsd/string.h>

#include "base/nitems.h"
#include "proc/chan.h"
#include "proc/request.h"
#include "resolver/resolver.h"

static int     fd;
static pid_t   pid;
static uint8_t buf[CHAN_MAX_PAYLOAD];

static void
setup(void)
{
	int pair[2];

	ck_assert_int_eq(chan_pair(pair), 0);
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		close(pair[0]);
		_exit(resolver_serve(pair[1]) == 0 ? 0 : 1);
	}
	close(pair[1]);
	fd = pair[0];
}

static int
end_status(void)
{
	int status = -1;

	close(fd);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	return status;
}

static void
lookup(const char *host, struct request_list *answer)
{
	struct request_lookup ask = { .host = "" };
	struct chan_msg	      msg;

	strlcpy(ask.host, host, sizeof(ask.host));
	ck_assert_int_eq(chan_send_fd(fd, REQUEST_LOOKUP, 77, &ask, sizeof(ask),
			     NULL, 0), 0);
	ck_assert_int_eq(chan_recv_fd(fd, &msg, buf, 10000), 0);
	ck_assert_uint_eq(msg.type, REQUEST_LOOKUP);
	ck_assert_uint_eq(msg.id, 77);
	ck_assert(chan_get(&msg, answer, sizeof(*answer)));
	ck_assert(request_addrs_are_good(answer->list, answer->n,
	    REQUEST_MAX_ENDPOINTS));
}

START_TEST(numbers_are_addresses)
{
	static const char *const numbers[] = { "192.0.2.7", "2001:db8::7",
		"127.0.0.1" };
	struct request_list answer;
	char		    text[ADDR_STRLEN];

	for (size_t i = 0; i < nitems(numbers); i++) {
		lookup(numbers[i], &answer);
		ck_assert_uint_eq(answer.error, 0);
		ck_assert_uint_eq(answer.n, 1);
		ck_assert_str_eq(addr_print(&answer.list[0], text,
				     sizeof(text)), numbers[i]);
	}
	ck_assert_int_eq(end_status(), 0);
}
END_TEST

START_TEST(names_are_looked_up)
{
	struct request_list answer;
	struct addrinfo	   *known = NULL;

	/* The host's own name is known without DNS; a bare system may have
	 * no /etc/hosts, then the C library knows only this spelling. */
	lookup(getaddrinfo("localhost", NULL, NULL, &known) == 0 ?
		"localhost" : "127.1", &answer);
	if (known != NULL)
		freeaddrinfo(known);
	ck_assert_uint_eq(answer.error, 0);
	ck_assert_uint_ge(answer.n, 1);
	ck_assert_int_eq(end_status(), 0);
}
END_TEST

START_TEST(failure_is_answered_with_its_cause)
{
	struct request_list answer;

	/* Longer than any label: glibc asks nobody. */
	lookup("xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
	       "xxxxxxxxxxxxxxxx.invalid", &answer);
	ck_assert_uint_ne(answer.error, 0);
	ck_assert_uint_eq(answer.n, 0);
	ck_assert_int_eq(end_status(), 0);
}
END_TEST

START_TEST(list_is_cut_to_what_is_asked_for)
{
	struct addr list[1];

	ck_assert_int_eq(resolver_lookup("192.0.2.7", list, 0), 0);
	ck_assert_int_eq(resolver_lookup("192.0.2.7", list, 1), 1);
	ck_assert_int_eq(end_status(), 0);
}
END_TEST

static const struct {
	const char *what;
	uint16_t    type;
	size_t	    len;
	char	    byte; /* all of it */
} nonsense[] = {
	{ "nothing", REQUEST_LOOKUP, 0, 0 },
	{ "a byte less", REQUEST_LOOKUP, REQUEST_HOST_SIZE - 1, 0 },
	{ "a byte more", REQUEST_LOOKUP, REQUEST_HOST_SIZE + 1, 0 },
	{ "a host without an end", REQUEST_LOOKUP, REQUEST_HOST_SIZE, 'a' },
	{ "another request", REQUEST_VERIFY, REQUEST_HOST_SIZE, 0 },
};

START_TEST(nonsense_ends_it)
{
	struct chan_msg msg;
	char		data[REQUEST_HOST_SIZE + 1];

	memset(data, nonsense[_i].byte, sizeof(data));
	ck_assert_int_eq(chan_send_fd(fd, nonsense[_i].type, 1, data,
			     nonsense[_i].len, NULL, 0), 0);
	ck_assert_msg(chan_recv_fd(fd, &msg, buf, 10000) == -EPIPE, "%s",
	    nonsense[_i].what);
	ck_assert_int_ne(end_status(), 0);
}
END_TEST

int
main(void)
{
	Suite	*suite = suite_create("resolver");
	TCase	*tc = tcase_create("resolver");
	SRunner *runner = srunner_create(suite);
	int	 failed;

	tcase_add_checked_fixture(tc, setup, NULL);
	tcase_add_test(tc, numbers_are_addresses);
	tcase_add_test(tc, names_are_looked_up);
	tcase_add_test(tc, failure_is_answered_with_its_cause);
	tcase_add_test(tc, list_is_cut_to_what_is_asked_for);
	tcase_add_loop_test(tc, nonsense_ends_it, 0, nitems(nonsense));
	suite_add_tcase(suite, tc);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
