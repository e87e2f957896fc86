/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "datapath/record/replay.h"

#include <assert.h>
#include <stddef.h>

#define BLOCK_BITS 64
#define SEQ_MAX	   ((UINT64_C(1) << 48) - 1)

static size_t	block_of(uint64_t seq);
static uint64_t bit_of(uint64_t seq);

enum replay_verdict
replay_seen(const struct replay *replay, uint64_t seq)
{
	if (seq >= replay->next)
		return REPLAY_FRESH;
	if (replay->next - seq > REPLAY_WINDOW)
		return REPLAY_OLD;
	if ((replay->blocks[block_of(seq)] & bit_of(seq)) != 0)
		return REPLAY_DUPLICATE;
	return REPLAY_FRESH;
}

void
replay_commit(struct replay *replay, uint64_t seq)
{
	uint64_t newest, from, to = seq / BLOCK_BITS;

	assert(seq <= SEQ_MAX);
	assert(replay_seen(replay, seq) == REPLAY_FRESH);
	if (seq >= replay->next) {
		/* Clears the blocks between the newest record and this one. */
		newest = replay->next > 0 ? replay->next - 1 : 0;
		from = newest / BLOCK_BITS;
		if (to - from > REPLAY_BLOCKS)
			from = to - REPLAY_BLOCKS;
		while (from < to)
			replay->blocks[++from % REPLAY_BLOCKS] = 0;
		replay->next = seq + 1;
	}
	replay->blocks[block_of(seq)] |= bit_of(seq);
}

bool
replay_is_newest(const struct replay *replay, uint64_t seq)
{
	return seq >= replay->next;
}

static size_t
block_of(uint64_t seq)
{
	return seq / BLOCK_BITS % REPLAY_BLOCKS;
}

static uint64_t
bit_of(uint64_t seq)
{
	return UINT64_C(1) << seq % BLOCK_BITS;
}
