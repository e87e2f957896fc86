/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * json_field: formats fields of the daemon's answer for people.
 *
 * A field that is missing or of an unexpected type is no error: it is NULL, and
 * not shown.
 */
#ifndef JSON_FIELD_H
#define JSON_FIELD_H

#include <stddef.h>

#include <jansson.h>

/* NULL: missing, or not a string.  Borrowed. */
const char *json_field_text(const json_t *object, const char *name);

/*
 * Writes `pattern` with fields of `value` filled in, and returns `dst`. {name}
 * is a field, {} is the value itself.  A colon introduces the format:
 *
 * 	{x}		a word, a number, "yes" or "no", the words of a list
 * 	{x:some}	the same, but of a number only if it is not zero
 * 	{x:words}	a list with blanks instead of commas
 * 	{x:time}	seconds, in the two largest units: "3 d 4 h"
 * 	{x:size}	bytes: "1.5 MiB"
 *
 * A '|' separates alternatives: the first one with all of its fields is used.
 * NULL if none has.
 */
const char *json_field_fill(const json_t *value, const char *pattern, char *dst,
    size_t size);

#endif /* JSON_FIELD_H */
