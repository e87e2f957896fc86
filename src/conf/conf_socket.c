/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "conf/conf_socket.h"

#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

#include <bsd/libutil.h>

#include "base/file.h"
#include "base/text.h"
#include "conf/conf_keys.h"

#define FILE_MAX_LEN ((size_t)1024 * 1024)
#define KEY	     "socket"
#define SPACE	     " \t\r\n\v\f"

static char *resolve(const char *path);
static char *find_line(char *text, size_t len);
static char *value_of(char *line);

char *
conf_resolve(const char *path)
{
	char *head = strdup(path), *tail = strdup(path);
	char *dir = head != NULL ? resolve(dirname(head)) : NULL;
	char *whole = dir != NULL && tail != NULL ?
	    file_join(strcmp(dir, "/") == 0 ? "" : dir, basename(tail)) : NULL;

	free(dir);
	free(tail);
	free(head);
	return whole;
}

char *
conf_socket(const char *config)
{
	char  *copy = strdup(config), *path = NULL, *text;
	size_t len;

	if (file_read(config, FILE_MAX_LEN, &text, &len) == 0) {
		(void)text_normalize(text, &len);
		path = find_line(text, len);
		free(text);
	}
	if (path == NULL && copy != NULL)
		path = conf_default_socket(dirname(copy));
	free(copy);
	return path;
}

/* What is missing at its end is kept as it was written. */
static char *
resolve(const char *path)
{
	char *real = realpath(path, NULL);

	if (real != NULL || strcmp(path, ".") == 0 || strcmp(path, "/") == 0)
		return real;
	return conf_resolve(path);
}

/* UTF-16, as an editor may have saved it, is readable without its NULs. */
static char *
find_line(char *text, size_t len)
{
	size_t n = 0;
	char  *line, *value, *found = NULL;
	FILE  *in;

	for (size_t i = 0; i < len; i++) {
		if (text[i] != '\0')
			text[n++] = text[i];
	}
	in = n > 0 ? fmemopen(text, n, "r") : NULL;
	while (in != NULL && (line = fparseln(in, NULL, NULL, NULL,
				  FPARSELN_UNESCALL)) != NULL) {
		value = value_of(line);
		if (value != NULL) {
			free(found);
			found = strdup(value);
		}
		free(line);
	}
	if (in != NULL)
		fclose(in);
	return found;
}

/* NULL if it is no `socket` line, or not one that a daemon could have used. */
static char *
value_of(char *line)
{
	size_t len;

	line += strspn(line, SPACE);
	if (strncmp(line, KEY, strlen(KEY)) != 0)
		return NULL;
	line += strlen(KEY);
	line += strspn(line, SPACE);
	if (*line++ != '=')
		return NULL;
	line += strspn(line, SPACE);
	for (len = strlen(line); len > 0 && strchr(SPACE, line[len - 1]);)
		line[--len] = '\0';
	return *line == '/' && len < sizeof(((struct sockaddr_un *)0)->sun_path) ?
	    line : NULL;
}
