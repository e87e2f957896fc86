/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/secret.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <bsd/stdlib.h>
#include <bsd/string.h>

void
secret_random(void *dst, size_t len)
{
	arc4random_buf(dst, len);
}

bool
secret_equal(const void *a, const void *b, size_t len)
{
	const uint8_t *x = a, *y = b;
	uint8_t	       diff = 0;

	for (size_t i = 0; i < len; i++)
		diff |= x[i] ^ y[i];
	return diff == 0;
}

void
secret_wipe(void *p, size_t len)
{
	explicit_bzero(p, len);
}

void
secret_free(void *p, size_t size)
{
	if (p == NULL)
		return;
	secret_wipe(p, size);
	free(p);
}
