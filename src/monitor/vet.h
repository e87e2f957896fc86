/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vet: whether this host takes what a server assigns to it.
 *
 * The server is authentic, and yet not the master of this host: its routes may
 * not take the host's own networks away, nor all of its traffic without the
 * administrator's leave, nor what means something only locally (loopback,
 * link-local, multicast).  And a tunnel cannot carry itself: a route around
 * the server's own outer address would send our datagrams back to us.
 */
#ifndef VET_H
#define VET_H

#include <stddef.h>

#include "conf/conf.h"

struct link;

/*
 * 0, or a negative errno value with the reason in `why`.  Networks of `device`
 * itself do not count as the host's.
 */
int vet_address(struct link *link, const struct conf *conf, const char *device,
    const struct prefix *address, char *why, size_t why_size);
int vet_route(struct link *link, const struct conf *conf, const char *device,
    const struct prefix *route, char *why, size_t why_size);

#endif /* VET_H */
