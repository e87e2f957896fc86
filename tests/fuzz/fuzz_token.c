/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fuzz_token: what comes as a token, what could be sealed in one, and what may
 * become of a good one on its way: pairs of a place and a value to XOR there; a
 * byte that is left over cuts so much off.
 */
#include "fuzz.h"

#include "keeper/seal.h"
#include "keeper/token.h"

static const uint8_t key[TOKEN_KEY_LEN] = { 7 };

static void
change(const uint8_t *data, size_t size)
{
	static const struct token good = { .site = "berlin",
		.method = CONF_AUTH_SRP, .expiry = 2000 };
	uint8_t	     sealed[TOKEN_MAX], changed[TOKEN_MAX];
	struct token token;
	size_t	     len = token_seal(sealed, key, &good), cut = 0;
	bool	     same;

	memcpy(changed, sealed, len);
	for (size_t i = 0; i + 1 < size; i += 2)
		changed[data[i] % len] ^= data[i + 1];
	if (size % 2 == 1)
		cut = data[size - 1] % (len + 1);
	same = cut == 0 && memcmp(changed, sealed, len) == 0;
	FUZZ_CHECK(token_open(&token, key, changed, len - cut, 1000) == same);
	/* What is refused leaves nothing behind. */
	FUZZ_CHECK(same || (token.site[0] == '\0' && token.expiry == 0));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t	     sealed[TOKEN_MAX + 64];
	struct token token;

	/* Nobody can make one without the key. */
	FUZZ_CHECK(!token_open(&token, key, data, size, 0));
	change(data, size);
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
