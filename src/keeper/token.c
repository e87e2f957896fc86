/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "keeper/token.h"

#include <string.h>

#include "base/secret.h"
#include "base/wire.h"
#include "keeper/seal.h"

#define LABEL	"tombolo token 1"
#define VERSION 1
#define PLAIN	(TOKEN_MAX - SEAL_OVERHEAD)

size_t
token_seal(uint8_t *out, const uint8_t key[TOKEN_KEY_LEN],
    const struct token *token)
{
	struct wire_writer w;
	uint8_t		   plain[PLAIN];
	size_t		   len;

	wire_writer_init(&w, plain, sizeof(plain));
	wire_put_u8(&w, VERSION);
	wire_put_u8(&w, (uint8_t)token->method);
	wire_put_u64(&w, (uint64_t)token->expiry);
	wire_put_bytes(&w, token->credential, sizeof(token->credential));
	wire_put_bytes(&w, token->secret, sizeof(token->secret));
	wire_put_string(&w, token->site);
	len = w.len;
	seal_close(out, key, LABEL, plain, len);
	secret_wipe(plain, sizeof(plain));
	return len + SEAL_OVERHEAD;
}

bool
token_open(struct token *token, const uint8_t key[TOKEN_KEY_LEN],
    const uint8_t *sealed, size_t len, time_t now)
{
	struct wire_reader r;
	uint8_t		   plain[PLAIN], version, method;
	bool		   good;

	*token = (struct token) { 0 };
	if (len < SEAL_OVERHEAD || len > TOKEN_MAX ||
	    !seal_open(plain, key, LABEL, sealed, len))
		return false;
	wire_reader_init(&r, plain, len - SEAL_OVERHEAD);
	version = wire_get_u8(&r);
	method = wire_get_u8(&r);
	token->expiry = (time_t)wire_get_u64(&r);
	wire_get_bytes(&r, token->credential, sizeof(token->credential));
	wire_get_bytes(&r, token->secret, sizeof(token->secret));
	wire_get_string(&r, token->site, sizeof(token->site));
	good = wire_is_done(&r) && version == VERSION && method < CONF_AUTHS &&
	    now < token->expiry;
	token->method = (enum conf_auth)method;
	secret_wipe(plain, sizeof(plain));
	if (!good)
		secret_wipe(token, sizeof(*token));
	return good;
}
