/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "monitor/sites_watch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <bsd/string.h>
#include <ev.h>

#include "base/file.h"
#include "base/log.h"
#include "conf/conf.h"

#define SETTLE_SEC 0.2
#define MAX_READS  16 /* a turn of the loop */
#define MAX_NAMES  32 /* credentials at a time; more are "any" */
/* IN_CREATE: a link is never written to, and `site add` makes links. */
#define FILES                                                                  \
	(IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_CREATE | \
	    IN_ONLYDIR)

enum dir { DIR_CONF, DIR_SITES, DIR_KEEPER, DIR_CREDENTIALS, DIRS };

/* Each below an earlier one, which tells when it comes. */
static const struct {
	enum dir    parent;
	const char *name, *path;
} dirs[DIRS] = {
	[DIR_CONF] = { DIRS, "", "" },
	[DIR_SITES] = { DIR_CONF, CONF_SITES_DIR, CONF_SITES_DIR },
	[DIR_KEEPER] = { DIR_CONF, CONF_KEEPER_DIR, CONF_KEEPER_DIR },
	[DIR_CREDENTIALS] = { DIR_KEEPER, "sites", CONF_KEEPER_DIR "/sites" },
};

struct sites_watch {
	struct ev_loop		 *loop;
	struct ev_io		  io;
	struct ev_timer		  timer;
	struct sites_watch_events events;
	int			  fd;
	char			 *paths[DIRS]; /* owned */
	int			  wd[DIRS]; /* -1: it is not there */

	/* What happened since the last time it settled. */
	bool	 changed, any_credential;
	char	 names[MAX_NAMES][CONF_NAME_MAX + 1];
	unsigned n;
};

static bool add_watches(struct sites_watch *watch);
static void on_readable(struct ev_loop *loop, struct ev_io *io, int what);
static void on_settled(struct ev_loop *loop, struct ev_timer *timer, int what);
static void take_event(struct sites_watch *watch,
    const struct inotify_event *event);
static void take_name(struct sites_watch *watch, enum dir dir,
    const char *name);
static void take_dir(struct sites_watch *watch, enum dir dir);
static void take_credential(struct sites_watch *watch, const char *name);
static bool is_site_file(const char *name);

struct sites_watch *
sites_watch_new(struct ev_loop *loop, const char *dir,
    const struct sites_watch_events *events)
{
	struct sites_watch *watch = calloc(1, sizeof(*watch));
	bool		    ok;
	int		    saved;

	if (watch == NULL)
		return NULL;
	watch->loop = loop;
	watch->events = *events;
	watch->fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	ok = watch->fd != -1;
	ev_io_init(&watch->io, on_readable, watch->fd, EV_READ);
	ev_timer_init(&watch->timer, on_settled, SETTLE_SEC, 0.);
	watch->io.data = watch;
	watch->timer.data = watch;
	for (unsigned i = 0; i < DIRS; i++) {
		watch->paths[i] = file_join(dir, dirs[i].path);
		ok = ok && watch->paths[i] != NULL;
	}
	if (!ok || !add_watches(watch)) {
		saved = errno;
		sites_watch_free(watch);
		errno = saved;
		return NULL;
	}
	ev_io_start(loop, &watch->io);
	return watch;
}

void
sites_watch_free(struct sites_watch *watch)
{
	if (watch == NULL)
		return;
	ev_io_stop(watch->loop, &watch->io);
	ev_timer_stop(watch->loop, &watch->timer);
	if (watch->fd != -1)
		close(watch->fd);
	for (unsigned i = 0; i < DIRS; i++)
		free(watch->paths[i]);
	free(watch);
}

/* Again is fine: what is watched stays so, and keeps its number. */
static bool
add_watches(struct sites_watch *watch)
{
	for (unsigned i = 0; i < DIRS; i++) {
		watch->wd[i] = inotify_add_watch(watch->fd, watch->paths[i],
		    FILES);
		if (watch->wd[i] != -1 || errno == ENOENT || errno == ENOTDIR)
			continue;
		if (i == DIR_CONF || i == DIR_SITES)
			return false;
		log_warn("%s: changes cannot be noticed", watch->paths[i]);
	}
	return watch->wd[DIR_CONF] != -1;
}

