/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * mailbox: passes messages ("letters") from any thread to the thread that owns
 * the event loop.
 *
 * A letter is a member of the object that it is about, so posting allocates
 * nothing and cannot fail; an ev_async wakes the owner.  There is no lock:
 * senders push onto an atomic list, the owner takes the whole list and reverses
 * it, so letters of one sender arrive in the order in which they were posted.
 */
#ifndef MAILBOX_H
#define MAILBOX_H

#include <stdatomic.h>

#include <ev.h>

struct letter {
	struct letter *next;
	int	       kind; /* an enum that both ends know */
};

struct mailbox {
	_Atomic(struct letter *) head;
	struct ev_loop	*loop;
	struct ev_async	 wake;
	/* Handles one letter; called in the owner's loop. */
	void (*on_letter)(void *arg, struct letter *letter);
	void *arg;
};

/* Call it before the owner's loop runs; `loop` is the owner's. */
void mailbox_open(struct mailbox *box, struct ev_loop *loop,
    void (*on_letter)(void *arg, struct letter *letter), void *arg);

/* Call it when no sender is left: delivers the remaining letters. */
void mailbox_close(struct mailbox *box);

/* Any thread.  The letter belongs to the owner from then on. */
void mailbox_post(struct mailbox *box, struct letter *letter);

#endif /* MAILBOX_H */
