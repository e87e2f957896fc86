/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * reconcile: compares what is wanted of the device and its bridge (want.h) with
 * what the kernel has, and makes it so: that it is up, MTU, bridge, addresses
 * and the routes of the main table.
 *
 * What is missing comes before what is too many goes.  What was in force and is
 * not so any more, others have changed: it comes back as repairs.h allows, and
 * the log says so.  Addresses and routes of an administrator's on the device
 * are left alone.
 */
#ifndef RECONCILE_H
#define RECONCILE_H

#include <stdbool.h>
#include <stdint.h>

#include "monitor/host/link.h"
#include "monitor/host/repairs.h"
#include "monitor/host/troubles.h"
#include "monitor/host/want.h"

struct conf;
struct journal;
struct tapdev;

/* Zeroed but for the first three, which are borrowed. */
struct reconcile {
	struct link	*link;
	struct tapdev	*dev;
	struct journal	*journal;
	struct want	 want; /* in force; owned */
	struct repairs	 repairs;
	struct troubles	 troubles; /* in a round of the caller's */
	struct link_lans lans;	   /* at the last look; owned */
	int		 port_state; /* the same: see link_get_ports() */
	uint8_t		 bridge_mac[6]; /* of the bridge that we made; zeros: none */
	bool		 made_bridge;	/* and it is there */
};

/*
 * What the kernel has, for want_make(): all of `facts` that is the host's.  0 or
 * a negative errno value.
 */
int reconcile_look(struct reconcile *reconcile, const struct conf *conf,
    struct want_facts *facts);

/*
 * Makes it so.  Returns the first negative errno value of what has to be; what
 * fails is a trouble, and the rest goes on.  A route that cannot be, or a
 * bridge that is not there, is a trouble only.
 */
int reconcile_set(struct reconcile *reconcile, const struct conf *conf,
    const struct want *want);

void reconcile_fini(struct reconcile *reconcile);

#endif /* RECONCILE_H */
