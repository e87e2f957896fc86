/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * hub_peer: one site on the data path: its ports and lanes, of all workers.
 *
 * Between hub_attach() and hub_detach(): new keys, whether it lives, by what
 * its frames go, and what it counted.
 */
#ifndef HUB_PEER_H
#define HUB_PEER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/mono.h"

struct endpoint;
struct hub_peer;
struct hub_stats;
struct lane_secret;

/* Events go to another owner from now on. */
void hub_peer_hand_over(struct hub_peer *peer, void *arg);
/*
 * Client: those lanes (a bit each) are to be made anew with the next
 * hub_peer_renew(), from sockets of their own: `fds`, one a bit, are consumed.
 */
void hub_peer_new_sockets(struct hub_peer *peer, uint32_t lanes, const int *fds,
    const struct endpoint *remote);
/*
 * New keys for every lane, of `secret` (borrowed), beside those at work, which
 * go on until the new ones do.  A phase of which no lane is up yet may be begun
 * anew; one that has some is left as it is by the phase behind it.  0; -EPROTO:
 * `phase` is neither of the two; -ENOMEM.
 */
int hub_peer_renew(struct hub_peer *peer, const struct lane_secret *secret,
    uint8_t phase);
/* A lane wore or failed, and nothing was begun since. */
bool hub_peer_wants_keys(const struct hub_peer *peer);
/* The one of these that is right now. */
uint8_t hub_peer_next_phase(const struct hub_peer *peer);

/*
 * Another time between two ECHOs, from now on; each lane sends one at once, and
 * what was heard before does not count any more.
 */
void hub_peer_set_keepalive(struct hub_peer *peer, unsigned keepalive_sec);

/* This host was suspended: what was not heard meanwhile counts for nothing. */
void hub_peer_woke(struct hub_peer *peer, struct mono now);

/*
 * The way to the peer may have changed: every lane sends an ECHO at once.  The
 * other end sees from where, and follows.
 */
void hub_peer_probe(struct hub_peer *peer);

/*
 * Why a session cannot go on as it is, or NULL: a lane that was up is silent
 * for `dead_peer_sec`, or one does not come up though others have.  With TCP to
 * fall back on it always can.
 */
const char *hub_peer_trouble(const struct hub_peer *peer,
    unsigned dead_peer_sec, struct mono now);

/* Whether no lane has heard anything for `sec`; true where there is none. */
bool hub_peer_is_silent(const struct hub_peer *peer, unsigned sec,
    struct mono now);

void hub_peer_stats(const struct hub_peer *peer, struct hub_stats *stats);
/*
 * The lanes that carry nothing, a bit each.  `*hopeful`: others do, or one of
 * these has failed: it is not the way.
 */
uint32_t hub_peer_dead_lanes(const struct hub_peer *peer, bool *hopeful);
/* Client: whether the lanes made last go to `server`. */
bool hub_peer_is_at(const struct hub_peer *peer, const struct endpoint *server);
/* Whether no lane carries frames now, so that they go by TCP or not at all. */
bool hub_peer_is_blocked(const struct hub_peer *peer);
/* What carries them: "udp", "tcp", "udp+tcp" (some workers' lanes), "none". */
const char *hub_peer_carrier(const struct hub_peer *peer);

#endif /* HUB_PEER_H */
