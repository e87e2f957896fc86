/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "monitor/serve/lookup.h"

#include <errno.h>
#include <string.h>

#include <bsd/string.h>

#include "base/log.h"

#define PROXY (LOOKUP_MAX_NAMES - 1)

static void fill_name(struct lookup *lookup, struct lookup_name *name,
    const char *host, uint16_t port);
static bool set_name(struct lookup_name *name, const char *host, uint16_t port);
static struct lookup_name *find(struct lookup *lookup, unsigned which);
static void ask_resolver(struct lookup *lookup, struct lookup_name *name);
static void on_resolver_msg(struct chan *chan, struct chan_msg *msg);
static void on_resolver_closed(struct chan *chan);
static void on_timeout(struct ev_loop *loop, struct ev_timer *timer, int what);
static struct lookup_name *find_asked(struct lookup *lookup, uint32_t id);
static void keep(struct lookup_name *name, const struct request_list *list);
static void answer(struct lookup *lookup, const struct lookup_name *name);

void
lookup_init(struct lookup *lookup, struct ev_loop *loop,
    const struct conf *conf)
{
	*lookup = (struct lookup) {
		.loop = loop,
		.resolver = { .fd = -1 },
	};
	ev_timer_init(&lookup->timer, on_timeout, LOOKUP_TIMEOUT_SEC, 0.);
	lookup->timer.data = lookup;
	lookup_reconfigure(lookup, conf);
}

void
lookup_fini(struct lookup *lookup)
{
	if (lookup->loop == NULL)
		return;
	lookup_forget(lookup);
	chan_close(&lookup->resolver);
}

/*
 * The texts of the previous names still exist; the caller frees them
 * afterwards.
 */
void
lookup_reconfigure(struct lookup *lookup, const struct conf *conf)
{
	for (unsigned i = 0; i < CONF_MAX_SERVERS; i++)
		fill_name(lookup, &lookup->names[i],
		    i < conf->nservers ? conf->servers[i].host : NULL,
		    conf->servers[i].port);
	fill_name(lookup, &lookup->names[PROXY], conf->proxy.host,
	    conf->proxy.port);
}

void
lookup_attach(struct lookup *lookup, int fd)
{
	lookup_detach(lookup);
	chan_open(&lookup->resolver, lookup->loop, fd, on_resolver_msg,
	    on_resolver_closed, lookup);
}

void
lookup_detach(struct lookup *lookup)
{
	chan_close(&lookup->resolver);
	lookup->superseded = 0;
	for (unsigned i = 0; i < LOOKUP_MAX_NAMES; i++) {
		lookup->names[i].request = 0;
		answer(lookup, &lookup->names[i]);
	}
}

bool
lookup_needs_resolver(const struct lookup *lookup)
{
	for (unsigned i = 0; i < LOOKUP_MAX_NAMES; i++) {
		if (lookup->names[i].host != NULL && !lookup->names[i].numeric)
			return true;
	}
	return false;
}

bool
lookup_ask(struct lookup *lookup, unsigned which, uint32_t id)
{
	struct lookup_name *name = find(lookup, which);

	if (lookup->nwaiting == LOOKUP_MAX_WAITING || name == NULL)
		return false;
	lookup->waiting[lookup->nwaiting].id = id;
	lookup->waiting[lookup->nwaiting++].name = name;
	/* Wait for a slow one; a second request would only queue behind it. */
	if (!name->numeric && name->request == 0)
		ask_resolver(lookup, name);
	if (name->request == 0) {
		answer(lookup, name);
		return true;
	}
	if (!ev_is_active(&lookup->timer)) {
		ev_timer_set(&lookup->timer, LOOKUP_TIMEOUT_SEC, 0.);
		ev_timer_start(lookup->loop, &lookup->timer);
	}
	return true;
}

void
lookup_forget(struct lookup *lookup)
{
	lookup->nwaiting = 0;
	ev_timer_stop(lookup->loop, &lookup->timer);
}

const struct endpoint *
lookup_get(struct lookup *lookup, unsigned which, unsigned index)
{
	const struct lookup_name *name = find(lookup, which);

	return name != NULL && index < name->n ? &name->list[index] : NULL;
}

/* Ignore the answer of a lookup that is under way. */
static void
fill_name(struct lookup *lookup, struct lookup_name *name, const char *host,
    uint16_t port)
{
	bool waits = name->request != 0;

	if (!set_name(name, host, port) || !waits)
		return;
	lookup->superseded++;
	answer(lookup, name);
}

