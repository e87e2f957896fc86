/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tls: the GnuTLS session of one control connection, as a stream of bytes.
 *
 * TLS 1.3 only, unless its context has another handshake; ALPN "tombolo/1"
 * required at both ends; no tickets, no early data; X25519MLKEM768 preferred if
 * the library supports it.  A client verifies chain, name, dates and purpose
 * against its CA before it sends anything, and reports which check failed.
 *
 * Non-blocking: all results come by callbacks.  Raw GnuTLS codes stay in tls.c.
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
	/* It has ended, for `why`.  No callback follows; call tls_close(). */
	void (*on_end)(void *arg, const char *why);
};

/*
 * Owns `fd`.  `name` (client) is the host name or address that the certificate
 * must be for.  Returns NULL when out of memory; fd is closed then.
 */
struct tls *tls_open(struct tls_context *context, struct ev_loop *loop, int fd,
    const char *name, const struct tls_events *events, void *arg);

/*
 * Frees it; sends what is queued if the socket accepts it now.  Not allowed
 * from within on_data or on_ready, but from on_end.
 */
void tls_close(struct tls *tls);

/*
 * Queues a header and its data, both or neither.  Returns 0, or -ENOBUFS if
 * TLS_MAX_QUEUE would be exceeded.
 */
int tls_send(struct tls *tls, const void *header, size_t header_len,
    const void *data, size_t len);

/* What is not sent yet, and the recent rate. */
struct tls_backlog {
	size_t	 queued; /* bytes, ours */
	size_t	 unsent; /* bytes, the kernel's: not sent even once */
	uint64_t rate;	 /* bytes a second; 0: unknown */
};

void tls_backlog(const struct tls *tls, struct tls_backlog *backlog);

/* RFC 8446 7.5, with an empty context.  0 or a negative errno value. */
int tls_export(struct tls *tls, const char *label, uint8_t *out, size_t len);

/* The channel binding tls-exporter of RFC 9266.  0 or a negative errno value. */
int tls_binding(struct tls *tls, uint8_t binding[32]);

/* Server: the user that a non-TLS 1.3 handshake proved, borrowed; or NULL. */
const char *tls_user(struct tls *tls);

/* "TLS1.3, X25519, ECDSA-SECP256R1-SHA256, AES-256-GCM", borrowed; NULL: "". */
const char *tls_describe(struct tls *tls);

/* For tls_cert.c and other handshakes. */
const struct tls_context *tls_context(const struct tls *tls);
gnutls_session_t tls_session(const struct tls *tls);
void		*tls_arg(const struct tls *tls);

#endif /* TLS_H */
