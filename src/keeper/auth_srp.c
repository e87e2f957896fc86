/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "keeper/auth_srp.h"

#include <errno.h>
#include <string.h>

#include <nettle/sha2.h>

#include "base/label_mac.h"
#include "base/secret.h"
#include "base/wire.h"
#include "keeper/auth_password.h"
#include "keeper/srp.h"
#include "keeper/srp_line.h"
#include "keeper/yescrypt.h"

#define MAGIC	     "srp1"
#define LABEL_X	     "tombolo srp 1 x"
#define LABEL_CLIENT "tombolo srp 1 client"
#define LABEL_SERVER "tombolo srp 1 server"
#define LABEL_SALT   "tombolo srp 1 salt"

/* What both proofs cover. */
struct exchange {
	const char    *site, *setting;
	const uint8_t *binding; /* 32 bytes */
	const uint8_t *public_a, *public_b;
	size_t	       len; /* of N, A and B */
	const uint8_t *s;
};

static int  derive_x(const char *site, const char *password, size_t len,
     const char *setting, uint8_t x[SHA256_DIGEST_SIZE]);
static void prove(const struct exchange *exchange, uint8_t m1[32],
    uint8_t m2[32]);
static void put(struct sha256_ctx *ctx, const void *data, size_t len);
static bool is_setting(const char *setting);

int
auth_srp_make(const char *site, const char *password, char *line, size_t size)
{
	uint8_t x[SHA256_DIGEST_SIZE];
	char	setting[AUTH_SRP_SETTING_SIZE];
	int	r;

	yescrypt_new_setting(setting);
	r = derive_x(site, password, strlen(password), setting, x);
	if (r < 0)
		return r;
	r = srp_line_make(line, size, MAGIC, setting, SRP_SHA256, x, sizeof(x));
	secret_wipe(x, sizeof(x));
	return r;
}

bool
auth_srp_parse(struct auth_srp_verifier *verifier, const char *line)
{
	return srp_line_parse(line, MAGIC, verifier->setting,
		   sizeof(verifier->setting), &verifier->group, verifier->v,
		   &verifier->v_len) &&
	    is_setting(verifier->setting);
}

void
auth_srp_disguise(struct auth_srp_verifier *verifier, const uint8_t secret[32],
    const char *site)
{
	uint8_t salt[YESCRYPT_SALT_LEN];

	label_mac(salt, sizeof(salt), secret, LABEL_SALT, site, strlen(site),
	    NULL, 0);
	yescrypt_make_setting(verifier->setting, salt);
}

int
auth_srp_start(const struct auth_srp_verifier *verifier,
    uint8_t b[AUTH_SRP_PRIVATE_LEN], uint8_t *public_b, size_t *len)
{
	struct srp srp;

	if (!srp_init(&srp, SRP_SHA256, verifier->group))
		return -EINVAL;
	secret_random(b, AUTH_SRP_PRIVATE_LEN);
	srp_public_b(&srp, verifier->v, b, AUTH_SRP_PRIVATE_LEN, public_b);
	*len = srp.len;
	srp_fini(&srp);
	return 0;
}

bool
auth_srp_finish(const struct auth_srp_verifier *verifier, const char *site,
    const uint8_t b[AUTH_SRP_PRIVATE_LEN], const uint8_t binding[32],
    const uint8_t *public_a, size_t a_len, const uint8_t m1[AUTH_SRP_PROOF_LEN],
    uint8_t m2[AUTH_SRP_PROOF_LEN])
{
	struct srp	srp;
	uint8_t		public_b[AUTH_SRP_MAX_LEN], s[AUTH_SRP_MAX_LEN];
	uint8_t		expected[AUTH_SRP_PROOF_LEN];
	struct exchange exchange = { site, verifier->setting, binding,
		public_a, public_b, a_len, s };
	bool good;

	memset(m2, 0, AUTH_SRP_PROOF_LEN);
	if (!srp_init(&srp, SRP_SHA256, verifier->group))
		return false;
	good = srp_is_public(&srp, public_a, a_len);
	if (good) {
		srp_public_b(&srp, verifier->v, b, AUTH_SRP_PRIVATE_LEN,
		    public_b);
		good = srp_secret_server(&srp, verifier->v, b,
		    AUTH_SRP_PRIVATE_LEN, public_a, public_b, s);
		prove(&exchange, expected, m2);
		good &= secret_equal(expected, m1, sizeof(expected));
	}
	if (!good)
		secret_wipe(m2, AUTH_SRP_PROOF_LEN);
	srp_fini(&srp);
	secret_wipe(s, sizeof(s));
	secret_wipe(expected, sizeof(expected));
	return good;
}

