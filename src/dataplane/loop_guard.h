/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * loop_guard: decides which port to block when a LAN is connected twice.
 *
 * Blocks the younger of the two ports between which a probe travelled; the
 * device counts as older than any site.  Opens it again after
 * LOOP_GUARD_BLOCK_SEC, unless probes still return: probes pass a blocked port,
 * so that no frame has to loop to find out.
 *
 * Pure, except for the log: the caller passes the time and applies the result.
 */
#ifndef LOOP_GUARD_H
#define LOOP_GUARD_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/mono.h"

#define LOOP_GUARD_BLOCK_SEC 60
#define LOOP_GUARD_QUIET_SEC 25 /* no probe for so long: the loop is gone */

struct loop_guard;

/* `blocked` (by port) is what the workers look at; borrowed. */
struct loop_guard *loop_guard_new(_Atomic uint8_t *blocked, unsigned nports);
void	      loop_guard_free(struct loop_guard *loops);

/* A port begins (its age counts from here) and ends. */
void loop_guard_port_up(struct loop_guard *loops, uint16_t port,
    const char *name,
    struct mono now);
void loop_guard_port_down(struct loop_guard *loops, uint16_t port);

/*
 * A probe sent on `sent` was received on `heard`.  Returns the port that this
 * blocks, or 0.
 */
uint16_t loop_guard_heard(struct loop_guard *loops, uint16_t sent,
    uint16_t heard,
    struct mono now);

/* Every second or so: opens ports whose time is over. */
void loop_guard_tick(struct loop_guard *loops, struct mono now);

/* Why `port` is blocked (borrowed), or NULL. */
const char *loop_guard_why(const struct loop_guard *loops, uint16_t port);

#endif /* LOOP_GUARD_H */
