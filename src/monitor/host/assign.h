/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * assign: the addresses and routes that a hub assigned to our tun device.
 *
 * A new assignment replaces the previous one as a whole, or not at all.
 * Addresses and routes that are in both are not touched, so connections that
 * use them continue.  Routes that amount to all traffic are handled by
 * policy.h, all others are put into the main table.
 *
 * If an address or route comes to overlap one of this host's own networks, it
 * is removed, and restored when it no longer does.
 */
#ifndef ASSIGN_H
#define ASSIGN_H

#include <stdbool.h>
#include <stddef.h>

#include "conf/conf.h"
#include "monitor/host/prefix_set.h"
#include "monitor/host/vet.h"

struct policy;

/* Zeroed, except for borrowed members: nothing is assigned. */
struct assign {
	struct vet	  vet; /* link, device and configuration, too */
	struct policy	 *policy; /* borrowed */
	bool		  has_ipv6; /* if false, IPv6 is ignored */
	struct prefix_set addresses, routes; /* in force; assign.c's own */
	struct prefix_set away; /* removed because they overlap */
};

/*
 * 0, or a negative errno value with the reason in `why`; then nothing has
 * changed, except for what overlaps now.
 */
int assign_replace(struct assign *assign,
    const struct request_network *assignment, char *why, size_t why_size);

/*
 * Compares with the kernel and with this host's networks: restores what is
 * missing, and removes what overlaps.  Returns how many routes another program
 * had removed.
 */
int assign_check(struct assign *assign);

/* Frees the lists.  The kernel removes addresses and routes with the device. */
void assign_fini(struct assign *assign);

#endif /* ASSIGN_H */
