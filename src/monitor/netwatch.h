/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * netwatch: notices when this host's network changes, by rtnetlink.
 *
 * Interfaces, addresses and routes; what concerns our own device, or is a
 * route of ours, is not a change.  They come in crowds (an address that is
 * replaced takes its routes with it), so it is told a moment after the first,
 * and not more often than once a second.
 */
#ifndef NETWATCH_H
#define NETWATCH_H

#include <stdbool.h>

#include <ev.h>

#define NETWATCH_SETTLE_SEC 0.1
#define NETWATCH_PAUSE_SEC  1.0

struct netwatch;
struct nlmsghdr;

/* `ifindex` is our own device.  NULL, with errno set, when it cannot be. */
struct netwatch *netwatch_new(struct ev_loop *loop, unsigned ifindex,
    void (*on_change)(void *arg), void *arg);
void netwatch_free(struct netwatch *netwatch); /* NULL is fine */

/* Whether this notification tells of a change that is not our own doing. */
bool netwatch_is_change(const struct nlmsghdr *hdr, unsigned ifindex);

#endif /* NETWATCH_H */
