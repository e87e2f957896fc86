/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * lines: a configuration that a command is about to write, made line by line
 * and checked by the parser, whose rules so hold for options and invitations,
 * too.
 */
#ifndef LINES_H
#define LINES_H

#include <stddef.h>
#include <stdio.h>

#include "cmd/util/options.h"

struct lines {
	FILE  *out;
	char  *text; /* owned by whoever calls lines_check() */
	size_t len;
};

/* Where they go. */
FILE *lines_begin(struct lines *lines);

/* One line "KEY = VALUE", whatever is in the value. */
void lines_put(FILE *out, const char *key, const char *value);
void lines_put_list(FILE *out, const char *key,
    const struct options_list *list);

/*
 * The end; nothing is left of them.  The first complaint goes to stderr as
 * "WHO: what" (there is no file yet).  NULL when there is one.
 */
struct conf *lines_check(struct lines *lines, const char *who, const char *dir);

/* The same for a text. */
struct conf *lines_check_text(const char *text, const char *who,
    const char *dir);

#endif /* LINES_H */
