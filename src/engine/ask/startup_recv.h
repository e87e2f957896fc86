/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * startup_recv: receives the monitor's messages to the engine (proc/startup.h).
 *
 * Up to START it waits for each message, in order, and stores it; later
 * messages come from monitor_ask.c, and each calls an event.
 */
#ifndef STARTUP_RECV_H
#define STARTUP_RECV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "conf/conf.h"
#include "proc/chan.h"
#include "proc/request.h"
#include "proc/startup.h"

/* Of what comes later; called on the control thread. */
struct startup_recv_events {
	/* A changed configuration, parsed; consumed. */
	void (*on_conf)(void *arg, struct conf *conf);
	/* A new keeper's channels; consumed. */
	void (*on_keeper)(void *arg, int auth_fd, int sign_fd);
	/*
	 * New PEM text, empty: there is none of that kind; or, with `trouble`,
	 * why its file cannot be read.  Consumed.
	 */
	void (*on_certs)(void *arg, enum request_certs kind,
	    struct startup_text text, bool trouble);
	/* This site's credential is another one, or gone. */
	void (*on_credential)(void *arg, const char *site);
	/* This host's network changed: what was good may not be any more. */
	void (*on_network_changed)(void *arg);
	/* Where this host's traffic goes now; borrowed. */
	void (*on_egress)(void *arg, const struct request_egress *egress);
	/* What of this host's network is not as configured; borrowed. */
	void (*on_host)(void *arg, const struct request_host *host);
	/* The monitor is gone: end. */
	void (*on_gone)(void *arg);
};

/* Descriptors are the engine's. */
struct startup_recv {
	/* NULL before START: then what comes is kept here. */
	const struct startup_recv_events *events;
	void			    *arg;
	/* What comes in pieces, until the last is there. */
	struct startup_text   conf_text, certs_text;
	enum request_certs certs_kind;

	struct conf	     *conf; /* owned by the engine */
	struct startup_text   certs[REQUEST_CERTS_KINDS];
	struct request_device device;
	struct request_start  start;
	int		 queues[REQUEST_MAX_QUEUES];
	unsigned	 nqueues;
	int		 listeners[REQUEST_MAX_LISTENERS]; /* server */
	unsigned	 nlisteners;
	/* For each of them one a worker: udp[listener * nqueues + worker]. */
	int		 udp[REQUEST_MAX_LISTENERS * REQUEST_MAX_QUEUES];
	unsigned	 nudp;
	int		 admin; /* -1: none */
	int		 keeper[2]; /* auth, sign; -1: none */
	int		 totals; /* dataplane/totals.h */
};

/* Of what comes later: with events. */
void startup_recv_init(struct startup_recv *recv,
    const struct startup_recv_events *events, void *arg);
/*
 * Receives everything up to START.  Returns 0 or a negative errno value; on
 * failure nothing stays open.
 */
int  startup_recv_all(int fd, struct startup_recv *recv);
void startup_recv_free(struct startup_recv *recv);

/* One message; `when` is STARTUP_BEFORE or STARTUP_LATER.  0 or -errno. */
int startup_recv_take(struct startup_recv *recv, struct chan_msg *msg,
    unsigned when);

#endif /* STARTUP_RECV_H */
