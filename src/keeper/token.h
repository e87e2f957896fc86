/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * token: lets a site reconnect without its password; sealed, so that only the
 * keeper can read it (PROTOCOL 4.4 describes its use).
 *
 *   nonce 12 | AES-256-GCM( version 8 | method 8 | expiry 64 | credential 128 |
 *                           secret 256 | site ... ) | tag 16
 *
 * `credential` is a digest of the file that verified the site, and of its time:
 * a new password revokes all earlier tokens, and so does `site disable`. Pure:
 * the caller passes the time.
 */
#ifndef TOKEN_H
#define TOKEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "conf/conf.h"

#define TOKEN_KEY_LEN	     32
#define TOKEN_SECRET_LEN     32
#define TOKEN_CREDENTIAL_LEN 16
#define TOKEN_MAX	     256 /* bytes, sealed */

struct token {
	char	       site[CONF_NAME_MAX + 1];
	enum conf_auth method;
	time_t	       expiry; /* CLOCK_REALTIME: it survives a restart */
	uint8_t	       credential[TOKEN_CREDENTIAL_LEN];
	uint8_t	       secret[TOKEN_SECRET_LEN];
};

/* Returns the number of bytes written to `out` (TOKEN_MAX of room). */
size_t token_seal(uint8_t *out, const uint8_t key[TOKEN_KEY_LEN],
    const struct token *token);

/* False: not sealed with this key, or expired; `*token` is empty then. */
bool token_open(struct token *token, const uint8_t key[TOKEN_KEY_LEN],
    const uint8_t *sealed, size_t len, time_t now);

#endif /* TOKEN_H */
