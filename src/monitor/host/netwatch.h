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
 * An event: what can be of ours, whoever did it: interfaces, addresses, our
 * routes, rules, settings, or a table of nftables that is named as ours are; and
 * networks of this host's links.  Others' routes, of which there may be very
 * many, are none.  It is told at once, but 50 ms after the last one at the
 * earliest; and without any when the last look asked for it, for what the kernel
 * does not tell of.
 */
#ifndef NETWATCH_H
#define NETWATCH_H

#include <stdbool.h>

#include <ev.h>

#define NETWATCH_SETTLE_SEC 0.1
#define NETWATCH_PAUSE_SEC  1.0
#define NETWATCH_EVENT_SEC  0.05
#define NETWATCH_IDLE_SEC   5.0

enum netwatch_event {
	NETWATCH_NONE,
	NETWATCH_OURS,
	NETWATCH_LOCAL, /* the networks of this host's links, too */
};

struct netwatch;
struct nlmsghdr;

/*
 * `ifindex` is our own device.  on_change: NULL when nobody asks.  on_event
 * returns in how many seconds to look again.  NULL, with errno set, when it
 * cannot be.
 */
struct netwatch *netwatch_new(struct ev_loop *loop, unsigned ifindex,
    void (*on_change)(void *arg), double (*on_event)(void *arg, bool is_local),
    void *arg);
void netwatch_free(struct netwatch *netwatch); /* NULL is fine */

/*
 * Whether this notification of nftables is about a table with a name like ours.
 */
bool netwatch_is_nftables(const struct nlmsghdr *hdr);

/* Whether this notification is about a change that we did not make. */
bool netwatch_is_change(const struct nlmsghdr *hdr, unsigned ifindex);

/* Whether it can tell of something that is ours. */
enum netwatch_event netwatch_find_event(const struct nlmsghdr *hdr,
    unsigned ifindex);

#endif /* NETWATCH_H */
