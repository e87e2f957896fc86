/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cmd/edit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/options.h"

enum place { IN_PLACE, BELOW_HEADER, BESIDES };

struct change {
	const char *section, *key;
	const char *const *values;
	size_t	    n;
};

static char *copy(const char *text, const struct change *change,
    enum place place);
static bool is_section(const char *line, const char *section);
static bool is_key(const char *line, const char *key);
static bool goes_on(const char *line, size_t len);

char *
edit_set(const char *text, const char *section, const char *key,
    const char *const *values, size_t n)
{
	const struct change change = { section, key, values, n };
	char		   *out = copy(text, &change, IN_PLACE);

	return out != NULL ? out : copy(text, &change, BELOW_HEADER);
}

char *
edit_add(const char *text, const char *section, const char *key,
    const char *value)
{
	const struct change change = { section, key, &value, 1 };

	return copy(text, &change, BESIDES);
}

/* NULL also when the place was not found. */
static char *
copy(const char *text, const struct change *change, enum place place)
{
	bool   continued = false, inside = false, drop = false, here = false;
	bool   put = change->n == 0;
	char  *out;
	size_t len;
	FILE  *f = open_memstream(&out, &len);

	for (; f != NULL && *text != '\0'; text += len) {
		len = strcspn(text, "\n");
		len += text[len] == '\n';
		/* A line goes with all that continues it. */
		if (!continued && text[strspn(text, " \t")] == '[')
			here = inside = is_section(text, change->section);
		else
			here = false;
		if (!continued)
			drop = inside && place != BESIDES &&
			    is_key(text, change->key);
		if (!drop)
			fwrite(text, 1, len, f);
		continued = goes_on(text, len);
		if (put || !(place == IN_PLACE ? drop : here))
			continue;
		if (text[len - 1] != '\n')
			fputc('\n', f);
		for (size_t i = 0; i < change->n; i++)
			options_put(f, change->key, change->values[i]);
		put = true;
	}
	if (f != NULL && fclose(f) == 0 && put)
		return out;
	if (f != NULL)
		free(out);
	return NULL;
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
