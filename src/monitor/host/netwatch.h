/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * netwatch: reports changes of this host's network, from rtnetlink and
 * notifications of nftables.
 *
 * A change is one of interfaces, addresses or routes, except of our own device
 * and our own routes.  Several often come together (when an address is
 * replaced, so are its routes).  So a change is reported a moment after the
 * first, and at most once a second.
 *
 * An event is any of these, including our own changes, and a change of a rule
 * or of an nftables table with a name like ours.  Events are reported at once,
 * all that have arrived together, and every few seconds without any, since the
 * kernel does not notify of everything.
 */
#ifndef NETWATCH_H
#define NETWATCH_H

#include <stdbool.h>

#include <ev.h>

#define NETWATCH_SETTLE_SEC 0.1
#define NETWATCH_PAUSE_SEC  1.0
#define NETWATCH_IDLE_SEC   5.0

struct netwatch;
struct nlmsghdr;

/* `ifindex` is our own device.  NULL on failure, with errno set. */
struct netwatch *netwatch_new(struct ev_loop *loop, unsigned ifindex,
    void (*on_change)(void *arg), void (*on_event)(void *arg), void *arg);
void netwatch_free(struct netwatch *netwatch); /* NULL is fine */

/*
 * Whether this notification of nftables is about a table with a name like ours.
 */
bool netwatch_is_nftables(const struct nlmsghdr *hdr);

/* Whether this notification is about a change that we did not make. */
bool netwatch_is_change(const struct nlmsghdr *hdr, unsigned ifindex);

#endif /* NETWATCH_H */
