/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * json_field: fields of the daemon's answer, as people read them.
 *
 * Whatever is missing, or of a type that nobody expects, is not an error: it is
 * NULL, and not shown.
 */
#ifndef JSON_FIELD_H
#define JSON_FIELD_H

#include <stddef.h>

#include <jansson.h>

/* NULL when there is none, or it is no string.  Borrowed. */
const char *json_field_text(const json_t *object, const char *name);

/*
 * `pattern` with fields of `value` in it; returns `dst`.  {name} is a field, {}
 * is the value itself.  Behind a colon stands how it is to look:
 *
 *	{x}		a word, a number, "yes" or "no", the words of a list
 *	{x:some}	the same, but of a number only if it is not zero
 *	{x:words}	a list with blanks instead of commas
 *	{x:time}	seconds, in the two largest units: "3 d 4 h"
 *	{x:size}	bytes: "1.5 MiB"
 *
 * A '|' separates alternatives: the first counts that has all of its fields.
 * NULL when none has.
 */
const char *json_field_fill(const json_t *value, const char *pattern, char *dst,
    size_t size);

#endif /* JSON_FIELD_H */
