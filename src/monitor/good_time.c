/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "monitor/good_time.h"

#include <errno.h>
#include <libgen.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <bsd/stdlib.h>

#include "base/file.h"
#include "base/log.h"
#include "conf/conf.h"

#define STATE_DIR "/var/lib/tombolo"
#define DAY_SEC	  86400
#define MAX_TEXT  32
#define LAST_SEC  INT64_C(253402300799) /* of the year 9999 */

static char *path_of(const struct conf *conf);
static int   write_down(const char *path, time_t now);

void
good_time_init(struct good_time *good, const struct conf *conf)
{
	const char *wrong = NULL;
	char	   *text;
	size_t	    len;

	*good = (struct good_time) { .path = path_of(conf) };
	if (good->path == NULL ||
	    file_read(good->path, MAX_TEXT, &text, &len) < 0)
		return;
	text[strcspn(text, "\n")] = '\0';
	good->last = (time_t)strtonum(text, 1, LAST_SEC, &wrong);
	if (wrong != NULL)
		log_warnx("%s: expected seconds since 1970; it is passed over",
		    good->path);
	free(text);
}

void
good_time_fini(struct good_time *good)
{
	free(good->path);
	*good = (struct good_time) { 0 };
}

void
good_time_note(struct good_time *good, time_t now)
{
	int r;

	if (good->path == NULL || now < good->last + DAY_SEC)
		return;
	r = write_down(good->path, now);
	if (r < 0)
		log_warnx("%s: the time cannot be kept: %s", good->path,
		    strerror(-r));
	/* Not again for a day, either way. */
	good->last = now;
}

/* DIR/NAME.time, where the socket is NAME.sock. */
static char *
path_of(const struct conf *conf)
{
	const char *dir = getenv("STATE_DIRECTORY");
	const char *slash = strrchr(conf->socket, '/');
	const char *name = slash != NULL ? slash + 1 : conf->socket;
	size_t	    len = strlen(name), dir_len;
	char	   *path;

	if (dir == NULL || dir[0] != '/')
		dir = STATE_DIR;
	dir_len = strcspn(dir, ":"); /* it is a list */
	if (len > 5 && strcmp(name + len - 5, ".sock") == 0)
		len -= 5;
	if (asprintf(&path, "%.*s/%.*s.time", (int)dir_len, dir, (int)len,
		name) == -1)
		return NULL;
	return path;
}

static int
write_down(const char *path, time_t now)
{
	char text[MAX_TEXT], *copy = strdup(path);
	int  len = snprintf(text, sizeof(text), "%lld\n", (long long)now);
	int  r = 0;

	if (copy == NULL)
		return -ENOMEM;
	if (mkdir(dirname(copy), 0755) == -1 && errno != EEXIST)
		r = -errno;
	free(copy);
	if (r < 0)
		return r;
	return file_write(path, text, (size_t)len, 0644, (uid_t)-1, (gid_t)-1);
}
