/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "pki/keypair.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bsd/string.h>
#include <gnutls/x509.h>

#include "pki/x509.h"

/* The certificates of one file. */
struct chain {
	gnutls_x509_crt_t *certs;
	unsigned	   n;
	gnutls_pubkey_t	   leaf_key;
};

static bool chain_open(struct chain *chain, const char *text, size_t len,
    char *why);
static void chain_close(struct chain *chain);
static bool chain_print(const struct chain *chain, struct ca_pem *clean,
    char *why);
static bool describe(gnutls_pubkey_t key, struct keypair_public *public,
    char *why);
static bool is_signed_by(gnutls_pubkey_t verifier, const struct keypair *key);
static gnutls_x509_trust_list_t trust_open(const struct ca_pem *ca);
static bool is_made_by(const struct chain *chain, const struct ca_pem *ca);
static bool fail(char *why, const char *text);

bool
keypair_read_chain(const char *text, size_t len, struct keypair_public *key,
    struct ca_pem *clean, char why[KEYPAIR_WHY_SIZE])
{
	AUTO(chain_close) struct chain chain;
	struct keypair_public	       unused;

	return chain_open(&chain, text, len, why) &&
	    describe(chain.leaf_key, key != NULL ? key : &unused, why) &&
	    (clean == NULL || chain_print(&chain, clean, why));
}

bool
keypair_read_key(const char *text, size_t len, struct keypair *key,
    char why[KEYPAIR_WHY_SIZE])
{
	gnutls_datum_t	datum = x509_datum(text, len);
	gnutls_pubkey_t half = NULL;
	bool		ok;

	if (memmem(text, len, "ENCRYPTED", 9) != NULL)
		return fail(why, "the key is encrypted, which is not "
		    "supported: decrypt it (openssl pkey)");
	if (gnutls_privkey_init(&key->key) < 0)
		return fail(why, "out of memory");
	ok = gnutls_privkey_import_x509_raw(key->key, &datum, GNUTLS_X509_FMT_PEM,
		 NULL, GNUTLS_PKCS_PLAIN) >= 0 &&
	    gnutls_pubkey_init(&half) >= 0 &&
	    gnutls_pubkey_import_privkey(half, key->key, 0, 0) >= 0;
	if (!ok)
		fail(why, "not a private key in PEM");
	ok = ok && describe(half, &key->public, why);
	if (half != NULL)
		gnutls_pubkey_deinit(half);
	if (!ok)
		gnutls_privkey_deinit(key->key);
	return ok;
}

bool
keypair_prove(const char *text, size_t len, const struct keypair *key,
    char why[KEYPAIR_WHY_SIZE])
{
	AUTO(chain_close) struct chain chain;
	struct keypair_public	       leaf;

	if (!chain_open(&chain, text, len, why) ||
	    !describe(chain.leaf_key, &leaf, why))
		return false;
	if (memcmp(leaf.id, key->public.id, sizeof(leaf.id)) == 0 &&
	    is_signed_by(chain.leaf_key, key))
		return true;
	return fail(why, "the key does not match the certificate, which must "
	    "be the first in its file");
}

bool
keypair_check(const char *chain, size_t chain_len, const char *key_text,
    size_t key_len, char why[KEYPAIR_WHY_SIZE])
{
	struct keypair key;
	bool		ok;

	if (!keypair_read_key(key_text, key_len, &key, why))
		return false;
	ok = keypair_prove(chain, chain_len, &key, why);
	gnutls_privkey_deinit(key.key);
	return ok;
}

bool
keypair_is_taken(const struct ca_pem *text, const struct ca_pem *ca,
    const char *site, char why[KEYPAIR_WHY_SIZE])
{
	const char *purpose = site != NULL ? GNUTLS_KP_TLS_WWW_CLIENT :
					     GNUTLS_KP_TLS_WWW_SERVER;
	AUTO(chain_close) struct chain chain;
	unsigned usage;

	if (!chain_open(&chain, text->text, text->len, why))
		return false;
	if (gnutls_x509_crt_check_key_purpose(chain.certs[0], purpose, 0) == 0)
		return fail(why, site != NULL ? "is not for a client" :
						"is not for a server");
	/* If the extension is missing, all uses are allowed. */
	if (gnutls_x509_crt_get_key_usage(chain.certs[0], &usage, NULL) == 0 &&
	    (usage & GNUTLS_KEY_DIGITAL_SIGNATURE) == 0)
		return fail(why, "has no digitalSignature in its key usage");
	if (site != NULL && !x509_has_only_name(chain.certs[0], site)) {
		snprintf(why, KEYPAIR_WHY_SIZE, "is not for the site %s alone",
		    site);
		return false;
	}
	if (ca->len > 0 && !is_made_by(&chain, ca))
		return fail(why, "was not made by the CA of the invitations");
	return true;
}

bool
keypair_is_ca(const struct ca_pem *ca)
{
	gnutls_x509_trust_list_t trust = trust_open(ca);

	if (trust != NULL)
		gnutls_x509_trust_list_deinit(trust, 1);
	return trust != NULL;
}

/* NULL: no certificate in it. */
static gnutls_x509_trust_list_t
trust_open(const struct ca_pem *ca)
{
	gnutls_datum_t text = x509_datum(ca->text, ca->len);
	gnutls_x509_trust_list_t trust;

	if (gnutls_x509_trust_list_init(&trust, 0) < 0)
		return NULL;
	if (gnutls_x509_trust_list_add_trust_mem(trust, &text, NULL,
		GNUTLS_X509_FMT_PEM, 0, 0) > 0)
		return trust;
	gnutls_x509_trust_list_deinit(trust, 1);
	return NULL;
}

