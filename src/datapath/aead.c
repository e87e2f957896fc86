/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "datapath/aead.h"

#include "base/secret.h"

void
aead_init(struct aead *aead)
{
	for (unsigned i = 0; i < AEAD_CIPHERS; i++)
		aead->of[i] = &aead_gnutls;
}

bool
aead_key_init(struct aead_key *key, const struct aead_lib *lib,
    enum aead_cipher cipher, const uint8_t *secret)
{
	key->lib = lib;
	key->key = lib->key_new(lib, cipher, secret);
	return key->key != NULL;
}

void
aead_key_fini(struct aead_key *key)
{
	if (key->key != NULL)
		key->lib->key_free(key->key);
	key->key = NULL;
}

bool
aead_seal(struct aead_key *key, struct aead_record *records, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		if (!key->lib->seal(key->key, &records[i]))
			return false;
	}
	return true;
}

/* Libraries decrypt before they compare: what it was is for nobody. */
unsigned
aead_open(struct aead_key *key, struct aead_record *records, unsigned n)
{
	unsigned authentic = 0;

	for (struct aead_record *r = records; r < records + n; r++) {
		r->authentic = key->lib->open(key->key, r);
		authentic += r->authentic;
		if (!r->authentic)
			secret_wipe(r->dst, r->len);
	}
	return authentic;
}
