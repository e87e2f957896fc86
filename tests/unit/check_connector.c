/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rounds of a connector, with the monitor's own half behind it, over the
 * loopback: real sockets, and a resolver that says what the test wants.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <bsd/string.h>

#include "control/reach/connector.h"
#include "monitor/serve/lookup.h"
#include "monitor/serve/serve.h"
#include "monitor/host/sockets.h"
#include "proc/chan.h"
#include "unit.h"

static struct rig {
	struct ev_loop	   *loop;
	struct conf	    conf;
	struct chan	    engine, resolver, keeper_chan;
	const char	   *login; /* of keeper/proxy; NULL: no such file */
	struct lookup	    lookup;
	struct serve	    serve;
	struct monitor_ask *ask;
	struct keeper_ask  *keeper;
	struct connector   *connector;
	const char	   *name; /* what "vpn" is: addresses, with spaces */

	unsigned connected, failed;
	bool	 no_endpoint;
	char	 address[ENDPOINT_STRLEN], verified[64], why[512];
} rig;

static const struct startup_recv_events no_events;

static void
on_connected(void *arg, int fd, const struct endpoint *server, const char *name)
{
	rig.connected++;
	rig.no_endpoint = server->len == 0;
	if (!rig.no_endpoint)
		endpoint_print(server, rig.address, sizeof(rig.address));
	strlcpy(rig.verified, name, sizeof(rig.verified));
	ck_assert_int_eq(close(fd), 0);
}

static void
on_failed(void *arg, const char *why)
{
	rig.failed++;
	strlcpy(rig.why, why, sizeof(rig.why));
}

static const struct connector_events events = { on_connected, on_failed };

static void
on_engine_msg(struct chan *chan, struct chan_msg *msg)
{
	ck_assert_int_eq(serve_request(&rig.serve, chan, msg), 0);
}

static void
on_resolved(void *arg, uint32_t id, const struct endpoint *list, unsigned n)
{
	ck_assert_int_eq(serve_resolved(&rig.engine, id, list, n), 0);
}

/* The resolver: what rig.name says. */
static void
on_resolver_msg(struct chan *chan, struct chan_msg *msg)
{
	struct request_lookup lookup;
	struct request_list   answer = { .n = 0 };
	char		      text[256], *word, *rest = text;

	ck_assert(chan_get(msg, &lookup, sizeof(lookup)));
	ck_assert_str_eq(lookup.host, "vpn");
	strlcpy(text, rig.name, sizeof(text));
	while ((word = strsep(&rest, " ")) != NULL && *word != '\0')
		ck_assert(addr_parse(&answer.list[answer.n++], word));
	ck_assert_int_eq(chan_send(chan, REQUEST_LOOKUP, msg->id, &answer,
	    sizeof(answer), NULL, 0), 0);
}

static void
on_keeper_msg(struct chan *chan, struct chan_msg *msg)
{
	struct request_secret answer = { .error = ENOENT };

	ck_assert_uint_eq(msg->type, REQUEST_PROXY_LOGIN);
	if (rig.login != NULL) {
		answer.error = 0;
		answer.len = (uint32_t)strlen(rig.login);
		strlcpy(answer.text, rig.login, sizeof(answer.text));
	}
	ck_assert_int_eq(chan_send(chan, msg->type, msg->id, &answer,
	    sizeof(answer), NULL, 0), 0);
}

