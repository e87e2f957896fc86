/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * lane_flight: repeats the latest handshake datagrams.
 *
 * DTLS repeats a whole flight if no answer comes (RFC 6347 4.2.4). We do that
 * ourselves, with the same datagrams, because GnuTLS doubles its pause at each
 * loss, up to a minute.  Our pause grows to LANE_FLIGHT_MAX_US; after
 * LANE_FLIGHT_PATIENCE_US, when UDP seems to be blocked, it is
 * LANE_FLIGHT_BLOCKED_US.
 *
 * Pure: it says when to send what; the lane sends.
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

/* NULL: out of memory. */
struct lane_flight *lane_flight_new(void);
void		    lane_flight_free(struct lane_flight *flight);

/*
 * Something came in: the next datagram added starts a new flight.  The old
 * flight stays until then.
 */
void lane_flight_begin(struct lane_flight *flight);
/* True until the new flight has started. */
bool lane_flight_is_old(const struct lane_flight *flight);

/* Keeps a copy.  GnuTLS repeats what does not fit. */
void lane_flight_add(struct lane_flight *flight, const uint8_t *data,
    size_t len);

/* True if it is time to send the flight again. */
bool lane_flight_is_due(struct lane_flight *flight, struct mono now);
/* Datagram `i`, borrowed; NULL after the last. */
const uint8_t *lane_flight_get(const struct lane_flight *flight, unsigned i,
    size_t *len);
/* Records that the flight was sent again. */
void lane_flight_sent(struct lane_flight *flight, struct mono now);

#endif /* LANE_FLIGHT_H */
