/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a taken-over engine can get from the monitor: by its own channel, over
 * a real socket pair.
 */
#include "monitor/serve/serve.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "conf/conf.h"
#include "monitor/serve/lookup.h"
#include "monitor/reload.h"
#include "proc/request.h"
#include "unit.h"

enum outcome { ANSWERED, SILENT, BROKEN };
enum who { SERVER, CLIENT_TAP, CLIENT_TUN };

struct fixture {
	struct conf	conf;
	struct ev_loop *loop;
	struct chan	engine; /* the monitor's end */
	int		other;	/* the engine's */
	struct lookup	lookup;
	struct serve	serve;
	unsigned	ready, stops, violations, reloads, pongs, verified;
	uint8_t	       *buf;
};

static void
on_ready(void *arg)
{
	((struct fixture *)arg)->ready++;
}

static void
on_stop(void *arg)
{
	((struct fixture *)arg)->stops++;
}

static void
on_pong(void *arg)
{
	((struct fixture *)arg)->pongs++;
}

static void
on_verified(void *arg)
{
	((struct fixture *)arg)->verified++;
}

static bool
on_reload(void *arg, bool all)
{
	((struct fixture *)arg)->reloads++;
	return all;
}

static void
on_violation(void *arg)
{
	((struct fixture *)arg)->violations++;
}

static void
on_resolved(void *arg, uint32_t id, const struct endpoint *list, unsigned n)
{
	struct fixture *fixture = arg;

	ck_assert_int_eq(serve_resolved(&fixture->engine, id, list, n), 0);
}

static void
on_msg(struct chan *chan, struct chan_msg *msg)
{
	struct fixture *fixture = chan->arg;

	serve_request(&fixture->serve, chan, msg);
}

static void
begin(struct fixture *fixture, enum who who)
{
	static char host[] = "127.0.0.1";
	int	    fds[2];

	*fixture = (struct fixture) {
		.conf = {
			.role = who == SERVER ? CONF_SERVER : CONF_CLIENT,
			.mode = who == CLIENT_TUN ? CONF_TUN : CONF_TAP,
			.servers = { { .host = host, .port = 9 } },
			.nservers = 1,
		},
		.loop = ev_loop_new(0),
		.serve = {
			.conf = &fixture->conf,
			.lookup = &fixture->lookup,
			.on_ready = on_ready,
			.on_stop = on_stop,
			.on_reload = on_reload,
			.on_pong = on_pong,
			.on_verified = on_verified,
			.on_violation = on_violation,
			.arg = fixture,
		},
		.buf = malloc(CHAN_MAX_PAYLOAD),
	};
	ck_assert_ptr_nonnull(fixture->buf);
	lookup_init(&fixture->lookup, fixture->loop, &fixture->conf);
	fixture->lookup.done = on_resolved;
	fixture->lookup.arg = fixture;
	ck_assert_int_eq(chan_pair(fds), 0);
	fixture->other = fds[1];
	chan_open(&fixture->engine, fixture->loop, fds[0], on_msg, NULL,
	    fixture);
}

static void
end(struct fixture *fixture)
{
	lookup_fini(&fixture->lookup);
	chan_close(&fixture->engine);
	close(fixture->other);
	ev_loop_destroy(fixture->loop);
	free(fixture->buf);
}

static void
ask(struct fixture *fixture, unsigned type, const void *data, size_t len,
    unsigned nfds)
{
	const int fds[] = { STDERR_FILENO };

	ck_assert_int_eq(chan_send_fd(fixture->other, (uint16_t)type, 77, data,
			     len, fds, nfds), 0);
	ev_run(fixture->loop, EVRUN_NOWAIT);
}

/* The first four bytes of the answer; -1 when there is none. */
static int64_t
answer(struct fixture *fixture, unsigned type, unsigned *nfds)
{
	struct chan_msg	   msg;
	struct wire_reader r;

	if (chan_recv_fd(fixture->other, &msg, fixture->buf, 0) < 0)
		return -1;
	ck_assert_uint_eq(msg.type, type);
	ck_assert_uint_eq(msg.id, 77);
	*nfds = msg.nfds;
	chan_msg_close_fds(&msg);
	wire_reader_init(&r, msg.data, msg.len);
	return wire_get_u32(&r);
}

