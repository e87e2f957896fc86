/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * children: the keeper, the engine and (client) the resolver: their processes
 * and what ties them together.
 *
 *              auth, sign            requests                LOOKUP
 *     keeper ============= engine ------------- monitor ------------- resolver
 *
 * Each is started again when it dies, and a new engine gets everything anew.
 * When an engine dies its keeper goes, too: the next engine counts its asks
 * from 1 again, and on an old channel it could take the late answer to another
 * one's question, a "yes" to a password, for its own.
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

	bool		 up; /* an engine was, once */
	struct ev_loop	*loop;
	struct supervise keeper, engine, resolver;
	struct chan	 engine_chan;
	struct ev_timer	 closed_timer; /* the engine closed it, and lives */
	struct lookup	 lookup;
	struct serve	 serve;
	struct pam	 pam;
	struct watchdog	 watchdog;
};

/* Before anything else; makes it safe to stop. */
void children_init(struct children *children, struct ev_loop *loop,
    const struct conf *conf);

/* Logs what cannot be started, and returns false. */
bool children_start(struct children *children, struct network *network);

/*
 * Another configuration, borrowed; the startup has its text.  Tells it.  For
 * another log level keeper and resolver are started anew.
 */
void children_set_conf(struct children *children, const struct conf *conf);

/*
 * The files were read again: tells the engine what is new of its certificates.  One
 * that waits to be started is started now: perhaps it was that which ended it.
 */
void children_offer(struct children *children);

/*
 * `r` is what sending something to the engine returned.  One that cannot be sent
 * to is useless, and is killed; without an engine it does not matter.
 */
void children_sent(struct children *children, int r);

/* Ends all: the engine first, so that it can say bye.  Blocking. */
void children_stop(struct children *children);

#endif /* CHILDREN_H */
