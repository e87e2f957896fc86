/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * network: connects the device to this host's network, and disconnects it
 * again.
 *
 * tap: adds the device to the bridge, which is created if so configured, with
 * the MTU of the bridge. tun: sets the hub's own addresses and the routes to
 * the subnets of all enabled sites; at a site, what the hub assigned.  Sets IP
 * forwarding and NAT as configured, and at a site with a default route the
 * rules for it, and DNS. Changes that would outlive the daemon are recorded in
 * the journal.
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
 * next network_update() or network_free().
 */
struct network *network_new(const struct conf *conf, const char *journal_path);

/*
 * Whether the device can join conf->bridge, which is to be made first if
 * `*make`: 0, 1 after a warning, or -1 after a complaint.  Touches nothing.
 */
int network_look_at_bridge(struct link *link, const struct conf *conf,
    bool *make);

const struct tapdev *network_device(const struct network *network);

/* Applies changed live keys: a hub's routes and NAT, and forwarding. */
void network_update(struct network *network, const struct conf *conf);

/*
 * Applies the assignment of a site's hub as a whole: removes what was assigned
 * before and is not in it, and does not touch what is in both.  Refuses (vet.h)
 * routes and addresses that overlap this host's own networks, routes for all
 * traffic in any form unless the configuration accepts them, and routes that
 * would loop.  IPv6 is ignored if this host has none.  Returns 0, or a negative
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

/* Where a site's traffic and DNS queries go now, for status. */
void network_egress(const struct network *network,
    struct request_egress *egress);
/* Sets a function that is called when that changes; NULL: none. */
void network_on_egress(struct network *network, void (*call)(void *arg),
    void *arg);

/* A site's session has ended: applies when-down. */
void network_down(struct network *network);

/*
 * Compares a site's rules, routes, addresses and wall with the kernel, restores
 * what other programs have changed, and removes what overlaps this host's
 * networks now.  To be called when any of that may have changed, and now and
 * then.
 */
void network_check(struct network *network);

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
