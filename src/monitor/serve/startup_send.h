/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * startup_send: sends a new engine what it needs before it may start.
 *
 * startup_recv.c is the receiver; the order is in proc/request.h.
 */
#ifndef STARTUP_SEND_H
#define STARTUP_SEND_H

#include <stddef.h>

#include "conf/conf.h"
#include "monitor/serve/certs.h"
#include "monitor/host/tapdev.h"
#include "proc/chan.h"
#include "proc/request.h"

/* All borrowed; the engine gets copies of the descriptors. */
struct startup_send {
	const char	    *conf; /* text of conf_print() */
	size_t		     conf_len;
	struct certs	    *certs;
	const struct tapdev *device;
	int		     listeners[CONF_MAX_LISTENS];
	int		     udp[CONF_MAX_LISTENS][CONF_MAX_WORKERS];
	unsigned	     nlisteners; /* none at a site */
	unsigned	     nudp; /* of each */
	int		     admin; /* -1: none */
	int		     keeper[2]; /* auth, sign */
	unsigned	     restarts; /* of the engine so far */
	int		     totals; /* totals of sites, for the engine */
};

/* Each returns 0 or a negative errno value: then the engine is useless. */
int startup_send_all(struct chan *engine, const struct startup_send *startup);
int startup_send_conf(struct chan *engine, const char *text, size_t len);
/* Sends the news that the engine lacks, the most useful first. */
int startup_send_news(struct chan *engine, struct certs *certs);
/* Sends them in as few requests as possible. */
int startup_send_credentials(struct chan *engine, const char *const *sites,
    size_t n);
/* Sends any other message, if it matches the table of proc/startup.h. */
int startup_send(struct chan *engine, enum request type, const void *data,
    size_t len, const int *fds, unsigned nfds);

#endif /* STARTUP_SEND_H */
