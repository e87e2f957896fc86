/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * serve: what the engine may ask the monitor, when, and how often.
 *
 * The engine reads the internet and may be taken over; so a table says for
 * each request in which role it is allowed, how long it may be, and how many
 * there may be.  One that breaks any of it is the last of that engine: its
 * owner kills it.  Requests carry meaning ("connect to the second address of
 * the server in the configuration"), never means.
 */
#ifndef SERVE_H
#define SERVE_H

#include <stdbool.h>

#include "base/addr.h"
#include "base/bucket.h"
#include "proc/chan.h"

#define SERVE_MAX_KINDS 16

struct conf;
struct lookup;
struct certs;
struct network;
struct pam;

struct serve {
	const struct conf *conf; /* borrowed; the owner keeps it up to date */
	struct network	  *network; /* borrowed, too; NETWORK only */
	struct lookup	  *lookup; /* its done() calls serve_resolved() */
	struct pam	  *pam; /* PAM only */
	struct certs	  *certs; /* IN_FORCE only */
	bool		   condemned; /* this engine broke a rule */
	struct bucket	   buckets[SERVE_MAX_KINDS];
	bool (*on_reload)(void *arg, bool all);
	void *arg;
};

/* A new engine: a clean record. */
void serve_reset(struct serve *serve);

/*
 * One request that came in by `engine`; answers there.  Returns 0, or READY
 * or PONG, which are the caller's to do, or -1: it breaks a rule, which is logged;
 * kill the engine.
 */
int serve_request(struct serve *serve, struct chan *engine,
    const struct chan_msg *msg);

/*
 * The answer to RESOLVE, once lookup has it.  0 or a negative errno value;
 * then the engine does not read.
 */
int serve_resolved(struct chan *engine, uint32_t id,
    const struct endpoint *list, unsigned n);

#endif /* SERVE_H */
