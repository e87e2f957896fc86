/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "keeper/srp_line.h"

#include <string.h>

#include <bsd/stdlib.h>

#include "base/hex.h"

#define MAX_BITS 8192

static size_t word_len(const char *line);
static void   move_behind(const char **line, size_t len);

bool
srp_line_take(const char **line, const char *word)
{
	size_t len = strlen(word);

	if (word_len(*line) != len || memcmp(*line, word, len) != 0)
		return false;
	move_behind(line, len);
	return true;
}

bool
srp_line_take_word(const char **line, char *dst, size_t size)
{
	size_t len = word_len(*line);

	if (len == 0 || len >= size)
		return false;
	memcpy(dst, *line, len);
	dst[len] = '\0';
	move_behind(line, len);
	return true;
}

bool
srp_line_take_group(const char **line, unsigned *bits)
{
	char	    word[8];
	const char *error;

	if (!srp_line_take_word(line, word, sizeof(word)) || word[0] < '1' ||
	    word[0] > '9')
		return false;
	*bits = (unsigned)strtonum(word, 1, MAX_BITS, &error);
	return error == NULL;
}

bool
srp_line_take_hex(const char **line, uint8_t *dst, size_t size, size_t *len)
{
	size_t n = word_len(*line);

	if (n == 0 || n % 2 != 0 || n / 2 > size ||
	    !hex_decode(dst, *line, n / 2))
		return false;
	*len = n / 2;
	move_behind(line, n);
	return true;
}

bool
srp_line_put_hex(char *dst, size_t size, const uint8_t *src, size_t len)
{
	if (size < 2 * len + 1)
		return false;
	hex_encode(dst, src, len);
	return true;
}

static size_t
word_len(const char *line)
{
	return strcspn(line, " ");
}

/* A space at the very end is one too many: it stays, and is found there. */
static void
move_behind(const char **line, size_t len)
{
	*line += len;
	if ((*line)[0] == ' ' && (*line)[1] != '\0')
		(*line)++;
}
