/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cmd/util/json_field.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <bsd/string.h>

#include "base/nitems.h"

static bool fill(const json_t *value, const char *pattern, char *dst,
    size_t size);
static bool put_field(const json_t *value, const char *field, size_t len,
    char *dst, size_t size);
static void put_number(const json_t *value, const char *look, char *dst,
    size_t size);
static void put_time(double seconds, char *dst, size_t size);
static void put_bytes(double bytes, char *dst, size_t size);
static void put_list(const json_t *list, const char *between, char *dst,
    size_t size);

const char *
json_field_text(const json_t *object, const char *name)
{
	return json_string_value(json_object_get(object, name));
}

const char *
json_field_fill(const json_t *value, const char *pattern, char *dst,
    size_t size)
{
	while (!fill(value, pattern, dst, size)) {
		pattern += strcspn(pattern, "|");
		if (*pattern++ == '\0')
			return NULL;
	}
	return dst;
}

/* One alternative. */
static bool
fill(const json_t *value, const char *pattern, char *dst, size_t size)
{
	size_t n = 0, len;

	*dst = '\0';
	while (*pattern != '\0' && *pattern != '|') {
		if (*pattern == '{') {
			len = strcspn(++pattern, "}");
			if (!put_field(value, pattern, len, dst + n, size - n))
				return false;
			pattern += len + 1;
		} else {
			len = strcspn(pattern, "{|");
			snprintf(dst + n, size - n, "%.*s", (int)len, pattern);
			pattern += len;
		}
		n += strlen(dst + n);
	}
	return true;
}

/* False if there is nothing to show. */
static bool
put_field(const json_t *value, const char *field, size_t len, char *dst,
    size_t size)
{
	char  text[32];
	char *look = text, *name;

	snprintf(text, sizeof(text), "%.*s", (int)len, field);
	name = strsep(&look, ":");
	look = look != NULL ? look : text + strlen(text);
	if (*name != '\0')
		value = json_object_get(value, name);
	*dst = '\0';
	if (json_is_string(value))
		strlcpy(dst, json_string_value(value), size);
	else if (json_is_boolean(value))
		strlcpy(dst, json_is_true(value) ? "yes" : "no", size);
	else if (json_is_number(value))
		put_number(value, look, dst, size);
	else if (json_is_array(value))
		put_list(value, strcmp(look, "words") == 0 ? " " : ", ", dst,
		    size);
	return *dst != '\0';
}

static void
put_number(const json_t *value, const char *look, char *dst, size_t size)
{
	double v = json_number_value(value);

	if (strcmp(look, "time") == 0)
		put_time(v, dst, size);
	else if (strcmp(look, "size") == 0)
		put_bytes(v, dst, size);
	else if (v != 0 || strcmp(look, "some") != 0)
		snprintf(dst, size, json_is_real(value) ? "%.1f" : "%.0f", v);
}

static void
put_time(double seconds, char *dst, size_t size)
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
}

static void
put_bytes(double bytes, char *dst, size_t size)
{
	static const char *const units[] = { "KiB", "MiB", "GiB", "TiB", "PiB" };
	size_t			 i = 0;

	if (bytes < 1024) {
		snprintf(dst, size, "%.0f B", bytes);
		return;
	}
	for (bytes /= 1024; bytes >= 1024 && i + 1 < nitems(units); i++)
		bytes /= 1024;
	snprintf(dst, size, "%.1f %s", bytes, units[i]);
}

/* A long one is truncated, with dots at its end. */
static void
put_list(const json_t *list, const char *between, char *dst, size_t size)
{
	const json_t *item;
	size_t	      i;

	json_array_foreach (list, i, item) {
		const char *text = json_is_string(item) ?
		    json_string_value(item) : "?";
		bool fits = strlen(dst) + strlen(text) + 8 <= size;

		strlcat(dst, i > 0 ? between : "", size);
		strlcat(dst, fits ? text : "...", size);
		if (!fits)
			break;
	}
}
