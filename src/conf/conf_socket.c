/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "conf/conf_socket.h"

#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

#include <bsd/libutil.h>

#include "base/auto.h"
#include "base/file.h"
#include "base/text.h"

#define FILE_MAX_LEN ((size_t)1024 * 1024)
#define SPACE	     " \t\r\n\v\f"

static char *resolve(const char *path);
static size_t clean(char *text, size_t len);
static char *value_of(char *line, const char *key);
static bool  is_socket(const char *value);

char *
conf_socket_resolve(const char *path)
{
	AUTO_FREE char *head = strdup(path), *tail = strdup(path);
	AUTO_FREE char *dir = head != NULL ? resolve(dirname(head)) : NULL;

	return dir != NULL && tail != NULL ?
	    file_join(strcmp(dir, "/") == 0 ? "" : dir, basename(tail)) : NULL;
}

char *
conf_socket(const char *config)
{
	AUTO_FREE char *copy = strdup(config), *text = NULL;
	char  *path = NULL;
	size_t len;

	if (file_read(config, FILE_MAX_LEN, &text, &len) == 0)
		path = conf_socket_find_value(text, &len, "socket", is_socket);
	if (path == NULL && copy != NULL)
		path = conf_socket_default(dirname(copy));
	return path;
}

char *
conf_socket_default(const char *dir)
{
	const char *slash = strrchr(dir, '/');
	const char *base = slash != NULL ? slash + 1 : dir;
	char	   *path;
	size_t	    from;

	if (*base == '\0' || strcmp(base, ".") == 0 || strcmp(base, "..") == 0)
		base = "tombolo";
	if (asprintf(&path, "/run/tombolo/%s.sock", base) == -1)
		return NULL;
	from = strlen("/run/tombolo/");
	for (char *p = path + from; *p != '\0'; p++) {
		unsigned char c = (unsigned char)*p;

		if (c <= 0x20 || c >= 0x7f || c == '#' || c == '\\')
			*p = '_';
	}
	return path;
}

/* What is missing at its end is kept as it was written. */
static char *
resolve(const char *path)
{
	char *real = realpath(path, NULL);

	if (real != NULL || strcmp(path, ".") == 0 || strcmp(path, "/") == 0)
		return real;
	return conf_socket_resolve(path);
}

char *
conf_socket_find_value(char *text, size_t *len, const char *key,
    bool (*is_good)(const char *value))
{
	char  *line, *value, *found = NULL;
	FILE  *in;

	*len = clean(text, *len);
	in = *len > 0 ? fmemopen(text, *len, "r") : NULL;
	while (in != NULL && (line = fparseln(in, NULL, NULL, NULL,
				  FPARSELN_UNESCALL)) != NULL) {
		value = value_of(line, key);
		if (value != NULL && is_good(value)) {
			free(found);
			found = strdup(value);
		}
		free(line);
	}
	if (in != NULL)
		fclose(in);
	return found;
}

/*
 * UTF-16, as an editor may have saved it, is readable without its NULs and its
 * mark, which is made of bytes that UTF-8 never has.
 */
static size_t
clean(char *text, size_t len)
{
	size_t n = 0;

	for (size_t i = 0; i < len; i++) {
		if (text[i] != '\0' && text[i] != '\xfe' && text[i] != '\xff')
			text[n++] = text[i];
	}
	(void)text_normalize(text, &n);
	return n;
}

static char *
value_of(char *line, const char *key)
{
	size_t len;

	line += strspn(line, SPACE);
	if (strncmp(line, key, strlen(key)) != 0)
		return NULL;
	line += strlen(key);
	line += strspn(line, SPACE);
	if (*line++ != '=')
		return NULL;
	line += strspn(line, SPACE);
	for (len = strlen(line); len > 0 && strchr(SPACE, line[len - 1]);)
		line[--len] = '\0';
	return line;
}

/* One that a daemon could have used. */
static bool
is_socket(const char *value)
{
	return *value == '/' &&
	    strlen(value) < sizeof(((struct sockaddr_un *)0)->sun_path);
}