/* True if the name has changed. */
static bool
set_name(struct lookup_name *name, const char *host, uint16_t port)
{
	struct addr addr;

	if (host != NULL && name->host != NULL && name->port == port &&
	    strcmp(name->host, host) == 0) {
		name->host = host;
		return false;
	}
	*name = (struct lookup_name) { .host = host, .port = port };
	if (host != NULL && addr_parse(&addr, host)) {
		name->numeric = true;
		name->list[0] = endpoint_make(&addr, port);
		name->n = 1;
	}
	return true;
}

/* NULL: the configuration has none of that number. */
static struct lookup_name *
find(struct lookup *lookup, unsigned which)
{
	struct lookup_name *name;

	if (which != REQUEST_PROXY && which >= CONF_MAX_SERVERS)
		return NULL;
	name = &lookup->names[which == REQUEST_PROXY ? PROXY : which];
	return name->host != NULL ? name : NULL;
}

static void
ask_resolver(struct lookup *lookup, struct lookup_name *name)
{
	struct request_lookup ask = { .host = "" };
	uint32_t	      id;

	if (lookup->resolver.fd == -1 ||
	    strlcpy(ask.host, name->host, sizeof(ask.host)) >= sizeof(ask.host))
		return;
	id = chan_next_id(&lookup->resolver);
	if (chan_send(&lookup->resolver, REQUEST_LOOKUP, id, &ask, sizeof(ask),
		NULL, 0) == 0)
		name->request = id;
}

static void
on_resolver_msg(struct chan *chan, struct chan_msg *msg)
{
	struct lookup	   *lookup = chan->arg;
	struct lookup_name *name = find_asked(lookup, msg->id);
	struct request_list list;

	if (name == NULL && lookup->superseded > 0) {
		lookup->superseded--;
		return;
	}
	if (name == NULL || msg->type != REQUEST_LOOKUP || msg->nfds != 0 ||
	    !chan_get(msg, &list, sizeof(list)) ||
	    !request_addrs_are_good(list.list, list.n, REQUEST_MAX_ENDPOINTS)) {
		log_warnx("resolver: an unexpected or malformed answer");
		lookup_detach(lookup);
		lookup->on_nonsense(lookup->arg);
		return;
	}
	name->request = 0;
	keep(name, &list);
	answer(lookup, name);
}

static void
on_resolver_closed(struct chan *chan)
{
	struct lookup *lookup = chan->arg;

	lookup_detach(lookup);
	lookup->on_nonsense(lookup->arg);
}

/* `request` is kept: the answer, when it comes, serves the next request. */
static void
on_timeout(struct ev_loop *loop, struct ev_timer *timer, int what)
{
	const struct request_list late = { .error = ETIMEDOUT };
	struct lookup *lookup = timer->data;

	for (unsigned i = 0; i < LOOKUP_MAX_NAMES; i++) {
		struct lookup_name *name = &lookup->names[i];

		if (name->request == 0)
			continue;
		keep(name, &late);
		answer(lookup, name);
	}
}

static struct lookup_name *
find_asked(struct lookup *lookup, uint32_t id)
{
	for (unsigned i = 0; id != 0 && i < LOOKUP_MAX_NAMES; i++) {
		if (lookup->names[i].request == id)
			return &lookup->names[i];
	}
	return NULL;
}

/* DNS gives addresses, not ports. */
static void
keep(struct lookup_name *name, const struct request_list *list)
{
	if (list->error == 0 && list->n > 0) {
		for (uint32_t i = 0; i < list->n; i++)
			name->list[i] = endpoint_make(&list->list[i],
			    name->port);
		name->n = list->n;
		name->stale = false;
		return;
	}
	if (!name->stale)
		log_warnx("%s: %s; %s", name->host,
		    list->error == ENOENT || list->error == 0 ?
			"no such name" : strerror((int)list->error),
		    name->n > 0 ? "its last known addresses are used" :
				  "no address of it is known yet");
	name->stale = true;
}

/* Answers those who wait for this name. */
static void
answer(struct lookup *lookup, const struct lookup_name *name)
{
	uint32_t ids[LOOKUP_MAX_WAITING];
	unsigned n = 0, left = 0;

	/* Removed first: done() may ask again. */
	for (unsigned i = 0; i < lookup->nwaiting; i++) {
		if (lookup->waiting[i].name == name)
			ids[n++] = lookup->waiting[i].id;
		else
			lookup->waiting[left++] = lookup->waiting[i];
	}
	lookup->nwaiting = left;
	if (left == 0)
		ev_timer_stop(lookup->loop, &lookup->timer);
	for (unsigned i = 0; i < n; i++)
		lookup->done(lookup->arg, ids[i], name->list, name->n);
}
