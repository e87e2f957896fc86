/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "keeper/token.h"

#include <assert.h>
#include <string.h>

#include "base/secret.h"
#include "base/wire.h"
#include "keeper/seal.h"

#define LABEL	"tombolo token 1"
#define VERSION 1
#define PLAIN	(TOKEN_MAX - SEAL_OVERHEAD)
/* Offsets of its members; a 16 bit length precedes the site. */
#define METHOD	   1
#define EXPIRY	   2
#define CREDENTIAL 10
#define SECRET	   (CREDENTIAL + TOKEN_CREDENTIAL_LEN)
#define LENGTH	   (SECRET + TOKEN_SECRET_LEN)
#define SITE	   (LENGTH + 2)

static_assert(SITE + CONF_NAME_MAX <= PLAIN, "the longest name fits");

size_t
token_seal(uint8_t *out, const uint8_t key[TOKEN_KEY_LEN],
    const struct token *token)
{
	uint8_t plain[PLAIN] = { VERSION, (uint8_t)token->method };
	size_t	len = strlen(token->site);

	wire_write_u64(plain + EXPIRY, (uint64_t)token->expiry);
	memcpy(plain + CREDENTIAL, token->credential, TOKEN_CREDENTIAL_LEN);
	memcpy(plain + SECRET, token->secret, TOKEN_SECRET_LEN);
	wire_write_u16(plain + LENGTH, (uint16_t)len);
	memcpy(plain + SITE, token->site, len);
	seal_close(out, key, LABEL, plain, SITE + len);
	secret_wipe(plain, sizeof(plain));
	return SITE + len + SEAL_OVERHEAD;
}

bool
token_open(struct token *token, const uint8_t key[TOKEN_KEY_LEN],
    const uint8_t *sealed, size_t len, time_t now)
{
	uint8_t plain[PLAIN];
	time_t	expiry;
	bool	good;

	*token = (struct token) { 0 };
	if (len < SITE + SEAL_OVERHEAD || len > TOKEN_MAX ||
	    !seal_open(plain, key, LABEL, sealed, len))
		return false;
	len -= SITE + SEAL_OVERHEAD;
	expiry = (time_t)wire_read_u64(plain + EXPIRY);
	good = plain[0] == VERSION && plain[METHOD] < CONF_AUTHS &&
	    now < expiry && wire_read_u16(plain + LENGTH) == len &&
	    len <= CONF_NAME_MAX && memchr(plain + SITE, '\0', len) == NULL;
	if (good) {
		token->method = (enum conf_auth)plain[METHOD];
		token->expiry = expiry;
		memcpy(token->credential, plain + CREDENTIAL,
		    TOKEN_CREDENTIAL_LEN);
		memcpy(token->secret, plain + SECRET, TOKEN_SECRET_LEN);
		memcpy(token->site, plain + SITE, len);
	}
	secret_wipe(plain, sizeof(plain));
	return good;
}