static void
begin(const struct conf_server *servers, unsigned n)
{
	int fds[2];

	rig = (struct rig) { .loop = ev_loop_new(0), .name = "" };
	rig.conf.role = CONF_CLIENT;
	rig.conf.nservers = n;
	memcpy(rig.conf.servers, servers, n * sizeof(*servers));
	for (unsigned i = 0; i < n; i++) {
		rig.conf.servers[i].weight = 1;
		rig.conf.servers[i].name = servers[i].host;
	}
	rig.serve = (struct serve) { .conf = &rig.conf,
		.lookup = &rig.lookup };
	lookup_init(&rig.lookup, rig.loop, &rig.conf);
	rig.lookup.done = on_resolved;
	ck_assert_int_eq(chan_pair(fds), 0);
	lookup_attach(&rig.lookup, fds[0]);
	chan_open(&rig.resolver, rig.loop, fds[1], on_resolver_msg, NULL, NULL);
	ck_assert_int_eq(chan_pair(fds), 0);
	chan_open(&rig.engine, rig.loop, fds[0], on_engine_msg, NULL, NULL);
	rig.ask = monitor_ask_new(rig.loop, fds[1], &no_events, NULL);
	rig.keeper = keeper_ask_new(rig.loop);
	ck_assert_int_eq(chan_pair(fds), 0);
	chan_open(&rig.keeper_chan, rig.loop, fds[0], on_keeper_msg, NULL,
	    NULL);
	keeper_ask_attach(rig.keeper, fds[1]);
	rig.connector = connector_new(rig.loop, &rig.conf, rig.keeper, rig.ask,
	    &events, NULL);
	ck_assert_ptr_nonnull(rig.connector);
}

static void
end(void)
{
	connector_free(rig.connector);
	keeper_ask_free(rig.keeper);
	monitor_ask_free(rig.ask);
	chan_close(&rig.engine);
	chan_close(&rig.resolver);
	chan_close(&rig.keeper_chan);
	lookup_fini(&rig.lookup);
	ev_loop_destroy(rig.loop);
}

static void
on_late(struct ev_loop *loop, struct ev_timer *timer, int what)
{
	ck_abort_msg("nothing came within 8 s: %s",
	    connector_doing(rig.connector));
}

static void
turn_until(const unsigned *count, unsigned n)
{
	struct ev_timer late;

	ev_now_update(rig.loop);
	ev_timer_init(&late, on_late, 8, 0);
	ev_timer_start(rig.loop, &late);
	while (*count < n)
		ev_run(rig.loop, EVRUN_ONCE);
	ev_timer_stop(rig.loop, &late);
}

static struct addr
addr_of(const char *text)
{
	struct addr addr;

	ck_assert(addr_parse(&addr, text));
	return addr;
}

/* `port` 0: any. */
static int
listen_at(const char *text, uint16_t *port)
{
	struct addr	addr = addr_of(text);
	struct endpoint ep = { .len = sizeof(ep.in6) };
	int		fd = sockets_listen_tcp(&addr, *port);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(getsockname(fd, &ep.sa, &ep.len), 0);
	*port = endpoint_port(&ep);
	return fd;
}

/* One whose queue is full: the kernel drops what else comes.  For its fds. */
static void
dig_hole(int fd, const char *text, uint16_t port, int fds[2])
{
	struct addr	addr = addr_of(text);
	struct endpoint ep = endpoint_make(&addr, port);

	ck_assert_int_eq(listen(fd, 0), 0);
	for (int i = 0; i < 2; i++)
		fds[i] = sockets_connect(&ep, 0);
}

START_TEST(the_next_server_is_tried_when_one_refuses)
{
	uint16_t port = 0, closed = 0;
	int	 fd = listen_at("127.0.0.1", &port);
	struct conf_server servers[2] = { { .host = (char[]) { "127.0.0.1" } },
		{ .host = (char[]) { "127.0.0.1" } } };

	close(listen_at("127.0.0.1", &closed));
	servers[0].port = closed;
	servers[1].port = port;
	begin(servers, 2);
	connector_start(rig.connector);
	turn_until(&rig.connected, 1);
	ck_assert_uint_eq(rig.failed, 0);
	ck_assert_str_eq(connector_trouble(rig.connector, 0),
	    "Connection refused");
	ck_assert_str_eq(connector_trouble(rig.connector, 1), "");
	ck_assert_str_eq(connector_address(rig.connector), rig.address);
	ck_assert_str_eq(connector_doing(rig.connector), "");

	/* It was no good either: that was the last. */
	connector_next(rig.connector, "a wrong certificate");
	turn_until(&rig.failed, 1);
	ck_assert_ptr_nonnull(strstr(rig.why, "a wrong certificate"));
	ck_assert_str_eq(connector_trouble(rig.connector, 1),
	    "a wrong certificate");
	connector_good(rig.connector);
	ck_assert_str_eq(connector_trouble(rig.connector, 0), "");

	/* The next round begins at the first again. */
	connector_start(rig.connector);
	turn_until(&rig.connected, 2);
	close(fd);
	end();
}
END_TEST

