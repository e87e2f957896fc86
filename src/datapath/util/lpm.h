/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * lpm: longest-prefix match from IPv4 and IPv6 prefixes to ports.
 *
 * One path-compressed binary trie per family.  The control thread builds a
 * table once; then it is only read, and replaced by a new one when networks
 * change.  So readers need no lock.
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
 * Maps `prefix` (host bits are ignored) to `port` (not 0); replaces an earlier
 * entry of the same prefix.  False: out of memory.
 */
bool lpm_add(struct lpm *lpm, const struct prefix *prefix, uint16_t port);

/*
 * The port of the longest prefix that contains the address (network order),
 * or 0.
 */
uint16_t lpm_lookup4(const struct lpm *lpm, const uint8_t addr[4]);
uint16_t lpm_lookup6(const struct lpm *lpm, const uint8_t addr[16]);

#endif /* LPM_H */
