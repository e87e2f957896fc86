/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * site_credential: what a site of each method proves itself with, made new.
 *
 * Of a password the server's file holds only what verifies it; of a
 * certificate nothing: its private key goes into the invitation alone.  With
 * PAM the password is not ours: the file has random digits, so that tokens can
 * be told from those before the last `site passwd`.
 */
#ifndef SITE_CREDENTIAL_H
#define SITE_CREDENTIAL_H

#include <stdbool.h>

#include "cmd/util/options.h"
#include "cmd/util/password.h"
#include "pki/ca.h"

#define SITE_CREDENTIAL_LINE 1344 /* of the keeper's file, all methods */

/* Zeroed is none. */
struct site_credential {
	char line[SITE_CREDENTIAL_LINE]; /* with its newline; "": no file */
	char secret[PASSWORD_SIZE]; /* for the invitation; "": not in it */
	struct ca_pem cert, key;    /* for the invitation; empty: the same */
};

/*
 * Makes one for `site`, by the options --generate and --password-file, or after
 * asking.  False after one line on stderr, which begins with `who`.
 */
bool site_credential_make(struct site_credential *credential,
    const struct options *options, const struct conf *conf,
    const struct conf_site *site, const char *who);
/* Wipes it. */
void site_credential_fini(struct site_credential *credential);

/* Whether sites' certificates come from our own CA, `init`'s. */
bool site_credential_is_our_ca(const struct conf *conf);

#endif /* SITE_CREDENTIAL_H */
