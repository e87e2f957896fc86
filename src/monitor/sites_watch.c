/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "monitor/sites_watch.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include <bsd/string.h>
#include <ev.h>

#include "base/file.h"
#include "base/log.h"
#include "conf/conf.h"

#define SETTLE_SEC 0.2
#define LATEST_SEC 3. /* report continuous changes after this time */
#define MAX_READS  16 /* per turn of the loop */
/*
 * IN_CREATE is needed for links, which `site add` makes: they are never written
 * to.  IN_ATTRIB is needed because `site disable` sets the time of a
 * credential.
 */
#define FILES                                                                  \
	(IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_CREATE | \
	    IN_ATTRIB | IN_MOVE_SELF | IN_ONLYDIR)

enum dir { DIR_CONF, DIR_SITES, DIR_KEEPER, DIR_CREDENTIALS, DIRS };

/* Each is below an earlier one, which reports when it is created. */
static const struct {
	enum dir    parent;
	const char *name, *path;
} dirs[DIRS] = {
	[DIR_CONF] = { DIRS, "", "" },
	[DIR_SITES] = { DIR_CONF, CONF_SITES_DIR, CONF_SITES_DIR },
	[DIR_KEEPER] = { DIR_CONF, CONF_KEEPER_DIR, CONF_KEEPER_DIR },
	[DIR_CREDENTIALS] = { DIR_KEEPER, "sites", CONF_KEEPER_DIR "/sites" },
};

/*
 * The files of keeper/sites.  A changed time is a change, as it is for tokens.
 */
struct credentials {
	struct dirent **names; /* owned, and so is each entry; sorted */
	struct stat    *files; /* owned */
	int		n;
};

struct sites_watch {
	struct ev_loop		 *loop;
	struct ev_io		  io;
	struct ev_timer		  timer;
	ev_tstamp		  latest; /* latest time for the timer */
	struct sites_watch_events events;
	int			  fd;
	char			 *paths[DIRS]; /* owned */
	int			  wd[DIRS]; /* -1: it does not exist */
	bool			  changed; /* since the last on_change() */
	bool			  touched; /* a credential */
	struct credentials	  seen;	   /* as of the last comparison */
};

static bool add_watches(struct sites_watch *watch);
static void on_readable(struct ev_loop *loop, struct ev_io *io, int what);
static void wait_for_quiet(struct sites_watch *watch);
static void on_settled(struct ev_loop *loop, struct ev_timer *timer, int what);
static void take_event(struct sites_watch *watch,
    const struct inotify_event *event);
static void take_name(struct sites_watch *watch, enum dir dir,
    const char *name);
static bool is_file(const struct sites_watch *watch, enum dir dir,
    const char *name);
static void take_dir(struct sites_watch *watch, enum dir dir);
static void compare(struct sites_watch *watch);
static bool read_credentials(const struct sites_watch *watch,
    struct credentials *credentials);
static bool report(struct sites_watch *watch, const struct credentials *now);
static bool is_same(const struct stat *a, const struct stat *b);
static void free_credentials(struct credentials *credentials);
static int  is_credential(const struct dirent *entry);

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
	watch->io.data = watch->timer.data = watch;
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
	read_credentials(watch, &watch->seen);
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
	free_credentials(&watch->seen);
	if (watch->fd != -1)
		close(watch->fd);
	for (unsigned i = 0; i < DIRS; i++)
		free(watch->paths[i]);
	free(watch);
}

void
sites_watch_now(struct sites_watch *watch)
{
	char rest[4096];

	while (read(watch->fd, rest, sizeof(rest)) > 0)
		;
	add_watches(watch);
	ev_timer_stop(watch->loop, &watch->timer);
	watch->changed = watch->touched = true;
	on_settled(watch->loop, &watch->timer, 0);
}

/*
 * Adding a watch again has no effect: it keeps its number.  A directory that
 * was moved away may have been moved back.
 */
static bool
add_watches(struct sites_watch *watch)
{
	for (unsigned i = 0; i < DIRS; i++) {
		int wd = inotify_add_watch(watch->fd, watch->paths[i], FILES);

		if (wd != -1 || i != DIR_CONF)
			watch->wd[i] = wd;
		if (wd != -1 || errno == ENOENT || errno == ENOTDIR)
			continue;
		if (i == DIR_CONF || i == DIR_SITES)
			return false;
		log_warn("%s: cannot watch for changes", watch->paths[i]);
	}
	return watch->wd[DIR_CONF] > 0;
}

static void
on_readable(struct ev_loop *loop, struct ev_io *io, int what)
{
	struct sites_watch *watch = io->data;

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
	if (watch->changed || watch->touched)
		wait_for_quiet(watch);
}

/* Restoring a directory, or writing a file, takes a while. */
static void
wait_for_quiet(struct sites_watch *watch)
{
	ev_tstamp now = ev_now(watch->loop);

	if (!ev_is_active(&watch->timer))
		watch->latest = now + LATEST_SEC;
	else if (now + SETTLE_SEC > watch->latest)
		return;
	ev_timer_stop(watch->loop, &watch->timer);
	ev_timer_set(&watch->timer, SETTLE_SEC, 0.);
	ev_timer_start(watch->loop, &watch->timer);
}

