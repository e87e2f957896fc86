/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * loop_probe: the frame by which a server hears that a LAN is joined twice.
 *
 * The server sends one out of every port and listens for it on the others
 * (PROTOCOL 8).  Destination 03:74:6f:6d:62:6f (a local group address: bridges
 * flood it), EtherType 0x88b6, and behind it:
 *
 *   | "tmbl" 32 | version 8 | 0 8 | port 16 | hub id 64 | nonce 64 | rank 16 |
 *   | HMAC-SHA-256 over all of that from the magic on, 16 bytes |
 *
 * padded to 60 bytes.  Only hubs have the key, so nobody on a LAN can forge one
 * and have a port blocked; a recorded one replayed is answered for by the nonce,
 * which the caller compares with its latest few.  Hubs that share a key know
 * each other's: id and rank tell them apart.
 *
 * Pure: no clock, no descriptors, no globals.
 */
#ifndef LOOP_PROBE_H
#define LOOP_PROBE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/frame.h"

#define LOOP_PROBE_LEN	  60
#define LOOP_PROBE_KEY_LEN 32

/* Room for one that is to be sent as a frame. */
typedef uint8_t loop_probe_buffer[FRAME_HEADROOM + LOOP_PROBE_LEN];

struct loop_probe_id {
	uint8_t	 key[LOOP_PROBE_KEY_LEN];
	uint64_t hub;
	uint16_t rank;
};

/* What one says. */
struct loop_probe {
	uint64_t hub;
	uint16_t rank, port;
	uint64_t nonce;
};

/* Random id and key for this run of the switch. */
void loop_probe_id_init(struct loop_probe_id *id);

/* Writes the frame, LOOP_PROBE_LEN bytes, for `port`; `src` is the sender. */
void loop_probe_encode(const struct loop_probe_id *id, uint8_t *frame,
    const uint8_t src[6], uint16_t port, uint64_t nonce);

/* Cheap: whether a frame has the destination and type of any such probe. */
bool loop_probe_is(const uint8_t *frame, size_t len);

/* Whether it is one of a hub with our key, and authentic. */
bool loop_probe_decode(const struct loop_probe_id *id, const uint8_t *frame,
    size_t len, struct loop_probe *probe);

#endif /* LOOP_PROBE_H */
