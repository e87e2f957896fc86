/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * lines: builds the text of a configuration line by line and checks it with the
 * parser, so that the parser's rules hold for options and invitations, too.
 */
#ifndef LINES_H
#define LINES_H

#include <stddef.h>
#include <stdio.h>

#include "cmd/util/options.h"

struct lines {
	FILE  *out;
	char  *text; /* owned by the caller of lines_check() */
	size_t len;
};

/* Starts a text; returns the stream to write to. */
FILE *lines_begin(struct lines *lines);

/* Writes one line "KEY = VALUE", whatever is in the value. */
void lines_put(FILE *out, const char *key, const char *value);
void lines_put_list(FILE *out, const char *key,
    const struct options_list *list);

/*
 * Parses the lines and frees them.  The first error goes to stderr as "WHO:
 * what" (there is no file yet); then returns NULL.
 */
struct conf *lines_check(struct lines *lines, const char *who, const char *dir);

/* The same for a given text. */
struct conf *lines_check_text(const char *text, const char *who,
    const char *dir);

#endif /* LINES_H */
