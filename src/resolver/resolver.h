/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * resolver: the client's process that speaks DNS, and nothing else.
 *
 * getaddrinfo(3) blocks and reads what any DNS server sends, so it runs
 * alone, as a user of its own.  One request at a time: LOOKUP of proc/request.h.
 */
#ifndef RESOLVER_H
#define RESOLVER_H

#include <stdint.h>

#include "base/addr.h"

/* The process: serves PROC_CHAN_FD until the monitor is gone.  Exit status. */
int resolver_main(void);

/* Serves `fd` (borrowed).  0 at its end, or a negative errno value. */
int resolver_serve(int fd);

/*
 * The addresses of `host` (a name or an address), in getaddrinfo's order, at
 * most `max`.  Returns how many, or a negative errno value: -ENOENT when there
 * is no such name, -EAGAIN when no server answered.
 */
int resolver_lookup(const char *host, struct addr *list, unsigned max);

#endif /* RESOLVER_H */
