/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Datagrams in batches, over real sockets of the loopback interface: what goes
 * in comes out, once each and in order, whatever the kernel makes of it on the
 * way.  Between us and the kernel stands __wrap_sendmmsg(), which counts, and
 * can refuse as other kernels and devices do.
 */
#include "io/udp.h"

#include <errno.h>
#include <net/if.h>
#include <netinet/udp.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "allocs.h"
#include "monitor/host/sockets.h"
#include "unit.h"

#define MAX 400 /* datagrams of a test */

/* ----------------------------------------------------- the kernel, and us */

static struct {
	/* An error for a message of pieces of `size` (one: 0) and `len`. */
	int (*refuses)(size_t size, size_t len);
	unsigned interrupts; /* so many calls fail with EINTR */
	unsigned at_most;    /* messages a call; 0: all */
	unsigned calls, messages, cut;
} kernel;

int __real_sendmmsg(int fd, struct mmsghdr *msgs, unsigned n, int flags);
int __wrap_sendmmsg(int fd, struct mmsghdr *msgs, unsigned n, int flags);

static size_t
segment_of(struct msghdr *msg)
{
	uint16_t size = 0;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c != NULL;
	    c = CMSG_NXTHDR(msg, c)) {
		if (c->cmsg_level == SOL_UDP && c->cmsg_type == UDP_SEGMENT)
			memcpy(&size, CMSG_DATA(c), sizeof(size));
	}
	return size;
}

int
__wrap_sendmmsg(int fd, struct mmsghdr *msgs, unsigned n, int flags)
{
	int sent, error = 0;

	kernel.calls++;
	if (kernel.interrupts > 0) {
		kernel.interrupts--;
		errno = EINTR;
		return -1;
	}
	if (kernel.at_most > 0 && n > kernel.at_most)
		n = kernel.at_most;
	for (unsigned i = 0; i < n && kernel.refuses != NULL; i++) {
		struct msghdr *msg = &msgs[i].msg_hdr;

		error = kernel.refuses(segment_of(msg), msg->msg_iov->iov_len);
		if (error == 0)
			continue;
		if (i == 0) {
			errno = error;
			return -1;
		}
		n = i;
	}
	sent = __real_sendmmsg(fd, msgs, n, flags);
	for (int i = 0; i < sent; i++) {
		kernel.messages++;
		kernel.cut += segment_of(&msgs[i].msg_hdr) != 0;
	}
	return sent;
}

/* ------------------------------------------------------------- helpers */

/* A pair of sockets, and the way from one to the other. */
struct pair {
	int		from, to;
	struct udp_path path;
};

static const struct mono start = { 0 }; /* no time passes, but where said */
static struct udp_batch	*out, *in;

static struct {
	const struct udp_datagram *slot;
	const struct pair	  *pair;
	uint8_t			   data[UDP_MAX_LEN];
	size_t			   len;
	int			   error; /* it was refused */
	bool			   came;
} sent[MAX];
static unsigned nsent, nflushed, messages_in;

static struct addr
A(const char *text)
{
	struct addr addr;

	ck_assert_msg(addr_parse(&addr, text), "%s", text);
	return addr;
}

static uint16_t
port_of(int fd)
{
	struct endpoint ep = { .len = sizeof(ep.in6) };

	ck_assert_int_eq(getsockname(fd, &ep.sa, &ep.len), 0);
	return endpoint_port(&ep);
}

