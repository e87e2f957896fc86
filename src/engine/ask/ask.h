/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ask: the engine's pending requests to another process.
 *
 * Uses one channel (proc/chan.h); monitor_ask.c and keeper_ask.c add the
 * types.  A request is pending until its answer arrives, even if it was
 * cancelled: the other end still works on it.  An answer without a request, or
 * a malformed one, ends the conversation.
 */
#ifndef ASK_H
#define ASK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "proc/chan.h"
#include "proc/request.h"

struct ask_pending;

/*
 * Decodes an answer and calls p->done, cast back to what it is; false: the
 * answer is malformed.  NULL: there will be none.
 */
typedef bool ask_finish(const struct ask_pending *p, struct chan_msg *msg);
/* A callback of any type. */
typedef void ask_done(void);

struct ask_pending {
	TAILQ_ENTRY(ask_pending) entry;
	enum request type;
	uint32_t     id;
	unsigned     nfds; /* of an answer without error */
	ask_finish  *finish;
	ask_done    *done;
	void	    *arg;
	bool	     cancelled, failing;
};

struct ask {
	struct chan chan;
	const char *whom; /* for the log */
	unsigned    max, n; /* of asks under way */
	TAILQ_HEAD(, ask_pending) pending;
	/* What is no answer; false: it is malformed.  NULL: that is all it can be. */
	bool (*on_news)(void *arg, struct chan_msg *msg);
	/* The conversation is over; may free the struct. */
	void (*on_gone)(void *arg);
	void *arg;
};

/* Set whom, max, on_news, on_gone and arg before. */
void ask_init(struct ask *ask);
/* Pending requests get no callback. */
void ask_fini(struct ask *ask);
/* Replaces the previous channel by this one (owned). */
void ask_open(struct ask *ask, struct ev_loop *loop, int fd);

/*
 * Returns 0, and later calls `finish` once, which calls `done`, unless
 * ask_cancel() comes first.  Otherwise returns -ENOTCONN, -EAGAIN (max are
 * pending) or another negative errno value.
 */
int ask_send(struct ask *ask, enum request type, const void *data, size_t len,
    unsigned nfds, ask_finish *finish, ask_done *done, void *arg);
/* Sends a message that has no answer. */
void ask_tell(struct ask *ask, enum request type, const void *data, size_t len);

/* The other end is gone: all pending requests fail. */
void ask_fail(struct ask *ask);
/* Forgets who asks with this `arg`; descriptors of the answer are closed. */
void ask_cancel(struct ask *ask, const void *arg);

#endif /* ASK_H */
