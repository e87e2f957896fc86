/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * edit: changes one key in the text of a configuration; comments and everything
 * else stay as they are.
 */
#ifndef EDIT_H
#define EDIT_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Replaces the values of `key` in [section] of `*text`: at the place of the
 * first one, or below the section's header.  With no values, removes the key.
 * False, with `*text` unchanged: out of memory, or there is no such section.
 */
bool edit_set(char **text, const char *section, const char *key,
    const char *const *values, size_t n);

/* Adds one value to those that exist. */
bool edit_add(char **text, const char *section, const char *key,
    const char *value);

#endif /* EDIT_H */
