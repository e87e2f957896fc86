/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tls_context: what the connections of one end have in common: certificates and
 * keys, whom to believe, and what TLS may be spoken.
 *
 * The struct's members are for tls.c, tls_cert.c and another handshake's file.
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
 * A handshake other than TLS 1.3's (tls_srp/): at a hub for connections that ask
 * for it, at a site for all.
 */
struct tls_handshake {
	/* Sets a session up, before it begins; 0 or a GnuTLS code. */
	int (*begin)(struct tls *tls);
	/* Whether what was negotiated is what it allows, and nothing less. */
	bool (*is_sound)(struct tls *tls);
	/* Hub: who it proved to be, borrowed; or NULL. */
	const char *(*user)(struct tls *tls);
	void (*free)(struct tls_handshake *handshake);
	/* Site: what an alert of the hub's means. */
	const char *refused;
};

struct tls_context {
	unsigned refs;
	bool	 server;
	bool	 asks_sites; /* server: for a certificate of a site's */
	gnutls_certificate_credentials_t cred;
	gnutls_priority_t		 priority; /* TLS 1.3 */
	gnutls_x509_crl_t		*crls;	   /* of sites' certificates */
	unsigned			 ncrls;
	struct tls_handshake		*other; /* NULL: none; owned */
};

/*
 * Once, on the control thread and before any other TLS work: what GnuTLS frees
 * on that thread is wiped; decrypted messages are among it.
 */
void tls_context_setup(void);

/* The clock as certificates are looked at: never before this program was built. */
time_t tls_context_time(void);

/*
 * What a server shows and believes; text is borrowed, keys and `other` are
 * consumed, even on failure.  site_ca empty: no site may use a certificate.
 */
struct tls_context_server {
	struct ca_pem	      chain, rsa_chain, site_ca, crl;
	gnutls_privkey_t      key, rsa_key; /* rsa_key NULL: none */
	struct tls_handshake *other;
};

/* What a client believes, and what it shows when it is asked to; the same. */
struct tls_context_client {
	struct ca_pem	      ca, site_chain;
	gnutls_privkey_t      site_key; /* NULL: it shows none */
	struct tls_handshake *other;
};

/* NULL on failure, with the reason in `why` (TLS_WHY_SIZE bytes). */
struct tls_context *tls_context_new_server(
    const struct tls_context_server *config, char *why);
struct tls_context *tls_context_new_client(
    const struct tls_context_client *config, char *why);
/* From now on no handshake with this one proves which site it is. */
void tls_context_refuse_sites(struct tls_context *context);
/* Connections hold a reference, so a context may go before them. */
void tls_context_put(struct tls_context *context);

#endif /* TLS_CONTEXT_H */
