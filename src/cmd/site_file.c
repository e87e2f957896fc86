/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cmd/site_file.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "keeper/credentials.h"

static bool is_key(const char *line, size_t len, const char *key);
static bool goes_on(const char *line, size_t len);

int
site_file_lock(const char *dir)
{
	int r, fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd == -1)
		return -errno;
	do
		r = flock(fd, LOCK_EX);
	while (r == -1 && errno == EINTR);
	if (r == -1) {
		r = -errno;
		close(fd);
		return r;
	}
	return fd;
}

const char *
site_file_conf(char *dst, size_t size, const char *site)
{
	assert(conf_is_site_name(site));
	snprintf(dst, size, CONF_SITES_DIR "/%s.conf", site);
	return dst;
}

const char *
site_file_certificate(char *dst, size_t size, const char *site)
{
	assert(conf_is_site_name(site));
	snprintf(dst, size, CONF_SITES_DIR "/%s.crt", site);
	return dst;
}

const char *
site_file_credential(char *dst, size_t size, const char *site,
    enum conf_auth auth)
{
	char name[CREDENTIALS_NAME_MAX];
	bool ok = credentials_site_name(site, auth, name, sizeof(name));

	assert(ok);
	(void)ok;
	snprintf(dst, size, CONF_KEEPER_DIR "/%s", name);
	return dst;
}

char *
site_file_set_disabled(const char *text, bool disabled)
{
	bool   continued = false, dropping = false, put = !disabled;
	char  *out;
	size_t len;
	FILE  *f = open_memstream(&out, &len);

	if (f == NULL)
		return NULL;
	for (; *text != '\0'; text += len) {
		len = strcspn(text, "\n");
		len += text[len] == '\n';
		/* A line goes with all that continues it. */
		dropping = continued ? dropping : is_key(text, len, "disabled");
		if (!dropping)
			fwrite(text, 1, len, f);
		if (!put && !continued && text[strspn(text, " \t")] == '[') {
			if (text[len - 1] != '\n')
				fputc('\n', f);
			fputs("disabled = yes\n", f);
			put = true;
		}
		continued = goes_on(text, len);
	}
	if (fclose(f) == 0 && put)
		return out;
	free(out);
	return NULL;
}

static bool
is_key(const char *line, size_t len, const char *key)
{
	size_t i = strspn(line, " \t");

	if (strncmp(line + i, key, strlen(key)) != 0)
		return false;
	i += strlen(key);
	i += strspn(line + i, " \t");
	return i < len && line[i] == '=';
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
