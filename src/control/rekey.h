/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * rekey: when the leading end requests new keys, and how both ends handle the
 * messages (PROTOCOL 5.6).
 *
 *   IDLE --- time, or a key that has done much ---> ASKED --- answer ---> MADE
 *    ^                                                |                    |
 *    |                                    no answer, connection lost       |
 *    +----------------------- REKEY_AGAIN_US --------+---- all lanes up ---+
 *
 * The site leads, so that the two ends never begin at once; the hub sends
 * `rekey-wanted`.  While a lane is down, no rekey begins, except to repair that
 * lane: rekey_repair() also gives up a phase that does not come up, and waits
 * for a pending answer only as long as for an answer of its own.
 */
#ifndef REKEY_H
#define REKEY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/bucket.h"
#include "base/mono.h"
#include "datapath/lane/lane_keys.h"

#define REKEY_PAUSE_US (3 * MONO_SEC)	/* between two: the old keys retire */
#define REKEY_AGAIN_US (30 * MONO_SEC)	/* no answer, or it does not come up */
#define REKEY_REPAIR_US (5 * MONO_SEC)	/* the same, when a lane waits for it */

struct dataplane_peer;
struct message;
struct conn;

enum rekey_state { REKEY_IDLE, REKEY_ASKED, REKEY_MADE };

struct rekey {
	enum rekey_state  state;
	uint8_t		  transcript[32]; /* of the session */
	bool		  has_psk;
	uint8_t		  psk[LANE_KEYS_PSK];
	uint32_t	  id; /* the session's, too */
	unsigned	  every_sec;
	bool		  wanted; /* do not wait for the time */
	bool		  repair; /* nor for lanes that are down */
	struct mono	  due, not_before, again;
	struct lane_share share; /* ours, while ASKED */
	uint8_t		  phase;
	struct bucket	  served; /* limits the other end's requests */
};

/*
 * A new session: keys of `every_sec` at most, up to a tenth less by chance.
 * `psk` NULL: without.
 */
void rekey_begin(struct rekey *rekey, const uint8_t transcript[32],
    const uint8_t *psk, uint32_t id, unsigned every_sec, struct mono now);
/* The connection or the session is gone: wipes, and asks again later. */
void rekey_forget(struct rekey *rekey);

/* Rekeys soon: a key of either end nears its limit. */
void rekey_want(struct rekey *rekey);
/* The same for lanes that dataplane_peer_new_sockets() has sockets for. */
void rekey_repair(struct rekey *rekey);
/* Every second while the session is up. */
void rekey_tick(struct rekey *rekey, struct conn *conn,
    struct dataplane_peer *peer, struct mono now);
/* Handles the hub's `rekey`; one that is out of turn ends the session. */
void rekey_answer(struct rekey *rekey, struct conn *conn,
    struct dataplane_peer *peer, const struct message *msg);
/* Handles the site's: our lanes listen before the answer is sent. */
void rekey_serve(struct rekey *rekey, struct conn *conn,
    struct dataplane_peer *peer, const struct message *msg);
/* All lanes have their new keys. */
void rekey_done(struct rekey *rekey, struct mono now);

#endif /* REKEY_H */
