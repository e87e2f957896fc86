/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "datapath/lane/lane_flight.h"

#include <stdlib.h>
#include <string.h>

#include "base/secret.h"

struct lane_flight {
	bool	    fresh; /* the next datagram starts a new flight */
	bool	    timed;
	struct mono started, due;
	int64_t	    pause_us;
	unsigned    n;
	size_t	    len[LANE_FLIGHT_DATAGRAMS];
	uint8_t	    data[LANE_FLIGHT_DATAGRAMS][LANE_FLIGHT_LEN];
};

struct lane_flight *
lane_flight_new(void)
{
	return calloc(1, sizeof(struct lane_flight));
}

void
lane_flight_free(struct lane_flight *flight)
{
	secret_free(flight, sizeof(*flight));
}

void
lane_flight_begin(struct lane_flight *flight)
{
	flight->fresh = true;
}

bool
lane_flight_is_old(const struct lane_flight *flight)
{
	return flight->fresh;
}

void
lane_flight_add(struct lane_flight *flight, const uint8_t *data, size_t len)
{
	if (flight->fresh) {
		flight->fresh = false;
		flight->timed = false;
		flight->n = 0;
	}
	if (flight->n == LANE_FLIGHT_DATAGRAMS || len > LANE_FLIGHT_LEN)
		return;
	memcpy(flight->data[flight->n], data, len);
	flight->len[flight->n++] = len;
}

bool
lane_flight_is_due(struct lane_flight *flight, struct mono now)
{
	if (flight->n == 0)
		return false;
	/* The time of a new flight starts at the first call for it. */
	if (!flight->timed) {
		flight->timed = true;
		flight->started = now;
		flight->pause_us = LANE_FLIGHT_FIRST_US;
		flight->due = mono_add(now, flight->pause_us);
	}
	return mono_is_due(flight->due, now);
}

const uint8_t *
lane_flight_get(const struct lane_flight *flight, unsigned i, size_t *len)
{
	if (i >= flight->n)
		return NULL;
	*len = flight->len[i];
	return flight->data[i];
}

void
lane_flight_sent(struct lane_flight *flight, struct mono now)
{
	flight->pause_us *= 2;
	if (flight->pause_us > LANE_FLIGHT_MAX_US)
		flight->pause_us = LANE_FLIGHT_MAX_US;
	if (mono_sub(now, flight->started) > LANE_FLIGHT_PATIENCE_US)
		flight->pause_us = LANE_FLIGHT_BLOCKED_US;
	flight->due = mono_add(now, flight->pause_us);
}
