/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * far_end: the other end of a control connection, as a test wants it: TLS by
 * GnuTLS itself and messages as bytes, so nothing of ours keeps it from
 * saying what must not be said, or when.
 *
 * As a site: far_site(), far_shake().  As a hub: far_listen() before the site
 * connects to `far_port`, far_accept(), far_shake().  Then far_say() and
 * FAR_HEARS().
 */
#ifndef FAR_END_H
#define FAR_END_H

#include <gnutls/gnutls.h>
#include <nettle/hmac.h>

#include "base/wire.h"
#include "control/conn/message.h"
#include "datapath/lane/item.h"
#include "login_rig.h"

/* Whole messages lie on a test's stack. */
#pragma GCC diagnostic ignored "-Wframe-larger-than="

#define FAR_PRIORITY "NORMAL:-VERS-ALL:+VERS-TLS1.3"
#define FAR_SRP	     "NORMAL:-VERS-ALL:+VERS-TLS1.2:-KX-ALL:+SRP-RSA"

struct far {
	int				 fd;
	gnutls_session_t		 tls;
	gnutls_certificate_credentials_t cred;
	gnutls_srp_client_credentials_t	 srp; /* NULL: not by that */
	bool	over; /* the other end hung up */
	uint8_t in[MESSAGE_HEADER_LEN + MESSAGE_MAX];
	size_t	in_len;
	uint8_t hello[32]; /* SHA-256 of the last hello, said or heard */
	struct message heard;
	uint8_t m2[AUTH_SRP_PROOF_LEN]; /* that a hub must show */
};

static int	far_tcp = -1;
static uint16_t far_port;

static inline void
far_open(struct far *far, int fd, unsigned flags)
{
	static unsigned char name[] = "tombolo/1";
	const gnutls_datum_t alpn = { name, sizeof(name) - 1 };

	*far = (struct far) { .fd = fd };
	ck_assert_int_eq(gnutls_init(&far->tls, flags |
	    GNUTLS_NONBLOCK | GNUTLS_NO_SIGNAL), 0);
	ck_assert_int_eq(gnutls_certificate_allocate_credentials(&far->cred),
	    0);
	gnutls_credentials_set(far->tls, GNUTLS_CRD_CERTIFICATE, far->cred);
	ck_assert_int_eq(gnutls_priority_set_direct(far->tls, FAR_PRIORITY,
	    NULL), 0);
	ck_assert_int_eq(gnutls_alpn_set_protocols(far->tls, &alpn, 1, 0), 0);
	gnutls_transport_set_int(far->tls, fd);
}

static inline void
far_close(struct far *far)
{
	if (far->tls == NULL)
		return;
	gnutls_deinit(far->tls);
	gnutls_certificate_free_credentials(far->cred);
	if (far->srp != NULL)
		gnutls_srp_free_client_credentials(far->srp);
	message_fini(&far->heard);
	close(far->fd);
	*far = (struct far) { .fd = -1 };
}

/* ---- as a site ---- */

static inline void
far_site(struct far *far, const char *from)
{
	struct addr addr;

	ck_assert(addr_parse(&addr, from));
	far_open(far, connect_from(&addr, hub_port), GNUTLS_CLIENT);
}

/* What client.crt and client.key of that end are. */
static inline void
far_shows(struct far *far, const struct end *end)
{
	char cert[160], key[160];

	snprintf(cert, sizeof(cert), "%s/client.crt", end->dir);
	snprintf(key, sizeof(key), "%s/keeper/client.key", end->dir);
	ck_assert_int_eq(gnutls_certificate_set_x509_key_file(far->cred, cert,
	    key, GNUTLS_X509_FMT_PEM), 0);
}

static inline void
far_by_srp(struct far *far, const char *name, const char *password)
{
	ck_assert_int_eq(gnutls_srp_allocate_client_credentials(&far->srp), 0);
	ck_assert_int_eq(gnutls_srp_set_client_credentials(far->srp, name,
	    password), 0);
	gnutls_credentials_set(far->tls, GNUTLS_CRD_SRP, far->srp);
	ck_assert_int_eq(gnutls_priority_set_direct(far->tls, FAR_SRP, NULL),
	    0);
}

/* ---- as a hub ---- */

static inline void
far_listen(struct end *end)
{
	struct endpoint ep = { .len = sizeof(ep.in6) };
	struct addr	addr;

	ck_assert(addr_parse(&addr, "127.0.0.1"));
	far_tcp = sockets_listen_tcp(&addr, 0);
	ck_assert_int_ge(far_tcp, 0);
	ck_assert_int_eq(getsockname(far_tcp, &ep.sa, &ep.len), 0);
	far_port = endpoint_port(&ep);
	end->to = far_port;
}

