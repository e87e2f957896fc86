/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "datapath/lane_table.h"

#include <stddef.h>

#include "datapath/port.h"

void
lane_table_add(struct lane_table *table, struct port *port)
{
	struct port **head = &table->heads[port->session % LANE_TABLE_SIZE];

	port->next_session = *head;
	*head = port;
}

void
lane_table_remove(struct lane_table *table, struct port *port)
{
	struct port **p = &table->heads[port->session % LANE_TABLE_SIZE];

	for (; *p != NULL; p = &(*p)->next_session) {
		if (*p == port) {
			*p = port->next_session;
			return;
		}
	}
}

struct port *
lane_table_lookup(const struct lane_table *table, uint32_t session)
{
	struct port *port = table->heads[session % LANE_TABLE_SIZE];

	while (port != NULL && port->session != session)
		port = port->next_session;
	return port;
}
