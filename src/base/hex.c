/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/hex.h"

#include <string.h>

static const char digits[] = "0123456789abcdef";

void
hex_encode(char *dst, const uint8_t *src, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		*dst++ = digits[src[i] >> 4];
		*dst++ = digits[src[i] & 0x0f];
	}
	*dst = '\0';
}

bool
hex_decode(uint8_t *dst, const char *src, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		const char *high = memchr(digits, src[2 * i], 16);
		const char *low = memchr(digits, src[2 * i + 1], 16);

		if (high == NULL || low == NULL)
			return false;
		dst[i] = (uint8_t)((high - digits) << 4 | (low - digits));
	}
	return true;
}
