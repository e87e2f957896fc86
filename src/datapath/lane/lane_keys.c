/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "datapath/lane/lane_keys.h"

#include <stdio.h>
#include <string.h>

#include <nettle/curve25519.h>
#include <nettle/hkdf.h>
#include <nettle/hmac.h>
#include <nettle/sha2.h>

#include "base/secret.h"
#include "base/wire.h"

static void expand(uint8_t out[LANE_KEYS_LEN], const struct lane_secret *secret,
    const char *purpose, uint8_t phase, uint8_t lane);

void
lane_keys_share_new(struct lane_share *share)
{
	secret_random(share->private_key, sizeof(share->private_key));
	curve25519_mul_g(share->public_key, share->private_key);
}

bool
lane_keys_agree(struct lane_secret *secret, struct lane_share *ours,
    const uint8_t theirs[LANE_KEYS_SHARE], const uint8_t *psk,
    const uint8_t exporter[32], const uint8_t transcript[32], uint32_t session)
{
	static const uint8_t   zero[LANE_KEYS_SHARE];
	uint8_t		       shared[LANE_KEYS_SHARE + LANE_KEYS_PSK];
	size_t		       len = LANE_KEYS_SHARE;
	struct hmac_sha256_ctx hmac;
	bool		       usable;

	curve25519_mul(shared, ours->private_key, theirs);
	secret_wipe(ours->private_key, sizeof(ours->private_key));
	usable = !secret_equal(shared, zero, sizeof(zero));
	if (psk != NULL) {
		memcpy(shared + len, psk, LANE_KEYS_PSK);
		len += LANE_KEYS_PSK;
	}

	hmac_sha256_set_key(&hmac, len, shared);
	hkdf_extract(&hmac, (nettle_hash_update_func *)hmac_sha256_update,
	    (nettle_hash_digest_func *)hmac_sha256_digest, SHA256_DIGEST_SIZE,
	    32, exporter, secret->secret);
	memcpy(secret->transcript, transcript, sizeof(secret->transcript));
	secret->session = session;

	secret_wipe(shared, sizeof(shared));
	secret_wipe(&hmac, sizeof(hmac));
	return usable;
}

void
lane_keys_renewal(uint8_t renewal[32], const uint8_t transcript[32],
    uint8_t phase, const uint8_t client_share[LANE_KEYS_SHARE],
    const uint8_t server_share[LANE_KEYS_SHARE])
{
	static const char label[] = "tombolo rekey";
	struct sha256_ctx sha;

	sha256_init(&sha);
	sha256_update(&sha, sizeof(label) - 1, (const uint8_t *)label);
	sha256_update(&sha, 32, transcript);
	sha256_update(&sha, 1, &phase);
	sha256_update(&sha, LANE_KEYS_SHARE, client_share);
	sha256_update(&sha, LANE_KEYS_SHARE, server_share);
	sha256_digest(&sha, 32, renewal);
}

void
lane_keys_derive(struct lane_keys *keys, const struct lane_secret *secret,
    uint8_t phase, uint8_t lane)
{
	expand(keys->psk, secret, "psk", phase, lane);
	expand(keys->mac_client, secret, "gate client", phase, lane);
	expand(keys->mac_server, secret, "gate server", phase, lane);
}

static void
expand(uint8_t out[LANE_KEYS_LEN], const struct lane_secret *secret,
    const char *purpose, uint8_t phase, uint8_t lane)
{
	uint8_t		       info[96];
	struct hmac_sha256_ctx hmac;
	size_t len = (size_t)snprintf((char *)info, sizeof(info), "tombolo %s",
	    purpose);

	wire_write_u24(info + len, secret->session);
	info[len + 3] = phase;
	info[len + 4] = lane;
	memcpy(info + len + 5, secret->transcript, sizeof(secret->transcript));
	len += 5 + sizeof(secret->transcript);

	hmac_sha256_set_key(&hmac, sizeof(secret->secret), secret->secret);
	hkdf_expand(&hmac, (nettle_hash_update_func *)hmac_sha256_update,
	    (nettle_hash_digest_func *)hmac_sha256_digest, SHA256_DIGEST_SIZE,
	    len, info, LANE_KEYS_LEN, out);
	secret_wipe(&hmac, sizeof(hmac));
}
