/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * own_ca: the CA that `init` made, and what the commands do with its files.
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

/* From DIR; own_ca_fini() wipes it. */
bool own_ca_read(struct own_ca *ca, const char *dir, const char *who);
void own_ca_fini(struct own_ca *ca);

/* The certificate alone; ca_pem_fini(). */
bool own_ca_read_cert(struct ca_pem *cert, const char *dir, const char *who);

/* Any file of at most `max` bytes.  0, or a negative errno value and no text. */
int own_ca_read_pem(struct ca_pem *pem, const char *dir, const char *name,
    size_t max);

/*
 * Puts the certificate that `site` has into the list of revoked ones, and
 * removes sites.d/NAME.crt once a daemon that runs goes by that list; without
 * such a file there is nothing to do.  `conf` NULL: it cannot be read, the list
 * is where it is by default.
 */
bool own_ca_revoke(const struct options *options, const struct conf *conf,
    const char *site, const char *who);

/* The list with nobody in it: from the start, one that is missing is a fault. */
bool own_ca_make_crl(struct file_txn *undo, const char *dir,
    const struct own_ca *ca);

/*
 * The RSA key and certificate that tls-srp needs, unless they are there; they
 * are for the server `conf` names.
 */
bool own_ca_make_rsa(struct file_txn *undo, const struct conf *conf,
    const struct own_ca *ca);
/* Whether one of the two is missing. */
bool own_ca_lacks_rsa(const struct conf *conf);

/*
 * The next name of a certificate that the configuration does not have, from
 * place `*i` on; false when there is no more.
 */
bool own_ca_lost_name(const struct conf *conf, const struct ca_pem *cert,
    unsigned *i, char name[CA_NAME_SIZE]);

#endif /* OWN_CA_H */
