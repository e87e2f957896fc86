/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * proxy_talk: runs proxy.c's protocol over a connected socket, with a time
 * limit.
 */
#ifndef PROXY_TALK_H
#define PROXY_TALK_H

#include <ev.h>

#include "control/reach/proxy.h"

#define PROXY_TALK_SEC 15 /* includes the proxy's own connection */

struct proxy_talk {
	struct ev_loop *loop;
	struct proxy	proxy;
	int		fd; /* borrowed; -1: idle */
	struct ev_io	io;
	struct ev_timer deadline;
	/* From the loop, once; `why` NULL: the socket leads to the server. */
	void (*done)(void *arg, const char *why);
	void *arg;
};

void proxy_talk_init(struct proxy_talk *talk, struct ev_loop *loop,
    void (*done)(void *arg, const char *why), void *arg);
/* Begins; as proxy_init(). */
void proxy_talk_start(struct proxy_talk *talk, int fd,
    enum conf_proxy_kind kind, const char *host, uint16_t port,
    const char *login);
/* No callback follows; idempotent. */
void proxy_talk_stop(struct proxy_talk *talk);

#endif /* PROXY_TALK_H */
