/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * x509: converts PEM to GnuTLS objects and back.
 *
 * The caller frees what it gets.  Raw GnuTLS codes overlap errno values, so
 * x509_error() converts each where the call is made.
 */
#ifndef X509_H
#define X509_H

#include <stdbool.h>
#include <stddef.h>

#include <gnutls/gnutls.h>
#include <gnutls/x509.h>

#include "base/auto.h"
#include "pki/ca.h"

/* Variables that free their object; initialise them with NULL. */
#define X509_AUTO_CRT AUTO(x509_auto_crt) gnutls_x509_crt_t
#define X509_AUTO_CRL AUTO(x509_auto_crl) gnutls_x509_crl_t
#define X509_AUTO_KEY AUTO(x509_auto_key) gnutls_x509_privkey_t

/* 0 or a negative errno value. */
int x509_error(int gnutls_error);

/* PEM as GnuTLS wants it: its type lacks const, but it does not write. */
gnutls_datum_t x509_datum(const char *text, size_t len);

/* 0 or a negative errno value.  There may be an object to free in any case. */
int x509_import_key(const struct ca_pem *pem, gnutls_x509_privkey_t *key);
int x509_import_cert(const char *text, size_t len, gnutls_x509_crt_t *cert);

/* Copies GnuTLS's text, then wipes and frees it. 0 or -ENOMEM. */
int x509_take_text(struct ca_pem *pem, gnutls_datum_t *text);

/* True if `site` is the only common name: a second could be another site's. */
bool x509_has_only_name(gnutls_x509_crt_t leaf, const char *site);
bool x509_is_key_of(gnutls_x509_privkey_t key, gnutls_x509_crt_t cert);
/* True if that CA signed it, whatever the time is. */
bool x509_is_made_by(gnutls_x509_crt_t cert, gnutls_x509_crt_t ca);

/*
 * True if `text` is exactly one PEM block of that name ("CERTIFICATE"): GnuTLS
 * would ignore anything before and after the first.
 */
bool x509_is_one(const char *text, size_t len, const char *name);

static inline void
x509_auto_crt(const gnutls_x509_crt_t *crt)
{
	gnutls_x509_crt_deinit(*crt);
}

static inline void
x509_auto_crl(const gnutls_x509_crl_t *crl)
{
	gnutls_x509_crl_deinit(*crl);
}

static inline void
x509_auto_key(const gnutls_x509_privkey_t *key)
{
	gnutls_x509_privkey_deinit(*key);
}

#endif /* X509_H */
