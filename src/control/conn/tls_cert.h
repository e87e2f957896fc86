/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tls_cert: the certificate of the other end of a TLS connection: its subject,
 * its end, and why it is refused.
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

/* free() it.  NULL if the other end sent none, or when out of memory. */
struct tls_cert *tls_cert_get(struct tls *tls);
/*
 * Server: whether the sites' CA issued it for `site` (its common name), for
 * clients, and it is valid now and not revoked.
 */
bool tls_cert_is_site(struct tls *tls, const char *site);
/*
 * According to the lists of a newer context; true if `cert` is NULL (unknown).
 */
bool tls_cert_is_revoked(const struct tls_cert *cert,
    const struct tls_context *context);
/* Whether it has a subjectAltName that can be compared (PROTOCOL 3.2). */
bool tls_cert_names_itself(struct tls *tls);
/* When it expires; 0 if there is none, or it cannot be read. */
time_t tls_cert_end(struct tls *tls);

/*
 * Writes to `why` which check of `name`'s certificate failed in the handshake,
 * and how to fix it.
 */
void tls_cert_explain(struct tls *tls, const char *name, char *why, size_t size);

#endif /* TLS_CERT_H */
