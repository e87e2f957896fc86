/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * replay: which of the last 8128 records of a lane were seen (RFC 6479).
 *
 * A ring of 64-bit blocks; the window moves by clearing blocks, nothing is
 * shifted.  Look first, commit after: replay_seen() only looks, and only a
 * record whose tag verified may move the window with replay_commit().
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

/* What a record numbered `seq` (48 bits) would be; changes nothing. */
enum replay_verdict replay_seen(const struct replay *replay, uint64_t seq);

/* Marks `seq` as seen; it was REPLAY_FRESH and is authentic. */
void replay_commit(struct replay *replay, uint64_t seq);

/* Whether `seq` is newer than all that were committed. */
bool replay_is_newest(const struct replay *replay, uint64_t seq);

#endif /* REPLAY_H */
