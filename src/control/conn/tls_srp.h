/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tls_srp: SRP inside the TLS handshake (RFC 5054), GnuTLS's own.
 *
 * A priority string that allows SRP forbids TLS 1.3, so a server decides
 * connection by connection: a ClientHello with the srp extension, looked at
 * before GnuTLS parses it, gets TLS 1.2 with SRP_SHA_RSA, and no other one does.
 * Extended master secret (RFC 7627) and encrypt-then-MAC (RFC 7366) are
 * required, or the channel would be bound to nothing and the CBC MAC be weak.
 *
 * Without TLS-SRP in GnuTLS (3.8's default) each call fails with a sentence.
 */
#ifndef TLS_SRP_H
#define TLS_SRP_H

#include <stdbool.h>

#include <gnutls/gnutls.h>

#include "control/conn/tls.h"

struct tls_srp;

/* NULL on failure, with the reason in `why` (TLS_WHY_SIZE bytes). */
struct tls_srp *tls_srp_new_server(const struct tls_server_config *config,
    char *why);
struct tls_srp *tls_srp_new_client(const char *user, const char *password,
    char *why);
void tls_srp_free(struct tls_srp *srp);

/*
 * A server's session: watch its ClientHello.  `watch` is the connection's, filled
 * in, and outlives the session; it becomes the session's pointer.
 */
struct tls_srp_watch {
	struct tls_srp *srp;
	void	       *connection; /* for srp_user() */
};
void tls_srp_watch(struct tls_srp_watch *watch, gnutls_session_t session);
/* A client's session: nothing but this.  0 or a GnuTLS code. */
int tls_srp_use(struct tls_srp *srp, gnutls_session_t session);

/* Whether what was negotiated is what this file allows, and nothing less. */
bool tls_srp_is_sound(gnutls_session_t session);

#endif /* TLS_SRP_H */