START_TEST(a_silent_address_does_not_hold_up_the_others)
{
	struct conf_server server = { .host = (char[]) { "vpn" } };
	int		   fds[2], silent, good;

	silent = listen_at("::1", &server.port);
	good = listen_at("127.0.0.1", &server.port);
	dig_hole(silent, "::1", server.port, fds);
	begin(&server, 1);
	rig.name = "127.0.0.1 ::1";
	connector_start(rig.connector);
	turn_until(&rig.connected, 1);
	ck_assert_ptr_nonnull(strstr(rig.address, "127.0.0.1"));
	ck_assert_str_eq(rig.verified, "vpn");
	for (int i = 0; i < 2; i++)
		close(fds[i]);
	close(silent);
	close(good);
	end();
}
END_TEST

START_TEST(what_was_no_good_leaves_the_other_addresses)
{
	struct conf_server server = { .host = (char[]) { "vpn" } };
	int		   fd = listen_at("127.0.0.1", &server.port);
	int		   other = listen_at("127.0.0.2", &server.port);

	begin(&server, 1);
	rig.name = "127.0.0.1 127.0.0.3 127.0.0.2";
	connector_start(rig.connector);
	turn_until(&rig.connected, 1);
	ck_assert_ptr_nonnull(strstr(rig.address, "127.0.0.1:"));
	connector_next(rig.connector, "no");
	turn_until(&rig.connected, 2);
	ck_assert_ptr_nonnull(strstr(rig.address, "127.0.0.2:"));
	connector_next(rig.connector, "no again");
	turn_until(&rig.failed, 1);
	/* Each address, and its trouble. */
	ck_assert_ptr_nonnull(strstr(rig.why, ": no; "));
	ck_assert_ptr_nonnull(strstr(rig.why, ": Connection refused; "));
	ck_assert_ptr_nonnull(strstr(rig.why, ": no again"));

	/* A no that holds for all of them. */
	connector_start(rig.connector);
	turn_until(&rig.connected, 3);
	connector_next_server(rig.connector, "refused");
	turn_until(&rig.failed, 2);
	ck_assert_uint_eq(rig.connected, 3);
	close(fd);
	close(other);
	end();
}
END_TEST

static void
on_lanes(void *arg, const int *fds, unsigned n, int error)
{
	ck_assert_int_eq(error, 0);
	for (unsigned i = 0; i < n; i++)
		ck_assert_int_eq(close(fds[i]), 0);
	*(unsigned *)arg += n;
}

START_TEST(a_reload_leaves_the_way_of_the_lanes)
{
	uint16_t port = 0;
	int	 fd = listen_at("127.0.0.1", &port);
	unsigned lanes = 0;
	struct conf_server server = { .host = (char[]) { "127.0.0.1" } };

	server.port = port;
	begin(&server, 1);
	connector_start(rig.connector);
	turn_until(&rig.connected, 1);
	connector_reconfigure(rig.connector, &rig.conf);
	ck_assert_int_eq(connector_lanes(rig.connector, 2, on_lanes, &lanes),
	    0);
	turn_until(&lanes, 2);
	end();
	close(fd);
}
END_TEST

START_TEST(a_name_is_looked_up_in_every_round)
{
	struct conf_server server = { .host = (char[]) { "vpn" } };
	int		   fd = listen_at("127.0.0.1", &server.port);

	begin(&server, 1);
	connector_start(rig.connector);
	turn_until(&rig.failed, 1);
	ck_assert_ptr_nonnull(strstr(rig.why, "no address is known"));
	rig.name = "127.0.0.1";
	connector_start(rig.connector);
	turn_until(&rig.connected, 1);
	close(fd);
	end();
}
END_TEST

