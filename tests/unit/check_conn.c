/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Two ends of a control connection over a socket pair, TLS and all: who is
 * believed, and how much he may say.
 */
#include "pair.h"

static const struct {
	const char *what;
	const char *san;
	bool	    server;
	int	    from_day, to_day; /* from today */
	const char *why; /* a part of it; NULL: believed */
} rows[] = {
	{ "as it must be", NAME, true, -1, 1, NULL },
	{ "another name", "other.example.org", true, -1, 1, "another name" },
	{ "no subjectAltName", NULL, true, -1, 1, "subjectAltName" },
	{ "a mail address", "mail:root@example.org", true, -1, 1,
	    "subjectAltName" },
	{ "a URI", "uri:https://vpn.example.org/", true, -1, 1, "refused" },
	{ "a client's", NAME, false, -1, 1, "not a server's" },
	{ "expired", NAME, true, -3, -1, "expired" },
	{ "of tomorrow", NAME, true, 1, 3, "not valid yet" },
};

START_TEST(only_the_right_certificate_is_believed)
{
	setup();
	for (size_t i = 0; i < nitems(rows); i++) {
		struct looks looks = { rows[i].san, rows[i].server,
			ca_now() + rows[i].from_day * DAY,
			ca_now() + rows[i].to_day * DAY };

		connect_both(&looks, &ca_cert);
		turn_until(rows[i].why != NULL ? &client.ended : &client.ready);
		ck_assert_msg(client.ready == (rows[i].why == NULL), "%s",
		    rows[i].what);
		ck_assert_msg(rows[i].why == NULL ||
			strstr(client.why, rows[i].why) != NULL, "%s: %s",
		    rows[i].what, client.why);
		close_both();
	}
	teardown();
}
END_TEST

START_TEST(another_ca_is_not_believed)
{
	struct looks  looks = { NAME, true, ca_now() - DAY, ca_now() + DAY };
	struct ca_pem key, other;

	setup();
	ck_assert_int_eq(ca_make_key(&key), 0);
	ck_assert_int_eq(ca_make(&key, "a", ca_now(), &other), 0);
	connect_both(&looks, &other);
	turn_until(&client.ended);
	ck_assert_ptr_nonnull(strstr(client.why, "not made by the CA"));
	close_both();
	ca_pem_fini(&key);
	ca_pem_fini(&other);
	teardown();
}
END_TEST

/* A welcome or update with `n` routes. */
static struct message
with_routes(enum message_type type, size_t n)
{
	struct message msg = { .type = type, .session = 1, .lanes = 1,
		.keepalive_sec = 10, .dead_peer_sec = 30,
		.rekey_sec = 3600, .rekey_mib = 1, .mtu = 1500 };

	msg.routes = calloc(n, sizeof(*msg.routes));
	for (size_t i = 0; i < n; i++) {
		char text[PREFIX_STRLEN];

		snprintf(text, sizeof(text), "2001:db8:aaaa:bbbb:cccc:%zx::/96",
		    i + 0x1000);
		ck_assert(prefix_parse(&msg.routes[i], text));
	}
	msg.nroutes = n;
	return msg;
}

START_TEST(a_server_that_is_verified_may_say_much)
{
	struct looks   looks = { NAME, true, ca_now() - DAY, ca_now() + DAY };
	struct message msg;
	bool	       heard = false;

	setup();
	connect_both(&looks, &ca_cert);
	turn_until(&client.ready);
	turn_until(&server.ready);
	msg = with_routes(MESSAGE_WELCOME, MESSAGE_MAX_ROUTES);
	ck_assert_int_eq(conn_send(server.conn, &msg), 0);
	message_fini(&msg);
	for (int i = 0; i < 100 && !heard && !client.ended; i++) {
		ev_run(loop, EVRUN_ONCE);
		heard = client.nmessages > 0;
	}
	ck_assert_msg(heard, "%s", client.why);
	ck_assert_uint_eq(client.nroutes, MESSAGE_MAX_ROUTES);
	close_both();
	teardown();
}
END_TEST

