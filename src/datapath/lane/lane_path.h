/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * lane_path: maintains the path of a lane.
 *
 * ECHO items keep the path alive and measure it.  Padded ones find the size
 * that it carries (pmtu.h). Those with the PATH flag verify that the peer is at
 * an address before frames are sent there, including the first address (RFC
 * 9853, PROTOCOL 5.5).
 */
#ifndef LANE_PATH_H
#define LANE_PATH_H

#include <stddef.h>

#include "base/mono.h"

struct item;
struct lane;
struct udp_path;

/* A lane with new keys takes over the path of `before`. */
void lane_path_inherit(struct lane *lane, const struct lane *before);

/* Starts the search for the size of a new path. */
void lane_path_search(struct lane *lane, struct mono now);

/* Sends keepalives and probes of a confirmed lane; called as lane_tick(). */
void lane_path_tick(struct lane *lane, struct mono now);

/*
 * Server, while the path is not proven: follows the newest record, of `len`
 * bytes, to where it came from.
 */
void lane_path_follow(struct lane *lane, const struct udp_path *from,
    size_t len);

/*
 * Server: the newest authentic record came by `path`; the peer may have moved.
 */
void lane_path_heard(struct lane *lane, const struct udp_path *path,
    struct mono now);

/* Answers an ECHO item, or learns from a reply. */
void lane_path_echo(struct lane *lane, const struct item *item,
    const struct udp_path *from, struct mono now);

/*
 * The kernel refused a datagram of this lane because it exceeds the link's MTU.
 */
void lane_path_refused(struct lane *lane, size_t datagram_len,
    struct mono now);

#endif /* LANE_PATH_H */