START_TEST(one_that_is_stopped_says_nothing)
{
	struct conf_server server = { .host = (char[]) { "127.0.0.1" } };
	int		   fd = listen_at("127.0.0.1", &server.port);

	begin(&server, 1);
	for (int turns = 0; turns < 6; turns++) {
		connector_start(rig.connector);
		for (int i = 0; i < turns && rig.connected == 0; i++)
			ev_run(rig.loop, EVRUN_NOWAIT);
		rig.connected = 0;
		connector_stop(rig.connector);
		for (int i = 0; i < 10; i++)
			ev_run(rig.loop, EVRUN_NOWAIT);
		ck_assert_uint_eq(rig.connected, 0);
	}
	close(fd);
	end();
}
END_TEST

/* Round after round of refusals: the monitor would end an engine for that. */
START_TEST(the_monitor_is_never_asked_too_often)
{
	struct conf_server server = { .host = (char[]) { "vpn" } };
	int		   fd = listen_at("127.0.0.1", &server.port);

	close(fd);
	begin(&server, 1);
	rig.name = "127.0.0.1 127.0.0.2 127.0.0.3 127.0.0.4 127.0.0.5 127.0.0.6";
	for (unsigned i = 1; i <= 5; i++) {
		connector_start(rig.connector);
		turn_until(&rig.failed, i);
	}
	end();
}
END_TEST

/* What the other end hears; it says `answer`. */
static void
be_the_proxy(int listener, const char *expected, const char *answer)
{
	char	text[512] = "";
	ssize_t n = 0;
	int	fd = -1;

	for (int i = 0; i < 1000 && n <= 0; i++) {
		ev_run(rig.loop, EVRUN_NOWAIT);
		if (fd == -1)
			fd = accept(listener, NULL, NULL);
		if (fd != -1)
			n = recv(fd, text, sizeof(text) - 1, MSG_DONTWAIT);
		usleep(1000);
	}
	ck_assert_str_eq(text, expected);
	ck_assert_int_eq(send(fd, answer, strlen(answer), 0),
	    (ssize_t)strlen(answer));
	close(fd);
}

START_TEST(a_proxy_gets_the_servers_name)
{
	struct conf_server servers[] = { { .host = (char[]) { "a.test" },
		.port = 443 }, { .host = (char[]) { "::1" }, .port = 4433 } };
	uint16_t port = 0;
	int	 fd = listen_at("127.0.0.1", &port);

	begin(servers, 2);
	rig.conf.proxy.kind = CONF_PROXY_HTTP;
	rig.conf.proxy.host = (char[]) { "127.0.0.1" };
	rig.conf.proxy.port = port;
	lookup_reconfigure(&rig.lookup, &rig.conf);
	connector_start(rig.connector);
	be_the_proxy(fd, "CONNECT a.test:443 HTTP/1.1\r\n"
	    "Host: a.test:443\r\n\r\n", "HTTP/1.1 502 Bad\r\n\r\n");
	rig.login = "u:p";
	be_the_proxy(fd, "CONNECT [::1]:4433 HTTP/1.1\r\n"
	    "Host: [::1]:4433\r\nProxy-Authorization: Basic dTpw\r\n\r\n",
	    "HTTP/1.1 200 OK\r\n\r\n");
	turn_until(&rig.connected, 1);
	ck_assert_str_eq(connector_trouble(rig.connector, 0),
	    "the proxy does not connect: HTTP 502");
	ck_assert_str_eq(rig.verified, "::1");
	ck_assert_str_eq(rig.address, "[::1]:4433");

	connector_start(rig.connector);
	rig.login = NULL;
	be_the_proxy(fd, "CONNECT a.test:443 HTTP/1.1\r\n"
	    "Host: a.test:443\r\n\r\n", "HTTP/1.1 200 OK\r\n\r\n");
	turn_until(&rig.connected, 2);
	ck_assert_str_eq(rig.verified, "a.test");
	ck_assert_msg(rig.no_endpoint, "only the proxy knows where it is");
	close(fd);
	end();
}
END_TEST

UNIT_MAIN("connector", the_next_server_is_tried_when_one_refuses,
    a_silent_address_does_not_hold_up_the_others,
    what_was_no_good_leaves_the_other_addresses,
    a_reload_leaves_the_way_of_the_lanes, a_name_is_looked_up_in_every_round,
    one_that_is_stopped_says_nothing,
    the_monitor_is_never_asked_too_often, a_proxy_gets_the_servers_name)
