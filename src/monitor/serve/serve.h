/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * serve: what the engine may ask the monitor, when, and how often.
 *
 * The engine reads the internet and may be taken over.  Therefore a table says
 * for each request in which role it is allowed, its length, and how often it
 * may come.  An engine that breaks one of these rules is killed by its owner.
 * Requests name what is needed ("connect to the second address of the hub in
 * the configuration"), not how: they contain no address and no path.
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

/* A new engine was started: resets the counts. */
void serve_reset(struct serve *serve);

/*
 * Serves one request of `engine`, and answers there.  Returns 0; READY or PONG,
 * which the caller handles; or -1: the request breaks a rule, which was logged;
 * kill the engine.
 */
int serve_request(struct serve *serve, struct chan *engine,
    const struct chan_msg *msg);

/*
 * Sends the answer to RESOLVE when lookup.c has it. 0 or a negative errno
 * value: the engine does not read.
 */
int serve_resolved(struct chan *engine, uint32_t id,
    const struct endpoint *list, unsigned n);

#endif /* SERVE_H */
