/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tls_srp/keeper/auth_tls_srp.h"

#include <errno.h>
#include <string.h>

#include <nettle/sha1.h>

#include "base/hex.h"
#include "base/label_mac.h"
#include "base/secret.h"
#include "keeper/auth_password.h"
#include "keeper/srp_line.h"

#define MAGIC	   "tls-srp1"
#define LABEL_SALT "tombolo tls-srp 1 salt"

static void derive_x(const char *site, const char *password,
    const uint8_t *salt, size_t salt_len, uint8_t x[SHA1_DIGEST_SIZE]);

int
auth_tls_srp_make(const char *site, const char *password, char *line,
    size_t size)
{
	uint8_t salt[AUTH_TLS_SRP_SALT_LEN], x[SHA1_DIGEST_SIZE];
	char	word[2 * AUTH_TLS_SRP_SALT_LEN + 1];
	size_t	len = strlen(password);
	int	r;

	if (len == 0 || len > AUTH_PASSWORD_MAX)
		return -EINVAL;
	secret_random(salt, sizeof(salt));
	derive_x(site, password, salt, sizeof(salt), x);
	hex_encode(word, salt, sizeof(salt));
	r = srp_line_make(line, size, MAGIC, word, SRP_SHA1, x, sizeof(x));
	secret_wipe(x, sizeof(x));
	return r;
}

bool
auth_tls_srp_parse(struct auth_tls_srp *user, const char *line)
{
	char	    word[2 * sizeof(user->salt) + 1];
	const char *salt = word;

	return srp_line_parse(line, MAGIC, word, sizeof(word), &user->group,
		   user->v, &user->v_len) &&
	    srp_line_take_hex(&salt, user->salt, sizeof(user->salt),
		&user->salt_len) &&
	    *salt == '\0';
}

void
auth_tls_srp_disguise(struct auth_tls_srp *user, const uint8_t secret[32],
    const char *site)
{
	user->salt_len = AUTH_TLS_SRP_SALT_LEN;
	label_mac(user->salt, user->salt_len, secret, LABEL_SALT, site,
	    strlen(site), NULL, 0);
}

/* x = SHA1(salt | SHA1(site ":" password)), RFC 5054 2.4. */
static void
derive_x(const char *site, const char *password, const uint8_t *salt,
    size_t salt_len, uint8_t x[SHA1_DIGEST_SIZE])
{
	struct sha1_ctx ctx;
	uint8_t		inner[SHA1_DIGEST_SIZE];

	sha1_init(&ctx);
	sha1_update(&ctx, strlen(site), (const uint8_t *)site);
	sha1_update(&ctx, 1, (const uint8_t *)":");
	sha1_update(&ctx, strlen(password), (const uint8_t *)password);
	sha1_digest(&ctx, sizeof(inner), inner);
	sha1_init(&ctx);
	sha1_update(&ctx, salt_len, salt);
	sha1_update(&ctx, sizeof(inner), inner);
	sha1_digest(&ctx, SHA1_DIGEST_SIZE, x);
	secret_wipe(inner, sizeof(inner));
	secret_wipe(&ctx, sizeof(ctx));
}
