/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * opening: what the monitor tells a new engine before it may start.
 *
 * The other half is gift_receive(); the order is proc/request.h's.
 */
#ifndef OPENING_H
#define OPENING_H

#include <stddef.h>
#include <time.h>

#include "conf/conf.h"
#include "monitor/material.h"
#include "monitor/tapdev.h"
#include "proc/chan.h"
#include "proc/request.h"

/* All borrowed; the engine gets duplicates of the descriptors. */
struct opening {
	const char	    *conf; /* text of conf_print() */
	size_t		     conf_len;
	struct material	    *material;
	const struct tapdev *device;
	int		     listeners[CONF_MAX_LISTENS];
	int		     udp[CONF_MAX_LISTENS][CONF_MAX_WORKERS];
	unsigned	     nlisteners; /* a client has none */
	unsigned	     nudp; /* of each */
	int		     admin; /* -1: none */
	int		     keeper[2]; /* auth, sign */
	unsigned	     restarts; /* of the engine, so far */
	time_t		     good_time; /* it is not before; 0: unknown */
};

/* Each returns 0 or a negative errno value: then the engine is useless. */
int opening_send(struct chan *engine, const struct opening *opening);
int opening_send_conf(struct chan *engine, const char *text, size_t len);
/* What the engine has not got of it, in the order in which it helps most. */
int opening_send_news(struct chan *engine, struct material *material);
/* In as few requests as they fit into. */
int opening_send_credentials(struct chan *engine, const char *const *sites,
    size_t n);
int opening_send_netchange(struct chan *engine);
int opening_send_egress(struct chan *engine,
    const struct request_egress *egress);
int opening_send_keeper(struct chan *engine, const int keeper[2]);

#endif /* OPENING_H */
