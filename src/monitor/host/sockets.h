/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sockets: creates the engine's network sockets.
 *
 * UDP sockets are non-blocking.  DF is set and the kernel's path MTU cache is
 * not used (IP_PMTUDISC_PROBE), because pmtu.c finds the size.  Buffers are
 * large (SO_RCVBUFFORCE).  IP_PKTINFO and IPV6_RECVPKTINFO are on, so that a
 * multi-homed hub answers from the address that was asked.  Sockets of a site
 * have `mark` (conf_mark(); 0: none), so that rules can keep their packets out
 * of the tunnel.
 *
 * All return a descriptor or a count, or a negative errno value.
 */
#ifndef SOCKETS_H
#define SOCKETS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/addr.h"

/* Whether the address can be bound to: not while it is tentative. */
bool sockets_has_address(const struct addr *addr);

/*
 * An address that this host does not have yet is bound to as well, and works
 * once it exists.  `listen` with family 0: all addresses, dual-stack if there
 * is IPv6, otherwise IPv4.  A listener for one IPv6 address (or "::") accepts
 * IPv6 only.
 */
int sockets_listen_tcp(const struct addr *listen, uint16_t port);

/*
 * Opens `n` sockets of one SO_REUSEPORT group into `fds`, in order.  A classic
 * BPF program delivers each datagram to socket (lane mod n), where lane is the
 * low 6 bits of its first byte.  Returns n. -EADDRINUSE: the port is in use,
 * even by a group that would accept us.  Port 0: any free port, the same for
 * all.
 */
int sockets_listen_udp(const struct addr *listen, uint16_t port, int *fds,
    unsigned n);

/*
 * Opens `n` UDP sockets for a site, of the family of `server`, each bound to a
 * port of its own.
 */
int sockets_lanes(const struct endpoint *server, uint32_t mark, int *fds,
    unsigned n);

/* Enables merging of received datagrams in the kernel (UDP_GRO), if it can. */
void sockets_merge(const int *fds, unsigned n);

/* A TCP socket that is connecting to `server` (EINPROGRESS is success). */
int sockets_connect(const struct endpoint *server, uint32_t mark);

/* The text for a failure to listen, to follow the port. */
const char *sockets_explain(int error);

/*
 * The local socket: created beside, and renamed over one that nobody uses; mode
 * 0660, group `group` ((gid_t)-1: our own). -EADDRINUSE: a daemon answers
 * there. -EEXIST: there is something else that is not a socket.
 */
int sockets_listen_unix(const char *path, gid_t group);

#endif /* SOCKETS_H */
