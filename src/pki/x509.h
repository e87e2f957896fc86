/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * x509: PEM to GnuTLS's objects and back.
 *
 * The caller frees what it gets.  Raw GnuTLS codes overlap errno values, so
 * each goes through x509_error() where the call was made.
 */
#ifndef X509_H
#define X509_H

#include <stdbool.h>
#include <stddef.h>

#include <gnutls/gnutls.h>
#include <gnutls/x509.h>

#include "pki/ca.h"

/* 0 or a negative errno value. */
int x509_error(int gnutls_error);

/* PEM as GnuTLS takes it: it has no const there, and writes nothing. */
gnutls_datum_t x509_datum(const char *text, size_t len);

/* 0, or a negative errno value; then there is no object. */
int x509_import_key(const struct ca_pem *pem, gnutls_x509_privkey_t *key);
int x509_import_cert(const char *text, size_t len, gnutls_x509_crt_t *cert);

/* Consumes GnuTLS's text, and wipes it; -ENOMEM. */
int x509_take_text(struct ca_pem *pem, gnutls_datum_t *text);

/* Of two common names one could be another site's. */
bool x509_has_only_name(gnutls_x509_crt_t leaf, const char *site);
bool x509_is_key_of(gnutls_x509_privkey_t key, gnutls_x509_crt_t cert);
/* Whether that CA signed it, whatever the time is. */
bool x509_is_made_by(gnutls_x509_crt_t cert, gnutls_x509_crt_t ca);

/*
 * Whether `text` is exactly one PEM block of the name ("CERTIFICATE"): GnuTLS
 * would pass over anything in front of and behind the first.
 */
bool x509_is_one(const char *text, size_t len, const char *name);

#endif /* X509_H */
