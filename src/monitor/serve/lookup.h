/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * lookup: the addresses of a site's hubs and proxy; keeps the last good ones.
 *
 * Asks the resolver and waits at most 10 s.  If that fails (no answer, no such
 * name, no resolver), the last good addresses are the answer, so that a tunnel
 * comes back although DNS, which may be behind it, does not work.  If the
 * configuration has an address, this is the answer, and the resolver is not
 * asked.
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
	bool		stale; /* the last lookup failed, which was logged */
	struct endpoint list[REQUEST_MAX_ENDPOINTS];
	unsigned	n;
	uint32_t	request; /* id of the current request; 0: none */
};

struct lookup {
	struct lookup_name names[LOOKUP_MAX_NAMES]; /* the proxy's is the last */
	struct {
		uint32_t	    id;
		struct lookup_name *name;
	} waiting[LOOKUP_MAX_WAITING];
	unsigned	nwaiting;
	unsigned	superseded; /* answers that will be ignored */
	struct ev_loop *loop;
	struct chan	resolver;
	struct ev_timer timer;
	/* The list, for the request `id`. */
	void (*done)(void *arg, uint32_t id, const struct endpoint *list,
	    unsigned n);
	/* The resolver sent something invalid: kill it. */
	void (*on_nonsense)(void *arg);
	void *arg;
};

/* Set done, on_nonsense and arg afterwards. */
void lookup_init(struct lookup *lookup, struct ev_loop *loop,
    const struct conf *conf);
void lookup_fini(struct lookup *lookup);

/*
 * Applies another configuration; keeps the addresses of names that are in both.
 */
void lookup_reconfigure(struct lookup *lookup, const struct conf *conf);

/* The channel of a new resolver (owned from now on); or it died. */
void lookup_attach(struct lookup *lookup, int fd);
void lookup_detach(struct lookup *lookup);

/* Whether any host is a name, not an address. */
bool lookup_needs_resolver(const struct lookup *lookup);

/*
 * Looks up server `which` or REQUEST_PROXY; done(id) is called then, perhaps
 * from within this call.  False: it does not exist, or too many are waiting.
 */
bool lookup_ask(struct lookup *lookup, unsigned which, uint32_t id);

/* The engine died: drops all waiting requests. */
void lookup_forget(struct lookup *lookup);

/* The endpoint at `index` of its list, borrowed until the next answer; NULL. */
const struct endpoint *lookup_get(struct lookup *lookup, unsigned which,
    unsigned index);

#endif /* LOOKUP_H */