static void
on_settled(struct ev_loop *loop, struct ev_timer *timer, int what)
{
	struct sites_watch *watch = timer->data;

	if (watch->changed)
		watch->events.on_change(watch->events.arg);
	watch->changed = false;
	if (watch->touched)
		compare(watch);
}

static void
take_event(struct sites_watch *watch, const struct inotify_event *event)
{
	if ((event->mask & IN_Q_OVERFLOW) != 0) {
		watch->changed = watch->touched = true;
		add_watches(watch);
		return;
	}
	for (unsigned i = 0; i < DIRS; i++) {
		if (watch->wd[i] == -1 || watch->wd[i] != event->wd)
			continue;
		if ((event->mask & IN_IGNORED) != 0)
			watch->wd[i] = -1;
		if ((event->mask & (IN_IGNORED | IN_MOVE_SELF)) != 0)
			take_dir(watch, (enum dir)i);
		else if (event->len > 0)
			take_name(watch, (enum dir)i, event->name);
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
		watch->changed |= conf_is_site_file(name);
	else if (dir == DIR_CREDENTIALS)
		watch->touched = true;
	else
		watch->changed |= is_file(watch, dir, name);
}

/* A private key is half of a pair, so it counts, too. */
static bool
is_file(const struct sites_watch *watch, enum dir dir, const char *name)
{
	char path[sizeof(CONF_KEEPER_DIR) + NAME_MAX + 1];

	snprintf(path, sizeof(path), "%s%s%s", dirs[dir].path,
	    dir == DIR_KEEPER ? "/" : "", name);
	return watch->events.is_file(watch->events.arg, path);
}

/* The directory was created or removed, and with it all its files. */
static void
take_dir(struct sites_watch *watch, enum dir dir)
{
	watch->changed |= dir == DIR_SITES || dir == DIR_CONF;
	watch->touched |= dir != DIR_SITES;
}

/*
 * Compares all files with those before, whatever the event was.  If the
 * directory is missing, nobody can log in, and sessions stay up until it is
 * back.
 */
static void
compare(struct sites_watch *watch)
{
	struct credentials now, old = watch->seen;

	watch->touched = false;
	if (read_credentials(watch, &now) && report(watch, &now)) {
		watch->seen = now;
		/* A site without credentials cannot log in. */
		if (now.n != old.n)
			watch->events.on_change(watch->events.arg);
		free_credentials(&old);
		return;
	}
	if (errno != ENOENT && errno != ENOTDIR) {
		log_warn("%s: cannot watch it yet",
		    watch->paths[DIR_CREDENTIALS]);
		watch->touched = true;
		wait_for_quiet(watch);
	}
	free_credentials(&now);
}

/* If the file is removed meanwhile, the time is 0, which counts as a change. */
static bool
read_credentials(const struct sites_watch *watch,
    struct credentials *credentials)
{
	const char *dir = watch->paths[DIR_CREDENTIALS];

	*credentials = (struct credentials) { 0 };
	credentials->n = scandir(dir, &credentials->names, is_credential,
	    alphasort);
	if (credentials->n == -1)
		return false;
	credentials->files = calloc((size_t)credentials->n + 1,
	    sizeof(*credentials->files));
	for (int i = 0; credentials->files != NULL && i < credentials->n; i++) {
		char *path = file_join(dir, credentials->names[i]->d_name);

		if (path != NULL)
			(void)lstat(path, &credentials->files[i]);
		free(path);
	}
	return credentials->files != NULL;
}

/* Nobody has logged in with a new one yet. */
static bool
report(struct sites_watch *watch, const struct credentials *now)
{
	const struct credentials *old = &watch->seen;
	const char **sites = calloc((size_t)old->n + 1, sizeof(*sites));
	size_t	     n = 0;

	for (int i = 0, j = 0; sites != NULL && i < old->n; i++) {
		char *name = old->names[i]->d_name;

		while (j < now->n && strcmp(now->names[j]->d_name, name) < 0)
			j++;
		if (j < now->n && strcmp(now->names[j]->d_name, name) == 0 &&
		    is_same(&old->files[i], &now->files[j]))
			continue;
		sites[n++] = name;
	}
	for (size_t i = 0; i < n; i++)
		*strrchr(sites[i], '.') = '\0';
	if (n > 0)
		watch->events.on_credentials(watch->events.arg, sites, n);
	free(sites);
	return sites != NULL;
}

static bool
is_same(const struct stat *a, const struct stat *b)
{
	return a->st_size == b->st_size &&
	    a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
	    a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

static void
free_credentials(struct credentials *credentials)
{
	for (int i = 0; i < credentials->n; i++)
		free(credentials->names[i]);
	free(credentials->names);
	free(credentials->files);
}

/* Only files with a name of the form NAME.METHOD count, not temporary files. */
static int
is_credential(const struct dirent *entry)
{
	const char    *dot = strrchr(entry->d_name, '.');
	char	       site[CONF_NAME_MAX + 1];
	enum conf_auth auth;

	if (dot == NULL || !words_find(&conf_words_auth, dot + 1, &auth) ||
	    (size_t)(dot - entry->d_name) >= sizeof(site))
		return 0;
	strlcpy(site, entry->d_name, (size_t)(dot - entry->d_name) + 1);
	return conf_is_site_name(site);
}