static const struct {
	const char  *what;
	enum who     who;
	unsigned     type;
	const char  *data;
	size_t	     len;
	unsigned     nfds;
	enum outcome outcome;
	unsigned     answered_fds;
} rows[] = {
	{ "ready", SERVER, REQUEST_READY, "", 0, 0, SILENT, 0 },
	{ "ready with a payload", SERVER, REQUEST_READY, "x", 1, 0, BROKEN, 0 },
	{ "ready with a descriptor", SERVER, REQUEST_READY, "", 0, 1, BROKEN,
	    0 },
	{ "stop", CLIENT_TAP, REQUEST_STOP, "", 0, 0, SILENT, 0 },
	{ "pong", CLIENT_TUN, REQUEST_PONG, "", 0, 0, SILENT, 0 },
	{ "pong with a payload", SERVER, REQUEST_PONG, "x", 1, 0, BROKEN, 0 },
	{ "verified", CLIENT_TAP, REQUEST_VERIFIED, "", 0, 0, SILENT, 0 },
	{ "verified, by a server", SERVER, REQUEST_VERIFIED, "", 0, 0, BROKEN,
	    0 },
	{ "a time of its own", CLIENT_TAP, REQUEST_VERIFIED,
	    "\0\0\0\1\0\0\0\0", 8, 0, BROKEN, 0 },
	{ "reload", SERVER, REQUEST_RELOAD, "\1", 1, 0, ANSWERED, 0 },
	{ "reload of the sites", SERVER, REQUEST_RELOAD, "\0", 1, 0, ANSWERED,
	    0 },
	{ "reload of nothing", SERVER, REQUEST_RELOAD, "", 0, 0, BROKEN, 0 },
	{ "reload of what else", SERVER, REQUEST_RELOAD, "\2", 1, 0, BROKEN,
	    0 },
	{ "reload of a file", CLIENT_TUN, REQUEST_RELOAD, "/etc/passwd", 11, 0,
	    BROKEN, 0 },
	{ "type 0", SERVER, 0, "", 0, 0, BROKEN, 0 },
	{ "a request of the monitor's own", SERVER, REQUEST_CONF, "\1", 1, 0,
	    BROKEN, 0 },
	{ "a request of the keeper's", SERVER, REQUEST_SIGN, "", 0, 0, BROKEN,
	    0 },
	{ "a request of the resolver's", CLIENT_TAP, REQUEST_LOOKUP,
	    "\0\1a\0\1", 5, 0, BROKEN, 0 },
	{ "resolve", CLIENT_TAP, REQUEST_RESOLVE, "\0", 1, 0, ANSWERED, 0 },
	{ "resolve what there is not", CLIENT_TAP, REQUEST_RESOLVE, "\1", 1,
	    0, BROKEN, 0 },
	{ "resolve the proxy that there is not", CLIENT_TAP, REQUEST_RESOLVE,
	    "\377", 1, 0, BROKEN, 0 },
	{ "resolve, by a server", SERVER, REQUEST_RESOLVE, "\0", 1, 0, BROKEN,
	    0 },
	{ "connect", CLIENT_TAP, REQUEST_CONNECT, "\0\0", 2, 0, ANSWERED,
	    1 },
	{ "connect, by a server", SERVER, REQUEST_CONNECT, "\0\0", 2, 0, BROKEN,
	    0 },
	{ "connect to what is not in the list", CLIENT_TAP, REQUEST_CONNECT,
	    "\0\1", 2, 0, ANSWERED, 0 },
	{ "connect to nothing", CLIENT_TAP, REQUEST_CONNECT, "", 0, 0, BROKEN,
	    0 },
	{ "connect with an address", CLIENT_TAP, REQUEST_CONNECT,
	    "\4\1\2\3\4\0\20", 7, 0, BROKEN, 0 },
	{ "lanes", CLIENT_TUN, REQUEST_LANES, "\0\0\3", 3, 0, ANSWERED,
	    3 },
	{ "lanes of the proxy", CLIENT_TUN, REQUEST_LANES, "\377\0\3", 3, 0,
	    BROKEN, 0 },
	{ "as many lanes as there can be", CLIENT_TUN, REQUEST_LANES,
	    "\0\0\20", 3, 0, ANSWERED, 16 },
	{ "a lane more", CLIENT_TUN, REQUEST_LANES, "\0\0\21", 3, 0,
	    BROKEN, 0 },
	{ "no lane", CLIENT_TUN, REQUEST_LANES, "\0\0\0", 3, 0, BROKEN,
	    0 },
	{ "lanes cut short", CLIENT_TUN, REQUEST_LANES, "\0\0", 2, 0, BROKEN,
	    0 },
	{ "lanes, by a server", SERVER, REQUEST_LANES, "\0\0\1", 3, 0, BROKEN,
	    0 },
	{ "a network, by a server", SERVER, REQUEST_NETWORK, "\0\0\0", 3, 0,
	    BROKEN, 0 },
	{ "a network, with a tap", CLIENT_TAP, REQUEST_NETWORK, "\0\0\0", 3, 0,
	    BROKEN, 0 },
	{ "a network cut short", CLIENT_TUN, REQUEST_NETWORK, "\0\0", 2, 0,
	    BROKEN, 0 },
	{ "an address cut short", CLIENT_TUN, REQUEST_NETWORK,
	    "\1\4\12\0\0\1", 6, 0, BROKEN, 0 },
	{ "a byte too many", CLIENT_TUN, REQUEST_NETWORK, "\0\0\0x", 4, 0,
	    BROKEN, 0 },
	{ "too many addresses", CLIENT_TUN, REQUEST_NETWORK, "\21\0\0", 3, 0,
	    BROKEN, 0 },
	{ "too many routes", CLIENT_TUN, REQUEST_NETWORK, "\0\4\1", 3, 0,
	    BROKEN, 0 },
	{ "a prefix of 33 bits", CLIENT_TUN, REQUEST_NETWORK,
	    "\1\4\12\0\0\1\41\0\0", 9, 0, BROKEN, 0 },
	{ "DNS, by a server", SERVER, REQUEST_DNS, "\0\0", 2, 0, BROKEN, 0 },
	{ "DNS, with a tap", CLIENT_TAP, REQUEST_DNS, "\0\0", 2, 0, BROKEN, 0 },
	{ "DNS cut short", CLIENT_TUN, REQUEST_DNS, "\0", 1, 0, BROKEN, 0 },
	{ "too many DNS servers", CLIENT_TUN, REQUEST_DNS, "\11\0", 2, 0,
	    BROKEN, 0 },
	{ "too many domains", CLIENT_TUN, REQUEST_DNS, "\0\21", 2, 0, BROKEN,
	    0 },
	{ "a domain cut short", CLIENT_TUN, REQUEST_DNS, "\0\1\0\2a", 5, 0,
	    BROKEN, 0 },
	{ "DNS and a byte too many", CLIENT_TUN, REQUEST_DNS, "\0\0x", 3, 0,
	    BROKEN, 0 },
	{ "down, by a server", SERVER, REQUEST_DOWN, "", 0, 0, BROKEN, 0 },
	{ "down, with a tap", CLIENT_TAP, REQUEST_DOWN, "", 0, 0, BROKEN, 0 },
	{ "down with a word", CLIENT_TUN, REQUEST_DOWN, "x", 1, 0, BROKEN, 0 },
	{ "an address of family 5", CLIENT_TUN, REQUEST_NETWORK,
	    "\1\5\12\0\0\1\30\0\0", 9, 0, BROKEN, 0 },
};

