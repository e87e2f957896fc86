/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * lane_socket: the socket of a lane that leads.
 *
 * Control makes one for a lane that begins, or is made anew from another port;
 * the lane's next phases use it, too.  From the first of them on the worker
 * counts who does, listens, and closes it behind the last.
 */
#ifndef LANE_SOCKET_H
#define LANE_SOCKET_H

#include <ev.h>

struct lane_socket {
	int	     fd;    /* owned */
	unsigned     users; /* lanes, of different phases */
	struct ev_io io;    /* worker_listen() */
};

/* Takes over `fd` in any case; NULL when there is no memory. */
struct lane_socket *lane_socket_new(int fd);

/* Nobody listens to it any more. */
void lane_socket_free(struct lane_socket *socket);

#endif /* LANE_SOCKET_H */
