/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * dataplane_peer: one site or hub on the data path: its ports and lanes, of all
 * workers.
 *
 *   new -- attach --> at work -- detach --> ... -- every worker let go --> free
 *
 * Sessions make and end one by dataplane_attach() and dataplane_detach().
 * Between the two: new keys, whether it lives, by what its frames go, and what it
 * counted.
 */
#ifndef DATAPLANE_PEER_H
#define DATAPLANE_PEER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "base/mono.h"
#include "conf/conf.h"
#include "control/conn/tcp_frames.h"
#include "datapath/dp.h"
#include "datapath/lane/lane.h"
#include "datapath/util/counters.h"

struct dataplane;
struct dataplane_attachment;
struct dataplane_events;
struct lane_set;
struct port;
struct tcp_batch;

struct dataplane_peer {
	struct dataplane	*dataplane;
	struct dp		*dp; /* the dataplane's */
	char			 name[CONF_NAME_MAX + 1];
	uint16_t		 port;
	uint32_t		 session;
	enum conf_transport	 transport;
	bool			 leads;
	struct tcp_frames	 tcp;
	unsigned		 lanes;
	unsigned		 lanes_up; /* ever, of any phase */
	uint32_t		 generation; /* of keys, at work */
	uint32_t		 newest; /* the last one made */
	uint8_t			 newest_phase;
	unsigned		 newest_up;
	uint32_t		 moved_lanes; /* their new socket is unproven */
	bool			 was_up; /* on_up was called */
	bool			 worn; /* on_worn was called */
	uint64_t		 renewals, rebuilt;
	unsigned		 keepalive_sec;
	struct mono		 retimed; /* that was changed, or the host woke */
	uint64_t		 wears_at;
	LIST_HEAD(, lane_set)	 sets; /* all that are not free */
	bool			 failed;
	bool			 detached;
	unsigned		 acks; /* of workers that have not let go */
	const struct dataplane_events *events;
	void			*arg;
	struct mono		 bad_source_next; /* when it is said again */
	struct mono		 first_up;
	struct mono		 renewed; /* when the newest was made */
	struct counters		 saved; /* of those, in the site's total */
	struct port		*ports[DP_MAX_WORKERS]; /* NULL: no lane there */
	struct endpoint		 remote; /* it leads */
	int			 fds[LANE_MAX]; /* of the next sets; or -1 */
	LIST_ENTRY(dataplane_peer) entry;
};

/*
 * It leads: those lanes (a bit each) are to be made anew with the next
 * dataplane_peer_renew(), from sockets of their own: `fds`, one a bit, are
 * consumed.
 */
void dataplane_peer_new_sockets(struct dataplane_peer *peer, uint32_t lanes,
    const int *fds,
    const struct endpoint *remote);
/*
 * New keys for every lane, of `secret` (borrowed), beside those at work, which
 * go on until the new ones do.  A phase of which no lane is up yet may be begun
 * anew; one that has some is left as it is by the phase behind it.  0; -EPROTO:
 * `phase` is neither of the two; -ENOMEM.
 */
int dataplane_peer_renew(struct dataplane_peer *peer,
    const struct lane_secret *secret,
    uint8_t phase);
/* A lane wore or failed, and nothing was begun since. */
bool dataplane_peer_wants_keys(const struct dataplane_peer *peer);
/* The one of these that is right now. */
uint8_t dataplane_peer_next_phase(const struct dataplane_peer *peer);

/*
 * Another time between two ECHOs, from now on; each lane sends one at once, and
 * what was heard before does not count any more.
 */
void dataplane_peer_set_keepalive(struct dataplane_peer *peer,
    unsigned keepalive_sec);

/* This host was suspended: what was not heard meanwhile counts for nothing. */
void dataplane_peer_woke(struct dataplane_peer *peer, struct mono now);

/*
 * The way to the peer may have changed: every lane sends an ECHO at once.  The
 * other end sees from where, and follows.
 */
void dataplane_peer_probe(struct dataplane_peer *peer);

/* Whether no lane has heard anything for `sec`; true where there is none. */
bool dataplane_peer_is_silent(const struct dataplane_peer *peer, unsigned sec,
    struct mono now);

/* It leads: whether the lanes made last go to `server`. */
bool dataplane_peer_is_at(const struct dataplane_peer *peer,
    const struct endpoint *server);

/* What its ports have counted so far, of all workers together. */
void dataplane_peer_counters(const struct dataplane_peer *peer,
    struct counters *counters);

/* ---- for dataplane.c ---- */

/*
 * With a port and lanes for every worker, which do not know them yet.  NULL when
 * out of memory; the attachment's descriptors are consumed all the same.
 */
struct dataplane_peer *dataplane_peer_new(struct dataplane *dataplane,
    struct dp *dp,
    const struct dataplane_attachment *attachment,
    const struct dataplane_events *events,
    void *arg);
/* To the workers, and off them again: no callback comes any more. */
void dataplane_peer_attach(struct dataplane_peer *peer);
void dataplane_peer_detach(struct dataplane_peer *peer);
/* Every worker let go. */
void dataplane_peer_free(struct dataplane_peer *peer);

/* Letters from workers. */
void dataplane_peer_lane_up(struct lane *lane);
void dataplane_peer_lane_failed(struct lane *lane);
void dataplane_peer_lane_worn(struct lane *lane);
void dataplane_peer_set_free(struct lane_set *set);
void dataplane_peer_tcp_batch(struct tcp_batch *batch);
void dataplane_peer_bad_source(struct port *port);

#endif /* DATAPLANE_PEER_H */
