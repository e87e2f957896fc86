/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * crl: the list of a CA's revoked certificates.
 *
 * It is signed again at each revocation, and nothing is ever removed.  Like
 * everything that ca.h makes, it is valid from CA_NOT_BEFORE, and for twenty
 * years: the server reads it from its own disk, so its age means nothing.
 *
 * Text in, text out (PEM); no files.
 */
#ifndef CRL_H
#define CRL_H

#include <stddef.h>
#include <time.h>

#include "pki/ca.h"

#define CRL_MAX	  (4 * 1024 * 1024) /* bytes of PEM that an engine accepts */
#define CRL_YEARS 20

#define CRL_DIGEST_SIZE 65

/*
 * Adds the certificate `cert` (NULL or empty: none) to the list `old` (empty: a
 * new list), unless it is in it already.  It must be of that CA. Returns 0,
 * -EFBIG if the list gets too large, -EINVAL if key, list or certificate do not
 * belong to the CA, or another negative errno value.
 */
int crl_add(const struct ca_pem *ca_cert, const struct ca_pem *ca_key,
    const struct ca_pem *old, const struct ca_pem *cert, time_t now,
    struct ca_pem *crl);

/*
 * Returns why the lists in `next` must not replace those in `now` (empty:
 * none), or NULL if they may.  Each must be signed by a certificate in `ca`;
 * none may be older than its CA's current list, or another of the same number:
 * a file from a backup would readmit those revoked since.  Lists of CAs that
 * are not in `ca` any more do not count.
 */
const char *crl_why_not(const struct ca_pem *ca, const struct ca_pem *now,
    const struct ca_pem *next);

/*
 * When the next list is due, the earliest of several; 0: unknown.  `life` is
 * the time from its issue until then.
 */
time_t crl_end(const char *text, size_t len, time_t *life);

/* Identifies a file of lists: its digest in hexadecimal. */
void crl_digest(const char *text, size_t len, char digest[CRL_DIGEST_SIZE]);

#endif /* CRL_H */
