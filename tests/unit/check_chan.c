/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Requests between processes: whole or not at all, descriptors and all, and
 * nothing that the other end does harms this one.
 */
#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/nitems.h"
#include "base/wire.h"
#include "proc/chan.h"

static struct ev_loop *loop;
static int	       pair[2];
static uint8_t	       buf[CHAN_MAX_PAYLOAD];

static struct {
	unsigned msgs, closed;
	uint16_t type;
	uint32_t id, last_seen;
	size_t	 len;
	unsigned nfds;
	int	 kept; /* the first descriptor, when `keep` */
	bool	 keep, in_order;
} seen;

static void
setup(void)
{
	memset(&seen, 0, sizeof(seen));
	seen.kept = -1;
	seen.in_order = true;
	loop = ev_loop_new(EVFLAG_AUTO);
	ck_assert_ptr_nonnull(loop);
	ck_assert_int_eq(chan_pair(pair), 0);
}

static void
teardown(void)
{
	ev_loop_destroy(loop);
}

static void
on_msg(struct chan *chan, struct chan_msg *msg)
{
	seen.in_order = seen.in_order && msg->id == seen.last_seen + 1;
	seen.last_seen = msg->id;
	seen.msgs++;
	seen.type = msg->type;
	seen.id = msg->id;
	seen.len = msg->len;
	seen.nfds = msg->nfds;
	if (seen.keep && msg->nfds > 0) {
		seen.kept = msg->fds[0];
		msg->fds[0] = -1;
	}
}

static void
on_closed(struct chan *chan)
{
	ck_assert_int_eq(chan->fd, -1);
	seen.closed++;
}

/* A few turns: enough for what is there already. */
static void
turn(void)
{
	for (int i = 0; i < 4; i++)
		ev_run(loop, EVRUN_NOWAIT);
}

static unsigned
count_fds(void)
{
	DIR	*dir = opendir("/proc/self/fd");
	unsigned n = 0;

	ck_assert_ptr_nonnull(dir);
	while (readdir(dir) != NULL)
		n++;
	closedir(dir);
	return n;
}

START_TEST(request_arrives_as_it_was_sent)
{
	struct chan_msg msg;
	struct chan	chan;

	chan_open(&chan, loop, pair[0], on_msg, on_closed, NULL);
	ck_assert_int_eq(chan_send_fd(pair[1], 7, 0xfeedbeef, "hello", 5, NULL,
			     0), 0);
	turn();
	ck_assert_uint_eq(seen.msgs, 1);
	ck_assert_uint_eq(seen.type, 7);
	ck_assert_uint_eq(seen.id, 0xfeedbeef);
	ck_assert_uint_eq(seen.len, 5);

	ck_assert_int_eq(chan_send(&chan, 8, 9, "world", 5, NULL, 0), 0);
	ck_assert_int_eq(chan_recv_fd(pair[1], &msg, buf, 0), 0);
	ck_assert_uint_eq(msg.type, 8);
	ck_assert_uint_eq(msg.id, 9);
	ck_assert_uint_eq(msg.len, 5);
	ck_assert_mem_eq(msg.data, "world", 5);
	chan_close(&chan);
	close(pair[1]);
}
END_TEST

START_TEST(largest_and_empty_payloads_pass)
{
	static uint8_t	big[CHAN_MAX_PAYLOAD + 1];
	struct chan_msg msg;

	memset(big, 0xa5, sizeof(big));
	ck_assert_int_eq(chan_send_fd(pair[0], 1, 1, big, CHAN_MAX_PAYLOAD,
			     NULL, 0), 0);
	ck_assert_int_eq(chan_send_fd(pair[0], 1, 2, NULL, 0, NULL, 0), 0);
	ck_assert_int_eq(chan_send_fd(pair[0], 1, 3, big, sizeof(big), NULL, 0),
	    -EMSGSIZE);
	ck_assert_int_eq(chan_recv_fd(pair[1], &msg, buf, 0), 0);
	ck_assert_uint_eq(msg.len, CHAN_MAX_PAYLOAD);
	ck_assert_mem_eq(msg.data, big, CHAN_MAX_PAYLOAD);
	ck_assert_int_eq(chan_recv_fd(pair[1], &msg, buf, 0), 0);
	ck_assert_uint_eq(msg.len, 0);
	close(pair[0]);
	close(pair[1]);
}
END_TEST

