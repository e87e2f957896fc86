/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ca: a primary site's own certification authority.
 *
 * One CA a primary site: ECDSA P-256, twenty years, for nothing but this; its
 * certificate travels in every invitation and is the only one a satellite
 * believes.  It signs the server's certificate (five years), which can be
 * renewed with the same functions: ca_sign_server() again, with the old key or
 * a new one; and those of sites that log in by certificate (crl.h revokes).
 *
 * Every certificate is valid from CA_NOT_BEFORE on, long before it was made.
 * Routers without a battery wake up in 1970, or at the day of their firmware;
 * a satellite with an older build than the server's must verify before it can
 * ask anybody for the time.  A pinned CA loses nothing by it: no key of ours
 * existed earlier, and there is no other issuer to confuse it with.
 *
 * Text in, text out (PEM); no files.  Needs gnutls_global_init(), which the
 * library does itself.
 */
#ifndef CA_H
#define CA_H

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

#define CA_NOT_BEFORE	((time_t)1577836800) /* 2020-01-01 00:00:00 UTC */
#define CA_YEARS	20
#define CA_LEAF_YEARS	5 /* a server's, a site's */
#define CA_PEM_MAX	16384 /* bytes of one certificate or key */
#define CA_NAME_SIZE	256

/* PEM text, NUL-terminated; `len` is without the NUL.  Zeroed is empty. */
struct ca_pem {
	char  *text; /* owned */
	size_t len;
};

/* Wipes and frees the text; an empty one is fine. */
void ca_pem_fini(struct ca_pem *pem);

/*
 * The later of the clock and the time this program was built: what a host with
 * a dead clock should take for "now", lest its certificates expire in 1990.
 */
time_t ca_now(void);

/* All below: 0, or a negative errno value; then the outputs are empty. */

/* A fresh ECDSA P-256 key, PKCS #8. */
int ca_make_key(struct ca_pem *key);
/* An RSA key of 3072 bits: tls-srp has no suite with another. */
int ca_make_rsa_key(struct ca_pem *key);

/*
 * A CA for the primary site `name`, valid for twenty years from `now`, signed
 * with its own `key`.
 */
int ca_make(const struct ca_pem *key, const char *name, time_t now,
    struct ca_pem *cert);

/*
 * A certificate for `server_key` and the server of these names (host names or
 * addresses: they become the subject alternative names), valid for five years
 * from `now`, but no longer than the CA.  -EINVAL when one is neither, or when
 * `ca_key` is not `ca_cert`'s.
 */
int ca_sign_server(const struct ca_pem *ca_cert, const struct ca_pem *ca_key,
    const struct ca_pem *server_key, char *const *names, size_t n, time_t now,
    struct ca_pem *cert);

/*
 * A certificate for `site_key`, with which the site of that name (the common
 * name) can log in; as long as a server's.
 */
int ca_sign_site(const struct ca_pem *ca_cert, const struct ca_pem *ca_key,
    const struct ca_pem *site_key, const char *site, time_t now,
    struct ca_pem *cert);

/* Whether `text` is exactly one certificate in PEM, and a CA's. */
bool ca_is_ca(const char *text, size_t len);

/* Whether both are exactly one in PEM, and the key is the certificate's. */
bool ca_is_pair(const struct ca_pem *cert, const struct ca_pem *key);

/* Whether `cert` was signed with the key of `ca_cert`, whatever the time is. */
bool ca_has_made(const struct ca_pem *ca_cert, const struct ca_pem *cert);

/* When a certificate begins and ends; 0 when it cannot be read. */
time_t ca_begin(const struct ca_pem *cert);
time_t ca_end(const struct ca_pem *cert);

/*
 * The name or address that stands at place `i` of those a server's certificate
 * is for (the common name is none), empty when it is of another kind.  False
 * when there are no more.
 */
bool ca_name(const struct ca_pem *cert, unsigned i, char name[CA_NAME_SIZE]);
/* Whether a client that wants that name takes it: also by a wildcard. */
bool ca_is_for(const struct ca_pem *cert, const char *name);

#endif /* CA_H */
