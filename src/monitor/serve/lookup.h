/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * lookup: the addresses of a client's servers and of its proxy, the last good
 * ones kept.
 *
 * Asks the resolver and waits at most 10 s.  Whatever goes wrong (no answer,
 * no such name, no resolver), the addresses that were good last are the answer:
 * a tunnel comes back although DNS, which may lie behind it, is dead.  Where
 * the configuration says an address, it is the list and nobody is asked.
 */
#ifndef LOOKUP_H
#define LOOKUP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"
#include "conf/conf.h"
#include "proc/chan.h"
#include "proc/request.h"

#define LOOKUP_TIMEOUT_SEC 10
#define LOOKUP_MAX_WAITING 16
#define LOOKUP_MAX_NAMES   (CONF_MAX_SERVERS + 1)

struct lookup_name {
	const char     *host; /* borrowed from the configuration; NULL: none */
	uint16_t	port;
	bool		numeric;
	bool		stale; /* the last answer was none: said in the log */
	struct endpoint list[REQUEST_MAX_ENDPOINTS];
	unsigned	n;
	uint32_t	asked; /* id of what the resolver works on; 0: nothing */
};

struct lookup {
	struct lookup_name names[LOOKUP_MAX_NAMES]; /* the proxy's is the last */
	struct {
		uint32_t	    id;
		struct lookup_name *name;
	} waiting[LOOKUP_MAX_WAITING];
	unsigned	nwaiting;
	unsigned	superseded; /* answers to come that nobody wants */
	struct ev_loop *loop;
	struct chan	resolver;
	struct ev_timer timer;
	/* The list, for the asker who gave `id`. */
	void (*done)(void *arg, uint32_t id, const struct endpoint *list,
	    unsigned n);
	/* The resolver broke the rules: kill it. */
	void (*on_nonsense)(void *arg);
	void *arg;
};

/* Set done, on_nonsense and arg afterwards. */
void lookup_init(struct lookup *lookup, struct ev_loop *loop,
    const struct conf *conf);
void lookup_fini(struct lookup *lookup);

/* Another configuration; of names that are in both all is kept. */
void lookup_set_conf(struct lookup *lookup, const struct conf *conf);

/* A resolver's channel (owned from now on); or it died. */
void lookup_attach(struct lookup *lookup, int fd);
void lookup_detach(struct lookup *lookup);

/* Whether any name is none of an address. */
bool lookup_needs_resolver(const struct lookup *lookup);

/*
 * Asks for server `which` or REQUEST_PROXY; done(id) follows, perhaps from
 * within this call.  False when there is none, or too many are waiting.
 */
bool lookup_ask(struct lookup *lookup, unsigned which, uint32_t id);

/* The askers are gone: nobody waits any more. */
void lookup_forget(struct lookup *lookup);

/* The endpoint at `index` of its list, borrowed until the next answer; NULL. */
const struct endpoint *lookup_get(struct lookup *lookup, unsigned which,
    unsigned index);

#endif /* LOOKUP_H */
