/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * conf_words: values that are one word of a few, or a bit for each of them.
 *
 * A list has an enum's names in the enum's order.  The lists drive the parser,
 * the print, complaints and options.
 */
#ifndef CONF_WORDS_H
#define CONF_WORDS_H

#include <stdbool.h>
#include <stddef.h>

struct conf_words {
	const char *const *names;
	unsigned	   n;
};

extern const struct conf_words conf_words_aead, conf_words_auth,
    conf_words_auto, conf_words_level, conf_words_mode, conf_words_offload,
    conf_words_order, conf_words_transport, conf_words_when_down;

/* False if it is none of them. */
bool conf_words_find(const struct conf_words *words, const char *text,
    unsigned *value);

/* "a, b or c", for a complaint.  Returns `dst`. */
const char *conf_words_print(const struct conf_words *words, char *dst,
    size_t size);

#endif /* CONF_WORDS_H */
