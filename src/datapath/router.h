/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * router: layer 3: chooses the site that a packet goes to, and checks that its
 * source address belongs to the site it came from.
 *
 * A table holds the networks of our sites.  A packet to any other address goes
 * to the device; from the device it goes to the hub, if we are a site.  A hub
 * may use any source address.
 */
#ifndef ROUTER_H
#define ROUTER_H

#include <stdatomic.h>

#include "datapath/util/drop.h"
#include "base/frame.h"
#include "datapath/util/lpm.h"
#include "datapath/util/mailbox.h"

struct port;
struct worker;

/*
 * The table that all workers use, always replaced as a whole: control creates a
 * new one and posts a letter to each worker.  The last worker to release a
 * table frees it.
 */
struct router_table {
	struct lpm   *lpm; /* owned */
	_Atomic int   users;
	struct letter letters[16]; /* one a worker */
};

/* For `users` workers; consumes `lpm`.  NULL: out of memory. */
struct router_table *router_table_new(struct lpm *lpm, int users);
/* Releases one worker's reference; does nothing for NULL. */
void router_table_put(struct router_table *table);

/* Sets `*to` and returns DROP_NONE, or returns why the packet is dropped. */
enum drop router_choose(struct worker *worker, struct port *from,
    const struct frame *packet, struct port **to);

#endif /* ROUTER_H */
