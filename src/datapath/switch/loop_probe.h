/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * loop_probe: the frame that detects that a LAN is connected twice.
 *
 * A hub sends probes out of every port and listens for them on the others
 * (PROTOCOL 8). The destination is 03:74:6f:6d:62:6f (a local group address:
 * bridges flood it), the EtherType 0x88b6, followed by:
 *
 *   | "tmbl" 32 | version 8 | 0 8 | port 16 | hub id 64 | nonce 64 | rank 16 |
 *   | HMAC-SHA-256 over all of that from the magic on, 16 bytes |
 *
 * padded to 60 bytes.  Only hubs have the key, so nobody on a LAN can forge a
 * probe to have a port blocked.  The nonce, which the caller compares with its
 * latest ones, protects against replay.  Hubs that share a key recognise each
 * other's probes; id and rank tell them apart.
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

/* A buffer for a probe that is sent as a frame. */
typedef uint8_t loop_probe_buffer[FRAME_HEADROOM + LOOP_PROBE_LEN];

struct loop_probe_id {
	uint8_t	 key[LOOP_PROBE_KEY_LEN];
	uint64_t hub;
	uint16_t rank;
};

/* The content of a probe. */
struct loop_probe {
	uint64_t hub;
	uint16_t rank, port;
	uint64_t nonce;
};

/* Draws a random id and key for this run. */
void loop_probe_id_init(struct loop_probe_id *id);

/* Writes a probe of LOOP_PROBE_LEN bytes for `port`, from address `src`. */
void loop_probe_encode(const struct loop_probe_id *id, uint8_t *frame,
    const uint8_t src[6], uint16_t port, uint64_t nonce);

/* A cheap test: does the frame have a probe's destination and type? */
bool loop_probe_is(const uint8_t *frame, size_t len);

/* True if it is an authentic probe of a hub with our key. */
bool loop_probe_decode(const struct loop_probe_id *id, const uint8_t *frame,
    size_t len, struct loop_probe *probe);

#endif /* LOOP_PROBE_H */
