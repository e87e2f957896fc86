/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * conf_types: from the text of a value to its place, and back.
 *
 * Each type of a key (conf_keys.h) has a function that reads and one that
 * writes; what is written is read again as the same.  `base` is a struct conf,
 * or a struct conf_site for a key of [site]; `why` has CONF_WHY_SIZE bytes.
 */
#ifndef CONF_TYPES_H
#define CONF_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "conf/conf_keys.h"

/* Whether the key may be given again, to add to what it says already. */
bool conf_types_is_list(const struct conf_key *key);

/*
 * Reads `value` into `base`; adds to a list.  False when it is not what is
 * expected, and `why` says what would be.
 */
bool conf_types_parse(const struct conf_key *key, void *base, const char *value,
    char *why);

/* How many values there are to print: 0 when it is not set. */
size_t conf_types_count(const struct conf_key *key, const void *base);
/* The value, or that item of a list, as conf_types_parse() takes it. */
void conf_types_print(FILE *out, const struct conf_key *key, const void *base,
    size_t item);
/* Frees what the value owns. */
void conf_types_free(const struct conf_key *key, void *base);

/* One type's; `at` is the place that the key's row names. */
typedef bool conf_types_parse_fn(const struct conf_key *key, void *at,
    const char *value, char *why);
typedef void conf_types_print_fn(FILE *out, const struct conf_key *key,
    const void *at, size_t item);

/* Says in `why` what would be right; returns false. */
bool conf_types_refuse(char *why, const char *fmt, ...)
    __attribute__((__format__(printf, 2, 3)));

/* Any text, with the escapes that it needs. */
void conf_types_print_string(FILE *out, const char *string);

/* A copy of `value` instead of what is there; or `why` says: no memory. */
bool conf_types_set_string(char **string, const char *value, char *why);

/* The same for a host's name in a certificate: without a dot at its end. */
bool conf_types_set_name(char **string, const char *value, char *why);

/* Whether `text` can be a host: letters, digits, ".-_", or an address. */
bool conf_types_is_host(const char *text);

#endif /* CONF_TYPES_H */