START_TEST(descriptors_pass_between_processes)
{
	struct chan_msg msg;
	int		status, out[2], fds[CHAN_MAX_FDS];
	pid_t		pid;
	char		c = 0;

	ck_assert_int_eq(pipe2(out, O_CLOEXEC), 0);
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		/* The child writes into the last one it is given. */
		close(pair[0]);
		close(out[0]);
		close(out[1]);
		if (chan_recv_fd(pair[1], &msg, buf, 5000) != 0 ||
		    msg.nfds != CHAN_MAX_FDS)
			_exit(1);
		_exit(write(msg.fds[CHAN_MAX_FDS - 1], "x", 1) == 1 ? 0 : 2);
	}
	for (size_t i = 0; i < nitems(fds); i++)
		fds[i] = out[1];
	ck_assert_int_eq(chan_send_fd(pair[0], 1, 1, NULL, 0, fds,
			     CHAN_MAX_FDS), 0);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
	ck_assert_int_eq(read(out[0], &c, 1), 1);
	ck_assert_int_eq(c, 'x');
	close(out[0]);
	close(out[1]);
	close(pair[0]);
	close(pair[1]);
}
END_TEST

START_TEST(received_descriptors_close_on_exec)
{
	struct chan_msg msg;

	ck_assert_int_eq(chan_send_fd(pair[0], 1, 1, NULL, 0, &pair[0], 1), 0);
	ck_assert_int_eq(chan_recv_fd(pair[1], &msg, buf, 0), 0);
	ck_assert_uint_eq(msg.nfds, 1);
	ck_assert_int_eq(fcntl(msg.fds[0], F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
	chan_msg_close_fds(&msg);
	ck_assert_uint_eq(msg.nfds, 0);
	close(pair[0]);
	close(pair[1]);
}
END_TEST

START_TEST(unkept_descriptors_are_closed)
{
	struct chan chan;
	unsigned    before;
	int	    fds[2] = { pair[0], pair[1] };

	chan_open(&chan, loop, pair[0], on_msg, on_closed, NULL);
	before = count_fds();
	ck_assert_int_eq(chan_send_fd(pair[1], 1, 1, NULL, 0, fds, 2), 0);
	turn();
	ck_assert_uint_eq(seen.nfds, 2);
	ck_assert_uint_eq(count_fds(), before);

	seen.keep = true;
	ck_assert_int_eq(chan_send_fd(pair[1], 1, 2, NULL, 0, fds, 2), 0);
	turn();
	ck_assert_uint_eq(count_fds(), before + 1);
	ck_assert_int_ne(fcntl(seen.kept, F_GETFD), -1);
	close(seen.kept);
	chan_close(&chan);
	close(pair[1]);
}
END_TEST

/* What a broken process may write. */
static const struct {
	const char *what;
	size_t	    len;
	unsigned    nfds;
	int	    error;
} broken[] = {
	{ "a datagram of one byte", 1, 0, -EBADMSG },
	{ "a header without its last byte", 5, 0, -EBADMSG },
	{ "a short one with a descriptor", 3, 1, -EBADMSG },
	{ "one byte too many", 6 + CHAN_MAX_PAYLOAD + 1, 0, -EBADMSG },
	{ "one byte too many, and descriptors", 6 + CHAN_MAX_PAYLOAD + 1, 2,
	    -EBADMSG },
	{ "too many descriptors", 6, CHAN_MAX_FDS + 9, -EBADMSG },
	{ "an empty datagram", 0, 0, -EPIPE },
	{ "an empty datagram with a descriptor", 0, 1, -EPIPE },
};

static void
send_raw(int fd, size_t len, unsigned nfds)
{
	static char junk[CHAN_MAX_PAYLOAD + 64];
	union {
		struct cmsghdr align;
		char	       space[CMSG_SPACE(sizeof(int) * 64)];
	} control = { 0 };
	struct iovec  iov = { .iov_base = junk, .iov_len = len };
	struct msghdr hdr = { .msg_iov = &iov, .msg_iovlen = 1 };

	if (nfds > 0) {
		struct cmsghdr *cmsg = &control.align;

		cmsg->cmsg_level = SOL_SOCKET;
		cmsg->cmsg_type = SCM_RIGHTS;
		cmsg->cmsg_len = CMSG_LEN(sizeof(int) * nfds);
		for (unsigned i = 0; i < nfds; i++)
			memcpy(CMSG_DATA(cmsg) + i * sizeof(int), &fd,
			    sizeof(int));
		hdr.msg_control = &control;
		hdr.msg_controllen = CMSG_SPACE(sizeof(int) * nfds);
	}
	ck_assert_int_eq(sendmsg(fd, &hdr, MSG_NOSIGNAL), (ssize_t)len);
}

START_TEST(broken_datagram_is_refused)
{
	struct chan_msg msg;
	unsigned	before = count_fds();

	send_raw(pair[0], broken[_i].len, broken[_i].nfds);
	ck_assert_msg(chan_recv_fd(pair[1], &msg, buf, 0) == broken[_i].error,
	    "%s", broken[_i].what);
	ck_assert_msg(count_fds() == before, "%s: a descriptor leaked",
	    broken[_i].what);
	close(pair[0]);
	close(pair[1]);
}
END_TEST

START_TEST(broken_datagram_closes_the_channel)
{
	struct chan chan;
	unsigned    before = count_fds();

	chan_open(&chan, loop, pair[0], on_msg, on_closed, NULL);
	send_raw(pair[1], broken[_i].len, broken[_i].nfds);
	turn();
	ck_assert_msg(seen.closed == 1 && seen.msgs == 0, "%s",
	    broken[_i].what);
	ck_assert_uint_eq(count_fds(), before - 1);
	ck_assert_int_eq(chan_send(&chan, 1, 1, NULL, 0, NULL, 0), -EPIPE);
	close(pair[1]);
}
END_TEST

START_TEST(death_of_the_other_process_is_noticed)
{
	struct chan_msg msg;
	struct chan	chan;
	pid_t		pid = fork();

	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		close(pair[0]);
		chan_recv_fd(pair[1], &msg, buf, 5000);
		_exit(0);
	}
	close(pair[1]);
	chan_open(&chan, loop, pair[0], on_msg, on_closed, NULL);
	ck_assert_int_eq(chan_send(&chan, 1, 1, NULL, 0, NULL, 0), 0);
	ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
	ck_assert_int_eq(chan_send(&chan, 1, 2, NULL, 0, NULL, 0), -EPIPE);
	ck_assert_uint_eq(seen.closed, 0); /* never from within a send */
	turn();
	ck_assert_uint_eq(seen.closed, 1);
	turn();
	ck_assert_uint_eq(seen.closed, 1);
}
END_TEST

START_TEST(blocking_end_notices_death_and_time)
{
	struct chan_msg msg;

	ck_assert_int_eq(chan_recv_fd(pair[1], &msg, buf, 20), -ETIMEDOUT);
	close(pair[0]);
	ck_assert_int_eq(chan_recv_fd(pair[1], &msg, buf, -1), -EPIPE);
	ck_assert_int_eq(chan_send_fd(pair[1], 1, 1, NULL, 0, NULL, 0), -EPIPE);
	close(pair[1]);
}
END_TEST

START_TEST(queue_is_bounded_and_keeps_order)
{
	struct chan chan, reader;
	uint32_t    sent = 0;
	int	    r;

	chan_open(&chan, loop, pair[0], on_msg, on_closed, NULL);
	while ((r = chan_send(&chan, 1, sent + 1, buf, 1024, NULL, 0)) == 0) {
		sent++;
		ck_assert_uint_le(chan.queued, CHAN_MAX_QUEUE);
		ck_assert_uint_lt(sent, 100000);
	}
	ck_assert_int_eq(r, -ENOBUFS);
	ck_assert_uint_eq(chan.queued, CHAN_MAX_QUEUE);

	/* The reader wakes up: everything arrives, once, as it was sent. */
	chan_open(&reader, loop, pair[1], on_msg, on_closed, NULL);
	for (uint32_t i = 0; i < 2 * sent && seen.msgs < sent; i++)
		ev_run(loop, EVRUN_NOWAIT);
	ck_assert_uint_eq(seen.msgs, sent);
	ck_assert(seen.in_order);
	ck_assert_uint_eq(chan.queued, 0);
	ck_assert_int_eq(chan_send(&chan, 1, 1, NULL, 0, NULL, 0), 0);
	chan_close(&chan);
	chan_close(&reader);
}
END_TEST

START_TEST(queued_descriptors_outlive_the_senders)
{
	struct chan_msg msg = { 0 };
	struct chan	chan;
	int		extra = open("/dev/null", O_RDONLY | O_CLOEXEC);
	uint32_t	id = 0;

	ck_assert_int_ge(extra, 0);
	chan_open(&chan, loop, pair[0], on_msg, on_closed, NULL);
	while (chan.queued == 0)
		ck_assert_int_eq(chan_send(&chan, 1, ++id, buf, 4096, NULL, 0),
		    0);
	ck_assert_int_eq(chan_send(&chan, 2, ++id, NULL, 0, &extra, 1), 0);
	close(extra);
	while (msg.id != id) {
		turn();
		ck_assert_int_eq(chan_recv_fd(pair[1], &msg, buf, 1000), 0);
	}
	ck_assert_uint_eq(msg.nfds, 1);
	ck_assert_int_ne(fcntl(msg.fds[0], F_GETFD), -1);
	chan_msg_close_fds(&msg);
	chan_close(&chan);
	close(pair[1]);
}
END_TEST

START_TEST(closing_frees_what_is_queued)
{
	struct chan chan;
	unsigned    before = count_fds();

	chan_open(&chan, loop, pair[0], on_msg, on_closed, NULL);
	while (chan.queued < 5)
		ck_assert_int_eq(chan_send(&chan, 1, 1, buf, 4096, &pair[1], 1),
		    0);
	chan_close(&chan);
	chan_close(&chan);
	close(pair[1]);
	ck_assert_uint_eq(count_fds(), before - 2);
}
END_TEST

static void
free_owner(struct chan *chan, struct chan_msg *msg)
{
	seen.msgs++;
	chan_close(chan);
	memset(chan, 0xee, sizeof(*chan));
	free(chan);
}

static void
free_closed(struct chan *chan)
{
	seen.closed++;
	free(chan);
}

START_TEST(callback_may_free_the_channel)
{
	struct chan *chan = malloc(sizeof(*chan));

	chan_open(chan, loop, pair[0], free_owner, free_closed, NULL);
	chan_send_fd(pair[1], 1, 1, NULL, 0, &pair[1], 1);
	chan_send_fd(pair[1], 1, 2, NULL, 0, NULL, 0);
	turn();
	ck_assert_uint_eq(seen.msgs, 1);
	close(pair[1]);

	ck_assert_int_eq(chan_pair(pair), 0);
	chan = malloc(sizeof(*chan));
	chan_open(chan, loop, pair[0], free_owner, free_closed, NULL);
	close(pair[1]);
	turn();
	ck_assert_uint_eq(seen.closed, 1);
}
END_TEST

START_TEST(ids_are_never_zero)
{
	struct chan chan = { .next_id = UINT32_MAX - 1 };

	ck_assert_uint_eq(chan_next_id(&chan), UINT32_MAX);
	ck_assert_uint_eq(chan_next_id(&chan), 1);
	ck_assert_uint_eq(chan_next_id(&chan), 2);
	close(pair[0]);
	close(pair[1]);
}
END_TEST

int
main(void)
{
	Suite	*suite = suite_create("chan");
	TCase	*tc = tcase_create("chan");
	SRunner *runner = srunner_create(suite);
	int	 failed;

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, request_arrives_as_it_was_sent);
	tcase_add_test(tc, largest_and_empty_payloads_pass);
	tcase_add_test(tc, descriptors_pass_between_processes);
	tcase_add_test(tc, received_descriptors_close_on_exec);
	tcase_add_test(tc, unkept_descriptors_are_closed);
	tcase_add_loop_test(tc, broken_datagram_is_refused, 0, nitems(broken));
	tcase_add_loop_test(tc, broken_datagram_closes_the_channel, 0,
	    nitems(broken));
	tcase_add_test(tc, death_of_the_other_process_is_noticed);
	tcase_add_test(tc, blocking_end_notices_death_and_time);
	tcase_add_test(tc, queue_is_bounded_and_keeps_order);
	tcase_add_test(tc, queued_descriptors_outlive_the_senders);
	tcase_add_test(tc, closing_frees_what_is_queued);
	tcase_add_test(tc, callback_may_free_the_channel);
	tcase_add_test(tc, ids_are_never_zero);
	suite_add_tcase(suite, tc);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
