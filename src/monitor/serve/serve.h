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
	struct certs	  *material; /* IN_FORCE only */
	bool		   condemned; /* this engine broke a rule */
	struct bucket	   buckets[SERVE_MAX_KINDS];
	void (*on_ready)(void *arg);
	void (*on_pong)(void *arg);
	void (*on_verified)(void *arg);
	bool (*on_reload)(void *arg, bool all);
	/* Logged already; kill the engine. */
	void (*on_violation)(void *arg);
	void *arg;
};

/* A new engine: a clean record. */
void serve_reset(struct serve *serve);

/* One request that came in by `engine`; answers there. */
void serve_request(struct serve *serve, struct chan *engine,
    struct chan_msg *msg);

/*
 * The answer to RESOLVE, once lookup has it.  0 or a negative errno value;
 * then the engine does not read.
 */
int serve_resolved(struct chan *engine, uint32_t id,
    const struct endpoint *list, unsigned n);

#endif /* SERVE_H */
