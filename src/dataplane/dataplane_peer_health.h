/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * dataplane_peer_health: the state of all lanes of a peer, and what follows
 * from it.
 *
 * dataplane_peer_health() reads what the workers write; all else is pure.
 */
#ifndef DATAPLANE_PEER_HEALTH_H
#define DATAPLANE_PEER_HEALTH_H

#include <stdbool.h>
#include <stdint.h>

#include "base/mono.h"

struct dataplane_peer;

struct dataplane_peer_health {
	unsigned lanes, lanes_up; /* up, and not suspect (lane_liveness.h) */
	uint32_t dead;		  /* those that carry nothing, a bit each */
	/* Others carry, or one of the dead has failed: it is not the path. */
	bool	 others_alive;
	/* What carries frames: "udp", "tcp", "udp+tcp" (some workers' lanes),
	 * "none". */
	const char *carrier;
	int64_t	    heard_us; /* the latest that any lane heard; 0: nothing */
	/*
	 * With UDP alone, since when one lane that was up hears nothing, and one
	 * does not come up though others have; 0: none.
	 */
	int64_t	 quiet_since_us, missing_since_us;
	int64_t	 rtt_us;   /* smallest of the lanes; 0: unknown */
	unsigned path_mtu; /* smallest of the lanes; outer IP packet */
	unsigned moves;
	uint64_t renewals; /* of keys */
	uint64_t rebuilt;  /* lanes, from another port */
};

void dataplane_peer_health(const struct dataplane_peer *peer,
    struct dataplane_peer_health *health);

/*
 * Why a session cannot continue, or NULL.  With TCP as a fallback it always
 * can.
 */
const char *dataplane_peer_health_trouble(
    const struct dataplane_peer_health *health, unsigned dead_peer_sec,
    struct mono now);

/* Whether no lane carries frames, so that they use TCP or are dropped. */
static inline bool
dataplane_peer_health_is_blocked(const struct dataplane_peer_health *health)
{
	return health->lanes > 0 && health->lanes_up == 0;
}

#endif /* DATAPLANE_PEER_HEALTH_H */