START_TEST(an_unknown_client_may_not)
{
	struct looks   looks = { NAME, true, ca_now() - DAY, ca_now() + DAY };
	struct message msg;

	setup();
	connect_both(&looks, &ca_cert);
	turn_until(&client.ready);
	msg = with_routes(MESSAGE_UPDATE, 300);
	ck_assert_int_eq(conn_send(client.conn, &msg), 0);
	message_fini(&msg);
	turn_until(&server.ended);
	ck_assert_ptr_nonnull(strstr(server.why, "too large"));
	ck_assert_uint_eq(server.nmessages, 0);
	close_both();
	teardown();
}
END_TEST

START_TEST(the_longest_hello_fits)
{
	struct message msg = { .type = MESSAGE_HELLO, .protocol = 1,
		.workers = 16, .has_credential = true,
		.credential_len = MESSAGE_MAX_CREDENTIAL };
	size_t	       len;
	char	      *text;

	memset(msg.version, 'v', sizeof(msg.version) - 1);
	memset(msg.site, 's', sizeof(msg.site) - 1);
	memset(msg.method, 'm', sizeof(msg.method) - 1);
	msg.subnets = calloc(MESSAGE_MAX_SUBNETS, sizeof(*msg.subnets));
	msg.nsubnets = MESSAGE_MAX_SUBNETS;
	for (size_t i = 0; i < msg.nsubnets; i++)
		ck_assert(prefix_parse(&msg.subnets[i], "2001:db8:aaaa:bbbb:"
		    "cccc:dddd:eeee:ffff/128"));
	text = message_encode(&msg, &len);
	ck_assert_uint_le(len, MESSAGE_MAX_UNAUTH);
	free(text);
	message_fini(&msg);
}
END_TEST

START_TEST(a_probe_wants_a_sign_of_life)
{
	struct looks looks = { NAME, true, ca_now() - DAY, ca_now() + DAY };

	setup();
	connect_both(&looks, &ca_cert);
	turn_until(&client.ready);
	turn_until(&server.ready);
	conn_go_up(client.conn, 3600, 7200);
	conn_go_up(server.conn, 3600, 7200);
	conn_probe(client.conn, 4);
	for (int i = 0; i < 100 && ev_is_active(&client.conn->deadline); i++)
		ev_run(loop, EVRUN_ONCE);
	ck_assert(!ev_is_active(&client.conn->deadline));
	ck_assert(!client.ended);

	/* One that does not answer: it takes a ping for a message. */
	server.conn->state = CONN_AUTH;
	conn_probe(client.conn, 0.1);
	turn_until(&client.ended);
	ck_assert_ptr_nonnull(strstr(client.why, "lost"));
	close_both();
	teardown();
}
END_TEST

/* Its clock comes round when nothing has been heard for `silence` seconds. */
static bool
pings_after(struct conn *conn, double silence)
{
	uint64_t before = conn->next_ping;

	conn->last_heard = mono_add(mono_now(),
	    -(int64_t)(silence * (double)MONO_SEC));
	ev_invoke(loop, &conn->pinger, EV_TIMER);
	return conn->next_ping > before;
}

START_TEST(a_server_asks_only_whom_it_does_not_hear)
{
	both_up(false);
	conn_set_times(server.conn, 10, 30);
	conn_set_times(client.conn, 10, 30);
	ck_assert(pings_after(client.conn, 0));
	ck_assert(!pings_after(server.conn, 0));
	ck_assert(!pings_after(server.conn, 10.5));
	ck_assert(pings_after(server.conn, 15.5));
	/* Never given up unasked. */
	conn_set_times(server.conn, 10, 11);
	ck_assert(!pings_after(server.conn, 0));
	ck_assert(pings_after(server.conn, 1.5));
	close_both();
	teardown();
}
END_TEST

START_TEST(time_in_which_nobody_listened_does_not_count)
{
	both_up(false);
	conn_set_times(server.conn, 10, 30);
	/* Suspended for an hour right after it heard, then awake again. */
	server.conn->last_look = mono_add(mono_now(), -3600 * MONO_SEC);
	(void)pings_after(server.conn, 3600);
	ck_assert(!ev_is_active(&server.conn->reaper));
	/* What it did not hear before and after counts. */
	server.conn->last_look = mono_add(mono_now(), -100 * MONO_SEC);
	(void)pings_after(server.conn, 121);
	ck_assert(ev_is_active(&server.conn->reaper));
	close_both();
	teardown();
}
END_TEST