int
auth_srp_answer(const char *site, const char *password, size_t password_len,
    unsigned group, const char *setting, const uint8_t *public_b, size_t b_len,
    const uint8_t binding[32], uint8_t *public_a, size_t *a_len,
    uint8_t m1[AUTH_SRP_PROOF_LEN], uint8_t m2[AUTH_SRP_PROOF_LEN])
{
	struct srp	srp;
	uint8_t		a[AUTH_SRP_PRIVATE_LEN], x[SHA256_DIGEST_SIZE];
	uint8_t		s[AUTH_SRP_MAX_LEN];
	struct exchange exchange = { site, setting, binding, public_a,
		public_b, b_len, s };
	int		r = -EPROTO;

	if (!is_setting(setting) || !srp_init(&srp, SRP_SHA256, group))
		return -EPROTO;
	if (!srp_is_public(&srp, public_b, b_len))
		goto out;
	r = derive_x(site, password, password_len, setting, x);
	if (r < 0)
		goto out;
	secret_random(a, sizeof(a));
	srp_public_a(&srp, a, sizeof(a), public_a);
	*a_len = srp.len;
	if (!srp_secret_client(&srp, x, sizeof(x), a, sizeof(a), public_a,
		public_b, s))
		r = -EPROTO;
	prove(&exchange, m1, m2);
	secret_wipe(a, sizeof(a));
	secret_wipe(x, sizeof(x));
	secret_wipe(s, sizeof(s));
out:
	srp_fini(&srp);
	return r;
}

/* x = SHA-256(label | site | yescrypt(password, setting)), PROTOCOL 4.5. */
static int
derive_x(const char *site, const char *password, size_t len,
    const char *setting, uint8_t x[SHA256_DIGEST_SIZE])
{
	struct sha256_ctx ctx;
	char		  clear[AUTH_PASSWORD_MAX + 1];
	char		  hash[YESCRYPT_HASH_SIZE];
	bool		  ok;

	if (len == 0 || len > AUTH_PASSWORD_MAX ||
	    memchr(password, '\0', len) != NULL)
		return -EINVAL;
	memcpy(clear, password, len);
	clear[len] = '\0';
	ok = yescrypt_hash(clear, setting, hash, sizeof(hash));
	secret_wipe(clear, sizeof(clear));
	if (!ok)
		return -ENOMEM;
	sha256_init(&ctx);
	put(&ctx, LABEL_X, strlen(LABEL_X));
	put(&ctx, site, strlen(site));
	put(&ctx, hash, strlen(hash));
	sha256_digest(&ctx, SHA256_DIGEST_SIZE, x);
	secret_wipe(&ctx, sizeof(ctx));
	secret_wipe(hash, sizeof(hash));
	return 0;
}

static void
prove(const struct exchange *exchange, uint8_t m1[32], uint8_t m2[32])
{
	struct sha256_ctx ctx;
	uint8_t		  key[SHA256_DIGEST_SIZE];

	/* K = SHA-256(PAD(S)) */
	sha256_init(&ctx);
	sha256_update(&ctx, exchange->len, exchange->s);
	sha256_digest(&ctx, sizeof(key), key);

	sha256_init(&ctx);
	put(&ctx, LABEL_CLIENT, strlen(LABEL_CLIENT));
	put(&ctx, exchange->site, strlen(exchange->site));
	put(&ctx, exchange->setting, strlen(exchange->setting));
	put(&ctx, exchange->public_a, exchange->len);
	put(&ctx, exchange->public_b, exchange->len);
	put(&ctx, exchange->binding, 32);
	put(&ctx, key, sizeof(key));
	sha256_digest(&ctx, AUTH_SRP_PROOF_LEN, m1);

	sha256_init(&ctx);
	put(&ctx, LABEL_SERVER, strlen(LABEL_SERVER));
	put(&ctx, exchange->public_a, exchange->len);
	put(&ctx, m1, AUTH_SRP_PROOF_LEN);
	put(&ctx, exchange->binding, 32);
	put(&ctx, key, sizeof(key));
	sha256_digest(&ctx, AUTH_SRP_PROOF_LEN, m2);
	secret_wipe(&ctx, sizeof(ctx));
	secret_wipe(key, sizeof(key));
}

/*
 * Prefixed with its length, so that different lists of fields have different
 * hashes.
 */
static void
put(struct sha256_ctx *ctx, const void *data, size_t len)
{
	uint8_t length[2];

	wire_write_u16(length, (uint16_t)len);
	sha256_update(ctx, sizeof(length), length);
	sha256_update(ctx, len, data);
}

/* A malicious peer could ask for no cost at all, or for minutes. */
static bool
is_setting(const char *setting)
{
	size_t len = yescrypt_setting_len(setting);

	return len > 0 && setting[len] == '\0';
}
