/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * conf_list: values that are lists: addresses, networks, domains, names.  Each
 * at most once, and no more of them than their key's row says.
 *
 * Types of conf_types.c, of which they are a part.
 */
#ifndef CONF_LIST_H
#define CONF_LIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "conf/conf_keys.h"

/* As conf_type_parse(): one more. */
bool conf_list_parse_prefixes(const struct conf_key *key, void *base,
    const char *value, char *why, size_t why_size);
bool conf_list_parse_domains(const struct conf_key *key, void *base,
    const char *value, char *why, size_t why_size);
bool conf_list_parse_names(const struct conf_key *key, void *base,
    const char *value, char *why, size_t why_size);

/* As conf_type_print(). */
void conf_list_print_prefixes(FILE *out, const struct conf_key *key,
    const void *base, size_t item);
void conf_list_print_names(FILE *out, const struct conf_key *key,
    const void *base, size_t item);

#endif /* CONF_LIST_H */
