/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "keeper/seal.h"

#include <string.h>

#include <nettle/gcm.h>

#include "base/secret.h"

static void begin(struct gcm_aes256_ctx *ctx, const uint8_t *key,
    const uint8_t *nonce, const char *label);

void
seal_close(uint8_t *out, const uint8_t key[SEAL_KEY_LEN], const char *label,
    const uint8_t *plain, size_t len)
{
	struct gcm_aes256_ctx ctx;

	secret_random(out, GCM_IV_SIZE);
	begin(&ctx, key, out, label);
	gcm_aes256_encrypt(&ctx, len, out + GCM_IV_SIZE, plain);
	gcm_aes256_digest(&ctx, GCM_DIGEST_SIZE, out + GCM_IV_SIZE + len);
	secret_wipe(&ctx, sizeof(ctx));
}

bool
seal_open(uint8_t *plain, const uint8_t key[SEAL_KEY_LEN], const char *label,
    const uint8_t *sealed, size_t len)
{
	struct gcm_aes256_ctx ctx;
	uint8_t		      tag[GCM_DIGEST_SIZE];
	bool		      good;

	if (len < SEAL_OVERHEAD)
		return false;
	len -= SEAL_OVERHEAD;
	begin(&ctx, key, sealed, label);
	gcm_aes256_decrypt(&ctx, len, plain, sealed + GCM_IV_SIZE);
	gcm_aes256_digest(&ctx, sizeof(tag), tag);
	good = secret_equal(tag, sealed + GCM_IV_SIZE + len, sizeof(tag));
	if (!good)
		secret_wipe(plain, len);
	secret_wipe(&ctx, sizeof(ctx));
	return good;
}

static void
begin(struct gcm_aes256_ctx *ctx, const uint8_t *key, const uint8_t *nonce,
    const char *label)
{
	gcm_aes256_set_key(ctx, key);
	gcm_aes256_set_iv(ctx, GCM_IV_SIZE, nonce);
	gcm_aes256_update(ctx, strlen(label), (const uint8_t *)label);
}