START_TEST(a_request_is_answered_or_its_engine_is_ended)
{
	for (size_t i = 0; i < nitems(rows); i++) {
		struct fixture fixture;
		unsigned       nfds = 0;
		int64_t	       first;

		begin(&fixture, rows[i].who);
		ask(&fixture, rows[i].type, rows[i].data, rows[i].len,
		    rows[i].nfds);
		first = answer(&fixture, rows[i].type, &nfds);
		ck_assert_msg((first >= 0) == (rows[i].outcome == ANSWERED),
		    "%s: %s", rows[i].what, first >= 0 ? "answered" : "silent");
		ck_assert_msg(
		    fixture.violations == (rows[i].outcome == BROKEN),
		    "%s: %u violations", rows[i].what, fixture.violations);
		ck_assert_msg(nfds == rows[i].answered_fds,
		    "%s: %u descriptors", rows[i].what, nfds);
		end(&fixture);
	}
}
END_TEST

START_TEST(what_is_not_in_the_list_is_einval)
{
	struct fixture fixture;
	unsigned       nfds;

	begin(&fixture, CLIENT_TAP);
	ask(&fixture, REQUEST_LANES, "\0\17\1", 3, 0);
	ck_assert_int_eq(answer(&fixture, REQUEST_LANES, &nfds), EINVAL);
	end(&fixture);
}
END_TEST

