/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * lane_path: how a lane looks after the way its datagrams take.
 *
 * ECHO items keep it alive and measure it, padded ones find what it carries
 * (pmtu.h), and those with the PATH flag find out whether the peer is really
 * there before frames are sent to an address, the first one too (RFC 9853,
 * PROTOCOL 5.5).
 */
#ifndef LANE_PATH_H
#define LANE_PATH_H

#include <stddef.h>

#include "base/mono.h"

struct item;
struct lane;
struct udp_path;

/* A lane with new keys goes on where `before` is. */
void lane_path_inherit(struct lane *lane, const struct lane *before);

/* Of a path that is new nothing is known: begins the search for its size. */
void lane_path_search(struct lane *lane, struct mono now);

/* Keepalive and probes, of a lane that is confirmed; as lane_tick(). */
void lane_path_tick(struct lane *lane, struct mono now);

/*
 * Server, while the path is not proven: it is the one that the newest record
 * came by, of `len` bytes.
 */
void lane_path_follow(struct lane *lane, const struct udp_path *from,
    size_t len);

/* Server: the newest authentic record came by `path`; the peer moved? */
void lane_path_heard(struct lane *lane, const struct udp_path *path,
    struct mono now);

/* An ECHO item came in: answers it, or learns from the answer. */
void lane_path_echo(struct lane *lane, const struct item *item,
    const struct udp_path *from, struct mono now);

/* The kernel refused a datagram of this lane as larger than the link. */
void lane_path_refused(struct lane *lane, size_t datagram_len,
    struct mono now);

#endif /* LANE_PATH_H */
