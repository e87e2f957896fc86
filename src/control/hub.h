/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * hub: the control thread's hold on the data path.
 *
 * Owns the workers and what they share.  The control channel touches the data
 * path here and nowhere else: attach a site's port with its lanes, detach it,
 * replace the routes, read the counters.  What one peer does is hub_peer.h's.
 */
#ifndef HUB_H
#define HUB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <ev.h>

#include "base/addr.h"
#include "base/mono.h"
#include "conf/conf.h"
#include "control/hub_peer.h"
#include "datapath/drop.h"
#include "datapath/fdb.h"
#include "datapath/lane_keys.h"

#define HUB_FIRST_PORT 2 /* of sites; a client's one site has this */
#define HUB_BLOCKS_MIB 65536 /* AES blocks in a mebibyte */

struct aead;
struct conf;
struct hub;
struct hub_peer;
struct lpm;
struct gift;
struct session;

struct hub_events {
	/* All lanes of a peer's are up, for the first time. */
	void (*on_up)(void *arg);
	/* A lane cannot go on: hub_peer_renew().  Once for each phase. */
	void (*on_failed)(void *arg);
	/* A key has done much: hub_peer_renew().  Once for each phase. */
	void (*on_worn)(void *arg);
	/* All lanes of the new phase are up. */
	void (*on_renewed)(void *arg);
	/* The control connection, for frames to go by; NULL: there is none. */
	struct session *(*connection)(void *arg);
};

/* What a peer is attached with. */
struct hub_attachment {
	const char		 *name; /* of the site; copied */
	uint16_t		  port;
	uint32_t		  session;
	enum conf_transport	  transport; /* as agreed */
	unsigned		  lanes;     /* 0 with tcp */
	unsigned		  keepalive_sec;
	uint64_t		  wears_at; /* AES blocks by one key */
	const struct lane_secret *secret; /* borrowed; the caller wipes it */
	const struct endpoint	 *remote; /* client: the server's, else NULL */
	const int		 *fds;	  /* client: one a lane; consumed */
};

/* What a site's port has done so far, of all workers and lanes together. */
struct hub_stats {
	uint64_t rx_frames, rx_bytes, tx_frames, tx_bytes;
	uint64_t moved_in, unlearned; /* see datapath/port.h */
	uint64_t drops[DROP_MAX];
	unsigned lanes, lanes_up; /* up, and not suspect (datapath/suspect.h) */
	/* When the lane that is quiet longest last had an authentic record
	 * (struct mono); 0: none was up. */
	int64_t	 quietest_us;
	bool	 lane_missing; /* some lane never came up */
	int64_t	 rtt_us;   /* smallest of the lanes; 0: unknown */
	unsigned path_mtu; /* smallest of the lanes; outer IP packet */
	unsigned moves;
	uint64_t renewals; /* of keys */
	uint64_t rebuilt; /* lanes, from another port */
	uint64_t strays;
};

/*
 * Starts the workers on the gift's queues and sockets (borrowed: the gift must
 * outlive the hub).  NULL on failure, with a line in the log.
 */
struct hub *hub_new(struct ev_loop *loop, const struct gift *gift,
    void (*on_device_gone)(void *arg), void *arg);
/* Every peer must be detached; waits for the workers. */
void hub_free(struct hub *hub);

/* Which library seals which records. */
const struct aead *hub_aead(const struct hub *hub);

/* tap: other limits of the table of addresses. */
void hub_follow(struct hub *hub, const struct conf *conf);

unsigned hub_workers(const struct hub *hub);
/* A fresh session id: random, 24 bits, not 0 and not in use. */
uint32_t hub_new_session(struct hub *hub);

/*
 * Attaches a site.  On success the peer lives until hub_detach(); NULL when
 * there is no memory (the descriptors are closed all the same).
 */
struct hub_peer *hub_attach(struct hub *hub,
    const struct hub_attachment *attachment, const struct hub_events *events,
    void *arg);
/* No callback comes any more.  Another may take its port at once. */
void hub_detach(struct hub_peer *peer);

/*
 * Items of a type 2 message, from the site (tcp_frames.h).  `peer` NULL: its
 * lanes are still to be attached; counted, dropped.
 */
void hub_frames(struct hub *hub, struct hub_peer *peer, uint8_t *items,
    size_t len);

/* tun server: which network is behind which port; consumes `lpm`. */
void hub_set_routes(struct hub *hub, struct lpm *lpm);

/* The device, and what belonged to no site. */
void hub_local_stats(const struct hub *hub, struct hub_stats *stats);

/* tap: the table of addresses; NULL in tun mode. */
const struct fdb *hub_fdb(const struct hub *hub);

/* Whether the loop probe has this port blocked, and why (borrowed; or NULL). */
const char *hub_blocked(const struct hub *hub, uint16_t port);

#endif /* HUB_H */
