/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * transport: what carries the frames of a session: lanes (UDP), or the control
 * connection (TCP) where those do not get through.
 *
 * The worker chooses for each frame (send.c); this module negotiates what is
 * allowed, and decides which changes are logged.
 *
 * Pure: no clock, no connection.
 */
#ifndef TRANSPORT_H
#define TRANSPORT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/mono.h"
#include "conf/conf.h"

/*
 * Server: combines its own setting and the site's.  Returns false, with `why`
 * for the site, if they are incompatible.
 */
bool transport_agree(enum conf_transport own, enum conf_transport site,
    enum conf_transport *agreed, char *why, size_t why_size);

/* Client: whether what the server says is what this end allows. */
bool transport_is_allowed(enum conf_transport own,
    enum conf_transport agreed, unsigned lanes);

/* A change is reported when it has lasted, and not too often. */
#define TRANSPORT_LASTS_US (2 * MONO_SEC)
#define TRANSPORT_TELL_US  (10 * MONO_SEC)

enum transport_news {
	TRANSPORT_NO_NEWS,
	TRANSPORT_BLOCKED, /* no lane carries */
	TRANSPORT_THROUGH, /* they do again */
};

struct transport_watch {
	bool	    reported_blocked; /* the last report */
	bool	    changed;	  /* the state differs from it */
	struct mono since;	  /* then */
	struct mono reported_at;
};

/* The session is up, and its lanes are about to come up. */
void transport_watch_start(struct transport_watch *watch, struct mono now);
/* Its lanes came up, which the caller has logged. */
void transport_watch_up(struct transport_watch *watch);
/* Every second; `blocked`: no lane carries. */
enum transport_news transport_watch_tick(struct transport_watch *watch,
    bool blocked, struct mono now);

#endif /* TRANSPORT_H */
