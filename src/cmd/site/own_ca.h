/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * own_ca: the CA that `init` created, and the commands' access to its files.
 *
 *   DIR/ca.crt              in every invitation
 *   DIR/ca.key              root's; may be kept elsewhere until it is needed
 *   DIR/sites.d/NAME.crt    the certificate that was issued to a site, so that
 *                           it can be revoked
 *
 * Each function that can fail returns false after one line on stderr, which
 * begins with `who`.
 */
#ifndef OWN_CA_H
#define OWN_CA_H

#include <stdbool.h>

#include "cmd/util/options.h"
#include "cmd/util/file_txn.h"
#include "conf/conf.h"
#include "pki/ca.h"

#define OWN_CA_KEY  "ca.key"
#define OWN_CA_CERT "ca.crt"

struct own_ca {
	struct ca_pem key, cert;
};

/* Reads both from DIR; own_ca_fini() wipes them. */
bool own_ca_read(struct own_ca *ca, const char *dir, const char *who);
void own_ca_fini(struct own_ca *ca);

/* Reads the certificate only; free it with ca_pem_fini(). */
bool own_ca_read_cert(struct ca_pem *cert, const char *dir, const char *who);

/*
 * Reads any file of at most `max` bytes.  0; or a negative errno value and no
 * text.
 */
int own_ca_read_pem(struct ca_pem *pem, const char *dir, const char *name,
    size_t max);

/*
 * Revokes the certificate of `site`: adds it to the list, and removes
 * sites.d/NAME.crt once a running daemon uses that list.  Without such a file
 * there is nothing to do.  `conf` NULL: it cannot be read; the list is at its
 * default path.
 */
bool own_ca_revoke(const struct options *options, const struct conf *conf,
    const char *site, const char *who);

/* Creates the empty list: from then on a missing list is an error. */
bool own_ca_make_crl(struct file_txn *undo, const char *dir,
    const struct own_ca *ca);

/*
 * Creates the RSA key and certificate that tls-srp needs, unless they exist;
 * they are for the server that `conf` names.
 */
bool own_ca_make_rsa(struct file_txn *undo, const struct conf *conf,
    const struct own_ca *ca);
/* True if one of the two is missing. */
bool own_ca_lacks_rsa(const struct conf *conf);

/*
 * Finds the next name in a certificate that the configuration lacks, from index
 * `*i` on; false if there are no more.
 */
bool own_ca_lost_name(const struct conf *conf, const struct ca_pem *cert,
    unsigned *i, char name[CA_NAME_SIZE]);

#endif /* OWN_CA_H */
