/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "monitor/sites_watch.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <ev.h>

#include "base/file.h"
#include "conf/conf.h"

#define SETTLE_SEC 0.2
#define MAX_READS  16 /* a turn of the loop */
/* IN_CREATE: a link is never written to, and `site add` makes links. */
#define FILES                                                                  \
	(IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_CREATE | \
	    IN_ONLYDIR)
#define PARENT (IN_CREATE | IN_MOVED_TO | IN_ONLYDIR)

struct sites_watch {
	struct ev_loop *loop;
	struct ev_io	io;
	struct ev_timer timer;
	char	       *path; /* of sites.d; owned */
	int		fd;
	int		sites; /* watch of sites.d; -1: it is not there */
	void (*changed)(void *arg);
	void *arg;
};

static void on_readable(struct ev_loop *loop, struct ev_io *io, int what);
static void on_settled(struct ev_loop *loop, struct ev_timer *timer, int what);
static bool take_event(struct sites_watch *watch,
    const struct inotify_event *event);
static bool is_site_file(const char *name);

struct sites_watch *
sites_watch_new(struct ev_loop *loop, const char *dir,
    void (*changed)(void *arg), void *arg)
{
	struct sites_watch *watch = calloc(1, sizeof(*watch));
	int		    saved;

	if (watch == NULL)
		return NULL;
	watch->loop = loop;
	watch->changed = changed;
	watch->arg = arg;
	watch->path = file_join(dir, CONF_SITES_DIR);
	watch->fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	ev_io_init(&watch->io, on_readable, watch->fd, EV_READ);
	ev_timer_init(&watch->timer, on_settled, SETTLE_SEC, 0.);
	watch->io.data = watch;
	watch->timer.data = watch;
	if (watch->path == NULL || watch->fd == -1 ||
	    inotify_add_watch(watch->fd, dir, PARENT) == -1)
		goto fail;
	watch->sites = inotify_add_watch(watch->fd, watch->path, FILES);
	if (watch->sites == -1 && errno != ENOENT)
		goto fail;
	ev_io_start(loop, &watch->io);
	return watch;

fail:
	saved = errno;
	sites_watch_free(watch);
	errno = saved;
	return NULL;
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
	free(watch->path);
	free(watch);
}

static void
on_readable(struct ev_loop *loop, struct ev_io *io, int what)
{
	struct sites_watch *watch = io->data;
	bool		    changed = false;

	(void)what;
	for (unsigned i = 0; i < MAX_READS; i++) {
		_Alignas(struct inotify_event) char buf[4096];
		ssize_t n = read(watch->fd, buf, sizeof(buf));

		if (n <= 0)
			break;
		for (ssize_t at = 0; at < n;) {
			const struct inotify_event *event =
			    (const void *)(buf + at);

			changed |= take_event(watch, event);
			at += (ssize_t)(sizeof(*event) + event->len);
		}
	}
	if (!changed || ev_is_active(&watch->timer))
		return;
	ev_timer_set(&watch->timer, SETTLE_SEC, 0.);
	ev_timer_start(loop, &watch->timer);
}

static void
on_settled(struct ev_loop *loop, struct ev_timer *timer, int what)
{
	struct sites_watch *watch = timer->data;

	(void)loop;
	(void)what;
	watch->changed(watch->arg);
}

/* Whether the sites may have changed. */
static bool
take_event(struct sites_watch *watch, const struct inotify_event *event)
{
	if ((event->mask & IN_Q_OVERFLOW) != 0)
		return true;
	if (event->wd == watch->sites) {
		if ((event->mask & IN_IGNORED) == 0)
			return event->len > 0 && is_site_file(event->name);
		watch->sites = -1;
		return true;
	}
	/* In the directory above: only sites.d itself is of interest. */
	if (event->len == 0 || strcmp(event->name, CONF_SITES_DIR) != 0)
		return false;
	watch->sites = inotify_add_watch(watch->fd, watch->path, FILES);
	return true;
}

/* [!.]*.conf, as conf_load() takes them. */
static bool
is_site_file(const char *name)
{
	size_t len = strlen(name);

	return name[0] != '.' && len > 5 && strcmp(name + len - 5, ".conf") == 0;
}
