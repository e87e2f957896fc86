/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * lane_socket: the socket of a lane that leads.
 *
 * Control creates one for a new lane, or for a lane that is replaced with
 * another local port; the lane's next phases use it too.  From the first phase
 * on the worker counts its users, listens to it, and closes it after the last.
 */
#ifndef LANE_SOCKET_H
#define LANE_SOCKET_H

#include <ev.h>

struct lane_socket {
	int	     fd;    /* owned */
	unsigned     users; /* lanes, of different phases */
	struct ev_io io;    /* worker_listen() */
};

/* Takes over `fd` in any case.  NULL: out of memory. */
struct lane_socket *lane_socket_new(int fd);

/* Nobody may listen to it any more. */
void lane_socket_free(struct lane_socket *socket);

#endif /* LANE_SOCKET_H */
