/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * srp_line: an SRP verifier as one line: "MAGIC BITS WORD HEX". WORD is what
 * the method derives x from.  Parsing is strict: one space between words.
 *
 * Pure.
 */
#ifndef SRP_LINE_H
#define SRP_LINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "keeper/srp.h"

#define SRP_LINE_GROUP 3072 /* of new verifiers */

/* Makes the verifier of `x`. 0, or -ENOSPC. */
int srp_line_make(char *line, size_t size, const char *magic, const char *word,
    enum srp_hash hash, const uint8_t *x, size_t x_len);

/* False if it is not a verifier of a group that we accept. */
bool srp_line_parse(const char *line, const char *magic, char *word,
    size_t word_size, unsigned *group, uint8_t v[SRP_MAX_LEN], size_t *v_len);

/*
 * Parses a word of lower-case hexadecimal: whole bytes, at least one.  Advances
 * `*line` past it, and past the following space, if any.
 */
bool srp_line_take_hex(const char **line, uint8_t *dst, size_t size,
    size_t *len);

#endif /* SRP_LINE_H */
