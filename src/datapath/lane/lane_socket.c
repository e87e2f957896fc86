/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "datapath/lane/lane_socket.h"

#include <stdlib.h>
#include <unistd.h>

struct lane_socket *
lane_socket_new(int fd)
{
	struct lane_socket *socket = calloc(1, sizeof(*socket));

	if (socket == NULL)
		close(fd);
	else
		socket->fd = fd;
	return socket;
}

void
lane_socket_free(struct lane_socket *socket)
{
	if (socket == NULL)
		return;
	close(socket->fd);
	free(socket);
}
