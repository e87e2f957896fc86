/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "keeper/srp_line.h"

#include <string.h>

#include <bsd/stdlib.h>

#define MAX_BITS 8192

static const char digits[] = "0123456789abcdef";

static size_t word_len(const char *line);
static void   move_behind(const char **line, size_t len);
static int    digit(char c);

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

	if (n == 0 || n % 2 != 0 || n / 2 > size)
		return false;
	for (size_t i = 0; i < n / 2; i++) {
		int high = digit((*line)[2 * i]);
		int low = digit((*line)[2 * i + 1]);

		if (high < 0 || low < 0)
			return false;
		dst[i] = (uint8_t)(high << 4 | low);
	}
	*len = n / 2;
	move_behind(line, n);
	return true;
}

bool
srp_line_put_hex(char *dst, size_t size, const uint8_t *src, size_t len)
{
	if (size < 2 * len + 1)
		return false;
	for (size_t i = 0; i < len; i++) {
		*dst++ = digits[src[i] >> 4];
		*dst++ = digits[src[i] & 0x0f];
	}
	*dst = '\0';
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

static int
digit(char c)
{
	const char *at = c != '\0' ? strchr(digits, c) : NULL;

	return at != NULL ? (int)(at - digits) : -1;
}
