/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * srp_line: the words of a verifier's one line, read strictly, and written.
 *
 * Words are apart by exactly one space.  Each reader moves `*line` behind its
 * word, and the space if there is one, or returns false.
 */
#ifndef SRP_LINE_H
#define SRP_LINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Exactly this word. */
bool srp_line_take(const char **line, const char *word);
/* Any word, into `dst`; not empty. */
bool srp_line_take_word(const char **line, char *dst, size_t size);
/* Decimal digits without a zero in front. */
bool srp_line_take_group(const char **line, unsigned *bits);
/* Lower-case hexadecimal, whole bytes, at least one. */
bool srp_line_take_hex(const char **line, uint8_t *dst, size_t size,
    size_t *len);

/* With a NUL behind; false when there is no room. */
bool srp_line_put_hex(char *dst, size_t size, const uint8_t *src, size_t len);

#endif /* SRP_LINE_H */
