/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * words: values that are one word of a few, or a bit for each of them.
 *
 * A list has an enum's names in the enum's order.
 */
#ifndef WORDS_H
#define WORDS_H

#include <stdbool.h>
#include <stddef.h>

struct words {
	const char *const *names;
	unsigned	   n;
};

/* False if it is none of them. */
bool words_find(const struct words *words, const char *text, unsigned *value);

/* "a, b or c", for a complaint.  Returns `dst`. */
const char *words_print(const struct words *words, char *dst, size_t size);

#endif /* WORDS_H */
