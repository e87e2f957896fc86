/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * session_table: maps the session id of a datagram to the port of its site.
 *
 * Each worker has one.  Session ids are random, so they need no hash function.
 */
#ifndef SESSION_TABLE_H
#define SESSION_TABLE_H

#include <stdint.h>

struct port;

#define SESSION_TABLE_SIZE 4096

/* Zeroed storage is an empty table. */
struct session_table {
	struct port *heads[SESSION_TABLE_SIZE];
};

void	     session_table_add(struct session_table *table, struct port *port);
void	     session_table_remove(struct session_table *table,
    struct port *port);
struct port *session_table_lookup(const struct session_table *table,
    uint32_t session);

#endif /* SESSION_TABLE_H */
