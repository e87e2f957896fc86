/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * replay: remembers which of the last 8128 records of a lane were seen (RFC
 * 6479).
 *
 * A ring of 64-bit blocks.  The window moves by clearing blocks; nothing is
 * shifted.  replay_seen() only looks; replay_commit() moves the window, and
 * only for a record whose tag was verified.
 *
 * Pure: no clock, no descriptors, no globals.
 */
#ifndef REPLAY_H
#define REPLAY_H

#include <stdbool.h>
#include <stdint.h>

#define REPLAY_BLOCKS 128
#define REPLAY_WINDOW ((REPLAY_BLOCKS - 1) * 64)

/* Zeroed storage is an empty window. */
struct replay {
	uint64_t next; /* highest sequence number seen, plus 1 */
	uint64_t blocks[REPLAY_BLOCKS];
};

enum replay_verdict { REPLAY_FRESH, REPLAY_DUPLICATE, REPLAY_OLD };

/* Looks up the record number `seq` (48 bits); changes nothing. */
enum replay_verdict replay_seen(const struct replay *replay, uint64_t seq);

/* Marks `seq` as seen.  It must be REPLAY_FRESH and authentic. */
void replay_commit(struct replay *replay, uint64_t seq);

/* True if `seq` is newer than all that were committed. */
bool replay_is_newest(const struct replay *replay, uint64_t seq);

#endif /* REPLAY_H */
