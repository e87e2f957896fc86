/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tls_cert: the certificate that the other end of a TLS session shows: whose it
 * is, until when, and why it is refused.
 */
#ifndef TLS_CERT_H
#define TLS_CERT_H

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

#include <gnutls/gnutls.h>

struct tls_context;
struct tls_leaf;

/* See tls_is_site(); of a session that asked for a site's. */
bool tls_cert_is_site(gnutls_session_t session, const char *site);
/* See tls_peer_leaf() and tls_leaf_is_revoked(). */
struct tls_leaf *tls_cert_leaf(gnutls_session_t session);
bool tls_cert_leaf_is_revoked(const struct tls_leaf *leaf,
    const struct tls_context *context);
/* Whether it has a name of the kind that is compared (PROTOCOL 3.2). */
bool tls_cert_names_itself(gnutls_session_t session);
/* When it ends; 0: there is none, or it cannot be read. */
time_t tls_cert_end(gnutls_session_t session);

/*
 * Into `why`: which check of the handshake failed, of `name`'s certificate, and
 * what to do about it.
 */
void tls_cert_explain(gnutls_session_t session, const char *name, char *why,
    size_t size);

#endif /* TLS_CERT_H */
