/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tls_context: what the connections of one end share: certificates and keys,
 * trusted CAs, and the allowed TLS parameters.
 *
 * Only tls.c, tls_cert.c and other handshakes (tls_srp/) use the members.
 */
#ifndef TLS_CONTEXT_H
#define TLS_CONTEXT_H

#include <stdbool.h>
#include <time.h>

#include <gnutls/abstract.h>
#include <gnutls/x509.h>

#include "control/conn/tls.h"
#include "pki/ca.h"

/*
 * A handshake other than TLS 1.3's (tls_srp/): on a hub for connections that
 * request it, on a site for all.
 */
struct tls_handshake {
	/* Prepares a session for its handshake; returns 0 or a GnuTLS code. */
	int (*begin)(struct tls *tls);
	/* Whether the negotiated parameters are strong enough. */
	bool (*is_sound)(struct tls *tls);
	/* Hub: the authenticated user, borrowed; or NULL. */
	const char *(*user)(struct tls *tls);
	void (*free)(struct tls_handshake *handshake);
	/* Site: what an alert from the hub means. */
	const char *refused;
};

struct tls_context {
	unsigned refs;
	bool	 server;
	bool	 asks_sites; /* server: requests a site's certificate */
	gnutls_certificate_credentials_t cred;
	gnutls_priority_t		 priority; /* TLS 1.3 */
	gnutls_x509_crl_t		*crls;	   /* of sites' certificates */
	unsigned			 ncrls;
	struct tls_handshake		*other; /* NULL: none; owned */
};

/*
 * Call once, on the control thread, before any other TLS work: memory that
 * GnuTLS frees on that thread is wiped from then on, as it may hold decrypted
 * messages.
 */
void tls_context_setup(void);

/* The clock as certificates are looked at: never before this program was built. */
time_t tls_context_time(void);

/*
 * A server's certificates and trusted CA; text is borrowed, keys and `other`
 * are consumed, even on failure.  If site_ca is empty, no site may use a
 * certificate.
 */
struct tls_context_server {
	struct ca_pem	      chain, rsa_chain, site_ca, crl;
	gnutls_privkey_t      key, rsa_key; /* rsa_key NULL: none */
	struct tls_handshake *other;
};

/* A client's trusted CA and its own certificate; ownership as above. */
struct tls_context_client {
	struct ca_pem	      ca, site_chain;
	gnutls_privkey_t      site_key; /* NULL: it shows none */
	struct tls_handshake *other;
};

/*
 * Each returns NULL on failure, with the reason in `why` (TLS_WHY_SIZE bytes).
 */
struct tls_context *tls_context_new_server(
    const struct tls_context_server *config, char *why);
struct tls_context *tls_context_new_client(
    const struct tls_context_client *config, char *why);
/* From now on no handshake with this context authenticates a site. */
void tls_context_refuse_sites(struct tls_context *context);
/* Drops a reference; connections hold their own. */
void tls_context_put(struct tls_context *context);

#endif /* TLS_CONTEXT_H */
