/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "monitor/state/good_time.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bsd/stdlib.h>

#include "base/file.h"
#include "base/log.h"
#include "conf/conf.h"
#include "monitor/state/state_dir.h"

#define DAY_SEC	  86400
#define MAX_TEXT  32
#define LAST_SEC  INT64_C(253402300799) /* of the year 9999 */

static char *old_path(const struct conf *conf);

void
good_time_init(struct good_time *good, const char *dir,
    const struct conf *conf)
{
	const char *wrong = NULL;
	char	   *text = NULL, *old = old_path(conf);
	size_t	    len;

	*good = (struct good_time) { .path = file_join(dir, "good-time") };
	if (good->path != NULL && old != NULL &&
	    access(good->path, F_OK) == -1 && rename(old, good->path) == 0)
		log_info("%s: moved here from %s", good->path, old);
	if (good->path != NULL &&
	    file_read(good->path, MAX_TEXT, &text, &len) < 0 && old != NULL)
		(void)file_read(old, MAX_TEXT, &text, &len);
	free(old);
	if (text == NULL)
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
	char text[MAX_TEXT];
	int  len, r;

	if (good->path == NULL || now < good->last + DAY_SEC)
		return;
	len = snprintf(text, sizeof(text), "%lld\n", (long long)now);
	r = file_write(good->path, text, (size_t)len, 0644, (uid_t)-1,
	    (gid_t)-1);
	if (r < 0)
		log_warnx("%s: the time cannot be kept: %s", good->path,
		    strerror(-r));
	/* Not again for a day, either way. */
	good->last = now;
}

/* ROOT/NAME.time, where the socket is NAME.sock. */
static char *
old_path(const struct conf *conf)
{
	const char *slash = strrchr(conf->socket, '/');
	const char *name = slash != NULL ? slash + 1 : conf->socket;
	size_t	    len = strlen(name);
	char	   *path, *root = state_dir_root();

	if (len > 5 && strcmp(name + len - 5, ".sock") == 0)
		len -= 5;
	if (root == NULL ||
	    asprintf(&path, "%s/%.*s.time", root, (int)len, name) == -1)
		path = NULL;
	free(root);
	return path;
}
