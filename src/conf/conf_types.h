/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * conf_types: parses the text of values, and prints them.
 *
 * Each type of a key (conf_keys.h) has a function that reads and one that
 * prints; what is printed is read as the same value.  `base` is a struct conf,
 * or a struct conf_site for a key of [site]; `why` has CONF_WHY_SIZE bytes.
 */
#ifndef CONF_TYPES_H
#define CONF_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "conf/conf_keys.h"

/* Whether the key may be repeated, because its value is a list. */
bool conf_types_is_list(const struct conf_key *key);

/*
 * Reads `value` into `base`; adds to a list.  False: it is not valid, and `why`
 * says what is expected.
 */
bool conf_types_parse(const struct conf_key *key, void *base, const char *value,
    char *why);

/* The number of values to print; 0: it is not set. */
size_t conf_types_count(const struct conf_key *key, const void *base);
/* The value, or that item of a list, as conf_types_parse() takes it. */
void conf_types_print(FILE *out, const struct conf_key *key, const void *base,
    size_t item);
/* Frees what the value owns. */
void conf_types_free(const struct conf_key *key, void *base);

/* The functions of one type; `at` is the member that the key's row names. */
typedef bool conf_types_parse_fn(const struct conf_key *key, void *at,
    const char *value, char *why);
typedef void conf_types_print_fn(FILE *out, const struct conf_key *key,
    const void *at, size_t item);

/* Puts what is expected into `why`; returns false. */
bool conf_types_refuse(char *why, const char *fmt, ...)
    __attribute__((__format__(printf, 2, 3)));

/* Prints any text, with the necessary escapes. */
void conf_types_print_string(FILE *out, const char *string);

/*
 * Replaces the text by a copy of `value`.  False: out of memory, also in `why`.
 */
bool conf_types_set_string(char **string, const char *value, char *why);

/* The same for a host's name in a certificate: without a trailing dot. */
bool conf_types_set_name(char **string, const char *value, char *why);

/* Whether `text` can be a host: letters, digits, ".-_", or an address. */
bool conf_types_is_host(const char *text);

#endif /* CONF_TYPES_H */
