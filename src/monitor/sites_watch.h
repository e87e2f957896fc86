/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sites_watch: watches for changes that take effect without a reload: of sites,
 * their credentials, and other files.
 *
 * Uses inotify.  A change is reported 200 ms after the last event, but at most
 * 3 s after the first, so that several changes are one, and a restore from a
 * backup is complete.  Directories may be created later, or disappear and come
 * back.  Any event in the directory of credentials, also an overflow of the
 * queue, leads to a comparison of the time and size of all files there with
 * those before.
 */
#ifndef SITES_WATCH_H
#define SITES_WATCH_H

#include <stdbool.h>
#include <stddef.h>

struct ev_loop;
struct sites_watch;

struct sites_watch_events {
	/*
	 * Whether changes of the file `name` in the configuration's directory,
	 * or "keeper/NAME", are reported.
	 */
	bool (*is_file)(void *arg, const char *name);
	/* One of those files, or a file in sites.d, has changed. */
	void (*on_change)(void *arg);
	/* The files NAME.METHOD in keeper/sites of these sites have changed. */
	void (*on_credentials)(void *arg, const char *const *sites, size_t n);
	void *arg;
};

/*
 * Watches `dir`; calls the events in `loop`.  Logs what in keeper/ cannot be
 * watched.  NULL on failure (errno is set).
 */
struct sites_watch *sites_watch_new(struct ev_loop *loop, const char *dir,
    const struct sites_watch_events *events);
/* Compares now, without waiting for an event, and reports what has changed. */
void sites_watch_now(struct sites_watch *watch);
void sites_watch_free(struct sites_watch *watch);

#endif /* SITES_WATCH_H */
