/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * conf_endpoint: values that say where something is: the servers and the proxy
 * of a client, and what a server listens on.
 *
 * Types of conf_types.c, of which they are a part.
 */
#ifndef CONF_ENDPOINT_H
#define CONF_ENDPOINT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "conf/conf_keys.h"

#define CONF_ENDPOINT_MAX_HOST 253

/* As conf_type_parse(). */
bool conf_endpoint_parse_server(const struct conf_key *key, void *base,
    const char *value, char *why, size_t why_size);
bool conf_endpoint_parse_proxy(const struct conf_key *key, void *base,
    const char *value, char *why, size_t why_size);
bool conf_endpoint_parse_listen(const struct conf_key *key, void *base,
    const char *value, char *why, size_t why_size);

/* As conf_type_print(). */
void conf_endpoint_print_server(FILE *out, const struct conf_key *key,
    const void *base, size_t item);
void conf_endpoint_print_proxy(FILE *out, const struct conf_key *key,
    const void *base, size_t item);
void conf_endpoint_print_listen(FILE *out, const struct conf_key *key,
    const void *base, size_t item);

#endif /* CONF_ENDPOINT_H */
