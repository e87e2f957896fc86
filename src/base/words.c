/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/words.h"

#include <string.h>

#include <bsd/string.h>

bool
words_find(const struct words *words, const char *text, unsigned *value)
{
	for (unsigned i = 0; i < words->n; i++) {
		if (strcmp(text, words->names[i]) == 0) {
			*value = i;
			return true;
		}
	}
	return false;
}

const char *
words_print(const struct words *words, char *dst, size_t size)
{
	strlcpy(dst, words->names[0], size);
	for (unsigned i = 1; i < words->n; i++) {
		strlcat(dst, i + 1 < words->n ? ", " : " or ", size);
		strlcat(dst, words->names[i], size);
	}
	return dst;
}
