/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * json_field: a field of the daemon's answer, as people read it.
 *
 * Whatever is missing, or of another type, is not an error: it is NULL, false,
 * or the cell that says nothing.
 */
#ifndef JSON_FIELD_H
#define JSON_FIELD_H

#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>

struct table;

/* NULL when there is none, or it is no string.  Borrowed. */
const char *json_field_text(const json_t *object, const char *name);
bool json_field_number(const json_t *object, const char *name, double *v);

/* The next cell: text, seconds, bytes, milliseconds, or just a number. */
typedef void json_field_add_fn(struct table *table, const json_t *object,
    const char *name);
json_field_add_fn json_field_add_text, json_field_add_duration,
    json_field_add_bytes, json_field_add_ms, json_field_add_number;

/* All return `dst`. */

/* The two largest units: "3 d 4 h", "5 s". */
const char *json_field_print_duration(double seconds, char *dst, size_t size);
/* A word or a number as it is, anything else as JSON. */
const char *json_field_print_value(const json_t *value, char *dst, size_t size);
/* The strings of a list, with spaces between them. */
const char *json_field_join(const json_t *words, char *dst, size_t size);

/* Adds the strings of `list`, with commas. */
void json_field_append_list(char *dst, size_t size, const json_t *list);

#endif /* JSON_FIELD_H */