START_TEST(frames_come_in_order_and_whole)
{
	static uint8_t items[MESSAGE_MAX_FRAMES];
	size_t	       sent = 0;

	both_up(true);
	for (unsigned i = 1; i <= 7; i++) {
		size_t len = i * 1000;

		items[len - 1] = (uint8_t)i;
		ck_assert_int_eq(conn_send_frames(client.conn, items,
				     len), 0);
		sent += len;
	}
	ck_assert_int_eq(conn_send_frames(client.conn, items,
			     sizeof(items)), 0);
	sent += sizeof(items);
	for (int i = 0; i < 200 && server.nframes_bytes < sent; i++)
		ev_run(loop, EVRUN_ONCE);
	ck_assert_uint_eq(server.nframes_bytes, sent);
	ck_assert(!server.ended);
	close_both();
	teardown();
}
END_TEST

START_TEST(frames_that_were_not_agreed_on_end_the_session)
{
	uint8_t item[64] = { 0 };

	both_up(false);
	ck_assert_int_eq(conn_send_frames(client.conn, item,
			     sizeof(item)), 0);
	turn_until(&server.ended);
	ck_assert_ptr_nonnull(strstr(server.why, "not agreed"));
	ck_assert_uint_eq(server.nframes_bytes, 0);
	close_both();
	teardown();
}
END_TEST

START_TEST(frames_before_the_log_in_end_the_session)
{
	struct looks looks = { NAME, true, ca_now() - DAY, ca_now() + DAY };
	uint8_t	     item[64] = { 0 };

	setup();
	connect_both(&looks, &ca_cert);
	turn_until(&client.ready);
	ck_assert_int_eq(conn_send_frames(client.conn, item,
			     sizeof(item)), 0);
	turn_until(&server.ended);
	ck_assert_uint_eq(server.nframes_bytes, 0);
	close_both();
	teardown();
}
END_TEST

START_TEST(too_many_frames_in_a_message_end_the_session)
{
	static uint8_t items[MESSAGE_MAX_FRAMES + 1];

	both_up(true);
	ck_assert_int_eq(conn_send_frames(client.conn, items,
			     sizeof(items)), 0);
	turn_until(&server.ended);
	ck_assert_ptr_nonnull(strstr(server.why, "too large"));
	close_both();
	teardown();
}
END_TEST

START_TEST(a_queue_full_of_frames_still_takes_messages)
{
	static uint8_t	   items[MESSAGE_MAX_FRAMES];
	struct tls_backlog backlog;
	struct message	   ping = { .type = MESSAGE_PING };

	both_up(true);
	/* Nobody reads: what the kernel does not take stays with us. */
	do {
		tls_backlog(client.conn->tls, &backlog);
		if (backlog.queued + sizeof(items) > TLS_MAX_QUEUE / 2)
			break;
	} while (conn_send_frames(client.conn, items,
		     sizeof(items)) == 0);
	tls_backlog(client.conn->tls, &backlog);
	ck_assert_uint_gt(backlog.queued, TLS_MAX_QUEUE / 4);
	for (int i = 0; i < 100; i++)
		ck_assert_int_eq(conn_send(client.conn, &ping), 0);
	for (int i = 0; i < 2000 && !server.ended; i++) {
		tls_backlog(client.conn->tls, &backlog);
		if (backlog.queued == 0)
			break;
		ev_run(loop, EVRUN_ONCE);
	}
	ck_assert_uint_eq(backlog.queued, 0);
	/* More records were sent than one key may do. */
	ck_assert_uint_le(client.conn->tls->records, KEY_RECORDS);
	ck_assert(!server.ended);
	close_both();
	teardown();
}
END_TEST

UNIT_MAIN("conn", only_the_right_certificate_is_believed,
    another_ca_is_not_believed, a_server_that_is_verified_may_say_much,
    an_unknown_client_may_not, the_longest_hello_fits,
    a_probe_wants_a_sign_of_life,
    a_server_asks_only_whom_it_does_not_hear,
    time_in_which_nobody_listened_does_not_count,
    frames_come_in_order_and_whole,
    frames_that_were_not_agreed_on_end_the_session,
    frames_before_the_log_in_end_the_session,
    too_many_frames_in_a_message_end_the_session,
    a_queue_full_of_frames_still_takes_messages)
