/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * children: the processes that the monitor starts, and the channels between
 * them.  The resolver exists at a site only.
 *
 *              auth, sign            requests                LOOKUP
 *     keeper ============= engine ------------- monitor ------------- resolver
 *
 * A process that dies is started again.  When the engine dies, the keeper is
 * restarted, too: the next engine numbers its requests from 1 again, and on the
 * old channel a late answer to another request, a "yes" to a password, could be
 * taken for the answer to a new one.
 */
#ifndef CHILDREN_H
#define CHILDREN_H

#include <stdbool.h>

#include "monitor/serve/lookup.h"
#include "monitor/serve/startup_send.h"
#include "monitor/serve/pam.h"
#include "monitor/watchdog.h"
#include "monitor/serve/serve.h"
#include "monitor/supervise.h"
#include "proc/chan.h"

struct conf;
struct network;

struct children {
	/* Set by the owner before the start, and kept up to date by it. */
	struct startup_send	 startup; /* all but its keeper */
	int		 keeper_dir, keeper_state;
	void (*on_ready)(void *arg); /* an engine is up, the first or a later */
	void (*on_death)(void *arg); /* of any child */
	void		*arg;

	bool		 up; /* an engine was up before */
	struct ev_loop	*loop;
	struct supervise keeper, engine, resolver;
	struct chan	 engine_chan;
	struct ev_timer	 closed_timer; /* the engine closed it, but runs */
	struct lookup	 lookup;
	struct serve	 serve;
	struct pam	 pam;
	struct watchdog	 watchdog;
};

/* To be called first; after it, children_stop() may be called. */
void children_init(struct children *children, struct ev_loop *loop,
    const struct conf *conf);

/* Logs what cannot be started, and returns false. */
bool children_start(struct children *children, struct network *network);

/*
 * Another configuration, borrowed; the startup has its text.  Tells it.  For
 * another log level keeper and resolver are started anew.
 */
void children_reconfigure(struct children *children, const struct conf *conf);

/*
 * The files were read again: tells the engine what is new of its certificates.  One
 * that waits to be started is started now: perhaps it was that which ended it.
 */
void children_offer(struct children *children);

/*
 * `r` is the result of sending something to the engine.  If that failed, the
 * engine is killed, since it does not work any more.  Without an engine this
 * does nothing.
 */
void children_sent(struct children *children, int r);

/* Stops all, the engine first, so that it can send bye.  Blocking. */
void children_stop(struct children *children);

#endif /* CHILDREN_H */
