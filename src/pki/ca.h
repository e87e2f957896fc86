/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ca: a primary site's own certification authority.
 *
 * Each primary site has one CA: ECDSA P-256, valid for twenty years, used for
 * nothing else.  Its certificate is in every invitation and is the only one
 * that a satellite trusts.  It signs the server's certificate (five years),
 * which ca_sign_server() can renew with the old key or a new one, and the
 * certificates of sites that log in by certificate (crl.h revokes them).
 *
 * Every certificate is valid from CA_NOT_BEFORE, long before it was made.
 * Routers without a battery start in 1970, or on the date of their firmware,
 * and a satellite with an older build than the server's must verify the server
 * before it can ask anybody for the time.  A pinned CA loses nothing by this:
 * none of our keys existed earlier, and there is no other issuer to confuse it
 * with.
 *
 * Text in, text out (PEM); no files.  GnuTLS initialises itself.
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

/* Wipes and frees the text; does nothing for an empty one. */
void ca_pem_fini(struct ca_pem *pem);

/*
 * The later of the clock and this program's build time.  A host with a dead
 * clock uses it as the current time, or its certificates would expire in the
 * 1990s.
 */
time_t ca_now(void);

/*
 * All functions below return 0 or a negative errno value; then the outputs are
 * empty.
 */

/* A fresh ECDSA P-256 key, PKCS #8. */
int ca_make_key(struct ca_pem *key);
/* An RSA key of 3072 bits, for tls-srp: its cipher suites need RSA. */
int ca_make_rsa_key(struct ca_pem *key);

/*
 * A CA for the primary site `name`, valid for twenty years from `now`, signed
 * with its own `key`.
 */
int ca_make(const struct ca_pem *key, const char *name, time_t now,
    struct ca_pem *cert);

/*
 * A certificate for `server_key` and the server of these names (host names or
 * addresses, which become the subject alternative names), valid for five years
 * from `now`, but no longer than the CA. -EINVAL: a name is neither, or
 * `ca_key` does not belong to `ca_cert`.
 */
int ca_sign_server(const struct ca_pem *ca_cert, const struct ca_pem *ca_key,
    const struct ca_pem *server_key, char *const *names, size_t n, time_t now,
    struct ca_pem *cert);

/*
 * A certificate for `site_key`, with which the site of that name (the common
 * name) can log in; valid as long as a server's.
 */
int ca_sign_site(const struct ca_pem *ca_cert, const struct ca_pem *ca_key,
    const struct ca_pem *site_key, const char *site, time_t now,
    struct ca_pem *cert);

/* True if `text` is exactly one certificate in PEM, and that of a CA. */
bool ca_is_ca(const char *text, size_t len);

/*
 * True if both are exactly one in PEM, and the key belongs to the certificate.
 */
bool ca_is_pair(const struct ca_pem *cert, const struct ca_pem *key);

/* True if `cert` was signed with the key of `ca_cert`, whatever the time is. */
bool ca_has_made(const struct ca_pem *ca_cert, const struct ca_pem *cert);

/* When a certificate begins and ends; 0 if it cannot be read. */
time_t ca_begin(const struct ca_pem *cert);
time_t ca_end(const struct ca_pem *cert);

/*
 * Gives the name or address number `i` of a server's certificate (the common
 * name does not count); empty if it is of another kind.  False if there are no
 * more.
 */
bool ca_name(const struct ca_pem *cert, unsigned i, char name[CA_NAME_SIZE]);
/*
 * True if a client that wants that name accepts the certificate, also by a
 * wildcard.
 */
bool ca_is_for(const struct ca_pem *cert, const char *name);

#endif /* CA_H */
