/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "keeper/auth_password.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <bsd/string.h>

#include "base/secret.h"
#include "keeper/yescrypt.h"

#define DIGEST_LEN 43

/*
 * The hash for unknown sites: a valid setting of our COST, and a digest for
 * which no password is known.
 */
static const char nobody[] = "$y$j9T$F5Jx5fExrKuPp53xLKQ..1$"
			     "X3DX6M94c7o.9agCG9G317fhZg9SqC.5i5rd.RhAtQ7";

int
auth_password_hash(const char *password, char *hash, size_t size)
{
	char   setting[YESCRYPT_SETTING_SIZE];
	size_t len = strlen(password);

	if (len == 0 || len > AUTH_PASSWORD_MAX)
		return -EINVAL;
	if (size < AUTH_PASSWORD_HASH_SIZE)
		return -ENOSPC;
	yescrypt_new_setting(setting);
	if (!yescrypt_hash(password, setting, hash, size))
		return -ENOMEM;
	return auth_password_is_hash(hash) ? 0 : -ENOTSUP;
}

bool
auth_password_is_hash(const char *hash)
{
	static const char alphabet[] =
	    "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
	size_t len = yescrypt_setting_len(hash), digest;

	if (len == 0 || hash[len] != '$')
		return false;
	hash += len + 1;
	digest = strspn(hash, alphabet);
	return digest == DIGEST_LEN && hash[digest] == '\0';
}

bool
auth_password_verify(const char *hash, const char *password, size_t len)
{
	char clear[AUTH_PASSWORD_MAX + 1] = "", got[AUTH_PASSWORD_HASH_SIZE];
	bool possible = hash != NULL && auth_password_is_hash(hash);
	bool same;

	/* crypt(3) reads up to a NUL: "pass\0word" must not equal "pass". */
	if (len == 0 || len > AUTH_PASSWORD_MAX ||
	    memchr(password, '\0', len) != NULL)
		possible = false;
	else
		memcpy(clear, password, len);
	if (!possible)
		hash = nobody;
	same = yescrypt_hash(clear, hash, got, sizeof(got)) &&
	    strlen(got) == strlen(hash) &&
	    secret_equal(got, hash, strlen(hash));
	secret_wipe(clear, sizeof(clear));
	secret_wipe(got, sizeof(got));
	return possible && same;
}
