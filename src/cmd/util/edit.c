/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cmd/util/edit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/util/lines.h"

enum place { IN_PLACE, BELOW_HEADER, BESIDES };

struct change {
	const char *section, *key;
	const char *const *values;
	size_t	    n;
};

static bool copy(char **text, const struct change *change, enum place place);
static bool is_section(const char *line, const char *section);
static bool is_key(const char *line, const char *key);
static bool goes_on(const char *line, size_t len);

bool
edit_set(char **text, const char *section, const char *key,
    const char *const *values, size_t n)
{
	const struct change change = { section, key, values, n };

	return copy(text, &change, IN_PLACE) ||
	    copy(text, &change, BELOW_HEADER);
}

bool
edit_add(char **text, const char *section, const char *key, const char *value)
{
	const struct change change = { section, key, &value, 1 };

	return copy(text, &change, BESIDES);
}

/* Also false if the place was not found. */
static bool
copy(char **text, const struct change *change, enum place place)
{
	bool   continued = false, inside = false, drop = false, here = false;
	bool   put = change->n == 0;
	char  *out;
	size_t len, out_len;
	FILE  *f = open_memstream(&out, &out_len);

	for (const char *line = *text; f != NULL && *line != '\0'; line += len) {
		len = strcspn(line, "\n");
		len += line[len] == '\n';
		here = !continued && line[strspn(line, " \t")] == '[';
		if (here)
			here = inside = is_section(line, change->section);
		/* A line is removed with its continuation lines. */
		if (!continued)
			drop = inside && place != BESIDES &&
			    is_key(line, change->key);
		if (!drop)
			fwrite(line, 1, len, f);
		continued = goes_on(line, len);
		if (put || !(place == IN_PLACE ? drop : here))
			continue;
		if (line[len - 1] != '\n')
			fputc('\n', f);
		for (size_t i = 0; i < change->n; i++)
			lines_put(f, change->key, change->values[i]);
		put = true;
	}
	if (f == NULL || fclose(f) != 0)
		return false;
	free(put ? *text : out);
	if (put)
		*text = out;
	return put;
}

static bool
is_section(const char *line, const char *section)
{
	line += strspn(line, " \t");
	line += 1 + strspn(line + 1, " \t");
	return strncmp(line, section, strlen(section)) == 0 &&
	    strchr(" \t]", line[strlen(section)]) != NULL;
}

static bool
is_key(const char *line, const char *key)
{
	line += strspn(line, " \t");
	if (strncmp(line, key, strlen(key)) != 0)
		return false;
	line += strlen(key);
	return line[strspn(line, " \t")] == '=';
}

/* Ends in a backslash that is not itself escaped. */
static bool
goes_on(const char *line, size_t len)
{
	size_t slashes = 0;

	while (len > 0 && line[len - 1] == '\n')
		len--;
	while (slashes < len && line[len - 1 - slashes] == '\\')
		slashes++;
	return slashes % 2 == 1;
}
