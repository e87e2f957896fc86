/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * lane_keys: derives the keys of a lane (PROTOCOL 5.2).
 *
 *   secret = HKDF-Extract(SHA-256, salt = X25519(our share, their share) | PSK,
 *                         IKM = TLS exporter "EXPORTER-tombolo-lane")
 *   key    = HKDF-Expand(secret, "tombolo " purpose | session id 24 |
 *                        phase 8 | lane 8 | transcript hash, 32)
 *
 * The exporter binds the keys to the control session.  The X25519 secret
 * protects earlier phases if that session's memory leaks.  The pre-shared key,
 * if the ends have one, protects the lanes if the two others are broken.  The
 * hash covers the exact bytes of both hellos: after a downgrade lanes do not
 * come up.
 */
#ifndef LANE_KEYS_H
#define LANE_KEYS_H

#include <stdbool.h>
#include <stdint.h>

#define LANE_KEYS_LABEL "EXPORTER-tombolo-lane" /* of the exporter */
#define LANE_KEYS_LEN	32
#define LANE_KEYS_SHARE 32 /* an X25519 public or private key */
#define LANE_KEYS_PSK	32 /* of one connection: keeper/psk.h */

/* One side's ephemeral key; wiped by lane_keys_agree(). */
struct lane_share {
	uint8_t private_key[LANE_KEYS_SHARE];
	uint8_t public_key[LANE_KEYS_SHARE];
};

/* Kept by a session until its lanes of one phase have started. */
struct lane_secret {
	uint8_t	 secret[LANE_KEYS_LEN];
	uint8_t	 transcript[32];
	uint32_t session;
};

/* The keys of one lane. */
struct lane_keys {
	uint8_t psk[LANE_KEYS_LEN];
	uint8_t mac_client[LANE_KEYS_LEN]; /* for MACs of what the client sends */
	uint8_t mac_server[LANE_KEYS_LEN];
};

void lane_keys_share_new(struct lane_share *share);

/*
 * Mixes exporter (32 bytes), both shares and `psk` (NULL: none), and wipes our
 * private key.  False if the peer's share is a point of small order (all-zero
 * result, RFC 7748 6.1): end the session then.
 */
bool lane_keys_agree(struct lane_secret *secret, struct lane_share *ours,
    const uint8_t theirs[LANE_KEYS_SHARE], const uint8_t *psk,
    const uint8_t exporter[32], const uint8_t transcript[32], uint32_t session);

/*
 * Replaces the transcript when keys are renewed: hashes `transcript` of the
 * session, the new phase, and the shares of both ends (PROTOCOL 5.6).
 */
void lane_keys_renewal(uint8_t renewal[32], const uint8_t transcript[32],
    uint8_t phase, const uint8_t client_share[LANE_KEYS_SHARE],
    const uint8_t server_share[LANE_KEYS_SHARE]);

void lane_keys_derive(struct lane_keys *keys, const struct lane_secret *secret,
    uint8_t phase, uint8_t lane);

#endif /* LANE_KEYS_H */
