/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * lane_table: from the session id of a datagram to the port of its site.
 *
 * One a worker.  Session ids are random, so they are their own hash.
 */
#ifndef LANE_TABLE_H
#define LANE_TABLE_H

#include <stdint.h>

struct port;

#define LANE_TABLE_SIZE 4096

/* Zeroed storage is an empty table. */
struct lane_table {
	struct port *heads[LANE_TABLE_SIZE];
};

void	     lane_table_add(struct lane_table *table, struct port *port);
void	     lane_table_remove(struct lane_table *table, struct port *port);
struct port *lane_table_lookup(const struct lane_table *table,
    uint32_t session);

#endif /* LANE_TABLE_H */
