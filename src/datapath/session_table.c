/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "datapath/session_table.h"

#include <stddef.h>

#include "datapath/port.h"

void
session_table_add(struct session_table *table, struct port *port)
{
	struct port **head = &table->heads[port->session % SESSION_TABLE_SIZE];

	port->next_session = *head;
	*head = port;
}

void
session_table_remove(struct session_table *table, struct port *port)
{
	struct port **p = &table->heads[port->session % SESSION_TABLE_SIZE];

	for (; *p != NULL; p = &(*p)->next_session) {
		if (*p == port) {
			*p = port->next_session;
			return;
		}
	}
}

struct port *
session_table_lookup(const struct session_table *table, uint32_t session)
{
	struct port *port = table->heads[session % SESSION_TABLE_SIZE];

	while (port != NULL && port->session != session)
		port = port->next_session;
	return port;
}
