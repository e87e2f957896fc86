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
lookup(const char *host, uint16_t port, struct chan_msg *answer)
{
	struct wire_writer w;
	uint8_t		   data[600];

	wire_writer_init(&w, data, sizeof(data));
	wire_put_string(&w, host);
	wire_put_u16(&w, port);
	ck_assert(wire_writer_is_ok(&w));
	ck_assert_int_eq(chan_send_fd(fd, REQUEST_LOOKUP, 77, data, w.len, NULL,
			     0), 0);
	ck_assert_int_eq(chan_recv_fd(fd, answer, buf, 10000), 0);
	ck_assert_uint_eq(answer->type, REQUEST_LOOKUP);
	ck_assert_uint_eq(answer->id, 77);
}

static const struct {
	const char *host;
	const char *endpoint;
} numeric[] = {
	{ "192.0.2.7", "192.0.2.7:55555" },
	{ "2001:db8::7", "[2001:db8::7]:55555" },
	{ "127.0.0.1", "127.0.0.1:55555" },
};

START_TEST(numbers_are_addresses)
{
	struct chan_msg	   msg;
	struct wire_reader r;
	struct endpoint	   ep;
	char		   text[ENDPOINT_STRLEN];

	for (size_t i = 0; i < nitems(numeric); i++) {
		lookup(numeric[i].host, 55555, &msg);
		wire_reader_init(&r, msg.data, msg.len);
		ck_assert_uint_eq(wire_get_u32(&r), 0);
		ck_assert_uint_eq(wire_get_u8(&r), 1);
		request_get_endpoint(&r, &ep);
		ck_assert(wire_is_done(&r));
		ck_assert_str_eq(endpoint_print(&ep, text, sizeof(text)),
		    numeric[i].endpoint);
	}
	ck_assert_int_eq(end_status(), 0);
}
END_TEST

START_TEST(names_are_looked_up)
{
	struct chan_msg	   msg;
	struct wire_reader r;
	struct addrinfo	  *known = NULL;
	uint8_t		   n;

	/* The host's own name is known without DNS; a bare system may have
	 * no /etc/hosts, then the C library knows only this spelling. */
	lookup(getaddrinfo("localhost", NULL, NULL, &known) == 0 ?
		"localhost" : "127.1", 1, &msg);
	if (known != NULL)
		freeaddrinfo(known);
	wire_reader_init(&r, msg.data, msg.len);
	ck_assert_uint_eq(wire_get_u32(&r), 0);
	n = wire_get_u8(&r);
	ck_assert_uint_ge(n, 1);
	for (uint8_t i = 0; i < n; i++) {
		struct endpoint ep;

		request_get_endpoint(&r, &ep);
		ck_assert_uint_eq(endpoint_port(&ep), 1);
	}
	ck_assert(wire_is_done(&r));
	ck_assert_int_eq(end_status(), 0);
}
END_TEST

START_TEST(failure_is_answered_with_its_cause)
{
	struct chan_msg	   msg;
	struct wire_reader r;

	/* Longer than any label: glibc asks nobody. */
	lookup("xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
	       "xxxxxxxxxxxxxxxx.invalid", 1, &msg);
	wire_reader_init(&r, msg.data, msg.len);
	ck_assert_uint_ne(wire_get_u32(&r), 0);
	ck_assert_uint_eq(wire_get_u8(&r), 0);
	ck_assert(wire_is_done(&r));
	ck_assert_int_eq(end_status(), 0);
}
END_TEST

START_TEST(list_is_cut_to_what_is_asked_for)
{
	struct endpoint list[1];

	ck_assert_int_eq(resolver_lookup("192.0.2.7", 1, list, 0), 0);
	ck_assert_int_eq(resolver_lookup("192.0.2.7", 1, list, 1), 1);
	ck_assert_int_eq(end_status(), 0);
}
END_TEST

static const struct {
	const char *what;
	uint16_t    type;
	const char *data;
	size_t	    len;
} nonsense[] = {
	{ "nothing", REQUEST_LOOKUP, "", 0 },
	{ "a host without a port", REQUEST_LOOKUP, "\0\1a", 3 },
	{ "half a port", REQUEST_LOOKUP, "\0\1a\0", 4 },
	{ "bytes behind the port", REQUEST_LOOKUP, "\0\1a\0\1z", 6 },
	{ "a NUL in the host", REQUEST_LOOKUP, "\0\2a\0\0\1", 6 },
	{ "a host longer than the request", REQUEST_LOOKUP, "\1\0a\0\1", 5 },
	{ "another request", REQUEST_VERIFY, "\0\1a\0\1", 5 },
};

START_TEST(nonsense_ends_it)
{
	struct chan_msg msg;

	ck_assert_int_eq(chan_send_fd(fd, nonsense[_i].type, 1,
			     nonsense[_i].data, nonsense[_i].len, NULL, 0), 0);
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
