/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "datapath/port.h"

#include <stdlib.h>

struct port *
port_new(uint16_t id, uint32_t session, unsigned nlanes)
{
	struct port *port = calloc(1, sizeof(*port));

	if (port == NULL)
		return NULL;
	port->id = id;
	port->session = session;
	port->nlanes = nlanes;
	port->lanes = calloc(nlanes, sizeof(*port->lanes));
	if (port->lanes == NULL && nlanes > 0) {
		free(port);
		return NULL;
	}
	return port;
}

void
port_free(struct port *port)
{
	if (port == NULL)
		return;
	free(port->lanes);
	free(port);
}
