/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Two ends of a control connection over a socket pair, TLS and all: who is
 * believed, and how much he may say.
 */
#include <arpa/inet.h>
#include <gnutls/x509.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <bsd/string.h>

#include "base/wire.h"
#include "control/session.h"
#include "pki/ca.h"
#include "unit.h"

#define NAME "vpn.example.org"

struct side {
	struct session session;
	bool	       ready, ended;
	unsigned       nmessages;
	size_t	       nroutes;
	char	       why[TLS_WHY_SIZE];
};

static struct ev_loop	  *loop;
static struct ca_pem	   ca_key, ca_cert;
static struct tls_context *server_context, *client_context;
static struct side	   server, client;

static void
on_ready(void *arg)
{
	((struct side *)arg)->ready = true;
}

static void
on_message(void *arg, const struct message *msg)
{
	struct side *side = arg;

	side->nmessages++;
	side->nroutes = msg->nroutes;
}

static void
on_end(void *arg, const char *why)
{
	struct side *side = arg;

	side->ended = true;
	strlcpy(side->why, why, sizeof(side->why));
	session_fini(&side->session);
}

static const struct session_events events = {
	.on_ready = on_ready,
	.on_message = on_message,
	.on_end = on_end,
};

/* What a certificate of the test's own CA looks like. */
struct looks {
	const char *san;  /* NULL: none, the name is in the subject only */
	bool	    server; /* its purpose */
	time_t	    from, to;
};

static gnutls_x509_privkey_t
import_key(const struct ca_pem *pem)
{
	gnutls_x509_privkey_t key;
	gnutls_datum_t	      datum = { (unsigned char *)pem->text,
		(unsigned)pem->len };

	ck_assert_int_eq(gnutls_x509_privkey_init(&key), 0);
	ck_assert_int_eq(gnutls_x509_privkey_import(key, &datum,
			     GNUTLS_X509_FMT_PEM), 0);
	return key;
}

static void
make_cert(const struct looks *looks, const struct ca_pem *key,
    struct ca_pem *cert)
{
	gnutls_x509_crt_t     crt, issuer;
	gnutls_x509_privkey_t own = import_key(key), signer = import_key(&ca_key);
	gnutls_datum_t	      out, datum = { (unsigned char *)ca_cert.text,
		(unsigned)ca_cert.len };

	gnutls_x509_crt_init(&crt);
	gnutls_x509_crt_init(&issuer);
	gnutls_x509_crt_import(issuer, &datum, GNUTLS_X509_FMT_PEM);
	gnutls_x509_crt_set_version(crt, 3);
	gnutls_x509_crt_set_serial(crt, "\x01\x02", 2);
	gnutls_x509_crt_set_dn(crt, "CN=" NAME, NULL);
	gnutls_x509_crt_set_key(crt, own);
	gnutls_x509_crt_set_activation_time(crt, looks->from);
	gnutls_x509_crt_set_expiration_time(crt, looks->to);
	if (looks->san != NULL)
		gnutls_x509_crt_set_subject_alt_name(crt, GNUTLS_SAN_DNSNAME,
		    looks->san, (unsigned)strlen(looks->san), GNUTLS_FSAN_SET);
	gnutls_x509_crt_set_key_purpose_oid(crt, looks->server ?
		GNUTLS_KP_TLS_WWW_SERVER : GNUTLS_KP_TLS_WWW_CLIENT, 0);
	ck_assert_int_eq(gnutls_x509_crt_sign2(crt, issuer, signer,
			     GNUTLS_DIG_SHA256, 0), 0);
	ck_assert_int_eq(gnutls_x509_crt_export2(crt, GNUTLS_X509_FMT_PEM,
			     &out), 0);
	cert->text = strndup((char *)out.data, out.size);
	cert->len = out.size;
	gnutls_free(out.data);
	gnutls_x509_crt_deinit(crt);
	gnutls_x509_crt_deinit(issuer);
	gnutls_x509_privkey_deinit(own);
	gnutls_x509_privkey_deinit(signer);
}

/* Both ends; the client expects NAME, and believes `ca`. */
static void
connect_both(const struct looks *looks, const struct ca_pem *ca)
{
	struct ca_pem	 key, cert;
	gnutls_privkey_t private_key;
	char		 why[TLS_WHY_SIZE];
	int		 fds[2];

	loop = ev_loop_new(0);
	server = client = (struct side) { 0 };
	ck_assert_int_eq(ca_make_key(&key), 0);
	make_cert(looks, &key, &cert);
	gnutls_privkey_init(&private_key);
	gnutls_privkey_import_x509(private_key, import_key(&key),
	    GNUTLS_PRIVKEY_IMPORT_AUTO_RELEASE);
	server_context = tls_context_new_server(
	    &(struct tls_server_config) { .key = private_key,
		.chain = { cert.text, cert.len } }, why);
	client_context = tls_context_new_client(
	    &(struct tls_client_config) { .ca = { ca->text, ca->len } }, why);
	ck_assert_ptr_nonnull(server_context);
	ck_assert_ptr_nonnull(client_context);
	ca_pem_fini(&key);
	ca_pem_fini(&cert);
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0,
			     fds), 0);
	ck_assert_int_eq(session_init(&server.session, loop, server_context,
			     fds[0], NULL, 5, &events, &server), 0);
	ck_assert_int_eq(session_init(&client.session, loop, client_context,
			     fds[1], NAME, 5, &events, &client), 0);
}

static void
close_both(void)
{
	if (!server.ended)
		session_fini(&server.session);
	if (!client.ended)
		session_fini(&client.session);
	tls_context_put(server_context);
	tls_context_put(client_context);
	ev_loop_destroy(loop);
}

static void
on_late(struct ev_loop *l, struct ev_timer *timer, int what)
{
	(void)what;
	*(bool *)timer->data = true;
	ev_break(l, EVBREAK_ALL);
}

/* Turns the loop until `*done`, or 5 s. */
static void
turn_until(const bool *done)
{
	struct ev_timer late;
	bool		is_late = false;

	ev_now_update(loop);
	ev_timer_init(&late, on_late, 5, 0);
	late.data = &is_late;
	ev_timer_start(loop, &late);
	while (!*done && !is_late)
		ev_run(loop, EVRUN_ONCE);
	ev_timer_stop(loop, &late);
	ck_assert_msg(*done, "not within 5 s");
}

static void
setup(void)
{
	message_setup();
	ck_assert_int_eq(ca_make_key(&ca_key), 0);
	ck_assert_int_eq(ca_make(&ca_key, "a", ca_now(), &ca_cert), 0);
}

static void
teardown(void)
{
	ca_pem_fini(&ca_key);
	ca_pem_fini(&ca_cert);
}

#define DAY 86400

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
	ck_assert_int_eq(session_send(&server.session, &msg), 0);
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

START_TEST(a_stranger_may_not)
{
	struct looks   looks = { NAME, true, ca_now() - DAY, ca_now() + DAY };
	struct message msg;

	setup();
	connect_both(&looks, &ca_cert);
	turn_until(&client.ready);
	msg = with_routes(MESSAGE_UPDATE, 300);
	ck_assert_int_eq(session_send(&client.session, &msg), 0);
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

UNIT_MAIN("session", only_the_right_certificate_is_believed,
    another_ca_is_not_believed, a_server_that_is_verified_may_say_much,
    a_stranger_may_not, the_longest_hello_fits)
