/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "keeper/auth_password.h"

#include <crypt.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <bsd/string.h>

#include "base/secret.h"

#define COST	   5 /* 16 MiB, 20 ms; as Debian's and Fedora's passwd */
#define SALT_MAX   86 /* characters; yescrypt takes no more */
#define DIGEST_LEN 43

/*
 * The hash of nobody: a valid setting of our COST, and a digest that no
 * password is known for.
 */
static const char nobody[] = "$y$j9T$F5Jx5fExrKuPp53xLKQ..1$"
			     "X3DX6M94c7o.9agCG9G317fhZg9SqC.5i5rd.RhAtQ7";

static bool hash_password(const char *password, const char *setting, char *out,
    size_t size);

int
auth_password_hash(const char *password, char *hash, size_t size)
{
	char   setting[CRYPT_GENSALT_OUTPUT_SIZE];
	size_t len = strlen(password);

	if (len == 0 || len > AUTH_PASSWORD_MAX)
		return -EINVAL;
	if (size < AUTH_PASSWORD_HASH_SIZE)
		return -ENOSPC;
	/* Without random bytes given it asks the kernel for them. */
	if (crypt_gensalt_rn("$y$", COST, NULL, 0, setting,
		sizeof(setting)) == NULL)
		return -errno;
	if (!hash_password(password, setting, hash, size))
		return -ENOMEM;
	return auth_password_is_hash(hash) ? 0 : -ENOTSUP;
}

bool
auth_password_is_hash(const char *hash)
{
	static const char alphabet[] =
	    "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
	size_t salt, digest;

	/* "$y$", flavour j, N (2^12 is '9') in bounds, r = 32 ('T'). */
	if (strncmp(hash, "$y$j", 4) != 0)
		return false;
	if (hash[4] == '\0' || strchr("789ABCD", hash[4]) == NULL)
		return false;
	if (strncmp(hash + 5, "T$", 2) != 0)
		return false;
	hash += 7;
	salt = strspn(hash, alphabet);
	if (salt == 0 || salt > SALT_MAX || hash[salt] != '$')
		return false;
	hash += salt + 1;
	digest = strspn(hash, alphabet);
	return digest == DIGEST_LEN && hash[digest] == '\0';
}

bool
auth_password_verify(const char *hash, const char *password, size_t len)
{
	char clear[AUTH_PASSWORD_MAX + 1] = "", got[CRYPT_OUTPUT_SIZE];
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
	same = hash_password(clear, hash, got, sizeof(got)) &&
	    strlen(got) == strlen(hash) &&
	    secret_equal(got, hash, strlen(hash));
	secret_wipe(clear, sizeof(clear));
	secret_wipe(got, sizeof(got));
	return possible && same;
}

/* crypt_data holds the password and intermediate values, in 32 KiB. */
static bool
hash_password(const char *password, const char *setting, char *out, size_t size)
{
	struct crypt_data *data = calloc(1, sizeof(*data));
	const char	  *result;
	bool		   ok;

	if (data == NULL)
		return false;
	result = crypt_rn(password, setting, data, (int)sizeof(*data));
	ok = result != NULL && strlcpy(out, result, size) < size;
	secret_free(data, sizeof(*data));
	return ok;
}
