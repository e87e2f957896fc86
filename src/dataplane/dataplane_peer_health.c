/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "dataplane/dataplane_peer_health.h"

#include <string.h>

#include "base/relaxed.h"
#include "dataplane/dataplane_peer.h"
#include "datapath/lane/lane_set.h"

/* A lane that comes so much later than it could would rather be made anew. */
#define LANE_LATE_US (15 * MONO_SEC)

static int64_t find_lanes(const struct dataplane_peer *peer,
    const struct lane *lanes[LANE_MAX]);
static void add_lane(const struct dataplane_peer *peer,
    struct dataplane_peer_health *health, const struct lane *lane);
static const char *carrier(const struct dataplane_peer *peer, uint32_t workers);
static int64_t later(struct mono a, int64_t us);

void
dataplane_peer_health(const struct dataplane_peer *peer,
    struct dataplane_peer_health *health)
{
	const struct lane *lanes[LANE_MAX];
	uint32_t	   workers = 0;

	*health = (struct dataplane_peer_health) { .lanes = peer->lanes,
		.renewals = peer->renewals, .rebuilt = peer->rebuilt };
	health->heard_us = find_lanes(peer, lanes);
	for (unsigned i = 0; i < peer->lanes; i++) {
		if (lanes[i] != NULL)
			add_lane(peer, health, lanes[i]);
		if (lanes[i] == NULL || !relaxed_load(&lanes[i]->is_up) ||
		    relaxed_load(&lanes[i]->is_suspect)) {
			health->dead |= 1u << i;
			continue;
		}
		health->lanes_up++;
		workers |= 1u << i % peer->dp->nworkers;
	}
	health->others_alive = peer->failed || health->lanes_up > 0;
	health->carrier = carrier(peer, workers);
	if (peer->lanes_up == 0 || peer->transport != CONF_TRANSPORT_UDP)
		health->quiet_since_us = health->missing_since_us = 0;
}

const char *
dataplane_peer_health_trouble(const struct dataplane_peer_health *health,
    unsigned dead_peer_sec, struct mono now)
{
	if (health->quiet_since_us != 0 &&
	    now.us - health->quiet_since_us > dead_peer_sec * MONO_SEC)
		return "dead: a data lane hears nothing";
	if (health->missing_since_us != 0 &&
	    now.us - health->missing_since_us > LANE_LATE_US)
		return "a data lane does not come up";
	return NULL;
}

/*
 * Of each number the newest that is up, or, where none is, the oldest: what is
 * said of that one holds until another takes its place.  When the latest record
 * came, to any of all: 0, none did.
 */
static int64_t
find_lanes(const struct dataplane_peer *peer,
    const struct lane *lanes[LANE_MAX])
{
	const struct lane_set *set;
	int64_t		       latest = 0;

	memset(lanes, 0, LANE_MAX * sizeof(lanes[0]));
	/* The newest come first. */
	LIST_FOREACH(set, &peer->sets, entry) {
		for (unsigned i = 0; i < set->n; i++) {
			const struct lane  *lane = &set->lanes[i];
			const struct lane **at = &lanes[lane->number];

			if (relaxed_load(&lane->last_heard_us) > latest)
				latest = relaxed_load(&lane->last_heard_us);
			if (lane->generation >= peer->generation &&
			    (*at == NULL || !relaxed_load(&(*at)->is_up)))
				*at = lane;
		}
	}
	return latest;
}

static void
add_lane(const struct dataplane_peer *peer,
    struct dataplane_peer_health *health, const struct lane *lane)
{
	int64_t	 heard = relaxed_load(&lane->last_heard_us), rtt = relaxed_load(&lane->rtt_us);
	int64_t	 since = later(peer->retimed, heard);
	unsigned size = relaxed_load(&lane->path_mtu);

	health->moves += relaxed_load(&lane->moves);
	if (heard == 0)
		health->missing_since_us = later(peer->first_up,
		    peer->renewed.us);
	else if (health->quiet_since_us == 0 || since < health->quiet_since_us)
		health->quiet_since_us = since;
	if (rtt > 0 && (health->rtt_us == 0 || rtt < health->rtt_us))
		health->rtt_us = rtt;
	if (size > 0 && (health->path_mtu == 0 || size < health->path_mtu))
		health->path_mtu = size;
}

/* Each worker has lanes of its own, and sends by those or not at all. */
static const char *
carrier(const struct dataplane_peer *peer, uint32_t workers)
{
	unsigned with = (unsigned)__builtin_popcount(workers);

	if (with == peer->dp->nworkers)
		return "udp";
	if (peer->transport == CONF_TRANSPORT_UDP)
		return with > 0 ? "udp" : "none";
	return with > 0 ? "udp+tcp" : "tcp";
}

static int64_t
later(struct mono a, int64_t us)
{
	return a.us > us ? a.us : us;
}
