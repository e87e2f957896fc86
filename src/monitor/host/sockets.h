/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sockets: makes the sockets that the engine talks through.
 *
 * UDP sockets are non-blocking, DF is set and the kernel's path MTU cache is
 * not asked (IP_PMTUDISC_PROBE: pmtu.c finds the size), buffers are large
 * (SO_RCVBUFFORCE), and IP_PKTINFO / IPV6_RECVPKTINFO are on, so that a
 * multi-homed server answers from the address it was asked at.  A client's
 * have `mark` (conf_mark(); 0: none), so that rules can keep them out of the
 * tunnel.
 *
 * All return a descriptor or a count, or a negative errno value.
 */
#ifndef SOCKETS_H
#define SOCKETS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/addr.h"

/* Whether one can be bound to: not so with one that is still tentative. */
bool sockets_has_address(const struct addr *addr);

/*
 * One that this host does not have yet is bound to all the same, and serves as
 * soon as it comes.  `listen` with family 0: every address, dual-stack where there is IPv6, else
 * IPv4.  A listener for one IPv6 address (or "::") takes IPv6 only.
 */
int sockets_listen_tcp(const struct addr *listen, uint16_t port);

/*
 * `n` sockets of one SO_REUSEPORT group in `fds`, in order; a classic BPF
 * program hands a datagram to socket (lane mod n), lane being the low 6 bits of
 * its first byte.  Returns n.  -EADDRINUSE when there is somebody at the port,
 * even a group that would have taken us in.  Port 0: any free one, the same
 * for all.
 */
int sockets_listen_udp(const struct addr *listen, uint16_t port, int *fds,
    unsigned n);

/* `n` UDP sockets for a client, of the family of `server`, each bound to a
 * port of its own. */
int sockets_lanes(const struct endpoint *server, uint32_t mark, int *fds,
    unsigned n);

/* Lets the kernel merge what comes to these UDP sockets, where it can. */
void sockets_merge(const int *fds, unsigned n);

/* A TCP socket on its way to `server` (EINPROGRESS is success). */
int sockets_connect(const struct endpoint *server, uint32_t mark);

/*
 * The local socket: made beside and renamed over a dead one, mode 0660, group
 * `group` ((gid_t)-1: our own); -EADDRINUSE when a daemon answers there,
 * -EEXIST when something else is there that is no socket.
 */
int sockets_listen_unix(const char *path, gid_t group);

#endif /* SOCKETS_H */
