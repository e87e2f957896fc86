/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fuzz_srp: verifiers' lines, and the numbers that the other end sends.
 *
 * The first byte chooses.  The slow hash is left out: it takes what is here
 * only after all of this was accepted.
 */
#include "fuzz.h"

#include "keeper/auth_srp.h"
#include "keeper/srp.h"
#include "keeper/yescrypt.h"
#include "tls_srp/keeper/auth_tls_srp.h"

static void
parse_lines(const char *line)
{
	struct auth_srp_verifier verifier;
#ifdef HAVE_TLS_SRP
	struct auth_tls_srp	 user;
#endif

	if (auth_srp_parse(&verifier, line)) {
		FUZZ_CHECK(verifier.v_len == verifier.group / 8);
		FUZZ_CHECK(yescrypt_setting_len(verifier.setting) ==
		    strlen(verifier.setting));
	}
#ifdef HAVE_TLS_SRP
	if (auth_tls_srp_parse(&user, line))
		FUZZ_CHECK(user.v_len == user.group / 8);
#endif
}

/* A hostile A: the proof must not be found right. */
static void
finish(const uint8_t *public_a, size_t len)
{
	static struct auth_srp_verifier verifier;
	uint8_t b[AUTH_SRP_PRIVATE_LEN] = { 3 }, m1[32] = { 1 }, m2[32];

	verifier.group = 3072;
	verifier.v_len = 384;
	verifier.v[383] = 7;
	memcpy(verifier.setting, "$y$j9T$abcd", 12);
	FUZZ_CHECK(!auth_srp_finish(&verifier, "berlin", b, b, public_a, len,
	    m1, m2));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char line[2048];

	if (size < 1)
		return 0;
	if (data[0] % 8 == 0 && size - 1 <= 512) {
		finish(data + 1, size - 1);
		return 0;
	}
	size = size - 1 < sizeof(line) - 1 ? size - 1 : sizeof(line) - 1;
	memcpy(line, data + 1, size);
	line[size] = '\0';
	parse_lines(line);
	return 0;
}
