/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pair: two ends of a control connection over a socket pair, TLS and all, in
 * one loop.  tls.c is part of the program, so that its keys are soon used up.
 */
#ifndef PAIR_H
#define PAIR_H

#include <arpa/inet.h>
#include <gnutls/x509.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <bsd/string.h>

#include "base/json_safe.h"
#include "base/log.h"
#include "base/wire.h"
#include "dataplane/dataplane.h"
#include "control/conn/conn.h"
#include "control/conn/tls_context.h"
#include "engine/ask/startup_recv.h"
/* Keys that are soon used up; GnuTLS takes 8 new ones a second. */
#ifndef KEY_RECORDS
#define KEY_RECORDS 8
#endif
#include "control/conn/tls.c"
#include "pki/ca.h"
#include "unit.h"

#define NAME "vpn.example.org"

struct side {
	struct conn *conn; /* until it ended */
	bool	       ready, ended;
	unsigned       nmessages;
	enum message_type said; /* the latest */
	char	       text[MESSAGE_TEXT_SIZE];
	size_t	       nroutes;
	size_t	       nframes_bytes; /* of type 2 messages */
	uint8_t	       last;	      /* byte of the latest */
	/* with a data path behind it */
	struct startup_recv	 startup;
	struct conf	 conf;
	struct dataplane	*hub;
	struct dataplane_peer *peer;
	int		 device; /* the kernel's end of it */
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
	side->said = msg->type;
	strlcpy(side->text, msg->text, sizeof(side->text));
	side->nroutes = msg->nroutes;
}

static void
on_frames(void *arg, uint8_t *items, size_t len)
{
	struct side *side = arg;

	side->nframes_bytes += len;
	side->last = items[len - 1];
	if (side->hub != NULL)
		dataplane_frames(side->hub, side->peer, items, len);
}

static void
on_end(void *arg, const char *why)
{
	struct side *side = arg;

	side->ended = true;
	strlcpy(side->why, why, sizeof(side->why));
}

static const struct conn_events events = {
	.on_ready = on_ready,
	.on_message = on_message,
	.on_frames = on_frames,
	.on_end = on_end,
};

/* What a certificate of the test's own CA looks like. */
struct looks {
	const char *san;  /* NULL: none, the name is in the subject only;
			   * "KIND:NAME": the same beside one of that kind */
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
		gnutls_x509_crt_set_subject_alt_name(crt,
		    strncmp(looks->san, "mail:", 5) == 0 ?
			GNUTLS_SAN_RFC822NAME :
			strncmp(looks->san, "uri:", 4) == 0 ? GNUTLS_SAN_URI :
							      GNUTLS_SAN_DNSNAME,
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

/* A connection of both ends; the client expects NAME. */
static void
connect_pair(void)
{
	int fds[2];

	server = client = (struct side) { 0 };
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0,
			     fds), 0);
	server.conn = conn_new(loop, server_context, fds[0], NULL, 5, &events,
	    &server);
	ck_assert_ptr_nonnull(server.conn);
	client.conn = conn_new(loop, client_context, fds[1], NAME, 5, &events,
	    &client);
	ck_assert_ptr_nonnull(client.conn);
}

/* The first one; the client believes `ca`. */
static void
connect_both(const struct looks *looks, const struct ca_pem *ca)
{
	struct ca_pem	 key, cert;
	gnutls_privkey_t private_key;
	char		 why[TLS_WHY_SIZE];

	loop = ev_loop_new(0);
	ck_assert_int_eq(ca_make_key(&key), 0);
	make_cert(looks, &key, &cert);
	gnutls_privkey_init(&private_key);
	gnutls_privkey_import_x509(private_key, import_key(&key),
	    GNUTLS_PRIVKEY_IMPORT_AUTO_RELEASE);
	server_context = tls_context_new_server(
	    &(struct tls_context_server) { .key = private_key,
		.chain = { cert.text, cert.len } }, why);
	client_context = tls_context_new_client(
	    &(struct tls_context_client) { .ca = { ca->text, ca->len } }, why);
	ck_assert_ptr_nonnull(server_context);
	ck_assert_ptr_nonnull(client_context);
	ca_pem_fini(&key);
	ca_pem_fini(&cert);
	connect_pair();
}

static void
close_both(void)
{
	if (!server.ended)
		conn_free(server.conn);
	if (!client.ended)
		conn_free(client.conn);
	tls_context_put(server_context);
	tls_context_put(client_context);
	ev_loop_destroy(loop);
}

static void
on_late(struct ev_loop *l, struct ev_timer *timer, int what)
{
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
	json_safe_setup();
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

/* Both up; frames are agreed on at the ends that `allow`. */
static inline void
both_up(bool allow)
{
	struct looks looks = { NAME, true, ca_now() - DAY, ca_now() + DAY };

	setup();
	connect_both(&looks, &ca_cert);
	turn_until(&client.ready);
	turn_until(&server.ready);
	conn_go_up(client.conn, 10, 30);
	conn_go_up(server.conn, 10, 30);
	conn_allow_frames(client.conn);
	if (allow)
		conn_allow_frames(server.conn);
}

#endif /* PAIR_H */
