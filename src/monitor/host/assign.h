/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * assign: the addresses and routes that a server gave to our tun device.
 *
 * An assignment replaces the one before as a whole, or not at all.  What is in
 * both is not touched, so the connections through it live on.  Routes that are
 * as good as everything are for policy.h, all others lie in the main table.
 *
 * What comes to overlap one of this host's own networks is taken away, and put
 * back when it no longer does.
 */
#ifndef ASSIGN_H
#define ASSIGN_H

#include <stdbool.h>
#include <stddef.h>

#include "conf/conf.h"
#include "monitor/host/prefix_set.h"
#include "monitor/host/vet.h"

struct policy;

/* Zeroed but for what is borrowed: nothing is assigned. */
struct assign {
	struct vet	  vet; /* link, device and configuration, too */
	struct policy	 *policy; /* borrowed */
	bool		  has_ipv6; /* else what is IPv6 is passed over */
	struct prefix_set addresses, routes; /* in force; assign.c's own */
	struct prefix_set away; /* of them: not now, this host has it */
};

/*
 * 0, or a negative errno value with the reason in `why`; then nothing has
 * changed, but for what overlaps by now.
 */
int assign_replace(struct assign *assign,
    const struct request_network *assignment, char *why, size_t why_size);

/*
 * Compares with the kernel and with this host's networks: what is missing comes
 * back, what overlaps goes.  Returns how many routes had been removed by
 * somebody else.
 */
int assign_check(struct assign *assign);

/* Forgets it; the device takes addresses and routes with it. */
void assign_fini(struct assign *assign);

#endif /* ASSIGN_H */
