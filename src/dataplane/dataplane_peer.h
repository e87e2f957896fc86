/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * dataplane_peer: one site or hub on the data path: its ports and lanes, of all
 * workers.
 *
 *   new -- attach --> in use -- detach --> ... -- every worker let go --> free
 *
 * Sessions call dataplane_attach() and dataplane_detach().  In between, these
 * functions renew keys, check whether it is alive, and read its counters.
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
	bool			 rekey_needed; /* on_rekey_needed was called */
	uint64_t		 renewals, rebuilt;
	unsigned		 keepalive_sec;
	struct mono		 retimed; /* that was changed, or the host woke */
	uint64_t		 key_limit;
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
 * Leading end: the next dataplane_peer_renew() replaces these lanes (a bit
 * each), with the sockets `fds`, one for each bit (consumed).
 */
void dataplane_peer_new_sockets(struct dataplane_peer *peer, uint32_t lanes,
    const int *fds,
    const struct endpoint *remote);
/*
 * Derives new keys for every lane from `secret` (borrowed); the current keys
 * stay in use until the new ones are.  A phase with no lane up yet may begin
 * again; one with some lanes up stays, and the next phase begins.  Returns 0,
 * -ENOMEM, or -EPROTO if `phase` is neither of the two.
 */
int dataplane_peer_renew(struct dataplane_peer *peer,
    const struct lane_secret *secret,
    uint8_t phase);
/* A lane needs new keys or failed, and no renewal has begun since. */
bool dataplane_peer_wants_keys(const struct dataplane_peer *peer);
/* The phase to use for new keys now. */
uint8_t dataplane_peer_next_phase(const struct dataplane_peer *peer);

/*
 * Changes the time between two ECHOs.  Each lane sends one at once, and silence
 * is measured from now on.
 */
void dataplane_peer_set_keepalive(struct dataplane_peer *peer,
    unsigned keepalive_sec);

/* This host was suspended: silence during that time does not count. */
void dataplane_peer_woke(struct dataplane_peer *peer, struct mono now);

/*
 * The path to the peer may have changed: every lane sends an ECHO at once, from
 * which the other end learns the new address.
 */
void dataplane_peer_probe(struct dataplane_peer *peer);

/* Whether no lane has heard anything for `sec`; true where there is none. */
bool dataplane_peer_is_silent(const struct dataplane_peer *peer, unsigned sec,
    struct mono now);

/* Leading end: whether the newest lanes go to `server`. */
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
/* Adds it to the workers; removes it, after which no callback follows. */
void dataplane_peer_attach(struct dataplane_peer *peer);
void dataplane_peer_detach(struct dataplane_peer *peer);
/* Every worker let go. */
void dataplane_peer_free(struct dataplane_peer *peer);

/* Messages from workers. */
void dataplane_peer_lane_up(struct lane *lane);
void dataplane_peer_lane_failed(struct lane *lane);
void dataplane_peer_lane_rekey_needed(struct lane *lane);
void dataplane_peer_set_free(struct lane_set *set);
void dataplane_peer_tcp_batch(struct tcp_batch *batch);
void dataplane_peer_bad_source(struct port *port);

#endif /* DATAPLANE_PEER_H */
