/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sites_watch: notices that a site, its credential, or another file that counts
 * at once was made, changed or removed.
 *
 * By inotify, 200 ms after the last sign of it, but at most 3 s after the first:
 * a handful of changes is one, and a restore is not looked at half done.  A directory that comes later, or goes and comes back, is noticed
 * too.  For credentials any sign, also that the kernel lost count, only means:
 * compare all of them, by time and size, with what they were.
 */
#ifndef SITES_WATCH_H
#define SITES_WATCH_H

#include <stdbool.h>
#include <stddef.h>

struct ev_loop;
struct sites_watch;

struct sites_watch_events {
	/*
	 * Whether the file `name` in the configuration's directory counts;
	 * "keeper/NAME", too.
	 */
	bool (*is_file)(void *arg, const char *name);
	/* One of those, or a file in sites.d, is another one now. */
	void (*on_change)(void *arg);
	/* So are the files NAME.METHOD in keeper/sites of these sites. */
	void (*on_credentials)(void *arg, const char *const *sites, size_t n);
	void *arg;
};

/*
 * Watches `dir`; the events are called in `loop`.  What of keeper/ cannot be
 * watched is logged.  NULL on failure (errno is set).
 */
struct sites_watch *sites_watch_new(struct ev_loop *loop, const char *dir,
    const struct sites_watch_events *events);
/* Does not wait for any sign: calls both, if there is something to say. */
void sites_watch_now(struct sites_watch *watch);
void sites_watch_free(struct sites_watch *watch);

#endif /* SITES_WATCH_H */
