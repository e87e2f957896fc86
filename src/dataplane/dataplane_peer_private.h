/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * dataplane_peer_private: what a peer is made of, for dataplane.c and
 * dataplane_peer.c alone.
 *
 *   new -- attach --> at work -- detach --> ... -- every worker let go --> free
 *
 * Letters of its lanes come to dataplane.c, which hands them on.
 */
#ifndef DATAPLANE_PEER_PRIVATE_H
#define DATAPLANE_PEER_PRIVATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "base/mono.h"
#include "conf/conf.h"
#include "dataplane/dataplane.h"
#include "control/conn/tcp_frames.h"
#include "datapath/dp.h"
#include "datapath/lane/lane.h"

struct lane_set;
struct tcp_batch;
struct port;

struct dataplane_peer {
	struct dataplane		*dataplane;
	struct dp		*dp; /* the dataplane's */
	char			 name[CONF_NAME_MAX + 1];
	uint16_t		 port;
	uint32_t		 session;
	enum conf_transport	 transport;
	struct tcp_frames	 tcp;
	unsigned		 lanes;
	unsigned		 lanes_up; /* ever, of any phase */
	uint32_t		 generation; /* of keys, at work */
	uint32_t		 newest; /* the last one made */
	uint8_t			 newest_phase;
	unsigned		 newest_up;
	uint32_t		 moving; /* lanes with a socket not yet proved */
	bool			 was_up; /* on_up was called */
	bool			 worn; /* on_worn was called */
	uint64_t		 renewals, rebuilt;
	unsigned		 keepalive_sec;
	struct mono		 retimed; /* that was changed, or the host woke */
	uint64_t		 wears_at;
	LIST_HEAD(, lane_set)	 sets; /* all that are not free */
	bool			 failed;
	bool			 detached;
	unsigned		 acks; /* still to come after detach */
	const struct dataplane_events *events;
	void			*arg;
	struct mono		 bad_source_next; /* when it is said again */
	struct mono		 first_up;
	struct mono		 renewed; /* when the newest was made */
	struct counters		 saved; /* of those, in the site's total */
	struct port		*ports[DP_MAX_WORKERS]; /* NULL: no lane there */
	struct endpoint		 remote; /* client */
	int			 fds[LANE_MAX]; /* of the next sets; or -1 */
	LIST_ENTRY(dataplane_peer) entry;
};

/*
 * With a port and lanes for every worker, which do not know them yet.  NULL when
 * there is no memory; the attachment's descriptors are consumed all the same.
 */
struct dataplane_peer *dataplane_peer_new(struct dataplane *dataplane,
    struct dp *dp,
    const struct dataplane_attachment *attachment,
    const struct dataplane_events *events,
    void *arg);
/* To the workers, and off them again: no callback comes any more. */
void dataplane_peer_attach(struct dataplane_peer *peer);
void dataplane_peer_detach(struct dataplane_peer *peer);
/* A worker let go; true: it was the last one, dataplane_peer_free() may come. */
bool dataplane_peer_let_go(struct dataplane_peer *peer);
void dataplane_peer_free(struct dataplane_peer *peer);

/* Items of a type 2 message; of one that is attached. */
void dataplane_peer_frames(struct dataplane_peer *peer, uint8_t *items,
    size_t len);

/* What its ports have counted so far, of all workers together. */
void dataplane_peer_counters(const struct dataplane_peer *peer,
    struct counters *counters);

/* Letters from workers. */
void dataplane_peer_lane_up(struct lane *lane);
void dataplane_peer_lane_failed(struct lane *lane);
void dataplane_peer_lane_worn(struct lane *lane);
void dataplane_peer_set_free(struct lane_set *set);
void dataplane_peer_parcel(struct tcp_batch *parcel);
void dataplane_peer_bad_source(struct port *port);

#endif /* DATAPLANE_PEER_PRIVATE_H */
