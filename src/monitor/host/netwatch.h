/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * netwatch: notices when this host's network changes, by rtnetlink and
 * nftables' notifications.
 *
 * A change: of interfaces, addresses and routes; what concerns our own device,
 * or is a route of ours, is none.  They come in crowds (an address that is
 * replaced takes its routes with it), so it is told a moment after the first,
 * and not more often than once a second.
 *
 * An event: any of these, our own doing too, a rule, or a table of nftables
 * that is named as ours are.  It is told at once, all that are there together;
 * and every few seconds without any, for what the kernel does not tell of.
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

/* `ifindex` is our own device.  NULL, with errno set, when it cannot be. */
struct netwatch *netwatch_new(struct ev_loop *loop, unsigned ifindex,
    void (*on_change)(void *arg), void (*on_event)(void *arg), void *arg);
void netwatch_free(struct netwatch *netwatch); /* NULL is fine */

/* Whether this one, of nftables, is of a table with a name like ours. */
bool netwatch_is_nftables(const struct nlmsghdr *hdr);

/* Whether this notification tells of a change that is not our own doing. */
bool netwatch_is_change(const struct nlmsghdr *hdr, unsigned ifindex);

#endif /* NETWATCH_H */