/* With the hub's certificate, or that of another file. */
static inline void
far_accept(struct far *far)
{
	char cert[160], key[160];
	int  fd = -1;

	TURN_UNTIL((fd = accept4(far_tcp, NULL, NULL,
			SOCK_NONBLOCK | SOCK_CLOEXEC)) != -1);
	far_open(far, fd, GNUTLS_SERVER);
	snprintf(cert, sizeof(cert), "%s/server.crt", hub.dir);
	snprintf(key, sizeof(key), "%s/keeper/server.key", hub.dir);
	ck_assert_int_eq(gnutls_certificate_set_x509_key_file(far->cred, cert,
	    key, GNUTLS_X509_FMT_PEM), 0);
}

/* ---- both ---- */

/* Whether TLS is up.  A hub that refuses may say so only behind it. */
static inline bool
far_shake(struct far *far)
{
	struct mono end = mono_add(mono_now(), 20 * MONO_SEC);
	int	    r;

	while ((r = gnutls_handshake(far->tls)) < 0 &&
	    gnutls_error_is_fatal(r) == 0 && !mono_is_due(end, mono_now()))
		turn();
	return r == 0;
}

static inline void
far_send(struct far *far, uint8_t type, const void *data, size_t len)
{
	static uint8_t buf[MESSAGE_HEADER_LEN + 2 * MESSAGE_MAX];
	size_t	       sent = 0;

	ck_assert_uint_le(len, 2 * MESSAGE_MAX);
	message_header(buf, type, len);
	memcpy(buf + MESSAGE_HEADER_LEN, data, len);
	len += MESSAGE_HEADER_LEN;
	while (sent < len) {
		ssize_t n = gnutls_record_send(far->tls, buf + sent,
		    len - sent);

		/* It may have hung up on the first part. */
		if (n < 0 && gnutls_error_is_fatal((int)n) != 0)
			return;
		if (n > 0)
			sent += (size_t)n;
		turn();
	}
}

static inline void
far_note_hello(struct far *far, enum message_type type, const void *text,
    size_t len)
{
	struct sha256_ctx ctx;

	if (type != MESSAGE_HELLO)
		return;
	sha256_init(&ctx);
	sha256_update(&ctx, len, text);
	sha256_digest(&ctx, sizeof(far->hello), far->hello);
}

static inline void
far_say(struct far *far, const struct message *msg)
{
	size_t	len;
	char   *text = message_encode(msg, &len);

	ck_assert_ptr_nonnull(text);
	far_note_hello(far, msg->type, text, len);
	far_send(far, MESSAGE_TYPE_JSON, text, len);
	secret_free(text, len + 1);
}

static inline size_t
far_message_len(const struct far *far)
{
	if (far->in_len < MESSAGE_HEADER_LEN)
		return SIZE_MAX;
	return MESSAGE_HEADER_LEN + wire_read_u24(far->in + 1);
}

/* Reads until a message is whole; false: it was over before. */
static inline bool
far_read(struct far *far, double sec)
{
	struct mono end = mono_add(mono_now(), (int64_t)(sec * MONO_SEC));

	while (far->in_len < far_message_len(far) && !far->over) {
		ssize_t n = gnutls_record_recv(far->tls, far->in + far->in_len,
		    sizeof(far->in) - far->in_len);

		if (n > 0)
			far->in_len += (size_t)n;
		else if (n == 0 || gnutls_error_is_fatal((int)n) != 0)
			far->over = true;
		else if (mono_is_due(end, mono_now()))
			return false;
		else
			turn();
	}
	return far->in_len >= far_message_len(far);
}

/*
 * What it says next, in far->heard; MESSAGE_TYPES: it hangs up, or says nothing
 * for 20 s.  Frames are passed over.
 */
static inline enum message_type
far_hears(struct far *far)
{
	const char *why;
	size_t	    len;
	bool	    frames = true;

	message_fini(&far->heard);
	while (frames) {
		if (!far_read(far, 20))
			return MESSAGE_TYPES;
		len = far_message_len(far);
		frames = far->in[0] == MESSAGE_TYPE_FRAMES;
		if (!frames) {
			ck_assert_int_eq(message_decode(&far->heard,
			    far->in + MESSAGE_HEADER_LEN,
			    len - MESSAGE_HEADER_LEN, &why), 0);
			far_note_hello(far, far->heard.type,
			    far->in + MESSAGE_HEADER_LEN,
			    len - MESSAGE_HEADER_LEN);
		}
		memmove(far->in, far->in + len, far->in_len - len);
		far->in_len -= len;
	}
	return far->heard.type;
}

static inline bool
far_hangs_up(struct far *far)
{
	enum message_type type = far_hears(far);

	return type == MESSAGE_TYPES && far->over;
}

#define FAR_HEARS(far, what)                                                   \
	do {                                                                   \
		enum message_type heard_type = far_hears(far);                 \
                                                                               \
		ck_assert_msg(heard_type == (what), "%s instead of %s: %s",    \
		    message_name(heard_type), message_name(what),              \
		    (far)->heard.text);                                        \
	} while (0)

