/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sites_watch: notices that a file in sites.d was made, changed or removed.
 *
 * By inotify, 200 ms after the first sign of it, so that a handful of changes
 * is one.  A sites.d that comes later, or goes and comes back, is noticed too.
 */
#ifndef SITES_WATCH_H
#define SITES_WATCH_H

struct ev_loop;
struct sites_watch;

/*
 * Watches sites.d in `dir`; `changed` is called in `loop`.  NULL on failure
 * (errno is set).
 */
struct sites_watch *sites_watch_new(struct ev_loop *loop, const char *dir,
    void (*changed)(void *arg), void *arg);
void sites_watch_free(struct sites_watch *watch);

#endif /* SITES_WATCH_H */
