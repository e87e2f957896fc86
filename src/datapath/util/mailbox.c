/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "datapath/util/mailbox.h"

#include <stddef.h>

#include "base/relaxed.h"

static void on_wake(struct ev_loop *loop, struct ev_async *wake, int events);
static void deliver(struct mailbox *box);

void
mailbox_open(struct mailbox *box, struct ev_loop *loop,
    void (*on_letter)(void *arg, struct letter *letter), void *arg)
{
	atomic_init(&box->head, NULL);
	box->loop = loop;
	box->on_letter = on_letter;
	box->arg = arg;
	ev_async_init(&box->wake, on_wake);
	box->wake.data = box;
	ev_async_start(loop, &box->wake);
	/* The mailbox must not keep the loop running. */
	ev_unref(loop);
}

void
mailbox_close(struct mailbox *box)
{
	deliver(box);
	ev_ref(box->loop);
	ev_async_stop(box->loop, &box->wake);
}

void
mailbox_post(struct mailbox *box, struct letter *letter)
{
	struct letter *head = relaxed_load(&box->head);

	do
		letter->next = head;
	while (!atomic_compare_exchange_weak_explicit(&box->head, &head, letter,
	    memory_order_release, memory_order_relaxed));
	ev_async_send(box->loop, &box->wake);
}

static void
on_wake(struct ev_loop *loop, struct ev_async *wake, int events)
{
	deliver(wake->data);
}

static void
deliver(struct mailbox *box)
{
	struct letter *in = atomic_exchange_explicit(&box->head, NULL,
	    memory_order_acquire);
	struct letter *out = NULL, *next;

	/* The list is newest first. */
	for (; in != NULL; in = next) {
		next = in->next;
		in->next = out;
		out = in;
	}
	for (; out != NULL; out = next) {
		next = out->next;
		box->on_letter(box->arg, out);
	}
}
