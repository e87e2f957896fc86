/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * keypair: a certificate chain and the private key of its first certificate,
 * and whether they can be used for a handshake.
 *
 * The two files are written one after the other, so a pair is verified before
 * it is used: the key's public half must be the certificate's, and a signature
 * by the key must verify with the certificate.  The keeper does this before it
 * signs; `check` does it before anybody runs it.
 *
 * Text in, text out (PEM); no files.  Every failure gives a reason in words.
 */
#ifndef KEYPAIR_H
#define KEYPAIR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <gnutls/abstract.h>

#include "pki/ca.h"

#define KEYPAIR_MAX_CHAIN	  8	/* certificates; GnuTLS would ignore more */
#define KEYPAIR_MAX_TEXT	  24576 /* bytes of such a chain; fits into a request */
#define KEYPAIR_MIN_RSA_BITS 2048
#define KEYPAIR_ID_LEN	  32
#define KEYPAIR_WHY_SIZE	  256

/* What is needed of a public key by those without the private key. */
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
 * True if `text` is a chain usable in a handshake: at most KEYPAIR_MAX_CHAIN
 * certificates, the first with a key that TLS 1.3 can sign with here.  Gives
 * the first key, and the certificates without anything else in the file
 * (`clean`, the caller's); both may be NULL.
 */
bool keypair_read_chain(const char *text, size_t len, struct keypair_public *key,
    struct ca_pem *clean, char why[KEYPAIR_WHY_SIZE]);

/*
 * Reads an unencrypted private key of such a kind; the caller calls
 * gnutls_privkey_deinit(key->key).
 */
bool keypair_read_key(const char *text, size_t len, struct keypair *key,
    char why[KEYPAIR_WHY_SIZE]);

/*
 * True if the key belongs to the chain: compares them and verifies a signature.
 */
bool keypair_prove(const char *chain, size_t len, const struct keypair *key,
    char why[KEYPAIR_WHY_SIZE]);

/* Both of the above for two files: what `run` would say about them. */
bool keypair_check(const char *chain, size_t chain_len, const char *key,
    size_t key_len, char why[KEYPAIR_WHY_SIZE]);

/*
 * True if the other end accepts such a chain, whatever the time is: signed by a
 * CA in `ca` (empty: not checked), and for a server, or for the login of that
 * site (NULL: for a server).
 */
bool keypair_is_taken(const struct ca_pem *chain, const struct ca_pem *ca,
    const char *site, char why[KEYPAIR_WHY_SIZE]);
/* True if there is a certificate at all. */
bool keypair_is_ca(const struct ca_pem *ca);

#endif /* KEYPAIR_H */
