/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * loops: decides which port is blocked when a LAN is joined twice.
 *
 * Of the two ports between which a probe went round, the younger is blocked;
 * the device is older than any site.  After LOOPS_BLOCK_SEC it is tried again,
 * unless probes still come round: those pass a blocked port, so the LAN need
 * not melt to find out.
 *
 * Pure but for the log: the caller passes the time and carries it out.
 */
#ifndef LOOPS_H
#define LOOPS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/mono.h"

#define LOOPS_BLOCK_SEC 60
#define LOOPS_QUIET_SEC 25 /* no probe for so long: the loop is gone */

struct loops;

/* `blocked` (by port) is what the workers look at; borrowed. */
struct loops *loops_new(_Atomic uint8_t *blocked, unsigned nports);
void	      loops_free(struct loops *loops);

/* A port begins (its age counts from here) and ends. */
void loops_port_up(struct loops *loops, uint16_t port, const char *name,
    struct mono now);
void loops_port_down(struct loops *loops, uint16_t port);

/*
 * A probe sent out of `sent` was heard on `heard`.  Returns the port that was
 * blocked by it just now, or 0.
 */
uint16_t loops_heard(struct loops *loops, uint16_t sent, uint16_t heard,
    struct mono now);

/* Every second or so: opens what may be tried again. */
void loops_tick(struct loops *loops, struct mono now);

/* Why `port` is blocked (borrowed), or NULL. */
const char *loops_why(const struct loops *loops, uint16_t port);

#endif /* LOOPS_H */
