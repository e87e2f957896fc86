/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tls: the GnuTLS session of one control connection, as a stream of bytes.
 *
 * TLS 1.3 only, but for tls-srp (below), ALPN "tombolo/1" required at both ends,
 * no tickets, no early data, X25519MLKEM768 first where the library has it.  A client verifies
 * chain, name, dates and purpose against the CA it was given and fails with a
 * sentence that says which of them was wrong; nothing is sent before that.
 *
 * tls-srp: where the server allows it, a ClientHello with the srp extension, and
 * only that one, gets TLS 1.2 with SRP_SHA_RSA, extended master secret and
 * encrypt-then-MAC.
 *
 * Non-blocking; everything happens in the callbacks.  Raw GnuTLS codes stay in
 * tls.c.
 */
#ifndef TLS_H
#define TLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include <ev.h>
#include <gnutls/abstract.h>

#define TLS_MAX_QUEUE (256 * 1024) /* bytes waiting to be sent */
#define TLS_WHY_SIZE  256

struct request_tls_srp;
struct tls;
struct tls_context;

/*
 * Once, on the control thread and before any other TLS work: what GnuTLS frees
 * on that thread is wiped; decrypted messages are among it.
 */
void tls_setup(void);

/* The clock as certificates are looked at: never before this program was built. */
time_t tls_time(void);

/* PEM text; borrowed. */
struct tls_pem {
	const char *text;
	size_t	    len;
};

/*
 * What a server shows and believes.  The keys are consumed, even on failure.
 * rsa_key NULL: no tls-srp.  site_ca empty: no site may use a certificate.
 */
struct tls_server_config {
	struct tls_pem	 chain, rsa_chain, site_ca, crl;
	gnutls_privkey_t key, rsa_key;
	/*
	 * tls-srp: a user's credential, now; 0 or a negative errno value.
	 * `connection` is the argument of its tls_open().
	 */
	int (*srp_user)(void *arg, void *connection, const char *name,
	    struct request_tls_srp *user);
	void *arg;
};

/* What a client believes, and what it shows when it is asked to. */
struct tls_client_config {
	struct tls_pem	 ca, site_chain;
	gnutls_privkey_t site_key; /* consumed; NULL: it shows none */
	/* tls-srp instead of TLS 1.3: both or neither; copied and wiped. */
	const char *srp_user, *srp_password;
};

/* NULL on failure, with the reason in `why` (TLS_WHY_SIZE bytes). */
struct tls_context *tls_context_new_server(
    const struct tls_server_config *config, char *why);
struct tls_context *tls_context_new_client(
    const struct tls_client_config *config, char *why);
/* From now on no handshake with this one proves which site it is. */
void tls_refuse_sites(struct tls_context *context);
/* Connections hold a reference, so a context may go before them. */
void tls_context_put(struct tls_context *context);

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
 * a host name or an address.  NULL when there is no memory; fd is closed then.
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
 * Server: whether the other end showed a certificate of the sites' CA for
 * `site` (its common name), for clients, valid now and not revoked.
 */
bool tls_is_site(struct tls *tls, const char *site);

/* The other end's own certificate, which outlives its connection. */
struct tls_leaf {
	size_t	len;
	uint8_t der[];
};

/* free() it.  NULL: it showed none, or there is no memory. */
struct tls_leaf *tls_peer_leaf(struct tls *tls);
/* By the lists of a newer context; of one that is not known (NULL), true. */
bool tls_leaf_is_revoked(const struct tls_leaf *leaf,
    const struct tls_context *context);
/* Whether a connection was opened with this context, and not an older one. */
bool tls_is_of(const struct tls *tls, const struct tls_context *context);
/* Server: who the handshake itself proved to be (tls-srp), borrowed; or NULL. */
const char *tls_srp_user(struct tls *tls);

/* Whether this GnuTLS has tls-srp: what was built, and what is loaded. */
bool tls_has_srp(void);

/* When the certificate that the other end showed ends; 0: nobody knows. */
time_t tls_peer_end(struct tls *tls);

/* "TLS1.3, X25519, ECDSA-SECP256R1-SHA256, AES-256-GCM", borrowed; NULL: "". */
const char *tls_describe(struct tls *tls);

#endif /* TLS_H */
