/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "engine/ask/ask.h"

#include <errno.h>
#include <stdlib.h>

#include "base/log.h"

static void on_msg(struct chan *chan, struct chan_msg *msg);
static void on_closed(struct chan *chan);
static bool dispatch(struct ask *ask, struct chan_msg *msg);
static void forget(struct ask *ask, struct ask_pending *p);

void
ask_init(struct ask *ask)
{
	ask->chan.fd = -1;
	TAILQ_INIT(&ask->pending);
}

void
ask_fini(struct ask *ask)
{
	chan_close(&ask->chan);
	while (!TAILQ_EMPTY(&ask->pending))
		forget(ask, TAILQ_FIRST(&ask->pending));
}

void
ask_open(struct ask *ask, struct ev_loop *loop, int fd)
{
	chan_close(&ask->chan);
	chan_open(&ask->chan, loop, fd, on_msg, on_closed, ask);
	/* Last: the callbacks may send new requests. */
	ask_fail(ask);
}

int
ask_send(struct ask *ask, enum request type, const void *data, size_t len,
    unsigned nfds, ask_finish *finish, ask_done *done, void *arg)
{
	struct ask_pending *p;
	int		    r;

	if (ask->chan.fd == -1)
		return -ENOTCONN;
	if (ask->n >= ask->max)
		return -EAGAIN;
	p = malloc(sizeof(*p));
	if (p == NULL)
		return -ENOMEM;
	*p = (struct ask_pending) { .type = type,
		.id = chan_next_id(&ask->chan), .nfds = nfds,
		.finish = finish, .done = done, .arg = arg };
	r = chan_send(&ask->chan, (uint16_t)type, p->id, data, len, NULL, 0);
	if (r < 0) {
		free(p);
		return r;
	}
	TAILQ_INSERT_TAIL(&ask->pending, p, entry);
	ask->n++;
	return 0;
}

void
ask_tell(struct ask *ask, enum request type, const void *data, size_t len)
{
	chan_send(&ask->chan, (uint16_t)type, 0, data, len, NULL, 0);
}

/*
 * A callback may send new requests, or cancel those of others.  So each request
 * is removed before its callback, and new ones, at the end, are not touched.
 */
void
ask_fail(struct ask *ask)
{
	struct ask_pending *p;

	TAILQ_FOREACH (p, &ask->pending, entry)
		p->failing = true;
	while ((p = TAILQ_FIRST(&ask->pending)) != NULL && p->failing) {
		struct ask_pending copy = *p;

		forget(ask, p);
		if (!copy.cancelled)
			copy.finish(&copy, NULL);
	}
}

void
ask_cancel(struct ask *ask, const void *arg)
{
	struct ask_pending *p;

	TAILQ_FOREACH (p, &ask->pending, entry) {
		if (p->arg == arg)
			p->cancelled = true;
	}
}

static void
on_msg(struct chan *chan, struct chan_msg *msg)
{
	struct ask *ask = chan->arg;

	if (dispatch(ask, msg))
		return;
	log_warnx("%s: request %u is malformed, or answers nothing", ask->whom,
	    msg->type);
	chan_close(chan);
	ask->on_gone(ask->arg);
}

static void
on_closed(struct chan *chan)
{
	struct ask *ask = chan->arg;

	ask->on_gone(ask->arg);
}

static bool
dispatch(struct ask *ask, struct chan_msg *msg)
{
	struct ask_pending *p, copy;

	TAILQ_FOREACH (p, &ask->pending, entry) {
		if (p->id == msg->id && (uint16_t)p->type == msg->type)
			break;
	}
	if (p == NULL)
		return ask->on_news != NULL && ask->on_news(ask->arg, msg);
	/* Out of the list before the callback, which may ask again. */
	copy = *p;
	forget(ask, p);
	if (copy.cancelled || copy.finish(&copy, msg))
		return true;
	chan_close(&ask->chan);
	copy.finish(&copy, NULL);
	return false;
}

static void
forget(struct ask *ask, struct ask_pending *p)
{
	TAILQ_REMOVE(&ask->pending, p, entry);
	ask->n--;
	free(p);
}
