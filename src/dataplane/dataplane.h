/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * dataplane: the control thread's interface to the data path.
 *
 * Owns the workers and what they share.  The control channel touches the data
 * path here and nowhere else: attach a site's port with its lanes, detach it,
 * replace the routes, read the counters.  What one peer does is
 * dataplane_peer.h's.
 */
#ifndef DATAPLANE_H
#define DATAPLANE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <ev.h>

#include "base/addr.h"
#include "conf/conf.h"
#include "dataplane/dataplane_peer.h"
#include "dataplane/dataplane_peer_health.h"
#include "datapath/lane/lane_keys.h"

#define DATAPLANE_BLOCKS_MIB 65536 /* AES blocks in a mebibyte */

struct aead;
struct conf;
struct dataplane;
struct dataplane_peer;
struct totals;
struct lpm;
struct startup_recv;
struct conn;

struct dataplane_events {
	/* All lanes of a peer are up for the first time. */
	void (*on_up)(void *arg);
	/* A lane failed: call dataplane_peer_renew().  Once for each phase. */
	void (*on_failed)(void *arg);
	/* A key nears its limit: the same. */
	void (*on_rekey_needed)(void *arg);
	/* All lanes of the new phase are up. */
	void (*on_renewed)(void *arg);
	/* The control connection, for frames to go by; NULL: there is none. */
	struct conn *(*connection)(void *arg);
};

/* What a peer is attached with. */
struct dataplane_attachment {
	const char		 *name; /* of the site; copied */
	uint16_t		  port;
	uint32_t		  session;
	enum conf_transport	  transport; /* as agreed */
	bool			  may_tag;   /* the same */
	bool			  leads;     /* as the session does */
	unsigned		  lanes;     /* 0 with tcp */
	unsigned		  keepalive_sec;
	uint64_t		  key_limit; /* AES blocks by one key */
	const struct lane_secret *secret; /* borrowed; the caller wipes it */
	/* It leads: where its lanes go, and a socket each (consumed). */
	const struct endpoint	 *remote;
	const int		 *fds;
};

/*
 * Starts the workers on the queues and sockets in `startup` (borrowed; it must
 * outlive the dataplane).  Returns NULL on failure, which it logs.
 */
struct dataplane *dataplane_new(struct ev_loop *loop,
    const struct startup_recv *startup,
    void (*on_device_gone)(void *arg), void *arg);
/* Every peer must be detached; waits for the workers. */
void dataplane_free(struct dataplane *dataplane);

/* Which library seals which records. */
const struct aead *dataplane_aead(const struct dataplane *dataplane);

/* tap: adopts the limits of the table of addresses. */
void dataplane_reconfigure(struct dataplane *dataplane,
    const struct conf *conf);

unsigned dataplane_workers(const struct dataplane *dataplane);
/*
 * Allocates a port of the switch for one site or hub, for all its sessions, but
 * none that was freed recently.  There are more ports than sites.
 */
uint16_t dataplane_new_port(struct dataplane *dataplane);
void dataplane_put_port(struct dataplane *dataplane, uint16_t port);
/* A fresh session id: random, 24 bits, not 0 and not in use. */
uint32_t dataplane_new_session(struct dataplane *dataplane);

/*
 * Attaches a site.  The peer lives until dataplane_detach().  Returns NULL when
 * out of memory; the descriptors are closed in any case.
 */
struct dataplane_peer *dataplane_attach(struct dataplane *dataplane,
    const struct dataplane_attachment *attachment,
    const struct dataplane_events *events,
    void *arg);
/* No callback follows.  Another peer may use its port at once. */
void dataplane_detach(struct dataplane_peer *peer);

/*
 * Passes on items of the site's type 2 message (tcp_frames.h).  If `peer` is
 * NULL (not attached yet), counts and drops them.
 */
void dataplane_frames(struct dataplane *dataplane, struct dataplane_peer *peer,
    uint8_t *items,
    size_t len);

/* tun: which network is behind which site's port; consumes `lpm`. */
void dataplane_set_routes(struct dataplane *dataplane, struct lpm *lpm);

/* What sites and device have counted in all, up to now (borrowed). */
struct totals *dataplane_totals(struct dataplane *dataplane);

/* tap: the table of addresses; NULL in tun mode. */
const struct fdb *dataplane_fdb(const struct dataplane *dataplane);

/* Whether the loop probe has this port blocked, and why (borrowed; or NULL). */
const char *dataplane_blocked(const struct dataplane *dataplane, uint16_t port);

#endif /* DATAPLANE_H */
