/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * network: puts the device into its network, keeps it there, and takes it out
 * again.
 *
 * tap: into the bridge (made when the configuration says so).  tun: a hub's own
 * addresses, routes to every enabled site's subnets; at a site what the hub
 * assigned.  Forwarding and NAT as configured; at a site with a default route
 * also the rules for it, and DNS.  What would outlive the daemon goes through
 * the journal.
 *
 * What is wanted follows from configuration and session (want.h); each look at
 * the host makes it so again (reconcile.h, policy.h), whoever changed it.
 */
#ifndef NETWORK_H
#define NETWORK_H

#include <stddef.h>

#include "conf/conf.h"
#include "monitor/host/tapdev.h"

struct dns_list;
struct link;
struct network;
struct request_egress;
struct request_network;

/*
 * Creates the device and applies the configuration.  NULL on failure, after one
 * line in the log that says what failed and how to fix it; then nothing is left
 * behind.  `journal_path` is the journal's file; `conf` is borrowed until the
 * next network_reconfigure() or network_free().
 */
struct network *network_new(const struct conf *conf, const char *journal_path);

/*
 * Whether the device can join conf->bridge: 0, 1 after a warning, or -1 after a
 * complaint.  Touches nothing.
 */
int network_look_at_bridge(struct link *link, const struct conf *conf);

const struct tapdev *network_device(const struct network *network);

/* Applies changed live keys: a hub's routes and NAT, and forwarding. */
void network_reconfigure(struct network *network, const struct conf *conf);

/*
 * A site's assignment, as a whole: what was assigned before and is not in it
 * goes, what is in both is not touched.  Refused (vet.h) are addresses that
 * overlap one of this host's own networks, 0/0, ::/0 and their disguises unless
 * the configuration accepts them, and what would loop.  Routes that overlap such
 * a network are left out as far as they do (want.h).  Returns 0, or a negative
 * errno value with the reason in `why`; then nothing has changed.
 */
int network_assign(struct network *network,
    const struct request_network *assignment, char *why, size_t why_size);

/*
 * Sets the DNS servers that a site's hub assigned; ignored unless the
 * configuration accepts them (sets list->all). 0, or a negative errno value
 * with the reason in `why`.
 */
int network_set_dns(struct network *network, struct dns_list *list,
    char *why, size_t why_size);

/*
 * The addresses of a site's hub (an empty list: nothing new).  No assigned
 * route may contain them.  From the first call on, when-down = block is in
 * force.
 */
void network_set_servers(struct network *network, const struct endpoint *list,
    unsigned n);

/* Where a site's traffic and DNS questions go now, for status. */
void network_egress(const struct network *network,
    struct request_egress *egress);
/* What is not as configured. */
const struct request_host *network_host(const struct network *network);
/* From now on called when one of those changes; NULL: nobody is. */
void network_on_news(struct network *network, void (*call)(void *arg),
    void *arg);

/* A site's session has ended: when-down is what matters now. */
void network_down(struct network *network);

/*
 * Compares all of it with the kernel, and puts back what others have changed.
 * To be called when any of that may have changed, and now and then; `is_local`:
 * the networks of this host's links may be others by now.  Returns in how many
 * seconds it wants to look again.
 */
double network_check(struct network *network, bool is_local);

/*
 * Sets whether blocked traffic stays blocked after network_free().  By default
 * it does if a killed daemon left it blocked, so that a start that fails opens
 * nothing.
 */
void network_keep_block(struct network *network, bool keep);

/*
 * Undoes all changes and closes the device.  The kernel removes the device when
 * no other process has a queue of it, so stop the engine first.  NULL is fine.
 */
void network_free(struct network *network);

#endif /* NETWORK_H */
