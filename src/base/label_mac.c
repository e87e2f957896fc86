/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/label_mac.h"

#include <string.h>

#include <nettle/hmac.h>

#include "base/secret.h"

void
label_mac(uint8_t *out, size_t out_len, const uint8_t key[LABEL_MAC_KEY_LEN],
    const char *label, const void *a, size_t a_len, const void *b, size_t b_len)
{
	struct hmac_sha256_ctx hmac;

	hmac_sha256_set_key(&hmac, LABEL_MAC_KEY_LEN, key);
	hmac_sha256_update(&hmac, strlen(label), (const uint8_t *)label);
	if (a_len > 0)
		hmac_sha256_update(&hmac, a_len, a);
	if (b_len > 0)
		hmac_sha256_update(&hmac, b_len, b);
	hmac_sha256_digest(&hmac, out_len, out);
	secret_wipe(&hmac, sizeof(hmac));
}