static bool
host_has(const char *address)
{
	struct addr	addr = A(address);
	struct endpoint ep = endpoint_make(&addr, 0);
	int  fd = socket(addr.family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool has = fd != -1 && bind(fd, &ep.sa, ep.len) == 0;

	if (fd != -1)
		close(fd);
	return has;
}

static void
open_pair(struct pair *pair, const char *address, bool merging)
{
	struct addr addr = A(address);

	memset(pair, 0, sizeof(*pair));
	ck_assert_int_eq(sockets_listen_udp(&addr, 0, &pair->to, 1), 1);
	pair->path.remote = endpoint_make(&addr, port_of(pair->to));
	ck_assert_int_eq(sockets_lanes(&pair->path.remote, 0, &pair->from, 1), 1);
	if (merging) {
		sockets_merge(&pair->to, 1);
		sockets_merge(&pair->from, 1);
	}
}

static void
close_pair(struct pair *pair)
{
	close(pair->from);
	close(pair->to);
}

static void
on_refused(void *arg, const struct udp_datagram *datagram, int error)
{
	ck_assert_ptr_eq(arg, &nsent);
	ck_assert_int_gt(error, 0);
	for (unsigned i = nflushed; i < nsent; i++) {
		if (sent[i].slot != datagram)
			continue;
		ck_assert_msg(sent[i].error == 0, "%u refused twice", i);
		sent[i].error = error;
		return;
	}
	ck_abort_msg("refused what was never sent");
}

static void
begin(bool segments)
{
	memset(&kernel, 0, sizeof(kernel));
	nsent = nflushed = messages_in = 0;
	out = udp_batch_new(segments, on_refused, &nsent);
	in = udp_batch_new(true, NULL, NULL);
	ck_assert(out != NULL && in != NULL);
	ck_assert(udp_segments(out) == segments);
}

static void
end(void)
{
	udp_batch_free(out);
	udp_batch_free(in);
}

static void
flush(void)
{
	udp_flush(out);
	nflushed = nsent;
}

static bool
reserve(const struct pair *pair, size_t len)
{
	static uint64_t	     seed = 9;
	struct udp_datagram *slot = ALLOCS_NONE(udp_reserve(out));

	if (slot == NULL)
		return false;
	ck_assert_uint_lt(nsent, MAX);
	for (size_t i = 0; i < len; i++)
		slot->data[i] = sent[nsent].data[i] =
		    (uint8_t)unit_random(&seed);
	slot->len = len;
	slot->path = &pair->path;
	slot->fd = pair->from;
	sent[nsent].slot = slot;
	sent[nsent].pair = pair;
	sent[nsent].len = len;
	sent[nsent].error = 0;
	sent[nsent].came = false;
	nsent++;
	return true;
}

static void
reserve_or_flush(const struct pair *pair, size_t len)
{
	if (reserve(pair, len))
		return;
	flush();
	ck_assert(reserve(pair, len));
}

/* The next one that should come from this pair, or NULL. */
static long
next_to_come(const struct pair *pair)
{
	for (unsigned i = 0; i < nsent; i++) {
		if (sent[i].pair == pair && !sent[i].came &&
		    sent[i].error == 0)
			return (long)i;
	}
	return -1;
}

static void
take_one(const char *what, const struct pair *pair,
    const struct udp_datagram *d)
{
	long next = next_to_come(pair);

	ck_assert_msg(next != -1, "%s: more than was sent", what);
	ck_assert_msg(d->len == sent[next].len,
	    "%s: number %ld of %zu bytes, not %zu", what, next, d->len,
	    sent[next].len);
	ck_assert_msg(memcmp(d->data, sent[next].data, d->len) == 0,
	    "%s: number %ld, other bytes", what, next);
	ck_assert_int_eq(d->fd, pair->to);
	ck_assert_uint_eq(endpoint_port(&d->path->remote),
	    port_of(pair->from));
	sent[next].came = true;
}

/* Takes what came; all of it, in order, and no more. */
static void
receive_all(const char *what, const struct pair *pair)
{
	struct pollfd	    pfd = { .fd = pair->to, .events = POLLIN };
	struct udp_datagram datagram;
	int		    n;

	for (;;) {
		bool waiting = next_to_come(pair) != -1;

		ck_assert_msg(poll(&pfd, 1, waiting ? 2000 : 0) >= waiting,
		    "%s: number %ld did not come", what, next_to_come(pair));
		n = ALLOCS_NONE(udp_receive(in, pair->to, start));
		ck_assert_int_ge(n, 0);
		if (n == 0)
			break;
		messages_in += (unsigned)n;
		while (ALLOCS_NONE(udp_next(in, &datagram)))
			take_one(what, pair, &datagram);
	}
	ck_assert_msg(next_to_come(pair) == -1, "%s: number %ld is missing",
	    what, next_to_come(pair));
	ck_assert(!udp_next(in, &datagram));
}

static void
assert_none_refused(const char *what)
{
	for (unsigned i = 0; i < nsent; i++)
		ck_assert_msg(sent[i].error == 0, "%s: number %u: %s", what, i,
		    strerror(sent[i].error));
}

/* ---------------------------------------------------------------- sizes */

/* `times` datagrams of `len` each, up to a len of END. */
#define END 0xffff

static const struct {
	const char *what;
	struct {
		uint16_t len, times;
	} sizes[8];
	unsigned messages; /* that it takes with UDP_SEGMENT */
} rows[] = {
	{ "one", { { 1000, 1 }, { END, 0 } }, 1 },
	{ "equal ones", { { 1000, 10 }, { END, 0 } }, 1 },
	{ "a shorter last", { { 1000, 10 }, { 300, 1 }, { END, 0 } }, 1 },
	{ "two shorter ones", { { 1000, 10 }, { 300, 2 }, { END, 0 } }, 2 },
	{ "up", { { 100, 1 }, { 200, 1 }, { 300, 1 }, { END, 0 } }, 3 },
	{ "down", { { 300, 1 }, { 200, 1 }, { 100, 1 }, { END, 0 } }, 2 },
	{ "this and that",
	    { { 1000, 2 }, { 500, 2 }, { 1000, 1 }, { 1, 1 }, { 1000, 3 },
		{ END, 0 } },
	    4 },
	{ "64", { { 200, 64 }, { END, 0 } }, 1 },
	{ "65", { { 200, 65 }, { END, 0 } }, 2 },
	{ "a full batch", { { 200, 128 }, { END, 0 } }, 2 },
	{ "a full batch, of records", { { 1452, 128 }, { END, 0 } }, 3 },
	{ "up to the limit of a message", { { 9000, 7 }, { END, 0 } }, 1 },
	{ "one more than that", { { 9000, 8 }, { END, 0 } }, 2 },
	{ "the longest", { { UDP_MAX_LEN, 9 }, { END, 0 } }, 2 },
	{ "of one byte", { { 1, 70 }, { END, 0 } }, 2 },
	{ "an empty one", { { 0, 1 }, { END, 0 } }, 1 },
	{ "empty ones", { { 0, 3 }, { END, 0 } }, 3 },
	{ "an empty one behind", { { 100, 2 }, { 0, 1 }, { END, 0 } }, 2 },
	{ "an empty one behind one", { { 100, 1 }, { 0, 1 }, { END, 0 } }, 2 },
	{ "empty ones within",
	    { { 100, 2 }, { 0, 2 }, { 100, 2 }, { END, 0 } }, 4 },
	{ "an empty one first", { { 0, 1 }, { 100, 2 }, { END, 0 } }, 2 },
};

static void
reserve_row(size_t row, const struct pair *pair)
{
	for (unsigned i = 0; rows[row].sizes[i].len != END; i++)
		for (unsigned n = 0; n < rows[row].sizes[i].times; n++)
			ck_assert(reserve(pair, rows[row].sizes[i].len));
}

static void
send_rows(const char *address, bool segments, bool merging)
{
	struct pair pair;

	if (!host_has(address))
		return;
	open_pair(&pair, address, merging);
	for (size_t row = 0; row < nitems(rows); row++) {
		begin(segments);
		reserve_row(row, &pair);
		ck_assert(ALLOCS_NONE((udp_flush(out),
		    true)));
		assert_none_refused(rows[row].what);
		receive_all(rows[row].what, &pair);
		ck_assert_msg(kernel.messages ==
			(segments ? rows[row].messages : nsent),
		    "%s: %u messages", rows[row].what, kernel.messages);
		ck_assert_uint_eq(kernel.calls, 1);
		ck_assert(segments || kernel.cut == 0);
		/* As many as were sent is how loopback merges. */
		if (segments && merging)
			ck_assert_msg(messages_in <= kernel.messages,
			    "%s: %u", rows[row].what, messages_in);
		ck_assert(udp_segments(out) == segments);
		end();
	}
	close_pair(&pair);
}

START_TEST(sizes_come_as_they_were_sent)
{
	send_rows(_i / 4 == 0 ? "127.0.0.1" : "::1", (_i & 1) != 0,
	    (_i & 2) != 0);
}
END_TEST

START_TEST(flush_of_nothing_does_nothing)
{
	begin(true);
	flush();
	ck_assert_uint_eq(kernel.calls, 0);
	end();
}
END_TEST

START_TEST(what_is_taken_back_does_not_go)
{
	struct pair pair;

	open_pair(&pair, "127.0.0.1", true);
	begin(true);
	ck_assert(reserve(&pair, 100));
	ck_assert_ptr_nonnull(udp_reserve(out));
	udp_cancel(out);
	ck_assert(reserve(&pair, 200));
	flush();
	assert_none_refused("taken back");
	receive_all("taken back", &pair);
	end();
	close_pair(&pair);
}
END_TEST

START_TEST(full_batch_is_flushed_and_used_again)
{
	struct pair pair;

	open_pair(&pair, "127.0.0.1", true);
	begin(true);
	for (unsigned turn = 0; turn < 3; turn++) {
		for (unsigned i = 0; i < UDP_BATCH; i++)
			ck_assert(reserve(&pair, 100));
		ck_assert_ptr_null(udp_reserve(out));
		flush();
		receive_all("full of datagrams", &pair);
	}
	end();
	begin(true);
	while (reserve(&pair, UDP_MAX_LEN))
		;
	ck_assert_uint_ge(nsent, 20);
	ck_assert_uint_lt(nsent, UDP_BATCH);
	flush();
	receive_all("full of bytes", &pair);
	ck_assert(reserve(&pair, 1));
	flush();
	receive_all("once more", &pair);
	end();
	close_pair(&pair);
}
END_TEST

/* -------------------------------------------------------------- places */

START_TEST(every_place_gets_its_own)
{
	struct pair pairs[3];
	uint64_t    seed = 10;

	open_pair(&pairs[0], "127.0.0.1", true);
	open_pair(&pairs[1], "127.0.0.2", true);
	/* By the same socket as the first, but to another place. */
	open_pair(&pairs[2], "127.0.0.3", false);
	close(pairs[2].from);
	pairs[2].from = pairs[0].from;
	begin(true);
	for (unsigned i = 0; i < 30; i++)
		ck_assert(reserve(&pairs[i / 3 % 3], 500));
	flush();
	assert_none_refused("in turn");
	for (unsigned p = 0; p < 3; p++)
		receive_all("in turn", &pairs[p]);
	ck_assert_uint_eq(kernel.messages, 10);
	end();

	for (unsigned round = 0; round < 100; round++) {
		unsigned p = 0;
		size_t	 len = 0;

		begin(round % 8 != 0);
		kernel.at_most = round % 3 == 0 ? 1 : 0;
		for (uint64_t n = unit_below(&seed, 150); n > 0; n--) {
			if (unit_below(&seed, 4) == 0)
				p = (unsigned)unit_below(&seed, 3);
			if (unit_below(&seed, 4) == 0)
				len = unit_below(&seed, 1500);
			reserve_or_flush(&pairs[p], len);
		}
		flush();
		assert_none_refused("random");
		for (p = 0; p < 3; p++)
			receive_all("random", &pairs[p]);
		end();
	}
	pairs[2].from = dup(pairs[0].from);
	for (unsigned p = 0; p < 3; p++)
		close_pair(&pairs[p]);
}
END_TEST

/* A server of several addresses: cut or not, from the one that was asked. */
START_TEST(answer_comes_from_where_it_was_asked)
{
	static const char *const asked[] = { "127.0.0.5", "127.0.0.6", "::1" };

	for (size_t k = 0; k < nitems(asked); k++) {
		struct addr	    addr = A(asked[k]), any = { 0 }, at;
		struct pair	    pair = { 0 }, back = { 0 };
		struct udp_datagram d;
		struct udp_path	    from;
		struct endpoint	    local = { .len = sizeof(local.in6) };

		/* The first is IPv4 only, the others are both. */
		if (k == 0)
			any = A("0.0.0.0");
		else if (!host_has("::1"))
			continue;
		ck_assert_int_eq(sockets_listen_udp(&any, 0, &pair.to, 1), 1);
		pair.path.remote = endpoint_make(&addr, port_of(pair.to));
		ck_assert_int_eq(sockets_lanes(&pair.path.remote, 0, &pair.from,
				     1),
		    1);
		begin(true);
		ck_assert(reserve(&pair, 10));
		flush();
		ck_assert_int_eq(poll(&(struct pollfd) { pair.to, POLLIN, 0 },
				     1, 2000),
		    1);
		ck_assert_int_eq(udp_receive(in, pair.to, start), 1);
		ck_assert(udp_next(in, &d));
		local.in6.sin6_family = AF_INET6;
		local.in6.sin6_addr = d.path->local;
		at = endpoint_addr(&local);
		ck_assert(addr_is_equal(&at, &addr));
		from = *d.path;
		nsent = nflushed = 0;

		back = (struct pair) { .from = pair.to, .to = pair.from,
			.path = from };
		for (unsigned i = 0; i < 10; i++)
			ck_assert(reserve(&back, 700));
		flush();
		assert_none_refused(asked[k]);
		ck_assert_int_eq(poll(&(struct pollfd) { pair.from, POLLIN, 0 },
				     1, 2000),
		    1);
		for (unsigned i = 0; i < 10;) {
			ck_assert_int_gt(udp_receive(in, pair.from, start), 0);
			for (; udp_next(in, &d); i++) {
				at = endpoint_addr(&d.path->remote);
				ck_assert(addr_is_equal(&at, &addr));
				take_one(asked[k], &back, &d);
			}
		}
		end();
		close_pair(&pair);
	}
}
END_TEST

/* ------------------------------------------------------------ refusals */

static unsigned countdown;
static size_t	link_len;

static int
cannot_cut(size_t size, size_t len)
{
	return size != 0 ? EIO : 0;
}

static int
cannot_cut_invalid(size_t size, size_t len)
{
	return size != 0 ? EINVAL : 0;
}

static int
link_is_small(size_t size, size_t len)
{
	return (size != 0 ? size : len) > link_len ? EMSGSIZE : 0;
}

/* What older kernels say of datagrams that they are to cut. */
static int
link_is_small_old(size_t size, size_t len)
{
	if (size > link_len)
		return EINVAL;
	return size == 0 && len > link_len ? EMSGSIZE : 0;
}

static int
cannot_cut_and_link_is_small(size_t size, size_t len)
{
	return size != 0 ? EIO : len > link_len ? EMSGSIZE : 0;
}

static int
queue_is_full(size_t size, size_t len)
{
	return countdown == 0 ? EAGAIN : (countdown--, 0);
}

static int
nobody_may(size_t size, size_t len)
{
	return EPERM;
}

/* A firewall that now and then drops. */
static int
somebody_may_not(size_t size, size_t len)
{
	return countdown-- == 0 ? EPERM : 0;
}

START_TEST(kernel_that_does_not_cut_is_asked_once)
{
	static int (*const ways[])(size_t, size_t) = { cannot_cut,
		cannot_cut_invalid };
	struct pair pair;

	open_pair(&pair, "127.0.0.1", true);
	for (size_t way = 0; way < nitems(ways); way++) {
		for (size_t row = 0; row < nitems(rows); row++) {
			bool cut = false;

			begin(true);
			kernel.refuses = ways[way];
			reserve_row(row, &pair);
			cut = nsent != rows[row].messages;
			flush();
			assert_none_refused(rows[row].what);
			receive_all(rows[row].what, &pair);
			ck_assert_msg(udp_segments(out) == !cut, "%s",
			    rows[row].what);
			ck_assert_uint_eq(kernel.cut, 0);
			nsent = nflushed = 0;
			kernel.calls = 0;
			if (cut) {
				reserve_row(row, &pair);
				flush();
				assert_none_refused(rows[row].what);
				receive_all(rows[row].what, &pair);
				ck_assert_uint_eq(kernel.calls, 1);
			}
			end();
		}
	}
	close_pair(&pair);
}
END_TEST

/* Exactly those that are larger are told of, each once. */
static void
send_to_small_link(const char *what, const struct pair *pair,
    const size_t *sizes, unsigned n, size_t most)
{
	for (unsigned i = 0; i < n; i++)
		ck_assert(reserve(pair, sizes[i]));
	flush();
	for (unsigned i = 0; i < n; i++) {
		int want = sizes[i] > most ? EMSGSIZE : 0;

		ck_assert_msg(sent[i].error == want,
		    "%s: number %u of %zu bytes: %s", what, i, sizes[i],
		    strerror(sent[i].error));
	}
	receive_all(what, pair);
}

static const size_t small_links[][12] = {
	{ 1000, 2000, 1000 },
	{ 2000 },
	{ 2000, 2000 },
	{ 2000, 2000, 2000, 2000, 2000 },
	{ 2000, 2000, 300 },
	{ 2000, 300 },
	{ 300, 2000 },
	{ 1000, 1000, 1000, 2000, 1000, 1000 },
	{ 1000, 1000, 500, 2000, 2000, 1000, 1000, 2000, 10 },
	{ 1400, 1401, 1400, 1401, 1401, 1400 },
	{ 9000, 9000, 9000, 9000, 9000, 9000, 9000, 9000, 1400, 1400 },
};

static unsigned
count_sizes(const size_t *sizes)
{
	unsigned n = 0;

	while (n < 12 && sizes[n] != 0)
		n++;
	return n;
}

START_TEST(larger_than_the_link_are_told_of_and_only_those)
{
	static const struct {
		const char *what;
		int (*refuses)(size_t size, size_t len);
		bool segments_after;
	} ways[] = {
		{ "EMSGSIZE", link_is_small, true },
		{ "EINVAL, of older kernels", link_is_small_old, true },
		{ "EIO, and a small link", cannot_cut_and_link_is_small,
		    false },
	};
	struct pair pair;

	open_pair(&pair, "127.0.0.1", true);
	link_len = 1400;
	for (size_t way = 0; way < nitems(ways); way++) {
		for (size_t k = 0; k < nitems(small_links); k++) {
			for (unsigned segments = 0; segments < 2; segments++) {
				begin(segments != 0);
				kernel.refuses = ways[way].refuses;
				send_to_small_link(ways[way].what, &pair,
				    small_links[k],
				    count_sizes(small_links[k]), link_len);
				if (segments != 0 && ways[way].segments_after)
					ck_assert_msg(udp_segments(out), "%s",
					    ways[way].what);
				end();
			}
		}
	}
	close_pair(&pair);
}
END_TEST

START_TEST(what_finds_no_room_is_told_of)
{
	struct pair pair;

	open_pair(&pair, "127.0.0.1", true);
	for (unsigned n = 0; n <= 4; n++) {
		/* Four messages: 3 and 1, 2, 1 of them. */
		static const size_t sizes[] = { 500, 500, 500, 600, 700, 700,
			800 };
		static const unsigned ends[] = { 0, 3, 4, 6, 7 };

		begin(true);
		countdown = n;
		kernel.refuses = queue_is_full;
		for (unsigned i = 0; i < nitems(sizes); i++)
			ck_assert(reserve(&pair, sizes[i]));
		flush();
		for (unsigned i = 0; i < nitems(sizes); i++)
			ck_assert_int_eq(sent[i].error,
			    i < ends[n] ? 0 : EAGAIN);
		receive_all("a full queue", &pair);
		ck_assert(udp_segments(out));
		/* Nothing is tried again: there is no room now. */
		ck_assert_uint_eq(kernel.calls, (n > 0) + (4 - n));
		end();
	}
	close_pair(&pair);
}
END_TEST

START_TEST(what_may_not_go_is_told_of)
{
	struct pair pair;

	open_pair(&pair, "127.0.0.1", true);
	for (unsigned segments = 0; segments < 2; segments++) {
		begin(segments != 0);
		kernel.refuses = nobody_may;
		for (unsigned i = 0; i < 10; i++)
			ck_assert(reserve(&pair, i < 7 ? 100 : 200));
		flush();
		for (unsigned i = 0; i < 10; i++)
			ck_assert_int_eq(sent[i].error, EPERM);
		receive_all("none", &pair);
		ck_assert(udp_segments(out) == (segments != 0));
		end();
	}
	close_pair(&pair);
}
END_TEST

/* That is no reason to cut no more. */
START_TEST(refusal_that_passes_does_not_end_the_cutting)
{
	struct pair pair;

	open_pair(&pair, "127.0.0.1", true);
	begin(true);
	countdown = 0;
	kernel.refuses = somebody_may_not;
	for (unsigned i = 0; i < 10; i++)
		ck_assert(reserve(&pair, 100));
	flush();
	receive_all("a passing refusal", &pair);
	ck_assert(udp_segments(out));
	end();
	close_pair(&pair);
}
END_TEST

START_TEST(interrupted_and_partly_done_it_goes_on)
{
	struct pair pair;

	open_pair(&pair, "127.0.0.1", true);
	for (size_t row = 0; row < nitems(rows); row++) {
		begin(true);
		kernel.interrupts = 3;
		kernel.at_most = 1;
		reserve_row(row, &pair);
		flush();
		assert_none_refused(rows[row].what);
		receive_all(rows[row].what, &pair);
		ck_assert_uint_eq(kernel.messages, rows[row].messages);
		ck_assert_uint_eq(kernel.calls, rows[row].messages + 3);
		end();
	}
	close_pair(&pair);
}
END_TEST

/* A loopback of our own, which carries less; needs root. */
static bool
make_small_loopback(int mtu)
{
	struct ifreq ifr = { .ifr_name = "lo" };
	int	     fd;
	bool	     made;

	if (unshare(CLONE_NEWNET) == -1)
		return false;
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	ifr.ifr_mtu = mtu;
	made = ioctl(fd, SIOCSIFMTU, &ifr) == 0;
	ifr.ifr_flags = IFF_UP | IFF_RUNNING;
	made = made && ioctl(fd, SIOCSIFFLAGS, &ifr) == 0;
	close(fd);
	return made;
}

START_TEST(larger_than_a_real_link_are_told_of_and_only_those)
{
	static const struct {
		const char *address;
		size_t	    most;
	} ways[] = { { "127.0.0.1", 1400 }, { "::1", 1380 } };

	if (!make_small_loopback(1428)) {
		printf("skipped: a link that is too small (needs root)\n");
		return;
	}
	for (size_t way = 0; way < nitems(ways); way++) {
		struct pair pair;

		if (!host_has(ways[way].address))
			continue;
		open_pair(&pair, ways[way].address, true);
		for (size_t k = 0; k < nitems(small_links); k++) {
			for (unsigned segments = 0; segments < 2; segments++) {
				begin(segments != 0);
				send_to_small_link(ways[way].address, &pair,
				    small_links[k],
				    count_sizes(small_links[k]),
				    ways[way].most);
				ck_assert(udp_segments(out) ==
				    (segments != 0));
				end();
			}
		}
		close_pair(&pair);
	}
}
END_TEST

/* ------------------------------------------------------------- receiving */

/* `n` of `size`, as one message that the kernel cuts. */
static void
send_raw(const struct pair *pair, size_t size, unsigned n)
{
	static uint8_t bytes[65536];
	int	       value = n > 1 ? (int)size : 0;

	ck_assert_int_eq(setsockopt(pair->from, SOL_UDP, UDP_SEGMENT, &value,
			     sizeof(value)),
	    0);
	ck_assert_int_eq(sendto(pair->from, bytes, size * n, 0,
			     &pair->path.remote.sa, pair->path.remote.len),
	    (ssize_t)(size * n));
}

START_TEST(longer_than_we_take_come_with_no_length)
{
	static const struct {
		const char *what;
		size_t	    size;
		unsigned    n;
		bool	    taken;
	} raw[] = {
		{ "just as long", UDP_MAX_LEN, 1, true },
		{ "a byte more", UDP_MAX_LEN + 1, 1, false },
		{ "the longest of all", 65507, 1, false },
		{ "several of them", UDP_MAX_LEN + 1, 6, false },
		{ "several of just as long", UDP_MAX_LEN, 7, true },
		{ "two large ones", 32000, 2, false },
		{ "none at all", 0, 1, true },
	};
	struct pair	    pair;
	struct udp_datagram d;

	for (unsigned merging = 0; merging < 2; merging++) {
		open_pair(&pair, "127.0.0.1", merging != 0);
		for (size_t i = 0; i < nitems(raw); i++) {
			unsigned got = 0;

			begin(true);
			send_raw(&pair, raw[i].size, raw[i].n);
			send_raw(&pair, 5, 1);
			while (udp_receive(in, pair.to, start) > 0) {
				while (udp_next(in, &d)) {
					size_t want = got == raw[i].n ? 5 :
					    raw[i].taken ? raw[i].size :
							   0;

					ck_assert_msg(d.len == want, "%s: %zu",
					    raw[i].what, d.len);
					got++;
				}
			}
			ck_assert_msg(got == raw[i].n + 1, "%s: %u",
			    raw[i].what, got);
			end();
		}
		close_pair(&pair);
	}
}
END_TEST

START_TEST(more_messages_than_fit_into_one_call)
{
	struct pair pair;

	open_pair(&pair, "127.0.0.1", true);
	for (unsigned segments = 0; segments < 2; segments++) {
		begin(segments != 0);
		/* Of growing sizes, so that none are joined; and some that are. */
		for (unsigned i = 0; i < 100; i++)
			ck_assert(reserve(&pair, 10 + i));
		for (unsigned i = 0; i < 20; i++)
			ck_assert(reserve(&pair, 120 - i / 3));
		flush();
		receive_all("many", &pair);
		end();
	}
	close_pair(&pair);
}
END_TEST

/* A merged message is many datagrams: of those a few are a turn's work. */
START_TEST(few_messages_are_taken_where_they_are_merged)
{
	static const struct {
		unsigned messages, pieces;
		int	 taken;
	} turns[] = {
		{ 6, 10, 6 }, /* nobody knows yet */
		{ 6, 10, 4 },
		{ 0, 0, 2 },
		{ 0, 0, 0 },
		{ 6, 1, 4 },
		{ 0, 0, 2 }, /* single ones: many again */
		{ 6, 1, 6 },
	};
	struct pair	    pair;
	struct udp_datagram d;
	unsigned	    got = 0;

	open_pair(&pair, "127.0.0.1", true);
	begin(true);
	for (size_t turn = 0; turn < nitems(turns); turn++) {
		int n;

		for (unsigned i = 0; i < turns[turn].messages; i++)
			send_raw(&pair, 100, turns[turn].pieces);
		n = udp_receive(in, pair.to, start);
		ck_assert_msg(n == turns[turn].taken, "turn %zu: %d", turn, n);
		while (udp_next(in, &d))
			got++;
	}
	ck_assert_uint_eq(got, 60 + 60 + 6 + 6);
	end();
	close_pair(&pair);
}
END_TEST

START_TEST(sockets_that_share_a_path_are_kept_apart)
{
	struct pair	    pair, other;
	struct udp_datagram d;
	unsigned	    got = 0;

	open_pair(&pair, "127.0.0.1", false);
	open_pair(&other, "127.0.0.1", false);
	begin(true);
	for (unsigned i = 0; i < 4; i++) {
		struct udp_datagram *slot = udp_reserve(out);

		slot->len = 10;
		slot->path = &pair.path;
		slot->fd = i < 2 ? pair.from : other.from;
		memset(slot->data, (int)i, 10);
	}
	flush();
	ck_assert_int_eq(udp_receive(in, pair.to, start), 4);
	for (; udp_next(in, &d); got++)
		ck_assert_uint_eq(endpoint_port(&d.path->remote),
		    port_of(got < 2 ? pair.from : other.from));
	ck_assert_uint_eq(got, 4);
	end();
	close_pair(&pair);
	close_pair(&other);
}
END_TEST

/* A second is looked for, but not where lone ones with pauses are the rule. */
static const struct {
	unsigned before; /* came alone */
	size_t	 len;	 /* the last of those */
	int	 pause_us, expect;
} lone_rows[] = {
	{ 4, 10, 5000, 1 },
	{ 3, 10, 5000, 2 },
	{ 4, 10, 50, 2 },
	{ 5, 3000, 5000, 2 }, /* part of a stream */
};

START_TEST(a_lone_one_after_a_pause)
{
	unsigned	    before = lone_rows[_i].before;
	struct mono	    now = start;
	struct pair	    pair;
	struct udp_datagram d;

	open_pair(&pair, "127.0.0.1", false);
	begin(false);
	for (unsigned i = 1; i <= before; i++) {
		now = mono_add(now, 5000);
		ck_assert(reserve(&pair, i < before ? 10 : lone_rows[_i].len));
		flush();
		ck_assert_int_eq(udp_receive(in, pair.to, now), 1);
		ck_assert(udp_next(in, &d));
	}
	now = mono_add(now, lone_rows[_i].pause_us);
	ck_assert(reserve(&pair, 10));
	ck_assert(reserve(&pair, 10));
	flush();
	ck_assert_int_eq(udp_receive(in, pair.to, now), lone_rows[_i].expect);
	while (udp_next(in, &d))
		ck_assert_uint_eq(d.len, 10);
	/* If there was another one it is there the next time. */
	ck_assert_int_eq(udp_receive(in, pair.to, now),
	    2 - lone_rows[_i].expect);
	end();
	close_pair(&pair);
}
END_TEST

/* Turns that take longer than a pause: a burst is not read one by one for ever. */
START_TEST(a_burst_is_no_row_of_lone_ones)
{
	struct mono	    now = start;
	struct pair	    pair;
	struct udp_datagram d;
	unsigned	    turns = 0;
	int		    n;

	open_pair(&pair, "127.0.0.1", false);
	begin(false);
	for (unsigned i = 0; i < 4; i++) {
		now = mono_add(now, 5000);
		ck_assert(reserve(&pair, 10));
		flush();
		ck_assert_int_eq(udp_receive(in, pair.to, now), 1);
		ck_assert(udp_next(in, &d));
	}
	for (unsigned i = 0; i < 40; i++)
		ck_assert(reserve(&pair, 10));
	flush();
	do {
		now = mono_add(now, 200);
		n = udp_receive(in, pair.to, now);
		ck_assert_int_gt(n, 0);
		while (udp_next(in, &d))
			;
	} while (++turns < 40 && n == 1);
	ck_assert_uint_gt(turns, 1);
	ck_assert_uint_le(turns, 9);
	end();
	close_pair(&pair);
}
END_TEST

START_TEST(nothing_there_and_nobody_there)
{
	struct pair	    pair;
	struct udp_datagram d;

	open_pair(&pair, "127.0.0.1", true);
	begin(true);
	ck_assert_int_eq(udp_receive(in, pair.to, start), 0);
	ck_assert(!udp_next(in, &d));
	ck_assert_int_eq(udp_receive(in, -1, start), -EBADF);
	ck_assert(!udp_next(in, &d));
	/* What is left of a batch is gone with the next. */
	ck_assert(reserve(&pair, 10));
	ck_assert(reserve(&pair, 10));
	flush();
	ck_assert_int_eq(poll(&(struct pollfd) { pair.to, POLLIN, 0 }, 1,
			     2000),
	    1);
	ck_assert_int_gt(udp_receive(in, pair.to, start), 0);
	ck_assert(udp_next(in, &d));
	ck_assert_int_eq(udp_receive(in, pair.to, start), 0);
	ck_assert(!udp_next(in, &d));
	end();
	close_pair(&pair);
}
END_TEST

int
main(void)
{
	Suite	*suite = suite_create("udp");
	TCase	*tcase = tcase_create("udp");
	SRunner *runner = srunner_create(suite);
	int	 failed;

	tcase_set_timeout(tcase, 60);
	tcase_add_loop_test(tcase, sizes_come_as_they_were_sent, 0, 8);
	tcase_add_test(tcase, flush_of_nothing_does_nothing);
	tcase_add_test(tcase, what_is_taken_back_does_not_go);
	tcase_add_test(tcase, full_batch_is_flushed_and_used_again);
	tcase_add_test(tcase, every_place_gets_its_own);
	tcase_add_test(tcase, answer_comes_from_where_it_was_asked);
	tcase_add_test(tcase, kernel_that_does_not_cut_is_asked_once);
	tcase_add_test(tcase, larger_than_the_link_are_told_of_and_only_those);
	tcase_add_test(tcase, what_finds_no_room_is_told_of);
	tcase_add_test(tcase, what_may_not_go_is_told_of);
	tcase_add_test(tcase, refusal_that_passes_does_not_end_the_cutting);
	tcase_add_test(tcase, interrupted_and_partly_done_it_goes_on);
	tcase_add_test(tcase,
	    larger_than_a_real_link_are_told_of_and_only_those);
	tcase_add_test(tcase, longer_than_we_take_come_with_no_length);
	tcase_add_test(tcase, more_messages_than_fit_into_one_call);
	tcase_add_test(tcase, few_messages_are_taken_where_they_are_merged);
	tcase_add_test(tcase, sockets_that_share_a_path_are_kept_apart);
	tcase_add_loop_test(tcase, a_lone_one_after_a_pause, 0,
	    (int)nitems(lone_rows));
	tcase_add_test(tcase, a_burst_is_no_row_of_lone_ones);
	tcase_add_test(tcase, nothing_there_and_nobody_there);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
