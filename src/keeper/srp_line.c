/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "keeper/srp_line.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <bsd/stdlib.h>

#include "base/hex.h"
#include "base/secret.h"

#define MAX_BITS 8192

static bool   take(const char **line, const char *word);
static bool   take_word(const char **line, char *dst, size_t size);
static bool   take_group(const char **line, unsigned *bits);
static size_t word_len(const char *line);
static void   move_behind(const char **line, size_t len);

int
srp_line_make(char *line, size_t size, const char *magic, const char *word,
    enum srp_hash hash, const uint8_t *x, size_t x_len)
{
	struct srp srp;
	uint8_t	   v[SRP_MAX_LEN];
	int	   n = snprintf(line, size, "%s %d %s ", magic, SRP_LINE_GROUP,
	       word);

	if (!srp_init(&srp, hash, SRP_LINE_GROUP))
		return -EINVAL;
	srp_verifier(&srp, x, x_len, v);
	srp_fini(&srp);
	if (n < 0 || (size_t)n + 2 * SRP_LINE_GROUP / 8 >= size)
		n = -ENOSPC;
	else
		hex_encode(line + n, v, SRP_LINE_GROUP / 8);
	secret_wipe(v, sizeof(v));
	return n < 0 ? n : 0;
}

bool
srp_line_parse(const char *line, const char *magic, char *word,
    size_t word_size, unsigned *group, uint8_t v[SRP_MAX_LEN], size_t *v_len)
{
	struct srp srp;
	bool	   good;

	/* The hash does not matter for a verifier. */
	if (!take(&line, magic) || !take_group(&line, group) ||
	    !take_word(&line, word, word_size) ||
	    !srp_line_take_hex(&line, v, SRP_MAX_LEN, v_len) || *line != '\0' ||
	    !srp_init(&srp, SRP_SHA256, *group))
		return false;
	good = srp_is_verifier(&srp, v, *v_len);
	srp_fini(&srp);
	return good;
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

static bool
take(const char **line, const char *word)
{
	size_t len = strlen(word);

	if (word_len(*line) != len || memcmp(*line, word, len) != 0)
		return false;
	move_behind(line, len);
	return true;
}

/* Not empty. */
static bool
take_word(const char **line, char *dst, size_t size)
{
	size_t len = word_len(*line);

	if (len == 0 || len >= size)
		return false;
	memcpy(dst, *line, len);
	dst[len] = '\0';
	move_behind(line, len);
	return true;
}

/* Decimal digits without a leading zero. */
static bool
take_group(const char **line, unsigned *bits)
{
	char	    word[8];
	const char *error;

	if (!take_word(line, word, sizeof(word)) || word[0] < '1' ||
	    word[0] > '9')
		return false;
	*bits = (unsigned)strtonum(word, 1, MAX_BITS, &error);
	return error == NULL;
}

static size_t
word_len(const char *line)
{
	return strcspn(line, " ");
}

/* A space at the end of the line is an error: it stays, and is found there. */
static void
move_behind(const char **line, size_t len)
{
	*line += len;
	if ((*line)[0] == ' ' && (*line)[1] != '\0')
		(*line)++;
}
