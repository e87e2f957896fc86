/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * dataplane_peer: one site on the data path: its ports and lanes, of all
 * workers.
 *
 * Between dataplane_attach() and dataplane_detach(): new keys, whether it
 * lives, by what
 * its frames go, and what it counted.
 */
#ifndef DATAPLANE_PEER_H
#define DATAPLANE_PEER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/mono.h"

struct counters;
struct endpoint;
struct dataplane_peer;
struct lane_secret;

/*
 * Client: those lanes (a bit each) are to be made anew with the next
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

/* Client: whether the lanes made last go to `server`. */
bool dataplane_peer_is_at(const struct dataplane_peer *peer,
    const struct endpoint *server);

#endif /* DATAPLANE_PEER_H */
