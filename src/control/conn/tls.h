/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tls: the GnuTLS session of one control connection, as a stream of bytes.
 *
 * TLS 1.3 only, unless its context has another handshake, ALPN "tombolo/1"
 * required at both ends, no tickets, no early data, X25519MLKEM768 first where
 * the library has it.  A client verifies chain, name, dates and purpose against
 * the CA it was given and fails with a sentence that says which of them was
 * wrong; nothing is sent before that.
 *
 * Non-blocking; everything happens in the callbacks.  Raw GnuTLS codes stay in
 * tls.c.
 */
#ifndef TLS_H
#define TLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <ev.h>
#include <gnutls/gnutls.h>

#define TLS_MAX_QUEUE (256 * 1024) /* bytes waiting to be sent */
#define TLS_WHY_SIZE  256

struct tls;
struct tls_context;

struct tls_events {
	/* The handshake is done; a client's peer is verified. */
	void (*on_ready)(void *arg);
	/* Bytes came in; borrowed. */
	void (*on_data)(void *arg, const uint8_t *data, size_t len);
	/* It is over: `why` in words. No callback follows; call tls_close(). */
	void (*on_end)(void *arg, const char *why);
};

/*
 * Owns `fd` from now on.  `name` (client) is what the certificate must be for:
 * a host name or an address.  NULL when out of memory; fd is closed then.
 */
struct tls *tls_open(struct tls_context *context, struct ev_loop *loop, int fd,
    const char *name, const struct tls_events *events, void *arg);

/*
 * Frees it; a goodbye that is queued is sent if the socket takes it now.  Not
 * from within on_data or on_ready (on_end is fine): defer it.
 */
void tls_close(struct tls *tls);

/*
 * Queues a header and what belongs to it, together or not at all.  0, or
 * -ENOBUFS when TLS_MAX_QUEUE is full.
 */
int tls_send(struct tls *tls, const void *header, size_t header_len,
    const void *data, size_t len);

/* What has not left yet, and how fast the network took it of late. */
struct tls_backlog {
	size_t	 queued; /* bytes, ours */
	size_t	 unsent; /* bytes, the kernel's: never sent so far */
	uint64_t rate;	 /* bytes a second; 0: unknown */
};

void tls_backlog(const struct tls *tls, struct tls_backlog *backlog);

/* RFC 8446 7.5, with an empty context.  0 or a negative errno value. */
int tls_export(struct tls *tls, const char *label, uint8_t *out, size_t len);

/* The channel binding tls-exporter of RFC 9266.  0 or a negative errno value. */
int tls_binding(struct tls *tls, uint8_t binding[32]);

/*
 * Server: who another handshake than TLS 1.3's proved to be, borrowed; or NULL.
 */
const char *tls_user(struct tls *tls);

/* "TLS1.3, X25519, ECDSA-SECP256R1-SHA256, AES-256-GCM", borrowed; NULL: "". */
const char *tls_describe(struct tls *tls);

/* For what looks at its certificate, and for another handshake. */
const struct tls_context *tls_context(const struct tls *tls);
gnutls_session_t tls_session(const struct tls *tls);
void		*tls_arg(const struct tls *tls);

#endif /* TLS_H */
