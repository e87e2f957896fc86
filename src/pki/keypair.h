/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * keypair: a certificate chain and the private key of its first certificate, and
 * whether a handshake can be made with them.
 *
 * Two files that make sense only together are written one after the other; so
 * before a pair is used it is proven: the key's public half is the
 * certificate's, and what the key signs verifies with the certificate.  The
 * keeper proves it before it signs for it, `check` before anybody runs it.
 *
 * Text in, text out (PEM); no files.  Every failure is a reason in words.
 */
#ifndef KEYPAIR_H
#define KEYPAIR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <gnutls/abstract.h>

#include "pki/ca.h"

#define KEYPAIR_MAX_CHAIN	  8	/* certificates; more, GnuTLS would cut off */
#define KEYPAIR_MAX_TEXT	  24576 /* bytes of such a chain: fits a request */
#define KEYPAIR_MIN_RSA_BITS 2048
#define KEYPAIR_ID_LEN	  32
#define KEYPAIR_WHY_SIZE	  256

/* A public key, as far as those who have no other half need to know it. */
struct keypair_public {
	gnutls_pk_algorithm_t pk;
	unsigned	      bits;
	uint8_t		      id[KEYPAIR_ID_LEN]; /* SHA-256 of its SPKI */
};

struct keypair {
	gnutls_privkey_t   key;
	struct keypair_public public;
};

/*
 * Whether `text` is a chain that a handshake can show: at most KEYPAIR_MAX_CHAIN
 * certificates, the first with a key of a kind that TLS 1.3 can sign with here.
 * Gives its first key, and the certificates alone (`clean`, the caller's; both
 * may be NULL), without what else may be in the file.
 */
bool keypair_read_chain(const char *text, size_t len, struct keypair_public *key,
    struct ca_pem *clean, char why[KEYPAIR_WHY_SIZE]);

/* An unencrypted private key of such a kind; gnutls_privkey_deinit(key->key). */
bool keypair_read_key(const char *text, size_t len, struct keypair *key,
    char why[KEYPAIR_WHY_SIZE]);

/* Whether the key is the chain's: compared, and one signature verified. */
bool keypair_prove(const char *chain, size_t len, const struct keypair *key,
    char why[KEYPAIR_WHY_SIZE]);

/* Both of the above for two files: what `run` would say of them. */
bool keypair_check(const char *chain, size_t chain_len, const char *key,
    size_t key_len, char why[KEYPAIR_WHY_SIZE]);

/*
 * Whether the other end takes such a chain, whatever the time is: made by a CA
 * in `ca` (no text: that is not known here), and for a server, or to log in the
 * site of that name (NULL: for a server).
 */
bool keypair_is_taken(const struct ca_pem *chain, const struct ca_pem *ca,
    const char *site, char why[KEYPAIR_WHY_SIZE]);
/* Whether there is a certificate at all. */
bool keypair_is_ca(const struct ca_pem *ca);

#endif /* KEYPAIR_H */
