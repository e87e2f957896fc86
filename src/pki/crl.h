/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * crl: the list of a CA's certificates that count no more.
 *
 * Signed anew at each revocation, and nothing is ever taken out.  It is valid
 * from CA_NOT_BEFORE on, as all that ca.h makes, and for twenty years: it lies
 * beside the server that reads it, so its age says nothing.
 *
 * Text in, text out (PEM); no files.
 */
#ifndef CRL_H
#define CRL_H

#include <stddef.h>
#include <time.h>

#include "pki/ca.h"

#define CRL_MAX	  (4 * 1024 * 1024) /* bytes of PEM: what an engine takes */
#define CRL_YEARS 20

#define CRL_DIGEST_SIZE 65

/*
 * The list `old` (no text: there is none yet) with the certificate `cert` in
 * it, which must be of that CA; once is enough.  Without a `cert` (no text)
 * nothing is added.  0, -EFBIG when it gets too large, -EINVAL when the key is
 * not the CA's, the old list not one of that CA's, or the certificate not its;
 * or another negative errno value.
 */
int crl_add(const struct ca_pem *ca_cert, const struct ca_pem *ca_key,
    const struct ca_pem *old, const struct ca_pem *cert, time_t now,
    struct ca_pem *crl);

/*
 * Why the lists in `next` must not take the place of those in `now` (no text:
 * there are none), or NULL.  Each must be signed by a certificate in `ca`, and
 * none older than its CA's present one, nor another of the same number: a file
 * from a backup would let in again who was revoked since.  What is not of a CA in
 * `ca` any more does not count.
 */
const char *crl_why_not(const struct ca_pem *ca, const struct ca_pem *now,
    const struct ca_pem *next);

/*
 * When the next list is due, the earliest of several; 0: nobody knows.  `life`
 * is how long after it was made.
 */
time_t crl_end(const char *text, size_t len, time_t *life);

/* To tell one file of lists from another: in hexadecimal. */
void crl_digest(const char *text, size_t len, char digest[CRL_DIGEST_SIZE]);

#endif /* CRL_H */