static void
on_readable(struct ev_loop *loop, struct ev_io *io, int what)
{
	struct sites_watch *watch = io->data;

	(void)what;
	for (unsigned i = 0; i < MAX_READS; i++) {
		_Alignas(struct inotify_event) char buf[4096];
		ssize_t n = read(watch->fd, buf, sizeof(buf));

		if (n <= 0)
			break;
		for (ssize_t at = 0; at < n;) {
			const struct inotify_event *event =
			    (const void *)(buf + at);

			take_event(watch, event);
			at += (ssize_t)(sizeof(*event) + event->len);
		}
	}
	if ((!watch->changed && !watch->any_credential && watch->n == 0) ||
	    ev_is_active(&watch->timer))
		return;
	ev_timer_set(&watch->timer, SETTLE_SEC, 0.);
	ev_timer_start(loop, &watch->timer);
}

static void
on_settled(struct ev_loop *loop, struct ev_timer *timer, int what)
{
	struct sites_watch	  *watch = timer->data;
	struct sites_watch_events *events = &watch->events;

	(void)loop;
	(void)what;
	if (watch->changed)
		events->on_change(events->arg);
	if (watch->any_credential)
		watch->n = 0;
	for (unsigned i = 0; i < watch->n; i++)
		events->on_credential(events->arg, watch->names[i]);
	if (watch->any_credential)
		events->on_credential(events->arg, "");
	watch->changed = watch->any_credential = false;
	watch->n = 0;
}

static void
take_event(struct sites_watch *watch, const struct inotify_event *event)
{
	if ((event->mask & IN_Q_OVERFLOW) != 0) {
		watch->changed = watch->any_credential = true;
		add_watches(watch);
		return;
	}
	for (unsigned i = 0; i < DIRS; i++) {
		if (watch->wd[i] == -1 || watch->wd[i] != event->wd)
			continue;
		if ((event->mask & IN_IGNORED) != 0) {
			watch->wd[i] = -1;
			take_dir(watch, (enum dir)i);
		} else if (event->len > 0) {
			take_name(watch, (enum dir)i, event->name);
		}
		return;
	}
}

static void
take_name(struct sites_watch *watch, enum dir dir, const char *name)
{
	for (unsigned i = 0; i < DIRS; i++) {
		if (dirs[i].parent != dir || strcmp(dirs[i].name, name) != 0)
			continue;
		add_watches(watch);
		take_dir(watch, (enum dir)i);
		return;
	}
	if (dir == DIR_SITES)
		watch->changed |= is_site_file(name);
	else if (dir == DIR_CREDENTIALS)
		take_credential(watch, name);
	else if (dir == DIR_CONF)
		watch->changed |= watch->events.is_file(watch->events.arg,
		    name);
}

/* The directory itself came or went: so did all in it. */
static void
take_dir(struct sites_watch *watch, enum dir dir)
{
	if (dir == DIR_SITES)
		watch->changed = true;
	else
		watch->any_credential = true;
}

/* NAME.METHOD; what is none, a temporary file perhaps, nobody looks at. */
static void
take_credential(struct sites_watch *watch, const char *name)
{
	const char    *dot = strrchr(name, '.');
	char	       site[CONF_NAME_MAX + 1];
	enum conf_auth auth;

	if (dot == NULL || !conf_auth_parse(&auth, dot + 1) ||
	    (size_t)(dot - name) >= sizeof(site))
		return;
	strlcpy(site, name, (size_t)(dot - name) + 1);
	if (!conf_is_site_name(site))
		return;
	for (unsigned i = 0; i < watch->n; i++) {
		if (strcmp(watch->names[i], site) == 0)
			return;
	}
	if (watch->n == MAX_NAMES)
		watch->any_credential = true;
	else
		strlcpy(watch->names[watch->n++], site, sizeof(site));
}

/* [!.]*.conf, as conf_load() takes them. */
static bool
is_site_file(const char *name)
{
	size_t len = strlen(name);

	return name[0] != '.' && len > 5 && strcmp(name + len - 5, ".conf") == 0;
}
