/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "datapath/lane/lane_set.h"

#include <stdlib.h>

#include "base/secret.h"
#include "datapath/lane/lane_socket.h"

struct lane_set *
lane_set_new(struct port *port, uint8_t phase, unsigned n)
{
	struct lane_set *set = calloc(1, sizeof(*set) + n * sizeof(set->lanes[0]));

	if (set == NULL)
		return NULL;
	set->port = port;
	set->phase = phase;
	set->n = n;
	for (unsigned i = 0; i < n; i++) {
		set->lanes[i].port = port;
		set->lanes[i].phase = phase;
		set->lanes[i].fd = -1;
	}
	return set;
}

void
lane_set_free(struct lane_set *set)
{
	if (set == NULL)
		return;
	for (unsigned i = 0; i < set->n; i++) {
		secret_wipe(&set->lanes[i].keys, sizeof(set->lanes[i].keys));
		lane_socket_free(set->lanes[i].socket);
	}
	free(set);
}

bool
lane_set_is_up(const struct lane_set *set)
{
	for (unsigned i = 0; i < set->n; i++) {
		if (!lane_is_ready(&set->lanes[i]))
			return false;
	}
	return true;
}

struct lane *
lane_set_find(struct lane_set *set, uint8_t number)
{
	for (unsigned i = 0; set != NULL && i < set->n; i++) {
		if (set->lanes[i].number == number)
			return &set->lanes[i];
	}
	return NULL;
}
