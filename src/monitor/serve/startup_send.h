/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * startup_send: what the monitor tells a new engine before it may start.
 *
 * The other half is startup_recv.c; the order is proc/request.h's.
 */
#ifndef STARTUP_SEND_H
#define STARTUP_SEND_H

#include <stddef.h>

#include "conf/conf.h"
#include "monitor/serve/certs.h"
#include "monitor/host/tapdev.h"
#include "proc/chan.h"
#include "proc/request.h"

/* All borrowed; the engine gets duplicates of the descriptors. */
struct startup_send {
	const char	    *conf; /* text of conf_print() */
	size_t		     conf_len;
	struct certs	    *certs;
	const struct tapdev *device;
	int		     listeners[CONF_MAX_LISTENS];
	int		     udp[CONF_MAX_LISTENS][CONF_MAX_WORKERS];
	unsigned	     nlisteners; /* a client has none */
	unsigned	     nudp; /* of each */
	int		     admin; /* -1: none */
	int		     keeper[2]; /* auth, sign */
	unsigned	     restarts; /* of the engine, so far */
	int		     totals; /* of sites; the engines' own */
};

/* Each returns 0 or a negative errno value: then the engine is useless. */
int startup_send_all(struct chan *engine, const struct startup_send *startup);
int startup_send_conf(struct chan *engine, const char *text, size_t len);
/* What the engine has not got of it, in the order in which it helps most. */
int startup_send_news(struct chan *engine, struct certs *certs);
/* In as few requests as they fit into. */
int startup_send_credentials(struct chan *engine, const char *const *sites,
    size_t n);
/* Any other, if it is what proc/startup.h has. */
int startup_send(struct chan *engine, enum request type, const void *data,
    size_t len, const int *fds, unsigned nfds);

#endif /* STARTUP_SEND_H */
