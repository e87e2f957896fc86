/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sites_watch: notices that a site, its credential, or another file that counts
 * at once was made, changed or removed.
 *
 * By inotify, 200 ms after the first sign of it, so that a handful of changes
 * is one.  A directory that comes later, or goes and comes back, is noticed
 * too; when the kernel lost count, everything may have changed.
 */
#ifndef SITES_WATCH_H
#define SITES_WATCH_H

#include <stdbool.h>

struct ev_loop;
struct sites_watch;

struct sites_watch_events {
	/* Whether the file `name` in the configuration's directory counts. */
	bool (*is_file)(void *arg, const char *name);
	/* One of those, or a file in sites.d, is another one now. */
	void (*on_change)(void *arg);
	/*
	 * So is a file NAME.METHOD in keeper/sites; "": any may be.  After the
	 * other, if both happened.
	 */
	void (*on_credential)(void *arg, const char *site);
	void *arg;
};

/*
 * Watches `dir`; the events are called in `loop`.  What of keeper/ cannot be
 * watched is logged.  NULL on failure (errno is set).
 */
struct sites_watch *sites_watch_new(struct ev_loop *loop, const char *dir,
    const struct sites_watch_events *events);
void sites_watch_free(struct sites_watch *watch);

#endif /* SITES_WATCH_H */
