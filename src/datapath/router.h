/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * router: layer 3: choose the site a packet goes to, check that its source is
 * one of the site it came from.
 *
 * There is a table of our sites' networks.  What is in none of them is the
 * device's, and from there a hub's, if we are its site; a hub may say any source.
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
 * The table of all workers, replaced as a whole: control makes one, posts its
 * letters, and the last worker that lets go of it frees it.
 */
struct router_table {
	struct lpm   *lpm; /* owned */
	_Atomic int   users;
	struct letter letters[16]; /* one a worker */
};

/* For `users` workers; consumes `lpm`.  NULL when there is no memory. */
struct router_table *router_table_new(struct lpm *lpm, int users);
/* One worker lets go; NULL is fine. */
void router_table_put(struct router_table *table);

/* Why a packet from `from` goes nowhere; DROP_NONE: it goes to `*to`. */
enum drop router_choose(struct worker *worker, struct port *from,
    const struct frame *packet, struct port **to);

#endif /* ROUTER_H */
