/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * counters: the counters of a port of the switch, one row each.
 *
 * The rows define the struct members, their names in `sites` and in `status`,
 * and the list in tombolo(8) (a test compares). A superframe counts as the
 * frames that it is cut into, in all counters.
 */
#ifndef COUNTERS_H
#define COUNTERS_H

#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#include "datapath/util/drop.h"

/* clang-format off */
/* member, name in `sites`, in `status` of the device, of all sites */
#define COUNTERS(X)							\
	X(rx_frames, "rx_frames", "device-frames-in", "site-frames-in")	\
	X(rx_bytes, "rx_bytes", NULL, NULL)				\
	X(tx_frames, "tx_frames", "device-frames-out", "site-frames-out") \
	X(tx_bytes, "tx_bytes", NULL, NULL)				\
	/* addresses that moved here from another port */			\
	X(moved_in, NULL, "addresses-moved", "addresses-moved")		\
	/* addresses over the port's limit */				\
	X(unlearned, NULL, "addresses-over-limit", "addresses-over-limit")
/* clang-format on */

struct counters {
#define COUNTERS_MEMBER(member, site, device, sites) uint64_t member;
	COUNTERS(COUNTERS_MEMBER)
#undef COUNTERS_MEMBER
	uint64_t drops[DROP_MAX];
};

/* The same as live counters: one thread writes, any thread reads. */
struct counters_live {
#define COUNTERS_MEMBER(member, site, device, sites) _Atomic uint64_t member;
	COUNTERS(COUNTERS_MEMBER)
#undef COUNTERS_MEMBER
	_Atomic uint64_t drops[DROP_MAX];
};

/* How many counters there are; `COUNTERS` first, in the order of the rows. */
#define COUNTERS_ALL (sizeof(struct counters) / sizeof(uint64_t))

static_assert(sizeof(struct counters_live) == sizeof(struct counters),
    "one is the other");

/* sum += one, sum += live */
void counters_add(struct counters *sum, const struct counters *one);
void counters_add_live(struct counters *sum, const struct counters_live *live);

/* sum += now - before; before = now */
void counters_advance(struct counters *sum, struct counters *before,
    const struct counters *now);

/* The counter of row `i`. */
uint64_t counters_get(const struct counters *counters, size_t i);

#endif /* COUNTERS_H */
