/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tls_srp/keeper/auth_tls_srp.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <nettle/sha1.h>

#include "base/label_mac.h"
#include "base/secret.h"
#include "keeper/auth_password.h"
#include "keeper/auth_srp.h"
#include "keeper/srp.h"
#include "keeper/srp_line.h"

#define MAGIC	   "tls-srp1"
#define LABEL_SALT "tombolo tls-srp 1 salt"

static void derive_x(const char *site, const char *password,
    const uint8_t *salt, size_t salt_len, uint8_t x[SHA1_DIGEST_SIZE]);

int
auth_tls_srp_make(const char *site, const char *password, char *line,
    size_t size)
{
	struct srp srp;
	uint8_t	   salt[AUTH_TLS_SRP_SALT_LEN], x[SHA1_DIGEST_SIZE];
	uint8_t	   v[SRP_MAX_LEN];
	size_t	   len = strlen(password);
	char	  *end;
	int	   n, r = 0;

	if (len == 0 || len > AUTH_PASSWORD_MAX)
		return -EINVAL;
	if (!srp_init(&srp, SRP_SHA1, AUTH_SRP_GROUP))
		return -EINVAL;
	secret_random(salt, sizeof(salt));
	derive_x(site, password, salt, sizeof(salt), x);
	srp_verifier(&srp, x, sizeof(x), v);
	secret_wipe(x, sizeof(x));
	n = snprintf(line, size, MAGIC " %d ", AUTH_SRP_GROUP);
	if (n < 0 || (size_t)n >= size ||
	    !srp_line_put_hex(line + n, size - (size_t)n, salt, sizeof(salt))) {
		r = -ENOSPC;
		goto out;
	}
	end = line + strlen(line);
	*end++ = ' ';
	if (!srp_line_put_hex(end, size - (size_t)(end - line), v, srp.len))
		r = -ENOSPC;
out:
	srp_fini(&srp);
	secret_wipe(v, sizeof(v));
	return r;
}

bool
auth_tls_srp_parse(struct auth_tls_srp *user, const char *line)
{
	struct srp srp;
	bool	   good;

	if (!srp_line_take(&line, MAGIC) ||
	    !srp_line_take_group(&line, &user->group) ||
	    !srp_line_take_hex(&line, user->salt, sizeof(user->salt),
		&user->salt_len) ||
	    !srp_line_take_hex(&line, user->v, sizeof(user->v), &user->v_len) ||
	    *line != '\0' || !srp_init(&srp, SRP_SHA1, user->group))
		return false;
	good = srp_is_verifier(&srp, user->v, user->v_len);
	srp_fini(&srp);
	return good;
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
