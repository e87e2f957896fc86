/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "keeper/yescrypt.h"

#include <crypt.h>
#include <stdlib.h>
#include <string.h>

#include <bsd/string.h>

#include "base/secret.h"

#define PREFIX	   "$y$j9T$" /* N = 2^12, r = 32: 16 MiB, 20 ms */
#define PREFIX_LEN 7
#define SALT_MAX   86 /* characters; yescrypt's limit */

static const char alphabet[] =
    "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

void
yescrypt_new_setting(char setting[YESCRYPT_SETTING_SIZE])
{
	uint8_t salt[YESCRYPT_SALT_LEN];

	secret_random(salt, sizeof(salt));
	yescrypt_make_setting(setting, salt);
}

/*
 * As libxcrypt encodes bytes: three in four characters, the lowest bits first.
 */
void
yescrypt_make_setting(char setting[YESCRYPT_SETTING_SIZE],
    const uint8_t salt[YESCRYPT_SALT_LEN])
{
	char *out = setting + PREFIX_LEN;

	memcpy(setting, PREFIX, PREFIX_LEN);
	for (size_t i = 0; i < YESCRYPT_SALT_LEN; i += 3) {
		uint32_t bits = 0;
		unsigned n = 0;

		for (size_t j = i; j < i + 3 && j < YESCRYPT_SALT_LEN; j++) {
			bits |= (uint32_t)salt[j] << n;
			n += 8;
		}
		for (unsigned done = 0; done < n; done += 6) {
			*out++ = alphabet[bits & 63];
			bits >>= 6;
		}
	}
	*out = '\0';
}

size_t
yescrypt_setting_len(const char *text)
{
	size_t salt;

	/* "$y$", flavour j, N within limits (2^12 is '9'), r = 32 ('T'). */
	if (strncmp(text, "$y$j", 4) != 0)
		return 0;
	if (text[4] == '\0' || strchr("789ABCD", text[4]) == NULL)
		return 0;
	if (strncmp(text + 5, "T$", 2) != 0)
		return 0;
	salt = strspn(text + PREFIX_LEN, alphabet);
	return salt > 0 && salt <= SALT_MAX ? PREFIX_LEN + salt : 0;
}

/* crypt_data holds the password and intermediate values, in 32 KiB. */
bool
yescrypt_hash(const char *password, const char *setting, char *hash,
    size_t size)
{
	struct crypt_data *data = calloc(1, sizeof(*data));
	const char	  *result;
	bool		   ok;

	if (data == NULL)
		return false;
	result = crypt_rn(password, setting, data, (int)sizeof(*data));
	ok = result != NULL && strlcpy(hash, result, size) < size;
	secret_free(data, sizeof(*data));
	return ok;
}
