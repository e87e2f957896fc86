/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tls_cert: the certificate that the other end of a TLS connection shows: whose
 * it is, until when, and why it is refused.
 */
#ifndef TLS_CERT_H
#define TLS_CERT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

struct tls;
struct tls_context;

/* It outlives its connection. */
struct tls_cert {
	size_t	len;
	uint8_t der[];
};

/* free() it.  NULL: the other end showed none, or out of memory. */
struct tls_cert *tls_cert_get(struct tls *tls);
/*
 * Server: whether it is of the sites' CA for `site` (its common name), for
 * clients, valid now and not revoked.
 */
bool tls_cert_is_site(struct tls *tls, const char *site);
/* By the lists of a newer context; of one that is not known (NULL), true. */
bool tls_cert_is_revoked(const struct tls_cert *cert,
    const struct tls_context *context);
/* Whether it has a name of the kind that is compared (PROTOCOL 3.2). */
bool tls_cert_names_itself(struct tls *tls);
/* When it ends; 0: there is none, or it cannot be read. */
time_t tls_cert_end(struct tls *tls);

/*
 * Into `why`: which check of the handshake failed, of `name`'s certificate, and
 * what to do about it.
 */
void tls_cert_explain(struct tls *tls, const char *name, char *why, size_t size);

#endif /* TLS_CERT_H */
