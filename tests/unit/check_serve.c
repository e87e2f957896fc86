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
#include "monitor/serve/certs.h"
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
	unsigned	ready, pongs, violations, reloads;
	uint8_t	       *buf;
};

static bool
on_reload(void *arg, bool all)
{
	((struct fixture *)arg)->reloads++;
	return all;
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
	int		what = serve_request(&fixture->serve, chan, msg);

	fixture->ready += what == REQUEST_READY;
	fixture->pongs += what == REQUEST_PONG;
	fixture->violations += what == -1;
	ck_assert(what == -1 || what == 0 || what == msg->type);
}

static void
begin(struct fixture *fixture, enum who who)
{
	static struct certs certs;
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
			.certs = &certs,
			.on_reload = on_reload,
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

/* The error of the answer, or how many addresses it has; -1: there is none. */
static int64_t
answer(struct fixture *fixture, unsigned type, unsigned *nfds)
{
	struct chan_msg	      msg;
	struct request_result result;
	struct request_list   list;

	if (chan_recv_fd(fixture->other, &msg, fixture->buf, 0) < 0)
		return -1;
	ck_assert_uint_eq(msg.type, type);
	ck_assert_uint_eq(msg.id, 77);
	*nfds = msg.nfds;
	chan_msg_close_fds(&msg);
	if (type == REQUEST_RESOLVE) {
		ck_assert(chan_get(&msg, &list, sizeof(list)));
		return list.n;
	}
	ck_assert(chan_get(&msg, &result, sizeof(result)));
	ck_assert(request_text_is_good(result.why));
	return result.error;
}

/* What an engine may say, for the rows to spoil. */
static const struct request_server first = { 0, 0, 3 };
static const struct request_in_force in_force = { REQUEST_CERTS_CRL, 1 };

#define SIZE(name)	 sizeof(struct request_##name)
#define AT(name, field)	 offsetof(struct request_##name, field)
#define ALL(name, field) AT(name, field), sizeof(((struct request_##name *)0)->field)
#define ZEROS(name)	 NULL, SIZE(name), 0, 0, 0

/*
 * `n` bytes from `at` are another than in `data` (NULL: zeros), of which `len`
 * are sent.
 */
static const struct {
	const char  *what;
	enum who     who;
	unsigned     type;
	const void  *data;
	size_t	     len, at, n;
	uint8_t	     byte;
	unsigned     nfds;
	enum outcome outcome;
	unsigned     answered_fds;
} rows[] = {
#define NOTHING NULL, 0, 0, 0, 0
#define A_BYTE	NULL, 1, 0, 0, 0
	{ "ready", SERVER, REQUEST_READY, NOTHING, 0, SILENT, 0 },
	{ "ready with a payload", SERVER, REQUEST_READY, A_BYTE, 0, BROKEN, 0 },
	{ "ready with a descriptor", SERVER, REQUEST_READY, NOTHING, 1, BROKEN,
	    0 },
	{ "pong", CLIENT_TUN, REQUEST_PONG, NOTHING, 0, SILENT, 0 },
	{ "pong with a payload", SERVER, REQUEST_PONG, A_BYTE, 0, BROKEN, 0 },
	{ "in force", SERVER, REQUEST_IN_FORCE, &in_force, SIZE(in_force), 0, 0,
	    0, 0, SILENT, 0 },
	{ "in force, of no kind", SERVER, REQUEST_IN_FORCE, &in_force,
	    SIZE(in_force), ALL(in_force, kind), 255, 0, BROKEN, 0 },
	{ "in force cut short", SERVER, REQUEST_IN_FORCE, &in_force,
	    SIZE(in_force) - 1, 0, 0, 0, 0, BROKEN, 0 },
	{ "reload", SERVER, REQUEST_RELOAD,
	    &(const struct request_reload) { .all = 1 }, SIZE(reload), 0, 0, 0,
	    0, ANSWERED, 0 },
	{ "reload of the sites", SERVER, REQUEST_RELOAD, ZEROS(reload), 0,
	    ANSWERED, 0 },
	{ "reload of nothing", SERVER, REQUEST_RELOAD, NOTHING, 0, BROKEN, 0 },
	{ "reload of what else", SERVER, REQUEST_RELOAD, NULL, SIZE(reload),
	    ALL(reload, all), 2, 0, BROKEN, 0 },
	{ "reload of a file", CLIENT_TUN, REQUEST_RELOAD, "/etc/passwd", 11, 0,
	    0, 0, 0, BROKEN, 0 },
	{ "type 0", SERVER, 0, NOTHING, 0, BROKEN, 0 },
	{ "a request of the monitor's own", SERVER, REQUEST_CONF, ZEROS(piece),
	    0, BROKEN, 0 },
	{ "a request of the keeper's", SERVER, REQUEST_SIGN, ZEROS(sign), 0,
	    BROKEN, 0 },
	{ "a request of the resolver's", CLIENT_TAP, REQUEST_LOOKUP,
	    ZEROS(lookup), 0, BROKEN, 0 },
	{ "resolve", CLIENT_TAP, REQUEST_RESOLVE, &first, SIZE(server), 0, 0, 0,
	    0, ANSWERED, 0 },
	{ "resolve what there is not", CLIENT_TAP, REQUEST_RESOLVE, &first,
	    SIZE(server), ALL(server, which), 1, 0, BROKEN, 0 },
	{ "resolve the proxy that there is not", CLIENT_TAP, REQUEST_RESOLVE,
	    &(const struct request_server) { .which = REQUEST_PROXY },
	    SIZE(server), 0, 0, 0, 0, BROKEN, 0 },
	{ "resolve a server of a high number", CLIENT_TAP, REQUEST_RESOLVE,
	    &(const struct request_server) { .which = 0x100 }, SIZE(server), 0,
	    0, 0, 0, BROKEN, 0 },
	{ "resolve, by a server", SERVER, REQUEST_RESOLVE, &first, SIZE(server),
	    0, 0, 0, 0, BROKEN, 0 },
	{ "connect", CLIENT_TAP, REQUEST_CONNECT, &first, SIZE(server), 0, 0, 0,
	    0, ANSWERED, 1 },
	{ "connect, by a server", SERVER, REQUEST_CONNECT, &first, SIZE(server),
	    0, 0, 0, 0, BROKEN, 0 },
	{ "connect to what is not in the list", CLIENT_TAP, REQUEST_CONNECT,
	    &first, SIZE(server), ALL(server, index), 1, 0, ANSWERED, 0 },
	{ "connect to a server that there is not", CLIENT_TAP, REQUEST_CONNECT,
	    &first, SIZE(server), ALL(server, which), 255, 0, ANSWERED, 0 },
	{ "connect to nothing", CLIENT_TAP, REQUEST_CONNECT, NOTHING, 0, BROKEN,
	    0 },
	{ "connect and a byte more", CLIENT_TAP, REQUEST_CONNECT, NULL,
	    SIZE(server) + 1, 0, 0, 0, 0, BROKEN, 0 },
	{ "lanes", CLIENT_TUN, REQUEST_LANES, &first, SIZE(server), 0, 0, 0, 0,
	    ANSWERED, 3 },
	{ "lanes of the proxy", CLIENT_TUN, REQUEST_LANES,
	    &(const struct request_server) { REQUEST_PROXY, 0, 3 },
	    SIZE(server), 0, 0, 0, 0, BROKEN, 0 },
	{ "as many lanes as there can be", CLIENT_TUN, REQUEST_LANES,
	    &(const struct request_server) { 0, 0, 16 }, SIZE(server), 0, 0, 0,
	    0, ANSWERED, 16 },
	{ "a lane more", CLIENT_TUN, REQUEST_LANES,
	    &(const struct request_server) { 0, 0, 17 }, SIZE(server), 0, 0, 0,
	    0, BROKEN, 0 },
	{ "lanes without end", CLIENT_TUN, REQUEST_LANES, &first, SIZE(server),
	    ALL(server, count), 255, 0, BROKEN, 0 },
	{ "no lane", CLIENT_TUN, REQUEST_LANES, ZEROS(server), 0, BROKEN, 0 },
	{ "lanes cut short", CLIENT_TUN, REQUEST_LANES, &first,
	    SIZE(server) - 1, 0, 0, 0, 0, BROKEN, 0 },
	{ "lanes, by a server", SERVER, REQUEST_LANES, &first, SIZE(server), 0,
	    0, 0, 0, BROKEN, 0 },
	{ "a network, by a server", SERVER, REQUEST_NETWORK, ZEROS(network), 0,
	    BROKEN, 0 },
	{ "a network, with a tap", CLIENT_TAP, REQUEST_NETWORK, ZEROS(network),
	    0, BROKEN, 0 },
	{ "a network cut short", CLIENT_TUN, REQUEST_NETWORK, NULL,
	    SIZE(network) - 1, 0, 0, 0, 0, BROKEN, 0 },
	{ "a byte too many", CLIENT_TUN, REQUEST_NETWORK, NULL,
	    SIZE(network) + 1, 0, 0, 0, 0, BROKEN, 0 },
	{ "too many addresses", CLIENT_TUN, REQUEST_NETWORK, NULL,
	    SIZE(network), ALL(network, naddresses), 255, 0, BROKEN, 0 },
	{ "too many routes", CLIENT_TUN, REQUEST_NETWORK, NULL, SIZE(network),
	    ALL(network, nroutes), 255, 0, BROKEN, 0 },
	{ "an address of no family", CLIENT_TUN, REQUEST_NETWORK,
	    &(const struct request_network) { .naddresses = 1 }, SIZE(network),
	    0, 0, 0, 0, BROKEN, 0 },
	{ "a prefix of 33 bits", CLIENT_TUN, REQUEST_NETWORK,
	    &(const struct request_network) { .naddresses = 1,
		.addresses = { { { AF_INET, { 10, 0, 0, 1 } }, 33 } } },
	    SIZE(network), 0, 0, 0, 0, BROKEN, 0 },
	{ "a route of 129 bits", CLIENT_TUN, REQUEST_NETWORK,
	    &(const struct request_network) { .nroutes = 1,
		.routes = { { { AF_INET6, { 0xfd } }, 129 } } },
	    SIZE(network), 0, 0, 0, 0, BROKEN, 0 },
	{ "an address of family 5", CLIENT_TUN, REQUEST_NETWORK,
	    &(const struct request_network) { .naddresses = 1,
		.addresses = { { { 5, { 10, 0, 0, 1 } }, 24 } } },
	    SIZE(network), 0, 0, 0, 0, BROKEN, 0 },
	{ "DNS, by a server", SERVER, REQUEST_DNS, ZEROS(nameservers), 0,
	    BROKEN, 0 },
	{ "DNS, with a tap", CLIENT_TAP, REQUEST_DNS, ZEROS(nameservers), 0,
	    BROKEN, 0 },
	{ "DNS cut short", CLIENT_TUN, REQUEST_DNS, NULL,
	    SIZE(nameservers) - 1, 0, 0, 0, 0, BROKEN, 0 },
	{ "DNS and a byte too many", CLIENT_TUN, REQUEST_DNS, NULL,
	    SIZE(nameservers) + 1, 0, 0, 0, 0, BROKEN, 0 },
	{ "too many DNS servers", CLIENT_TUN, REQUEST_DNS, NULL,
	    SIZE(nameservers), ALL(nameservers, nservers), 255, 0, BROKEN, 0 },
	{ "a DNS server of no family", CLIENT_TUN, REQUEST_DNS,
	    &(const struct request_nameservers) { .nservers = 1 },
	    SIZE(nameservers), 0, 0, 0, 0, BROKEN, 0 },
	{ "too many domains", CLIENT_TUN, REQUEST_DNS, NULL, SIZE(nameservers),
	    ALL(nameservers, ndomains), 255, 0, BROKEN, 0 },
	{ "a domain without an end", CLIENT_TUN, REQUEST_DNS,
	    &(const struct request_nameservers) { .ndomains = 1 },
	    SIZE(nameservers), AT(nameservers, domains), REQUEST_DOMAIN_SIZE,
	    'a', 0, BROKEN, 0 },
	{ "down, by a server", SERVER, REQUEST_DOWN, NOTHING, 0, BROKEN, 0 },
	{ "down, with a tap", CLIENT_TAP, REQUEST_DOWN, NOTHING, 0, BROKEN, 0 },
	{ "down with a word", CLIENT_TUN, REQUEST_DOWN, A_BYTE, 0, BROKEN, 0 },
	{ "PAM, by a client", CLIENT_TAP, REQUEST_PAM, ZEROS(pam), 0, BROKEN,
	    0 },
	{ "PAM from no address", SERVER, REQUEST_PAM, ZEROS(pam), 0, BROKEN,
	    0 },
	{ "PAM's name without an end", SERVER, REQUEST_PAM,
	    &(const struct request_pam) { .address = "192.0.2.1" }, SIZE(pam),
	    ALL(pam, site), 'a', 0, BROKEN, 0 },
	{ "PAM's address without an end", SERVER, REQUEST_PAM, NULL, SIZE(pam),
	    ALL(pam, address), ':', 0, BROKEN, 0 },
	{ "PAM, which no site uses any more", SERVER, REQUEST_PAM,
	    &(const struct request_pam) { "berlin", "192.0.2.1" }, SIZE(pam),
	    0, 0, 0, 0, ANSWERED, 0 },
	{ "PAM cut short", SERVER, REQUEST_PAM, NULL, SIZE(pam) - 1, 0, 0, 0, 0,
	    BROKEN, 0 },
};

START_TEST(a_request_is_answered_or_its_engine_is_ended)
{
	for (size_t i = 0; i < nitems(rows); i++) {
		static uint8_t said[CHAN_MAX_PAYLOAD];
		struct fixture fixture;
		unsigned       nfds = 0;
		int64_t	       got;

		begin(&fixture, rows[i].who);
		memset(said, 0, sizeof(said));
		if (rows[i].data != NULL)
			memcpy(said, rows[i].data, rows[i].len);
		memset(said + rows[i].at, rows[i].byte, rows[i].n);
		ask(&fixture, rows[i].type, said, rows[i].len, rows[i].nfds);
		got = answer(&fixture, rows[i].type, &nfds);
		ck_assert_msg((got >= 0) == (rows[i].outcome == ANSWERED),
		    "%s: %s", rows[i].what, got >= 0 ? "answered" : "silent");
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
	const struct request_server server = { 0, 15, 1 };
	struct fixture fixture;
	unsigned       nfds;

	begin(&fixture, CLIENT_TAP);
	ask(&fixture, REQUEST_LANES, &server, sizeof(server), 0);
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
	const struct request_server server = { 0, 1, 1 };
	struct fixture fixture;
	unsigned       nfds, n = 0;

	begin(&fixture, CLIENT_TAP);
	while (fixture.violations == 0 && n < 1000) {
		ask(&fixture, REQUEST_CONNECT, &server, sizeof(server), 0);
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
	ask(&fixture, REQUEST_PONG, NULL, 0, 0);
	ck_assert_uint_eq(fixture.violations, 1);
	ck_assert_uint_eq(fixture.pongs, 0);
	ck_assert_int_eq(answer(&fixture, REQUEST_RESOLVE, &nfds), -1);
	/* Its successor is not guilty. */
	serve_reset(&fixture.serve);
	ask(&fixture, REQUEST_PONG, NULL, 0, 0);
	ck_assert_uint_eq(fixture.pongs, 1);
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
