/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "datapath/port.h"

#include <stdlib.h>

struct port *
port_new(uint16_t id, uint32_t session)
{
	struct port *port = calloc(1, sizeof(*port));

	if (port == NULL)
		return NULL;
	port->id = id;
	port->session = session;
	return port;
}

void
port_free(struct port *port)
{
	free(port);
}