static bool
is_made_by(const struct chain *chain, const struct ca_pem *ca)
{
	gnutls_x509_trust_list_t trust = trust_open(ca);
	unsigned status = 1;
	int	 r;

	if (trust == NULL)
		return false;
	r = gnutls_x509_trust_list_verify_crt(trust, chain->certs, chain->n,
	    GNUTLS_VERIFY_DISABLE_TIME_CHECKS, &status, NULL);
	gnutls_x509_trust_list_deinit(trust, 1);
	return r >= 0 && status == 0;
}

static bool
chain_open(struct chain *chain, const char *text, size_t len, char *why)
{
	gnutls_datum_t datum = x509_datum(text, len);
	int	       r;

	*chain = (struct chain) { 0 };
	r = gnutls_x509_crt_list_import2(&chain->certs, &chain->n, &datum,
	    GNUTLS_X509_FMT_PEM, 0);
	if (r < 0 || chain->n == 0) {
		chain->n = 0;
		snprintf(why, KEYPAIR_WHY_SIZE, "the certificate cannot be read: "
		    "%s", r < 0 ? gnutls_strerror(r) : "none in the file");
		return false;
	}
	if (chain->n > KEYPAIR_MAX_CHAIN) {
		snprintf(why, KEYPAIR_WHY_SIZE, "a chain of %u certificates: "
		    "at most %d are allowed", chain->n, KEYPAIR_MAX_CHAIN);
		return false;
	}
	if (gnutls_pubkey_init(&chain->leaf_key) < 0 ||
	    gnutls_pubkey_import_x509(chain->leaf_key, chain->certs[0], 0) < 0)
		return fail(why, "the certificate's key cannot be read");
	return true;
}

static void
chain_close(struct chain *chain)
{
	for (unsigned i = 0; i < chain->n; i++)
		gnutls_x509_crt_deinit(chain->certs[i]);
	gnutls_free(chain->certs);
	if (chain->leaf_key != NULL)
		gnutls_pubkey_deinit(chain->leaf_key);
}

static bool
chain_print(const struct chain *chain, struct ca_pem *clean, char *why)
{
	char *text = malloc(KEYPAIR_MAX_TEXT + 1);
	size_t len = 0;

	if (text == NULL)
		return fail(why, "out of memory");
	for (unsigned i = 0; i < chain->n; i++) {
		size_t size = KEYPAIR_MAX_TEXT - len;

		if (gnutls_x509_crt_export(chain->certs[i],
			GNUTLS_X509_FMT_PEM, text + len, &size) < 0) {
			free(text);
			return fail(why, "the certificates are too large");
		}
		len += size;
	}
	text[len] = '\0';
	*clean = (struct ca_pem) { .text = text, .len = len };
	return true;
}

/* The kinds that signer.c signs with and tls_context.c offers. */
static bool
describe(gnutls_pubkey_t key, struct keypair_public *public, char *why)
{
	size_t	 len = sizeof(public->id);
	unsigned bits = 0;
	int	 pk = gnutls_pubkey_get_pk_algorithm(key, &bits);
	bool	 rsa = pk == GNUTLS_PK_RSA || pk == GNUTLS_PK_RSA_PSS;

	if (!rsa && (pk != GNUTLS_PK_ECDSA ||
			(bits != 256 && bits != 384 && bits < 521))) {
		const char *name = pk > 0 ? gnutls_pk_get_name(
		    (gnutls_pk_algorithm_t)pk) : "unknown";

		snprintf(why, KEYPAIR_WHY_SIZE, "a key of kind %s with %u bits: a "
		    "handshake takes RSA, or ECDSA on P-256, P-384 or P-521",
		    name, bits);
		return false;
	}
	if (rsa && bits < KEYPAIR_MIN_RSA_BITS) {
		snprintf(why, KEYPAIR_WHY_SIZE, "an RSA key of %u bits is too "
		    "small: %d at least", bits, KEYPAIR_MIN_RSA_BITS);
		return false;
	}
	if (gnutls_pubkey_get_key_id(key, GNUTLS_KEYID_USE_SHA256, public->id,
		&len) < 0 || len != sizeof(public->id))
		return fail(why, "out of memory");
	public->pk = (gnutls_pk_algorithm_t)pk;
	public->bits = bits;
	return true;
}

static bool
is_signed_by(gnutls_pubkey_t verifier, const struct keypair *key)
{
	static const gnutls_datum_t text = { (unsigned char *)(uintptr_t)
		"tombolo pair", 12 };
	gnutls_sign_algorithm_t kind;
	gnutls_datum_t signature = { 0 };
	gnutls_pk_algorithm_t pk = key->public.pk;
	bool ok;

	kind = pk == GNUTLS_PK_ECDSA   ? GNUTLS_SIGN_ECDSA_SHA256 :
	       pk == GNUTLS_PK_RSA_PSS ? GNUTLS_SIGN_RSA_PSS_SHA256 :
					 GNUTLS_SIGN_RSA_PSS_RSAE_SHA256;
	ok = gnutls_privkey_sign_data2(key->key, kind, 0, &text, &signature) >= 0 &&
	    gnutls_pubkey_verify_data2(verifier, kind, 0, &text,
		&signature) >= 0;
	gnutls_free(signature.data);
	return ok;
}

static bool
fail(char *why, const char *text)
{
	strlcpy(why, text, KEYPAIR_WHY_SIZE);
	return false;
}
