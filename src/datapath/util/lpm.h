/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * lpm: longest-prefix match, IPv4 and IPv6, from a prefix to a port.
 *
 * A path-compressed binary trie a family.  Built once by the control thread,
 * then only read: when networks change a new table takes its place.  So
 * readers need no lock.
 *
 * Pure: no clock, no descriptors, no globals.
 */
#ifndef LPM_H
#define LPM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"

struct lpm;

struct lpm *lpm_new(void);
void	    lpm_free(struct lpm *lpm);

/*
 * Maps `prefix` (host bits are ignored) to `port` (not 0); one that is there
 * already is replaced.  False when there is no memory.
 */
bool lpm_add(struct lpm *lpm, const struct prefix *prefix, uint16_t port);

/*
 * The port of the longest prefix that contains the address (network order),
 * or 0.
 */
uint16_t lpm_lookup4(const struct lpm *lpm, const uint8_t addr[4]);
uint16_t lpm_lookup6(const struct lpm *lpm, const uint8_t addr[16]);

#endif /* LPM_H */