/* The end of it: these words, then nothing. */
#define FAR_REFUSED(far, what)                                                 \
	do {                                                                   \
		FAR_HEARS(far, MESSAGE_REFUSED);                               \
		ck_assert_msg(says((far)->heard.text, what), "%s",             \
		    (far)->heard.text);                                        \
		ck_assert(far_hangs_up(far));                                  \
	} while (0)

#define FAR_BYE(far, what)                                                     \
	do {                                                                   \
		FAR_HEARS(far, MESSAGE_BYE);                                   \
		ck_assert_msg(says((far)->heard.text, what), "%s",             \
		    (far)->heard.text);                                        \
		ck_assert(far_hangs_up(far));                                  \
	} while (0)

static inline void
far_binding(const struct far *far, uint8_t binding[32])
{
	gnutls_datum_t datum;

	ck_assert_int_eq(gnutls_session_channel_binding(far->tls,
	    GNUTLS_CB_TLS_EXPORTER, &datum), 0);
	ck_assert_uint_eq(datum.size, 32);
	memcpy(binding, datum.data, 32);
	gnutls_free(datum.data);
}

/* As both ends do it when a site resumes (PROTOCOL 4.4), written once more. */
static inline void
far_prove(const uint8_t secret[32], const char *label, const uint8_t binding[32],
    const uint8_t hello[32], uint8_t proof[32])
{
	struct hmac_sha256_ctx hmac;

	hmac_sha256_set_key(&hmac, 32, secret);
	hmac_sha256_update(&hmac, strlen(label), (const uint8_t *)label);
	hmac_sha256_update(&hmac, 32, binding);
	hmac_sha256_update(&hmac, 32, hello);
	hmac_sha256_digest(&hmac, 32, proof);
}

/* What a site says first, frames by TCP; to be changed, then said. */
static inline struct message
hello_of(const char *name, enum conf_auth auth)
{
	struct message	  msg = { .type = MESSAGE_HELLO,
		   .protocol = MESSAGE_PROTOCOL_MIN, .mode = CONF_TAP,
		   .workers = 1, .transport = CONF_TRANSPORT_TCP };
	struct lane_share share;

	strcpy(msg.version, "test");
	strlcpy(msg.site, name, sizeof(msg.site));
	strlcpy(msg.method, conf_auth_name(auth), sizeof(msg.method));
	lane_keys_share_new(&share);
	memcpy(msg.share, share.public_key, sizeof(msg.share));
	return msg;
}

static inline struct message
response_of(const char *credential)
{
	struct message msg = { .type = MESSAGE_RESPONSE,
		.has_credential = true,
		.credential_len = strlen(credential) };

	memcpy(msg.credential, credential, msg.credential_len);
	return msg;
}

/* To the challenge heard last; false: there is no answer to such a one. */
static inline bool
far_srp_response(struct far *far, const char *name, const char *password,
    struct message *msg)
{
	uint8_t binding[32];

	*msg = (struct message) { .type = MESSAGE_RESPONSE,
		.has_credential = true, .has_proof = true };
	far_binding(far, binding);
	return auth_srp_answer(name, password, strlen(password),
		   far->heard.group, far->heard.setting, far->heard.credential,
		   far->heard.credential_len, binding, msg->credential,
		   &msg->credential_len, msg->proof, far->m2) == 0;
}

/* The whole of it, on a new connection; what is heard in the end. */
static inline enum message_type
far_log_in(struct far *far, const char *from, const char *name,
    const char *password, const struct message *hello)
{
	struct message msg;

	far_site(far, from);
	ck_assert(far_shake(far));
	far_say(far, hello);
	if (far_hears(far) != MESSAGE_CHALLENGE)
		return far->heard.type;
	if (far->heard.group == 0)
		msg = response_of(password);
	else
		ck_assert(far_srp_response(far, name, password, &msg));
	far_say(far, &msg);
	return far_hears(far);
}

/* A frame as an item of a type 2 message; its length. */
static inline size_t
far_frame(uint8_t *dst)
{
	size_t n = item_put_frame(dst, &(struct frame) { .len = 60 });

	memset(dst + n, 0, 60);
	memcpy(dst + n, "\x02\0\0\0\0\x01\x02\0\0\0\0\x02\x88\xb5", 14);
	return n + 60;
}

/* Whether a frame comes out of that end's device within 0.2 s. */
static inline bool
gets_frame(struct end *end)
{
	uint8_t buf[2048];

	for (unsigned i = 0; i < 200; i++) {
		if (recv(end->frames, buf, sizeof(buf), 0) > 0)
			return true;
		turn();
	}
	return false;
}

#endif /* FAR_END_H */
