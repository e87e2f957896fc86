/* SPDX-License-Identifier: GPL-2.0-or-later */
/* aead_gnutls: the ciphers of GnuTLS, available on every host. */
#include "datapath/record/aead.h"

#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>

static const gnutls_cipher_algorithm_t algorithms[AEAD_CIPHERS] = {
	[AEAD_AES_128_GCM] = GNUTLS_CIPHER_AES_128_GCM,
	[AEAD_AES_256_GCM] = GNUTLS_CIPHER_AES_256_GCM,
	[AEAD_CHACHA20_POLY1305] = GNUTLS_CIPHER_CHACHA20_POLY1305,
};

enum aead_cipher
aead_gnutls_cipher(struct gnutls_session_int *session)
{
	unsigned i = 0;

	while (i < AEAD_CIPHERS && algorithms[i] != gnutls_cipher_get(session))
		i++;
	return (enum aead_cipher)i;
}

bool
aead_gnutls_only(void)
{
	return gnutls_fips140_mode_enabled() != 0;
}

static void *
key_new(const struct aead_lib *lib, enum aead_cipher cipher,
    const uint8_t *secret)
{
	gnutls_datum_t datum = { (uint8_t *)(uintptr_t)secret,
		(unsigned)gnutls_cipher_get_key_size(algorithms[cipher]) };
	gnutls_aead_cipher_hd_t key;

	return gnutls_aead_cipher_init(&key, algorithms[cipher], &datum) < 0 ?
	    NULL : key;
}

static void
key_free(void *key)
{
	gnutls_aead_cipher_deinit(key);
}

static bool
seal_record(void *key, const struct aead_record *r)
{
	size_t len = r->len + AEAD_TAG;

	return gnutls_aead_cipher_encrypt(key, r->nonce, AEAD_NONCE, r->aad,
	    r->aad_len, AEAD_TAG, r->src, r->len, r->dst, &len) >= 0;
}

static bool
open_record(void *key, const struct aead_record *r)
{
	size_t len = r->len;

	return gnutls_aead_cipher_decrypt(key, r->nonce, AEAD_NONCE, r->aad,
	    r->aad_len, AEAD_TAG, r->src, r->len + AEAD_TAG, r->dst, &len) >= 0;
}

const struct aead_lib aead_gnutls = { "GnuTLS", NULL, key_new, key_free,
	seal_record, open_record };
