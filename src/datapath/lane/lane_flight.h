/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * lane_flight: the handshake datagrams sent last, to be sent again.
 *
 * DTLS sends a whole flight again when no answer comes (RFC 6347 4.2.4).  We do
 * that ourselves, with the datagrams as they were, because GnuTLS doubles its
 * pause at each loss up to a minute: ours ends at LANE_FLIGHT_MAX_US, and after
 * LANE_FLIGHT_PATIENCE_US, when UDP seems to be blocked, at a few seconds.
 *
 * Pure: it says when and what; the lane sends.
 */
#ifndef LANE_FLIGHT_H
#define LANE_FLIGHT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/mono.h"

#define LANE_FLIGHT_FIRST_US	(50 * MONO_MS)
#define LANE_FLIGHT_MAX_US	(400 * MONO_MS)
#define LANE_FLIGHT_PATIENCE_US (10 * MONO_SEC)
#define LANE_FLIGHT_BLOCKED_US	(3 * MONO_SEC)
#define LANE_FLIGHT_DATAGRAMS	8 /* our flights have at most four */
#define LANE_FLIGHT_LEN		1200

struct lane_flight;

/* NULL when there is no memory. */
struct lane_flight *lane_flight_new(void);
void		    lane_flight_free(struct lane_flight *flight);

/*
 * Something came in: what is added from now on is a new flight.  The old one
 * stays until there is a new one.
 */
void lane_flight_begin(struct lane_flight *flight);
/* There is no new one yet. */
bool lane_flight_is_old(const struct lane_flight *flight);

/* Keeps a copy; what does not fit is GnuTLS's to send again. */
void lane_flight_add(struct lane_flight *flight, const uint8_t *data,
    size_t len);

/* Whether it is time to send it again. */
bool lane_flight_is_due(struct lane_flight *flight, struct mono now);
/* Datagram `i`, borrowed; NULL behind the last. */
const uint8_t *lane_flight_get(const struct lane_flight *flight, unsigned i,
    size_t *len);
/* It was sent again. */
void lane_flight_sent(struct lane_flight *flight, struct mono now);

#endif /* LANE_FLIGHT_H */
