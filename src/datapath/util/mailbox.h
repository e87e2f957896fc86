/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * mailbox: letters from any thread to the one that owns the loop.
 *
 * Letters are embedded in what they carry, so posting allocates nothing and
 * cannot fail; an ev_async wakes the owner.  No lock: senders push onto an
 * atomic list, the owner takes the whole list and turns it round, so letters
 * of one sender arrive in the order in which they were posted.
 */
#ifndef MAILBOX_H
#define MAILBOX_H

#include <stdatomic.h>

#include <ev.h>

struct letter {
	struct letter *next;
	int	       kind; /* what it is, in the words of both ends */
};

struct mailbox {
	_Atomic(struct letter *) head;
	struct ev_loop	*loop;
	struct ev_async	 wake;
	/* Takes over one letter; called in the owner's loop. */
	void (*on_letter)(void *arg, struct letter *letter);
	void *arg;
};

/* Before the owner's loop runs; `loop` is the owner's. */
void mailbox_open(struct mailbox *box, struct ev_loop *loop,
    void (*on_letter)(void *arg, struct letter *letter), void *arg);

/* When no sender is left: delivers what is still there. */
void mailbox_close(struct mailbox *box);

/* Any thread.  The letter belongs to the owner from now on. */
void mailbox_post(struct mailbox *box, struct letter *letter);

#endif /* MAILBOX_H */
