/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * engine: the process that handles network traffic, without any privileges.
 *
 * Its control thread runs here: control connections, messages, local socket.
 * After its start it opens nothing, makes no socket and calls no ioctl:
 * descriptors come from the monitor.
 */
#ifndef ENGINE_H
#define ENGINE_H

#include <ev.h>

#include "base/mono.h"
#include "control/engine_certs.h"
#include "control/expiry.h"
#include "control/conn/tls.h"
#include "engine/ask/monitor_ask.h"

struct admin;
struct client;
struct dataplane;
struct keeper_ask;
struct server;
struct sign_ask;

/* The parts, for admin.c, status.c and listings.c to look at. */
struct engine {
	struct ev_loop	   *loop;
	struct startup_recv startup;
	struct conf	   *conf; /* the current one; owned */
	struct monitor_ask *monitor;
	struct keeper_ask  *keeper;
	struct sign_ask	   *sign;
	struct dataplane	   *dataplane;
	struct server	   *server; /* NULL: this is no hub */
	struct client	   *client; /* NULL: no site, or it has no password yet */
	struct request_egress egress; /* a client's */
	struct request_host host;
	struct admin	   *admin;
	struct ev_signal    terminate;
	struct ev_timer	    goodbye;
	struct expiry	    expiry;
	struct ev_timer	    expiry_timer;
	struct mono	    started;
	struct engine_certs	    certs;
	int		    status;
};

/* Runs until the monitor says so, or is gone.  Returns the exit status. */
int engine_main(void);

/* Updates engine->expiry from the certificates that are in use. */
void engine_look_at_certificates(struct engine *engine);

#endif /* ENGINE_H */
