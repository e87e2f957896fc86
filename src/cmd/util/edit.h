/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * edit: one key in the text of a configuration; comments and everything else
 * stay as they are.
 */
#ifndef EDIT_H
#define EDIT_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Replaces `*text` by one with these values of `key` in [section] instead of
 * those it has: at the place of the first of them, or below the section's
 * header.  No value removes the key.  False, and it is as it was: there is no
 * memory, or no such section.
 */
bool edit_set(char **text, const char *section, const char *key,
    const char *const *values, size_t n);

/* The same for one value besides those that are there. */
bool edit_add(char **text, const char *section, const char *key,
    const char *value);

#endif /* EDIT_H */
