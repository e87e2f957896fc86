/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fuzz_token: what comes as a token, and what could be sealed in one.
 */
#include "fuzz.h"

#include "keeper/seal.h"
#include "keeper/token.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t key[TOKEN_KEY_LEN] = { 7 };
	uint8_t	     sealed[TOKEN_MAX + 64];
	struct token token;

	/* Nobody can make one without the key. */
	FUZZ_CHECK(!token_open(&token, key, data, size, 0));
	if (size > TOKEN_MAX)
		return 0;
	seal_close(sealed, key, "tombolo token 1", data, size);
	if (!token_open(&token, key, sealed, size + SEAL_OVERHEAD, 1000))
		return 0;
	FUZZ_CHECK(token.expiry > 1000 || token.expiry < 0);
	FUZZ_CHECK(strlen(token.site) <= CONF_NAME_MAX);
	FUZZ_CHECK(token.method < CONF_AUTHS);
	return 0;
}