START_TEST(ready_is_said_once)
{
	struct fixture fixture;

	begin(&fixture, SERVER);
	ask(&fixture, REQUEST_READY, NULL, 0, 0);
	ck_assert_uint_eq(fixture.ready, 1);
	ask(&fixture, REQUEST_READY, NULL, 0, 0);
	ck_assert_uint_eq(fixture.ready, 1);
	ck_assert_uint_eq(fixture.violations, 1);
	end(&fixture);
}
END_TEST

START_TEST(an_engine_cannot_keep_the_monitor_busy)
{
	struct fixture fixture;
	unsigned       nfds, n = 0;

	begin(&fixture, CLIENT_TAP);
	while (fixture.violations == 0 && n < 1000) {
		ask(&fixture, REQUEST_CONNECT, "\0\1", 2, 0);
		answer(&fixture, REQUEST_CONNECT, &nfds);
		n++;
	}
	/* Some room for what trickles in meanwhile. */
	ck_assert_uint_ge(n, 64);
	ck_assert_uint_le(n, 80);
	end(&fixture);
}
END_TEST

START_TEST(a_condemned_engine_is_not_served_and_not_logged_again)
{
	struct fixture fixture;
	unsigned       nfds;

	begin(&fixture, CLIENT_TAP);
	ask(&fixture, 0, NULL, 0, 0);
	ask(&fixture, 0, NULL, 0, 0);
	ask(&fixture, REQUEST_RESOLVE, NULL, 0, 0);
	ask(&fixture, REQUEST_STOP, NULL, 0, 0);
	ck_assert_uint_eq(fixture.violations, 1);
	ck_assert_uint_eq(fixture.stops, 0);
	ck_assert_int_eq(answer(&fixture, REQUEST_RESOLVE, &nfds), -1);
	/* Its successor is not guilty. */
	serve_reset(&fixture.serve);
	ask(&fixture, REQUEST_STOP, NULL, 0, 0);
	ck_assert_uint_eq(fixture.stops, 1);
	end(&fixture);
}
END_TEST

START_TEST(a_bucket_fills_again)
{
	static const struct {
		const char *what;
		int64_t	    at_us;
		bool	    taken;
	} steps[] = {
		{ "the first of three", 0, true },
		{ "the second", 0, true },
		{ "the third", 0, true },
		{ "the fourth", 0, false },
		{ "just before the interval", 99, false },
		{ "after the interval", 100, true },
		{ "again", 100, false },
		{ "much later, one", 10000, true },
		{ "much later, two", 10000, true },
		{ "much later, three", 10000, true },
		{ "much later, four", 10000, false },
	};
	struct bucket bucket = { 0 };

	for (size_t i = 0; i < nitems(steps); i++) {
		struct mono now = { 5000000 + steps[i].at_us };

		ck_assert_msg(bucket_take(&bucket, 3, 100, now) ==
			steps[i].taken, "%s", steps[i].what);
	}
}
END_TEST

UNIT_MAIN("serve", a_request_is_answered_or_its_engine_is_ended,
    what_is_not_in_the_list_is_einval, ready_is_said_once,
    an_engine_cannot_keep_the_monitor_busy,
    a_condemned_engine_is_not_served_and_not_logged_again,
    a_bucket_fills_again)
