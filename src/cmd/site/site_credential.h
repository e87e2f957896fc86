/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * site_credential: creates the credential of a site, by its method.
 *
 * For a password the server's file holds only a verifier.  For a certificate it
 * holds nothing: the private key is only in the invitation.  With PAM the
 * password is not ours: the file holds random digits, so that tokens from
 * before the last `site passwd` can be told apart.
 */
#ifndef SITE_CREDENTIAL_H
#define SITE_CREDENTIAL_H

#include <stdbool.h>

#include "cmd/util/options.h"
#include "cmd/util/password.h"
#include "pki/ca.h"

#define SITE_CREDENTIAL_LINE 1344 /* of the keeper's file, any method */

/* Zeroed storage is no credential. */
struct site_credential {
	char line[SITE_CREDENTIAL_LINE]; /* with its newline; "": no file */
	char secret[PASSWORD_SIZE]; /* for the invitation; "": not in it */
	struct ca_pem cert, key;    /* for the invitation; empty: the same */
};

/*
 * Creates a credential for `site`, by the options --generate and
 * --password-file, or by asking.  False after one line on stderr, which begins
 * with `who`.
 */
bool site_credential_make(struct site_credential *credential,
    const struct options *options, const struct conf *conf,
    const struct conf_site *site, const char *who);
/* Wipes it. */
void site_credential_fini(struct site_credential *credential);

/* True if `init`'s CA issues the sites' certificates. */
bool site_credential_is_our_ca(const struct conf *conf);

#endif /* SITE_CREDENTIAL_H */
