/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * crl: the list of a CA's certificates that count no more.
 *
 * Signed anew at each revocation.  It is valid from CA_NOT_BEFORE on, as all
 * that ca.h makes, and for twenty years: it lies beside the server that reads
 * it, so its age says nothing.
 *
 * Text in, text out (PEM); no files.
 */
#ifndef CRL_H
#define CRL_H

#include <stddef.h>
#include <time.h>

#include "pki/ca.h"

#define CRL_MAX	  32767 /* bytes of PEM: what an engine takes */
#define CRL_YEARS 20

/*
 * The list `old` (no text: there is none yet) with the certificate `cert` in
 * it, which must be of that CA; once is enough.  What was revoked longer ago
 * than any certificate is valid goes when there are many.  0, -EFBIG when it
 * gets too large, -EINVAL when the key is not the CA's, the old list not one of
 * that CA's, or the certificate not its; or another negative errno value.
 */
int crl_add(const struct ca_pem *ca_cert, const struct ca_pem *ca_key,
    const struct ca_pem *old, const struct ca_pem *cert, time_t now,
    struct ca_pem *crl);

#endif /* CRL_H */
