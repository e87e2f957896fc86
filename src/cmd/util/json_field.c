/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cmd/util/json_field.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bsd/string.h>

#include "base/nitems.h"
#include "cmd/util/table.h"

#define TEXT_MAX 256

static void add_number(struct table *table, const json_t *object,
    const char *name, const char *unit);
static const char *print_bytes(double bytes, char *dst, size_t size);

const char *
json_field_text(const json_t *object, const char *name)
{
	return json_string_value(json_object_get(object, name));
}

bool
json_field_number(const json_t *object, const char *name, double *v)
{
	const json_t *value = json_object_get(object, name);

	*v = json_number_value(value);
	return json_is_number(value);
}

void
json_field_add_text(struct table *table, const json_t *object, const char *name)
{
	table_add(table, json_field_text(object, name));
}

void
json_field_add_duration(struct table *table, const json_t *object,
    const char *name)
{
	char   text[TEXT_MAX];
	double v;

	table_add(table, json_field_number(object, name, &v) ?
		json_field_print_duration(v, text, sizeof(text)) : NULL);
}

void
json_field_add_bytes(struct table *table, const json_t *object,
    const char *name)
{
	char   text[TEXT_MAX];
	double v;

	table_add(table, json_field_number(object, name, &v) ?
		print_bytes(v, text, sizeof(text)) : NULL);
}

void
json_field_add_number(struct table *table, const json_t *object,
    const char *name)
{
	add_number(table, object, name, "");
}

void
json_field_add_ms(struct table *table, const json_t *object, const char *name)
{
	add_number(table, object, name, " ms");
}

const char *
json_field_print_duration(double seconds, char *dst, size_t size)
{
	long long s = seconds >= 0 && seconds < 1e15 ? (long long)seconds : 0;

	if (s >= 86400)
		snprintf(dst, size, "%lld d %lld h", s / 86400,
		    s % 86400 / 3600);
	else if (s >= 3600)
		snprintf(dst, size, "%lld h %lld min", s / 3600,
		    s % 3600 / 60);
	else if (s >= 60)
		snprintf(dst, size, "%lld min %lld s", s / 60, s % 60);
	else
		snprintf(dst, size, "%lld s", s);
	return dst;
}

const char *
json_field_print_value(const json_t *value, char *dst, size_t size)
{
	char *json;

	if (json_is_string(value)) {
		snprintf(dst, size, "%s", json_string_value(value));
		return dst;
	}
	json = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
	snprintf(dst, size, "%s", json != NULL ? json : "");
	free(json);
	return dst;
}

const char *
json_field_join(const json_t *words, char *text, size_t size)
{
	size_t	i;
	json_t *word;

	text[0] = '\0';
	json_array_foreach(words, i, word)
	{
		if (i > 0)
			strlcat(text, " ", size);
		if (json_is_string(word))
			strlcat(text, json_string_value(word), size);
	}
	return text;
}

void
json_field_append_list(char *dst, size_t size, const json_t *list)
{
	const json_t *item;
	size_t	      i;

	json_array_foreach (list, i, item) {
		size_t	    used = strlen(dst);
		const char *text = json_string_value(item);

		if (text != NULL)
			snprintf(dst + used, size - used, "%s%s",
			    used > 0 ? ", " : "", text);
	}
}

static void
add_number(struct table *table, const json_t *object, const char *name,
    const char *unit)
{
	const json_t *value = json_object_get(object, name);

	if (json_is_integer(value))
		table_addf(table, "%lld%s", (long long)json_integer_value(value),
		    unit);
	else if (json_is_real(value))
		table_addf(table, "%.1f%s", json_real_value(value), unit);
	else
		table_add(table, NULL);
}

static const char *
print_bytes(double bytes, char *dst, size_t size)
{
	static const char *const units[] = { "KiB", "MiB", "GiB", "TiB", "PiB" };
	size_t			 i = 0;

	if (bytes < 1024) {
		snprintf(dst, size, "%.0f B", bytes);
		return dst;
	}
	for (bytes /= 1024; bytes >= 1024 && i + 1 < nitems(units); i++)
		bytes /= 1024;
	snprintf(dst, size, "%.1f %s", bytes, units[i]);
	return dst;
}
