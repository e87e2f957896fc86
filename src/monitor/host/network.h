/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * network: puts the device into its network, and takes it out again.
 *
 * tap: into the bridge (made when the configuration says so), with the
 * bridge's MTU.  tun: the server's own addresses, routes to every enabled
 * site's subnets; on a client what the server assigned.  Forwarding and NAT
 * as configured; on a client with a default route also the rules for it, and
 * DNS.  What would outlive the daemon goes through the journal.
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
 * Makes the device and everything around it.  NULL on failure, with one line
 * in the log that says what and how to mend it, and nothing left behind.
 * `journal_path` is where the journal lives; `conf` is borrowed until the next
 * network_update() or network_free().
 */
struct network *network_new(const struct conf *conf, const char *journal_path);

/*
 * Whether the device can join conf->bridge, which is to be made first if
 * `*make`: 0, 1 after a warning, or -1 after a complaint.  Touches nothing.
 */
int network_look_at_bridge(struct link *link, const struct conf *conf,
    bool *make);

const struct tapdev *network_device(const struct network *network);

/* What may change did: a server's routes and NAT follow, and forwarding. */
void network_update(struct network *network, const struct conf *conf);

/*
 * A client's assignment, as a whole: what was assigned before and is not in it
 * goes, what is in both is not touched.  Refused (vet.h) are routes and
 * addresses that overlap one of this host's own networks, 0/0, ::/0 and their
 * disguises unless the configuration accepts them, and what would loop.  On a
 * host without IPv6, IPv6 is passed over.  Returns 0, or a negative errno
 * value with the reason in `why`; then nothing has changed.
 */
int network_assign(struct network *network,
    const struct request_network *assignment, char *why, size_t why_size);

/*
 * The DNS servers that a client's server tells, as a whole; passed over unless
 * the configuration accepts them (list->all is filled in).  0 or a negative
 * errno value with the reason in `why`.
 */
int network_set_dns(struct network *network, struct dns_list *list,
    char *why, size_t why_size);

/*
 * The addresses of a client's server (not one: nothing new): no route may take
 * them away, and from the first time on when-down = block is in force.
 */
void network_set_servers(struct network *network, const struct endpoint *list,
    unsigned n);

/* Where a client's traffic and DNS questions go now, for status. */
void network_egress(const struct network *network,
    struct request_egress *egress);
/* From now on called when that changes; NULL: nobody is. */
void network_on_egress(struct network *network, void (*call)(void *arg),
    void *arg);

/* A client's session has ended: when-down is what matters now. */
void network_down(struct network *network);

/*
 * Compares a client's rules, routes, addresses and wall with the kernel, and
 * puts back what others have changed; what overlaps this host's networks by now
 * goes.  To be called when any of that may have changed, and now and then.
 */
void network_check(struct network *network);

/*
 * Whether what is to be blocked stays so in network_free().  Unless told, it
 * stays where a killed run had left it: a start that fails opens nothing.
 */
void network_keep_block(struct network *network, bool keep);

/*
 * Takes all of it back and closes the device, which goes when no other process
 * has a queue of it: end the engine first.  NULL is fine.
 */
void network_free(struct network *network);

#endif /* NETWORK_H */
