/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "monitor/lookup.h"

#include <errno.h>
#include <string.h>

#include "base/log.h"
#include "conf/conf.h"

#define ASK_SIZE 512

static void ask_resolver(struct lookup *lookup);
static void on_resolver_msg(struct chan *chan, struct chan_msg *msg);
static void on_resolver_closed(struct chan *chan);
static void on_timeout(struct ev_loop *loop, struct ev_timer *timer, int what);
static bool decode(const struct lookup *lookup, const struct chan_msg *msg,
    uint32_t *error, struct endpoint *list, unsigned *n);
static void keep(struct lookup *lookup, uint32_t error,
    const struct endpoint *list, unsigned n);
static void answer_all(struct lookup *lookup);

void
lookup_init(struct lookup *lookup, struct ev_loop *loop,
    const struct conf *conf)
{
	struct addr addr;

	*lookup = (struct lookup) {
		.loop = loop,
		.host = conf->servers[0].host,
		.port = conf->servers[0].port,
		.resolver = { .fd = -1 },
	};
	ev_timer_init(&lookup->timer, on_timeout, LOOKUP_TIMEOUT_SEC, 0.);
	lookup->timer.data = lookup;
	if (lookup->host == NULL || !addr_parse(&addr, lookup->host))
		return;
	lookup->numeric = true;
	lookup->list[0] = endpoint_make(&addr, lookup->port);
	lookup->n = 1;
}

void
lookup_fini(struct lookup *lookup)
{
	if (lookup->loop == NULL)
		return;
	lookup_forget(lookup);
	chan_close(&lookup->resolver);
}

void
lookup_set_conf(struct lookup *lookup, const struct conf *conf)
{
	lookup->host = conf->servers[0].host;
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
	lookup->asked = 0;
	answer_all(lookup);
}

bool
lookup_ask(struct lookup *lookup, uint32_t id)
{
	if (lookup->nwaiting == LOOKUP_MAX_WAITING)
		return false;
	lookup->waiting[lookup->nwaiting++] = id;
	/* One that is slow is waited for; a second would only queue behind. */
	if (!lookup->numeric && lookup->asked == 0)
		ask_resolver(lookup);
	if (lookup->asked == 0) {
		answer_all(lookup);
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
lookup_get(const struct lookup *lookup, unsigned index)
{
	return index < lookup->n ? &lookup->list[index] : NULL;
}

static void
ask_resolver(struct lookup *lookup)
{
	struct wire_writer w;
	uint8_t		   buf[ASK_SIZE];
	uint32_t	   id;

	if (lookup->resolver.fd == -1)
		return;
	wire_writer_init(&w, buf, sizeof(buf));
	wire_put_string(&w, lookup->host);
	wire_put_u16(&w, lookup->port);
	id = chan_next_id(&lookup->resolver);
	if (wire_writer_is_ok(&w) &&
	    chan_send(&lookup->resolver, REQUEST_LOOKUP, id, buf, w.len, NULL,
		0) == 0)
		lookup->asked = id;
}

static void
on_resolver_msg(struct chan *chan, struct chan_msg *msg)
{
	struct lookup  *lookup = chan->arg;
	struct endpoint list[REQUEST_MAX_ENDPOINTS];
	unsigned	n;
	uint32_t	error;

	if (lookup->asked == 0 || !decode(lookup, msg, &error, list, &n)) {
		log_warnx("resolver: an answer that nobody asked for, or "
			  "malformed");
		lookup_detach(lookup);
		lookup->on_nonsense(lookup->arg);
		return;
	}
	lookup->asked = 0;
	keep(lookup, error, list, n);
	answer_all(lookup);
}

static void
on_resolver_closed(struct chan *chan)
{
	struct lookup *lookup = chan->arg;

	lookup_detach(lookup);
	lookup->on_nonsense(lookup->arg);
}

/* `asked` stays: the answer, when it comes, is good for the next. */
static void
on_timeout(struct ev_loop *loop, struct ev_timer *timer, int what)
{
	(void)loop;
	(void)what;
	keep(timer->data, ETIMEDOUT, NULL, 0);
	answer_all(timer->data);
}

static bool
decode(const struct lookup *lookup, const struct chan_msg *msg,
    uint32_t *error, struct endpoint *list, unsigned *n)
{
	struct wire_reader r;

	if (msg->type != REQUEST_LOOKUP || msg->id != lookup->asked ||
	    msg->nfds != 0)
		return false;
	wire_reader_init(&r, msg->data, msg->len);
	*error = wire_get_u32(&r);
	*n = wire_get_u8(&r);
	if (*n > REQUEST_MAX_ENDPOINTS)
		return false;
	for (unsigned i = 0; i < *n; i++) {
		request_get_endpoint(&r, &list[i]);
		/* DNS says where, not which service. */
		if (endpoint_port(&list[i]) != lookup->port)
			return false;
	}
	return wire_is_done(&r);
}

static void
keep(struct lookup *lookup, uint32_t error, const struct endpoint *list,
    unsigned n)
{
	if (error == 0 && n > 0) {
		memcpy(lookup->list, list, n * sizeof(*list));
		lookup->n = n;
		lookup->stale = false;
		return;
	}
	if (!lookup->stale)
		log_warnx("%s: %s; %s", lookup->host,
		    error == ENOENT || error == 0 ? "no such name" :
						    strerror((int)error),
		    lookup->n > 0 ? "its last known addresses are used" :
				    "no address of it is known yet");
	lookup->stale = true;
}

static void
answer_all(struct lookup *lookup)
{
	uint32_t waiting[LOOKUP_MAX_WAITING];
	unsigned nwaiting = lookup->nwaiting;

	/* A copy: done() may ask again. */
	memcpy(waiting, lookup->waiting, sizeof(waiting));
	lookup_forget(lookup);
	for (unsigned i = 0; i < nwaiting; i++)
		lookup->done(lookup->arg, waiting[i], lookup->list, lookup->n);
}
