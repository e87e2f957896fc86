/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The states of a slot:
 *
 *            first piece         last piece missing         frag_release()
 *   FREE ---------------> JOINING --------------> HELD ------------------> DONE
 *     ^                      |  bad, late, evicted                            |
 *     |                      +---------------------------------------------->|
 *     +----------------------- a second later, or when room is needed -------+
 *
 * In DONE further fragments of the frame are ignored, so a duplicate does not
 * start it again.
 */
#include "datapath/lane/frag.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define NO_SLOT FRAG_POOL

/* Masks: which part of an owner is compared. */
#define LANE UINT32_MAX
#define SITE 0xffff0000
#define ANY  0

enum state { FREE, JOINING, HELD, DONE };

/* The frame's bytes from..to-1 have arrived. */
struct piece {
	uint16_t from, to;
};

struct slot {
	struct piece pieces[FRAG_MAX_PIECES]; /* sorted, with gaps between them */
	unsigned     npieces;
	unsigned     taken; /* fragments with new bytes */
	size_t	     total; /* known from the last fragment; else 0 */
	bool	     forgotten; /* HELD, and its lane is gone */
	uint8_t	     headroom[FRAME_HEADROOM - FRAME_HEADROOM_OWN];
	uint8_t	     data[FRAG_MAX_LEN];
};

/* What searches read is kept together, outside of the slots. */
struct frag_pool {
	uint64_t    keys[FRAG_POOL];  /* owner 32, frame id 32 */
	struct mono since[FRAG_POOL]; /* time of the first fragment, or dropped at */
	uint8_t	    states[FRAG_POOL];
	unsigned    held; /* how many slots are HELD */
	uint64_t    lost;
	struct slot slots[FRAG_POOL];
};

static unsigned find(const struct frag_pool *pool, uint64_t key);
static unsigned begin(struct frag_pool *pool, uint32_t owner, uint64_t key,
    struct mono now);
static unsigned choose(const struct frag_pool *pool, uint32_t owner);
static unsigned oldest(const struct frag_pool *pool, enum state state);
static unsigned heaviest(const struct frag_pool *pool, uint32_t owner,
    uint32_t mask);
static unsigned count(const struct frag_pool *pool, uint32_t owner,
    uint32_t mask);
static bool	take_piece(struct slot *slot, const struct item *fragment);
static bool	merge(const struct slot *slot, const struct item *fragment,
	struct piece *merged, unsigned *first, unsigned *end);
static bool	is_complete(const struct slot *slot);
static bool	read_frame(struct slot *slot, struct item *frame);
static void	give_up(struct frag_pool *pool, unsigned i, struct mono now);
static void	expire(struct frag_pool *pool, struct mono now);
static bool	is_late(const struct frag_pool *pool, unsigned i,
	struct mono now);
static uint32_t owner_of(const struct frag_pool *pool, unsigned i);

struct frag_pool *
frag_pool_new(void)
{
	return calloc(1, sizeof(struct frag_pool));
}

void
frag_pool_free(struct frag_pool *pool)
{
	free(pool);
}

enum frag_verdict
frag_join(struct frag_pool *pool, uint32_t owner, const struct item *fragment,
    struct mono now, struct item *whole)
{
	uint64_t     key = (uint64_t)owner << 32 | fragment->frame_id;
	unsigned     i = find(pool, key);
	struct slot *slot;

	assert(fragment->type == ITEM_FRAGMENT && fragment->len > 0);
	if (i != NO_SLOT && is_late(pool, i, now)) {
		expire(pool, now);
		i = find(pool, key);
	}
	if (i != NO_SLOT && pool->states[i] != JOINING)
		return FRAG_WAIT;
	if (i == NO_SLOT)
		i = begin(pool, owner, key, now);
	if (i == NO_SLOT)
		return FRAG_BAD;

	slot = &pool->slots[i];
	if (!take_piece(slot, fragment))
		goto bad;
	if (!is_complete(slot))
		return FRAG_WAIT;
	if (!read_frame(slot, whole))
		goto bad;
	pool->states[i] = HELD;
	pool->held++;
	return FRAG_WHOLE;

bad:
	give_up(pool, i, now);
	return FRAG_BAD;
}

void
frag_release(struct frag_pool *pool)
{
	for (unsigned i = 0; i < FRAG_POOL && pool->held > 0; i++) {
		if (pool->states[i] != HELD)
			continue;
		pool->states[i] = pool->slots[i].forgotten ? FREE : DONE;
		pool->held--;
	}
}

void
frag_forget(struct frag_pool *pool, uint32_t owner)
{
	for (unsigned i = 0; i < FRAG_POOL; i++) {
		if (owner_of(pool, i) != owner)
			continue;
		if (pool->states[i] == HELD)
			pool->slots[i].forgotten = true;
		else
			pool->states[i] = FREE;
	}
}

uint64_t
frag_take_lost(struct frag_pool *pool, struct mono now)
{
	uint64_t lost;

	expire(pool, now);
	lost = pool->lost;
	pool->lost = 0;
	return lost;
}

static unsigned
find(const struct frag_pool *pool, uint64_t key)
{
	for (unsigned i = 0; i < FRAG_POOL; i++) {
		if (pool->keys[i] == key && pool->states[i] != FREE)
			return i;
	}
	return NO_SLOT;
}

/*
 * Makes room for a new frame.  NO_SLOT if the caller holds every slot, which
 * exceeds what it may hold.
 */
static unsigned
begin(struct frag_pool *pool, uint32_t owner, uint64_t key, struct mono now)
{
	unsigned     i;
	struct slot *slot;

	expire(pool, now);
	i = choose(pool, owner);
	if (i == NO_SLOT)
		return NO_SLOT;
	pool->lost += pool->states[i] == JOINING;
	slot = &pool->slots[i];
	slot->npieces = slot->taken = 0;
	slot->total = 0;
	slot->forgotten = false;
	pool->keys[i] = key;
	pool->since[i] = now;
	pool->states[i] = JOINING;
	return i;
}

static unsigned
choose(const struct frag_pool *pool, uint32_t owner)
{
	unsigned i;

	if (count(pool, owner, LANE) >= FRAG_PER_OWNER)
		return heaviest(pool, owner, LANE);
	i = oldest(pool, FREE);
	if (i == NO_SLOT)
		i = oldest(pool, DONE);
	return i != NO_SLOT ? i : heaviest(pool, owner, ANY);
}

static unsigned
oldest(const struct frag_pool *pool, enum state state)
{
	unsigned best = NO_SLOT;

	for (unsigned i = 0; i < FRAG_POOL; i++) {
		if (pool->states[i] == state &&
		    (best == NO_SLOT ||
			pool->since[i].us < pool->since[best].us))
			best = i;
	}
	return best;
}

/*
 * Chooses the frame to drop among those that match `owner` in `mask`: the
 * oldest of the lane with the most frames, of the site with the most (`owner`'s
 * own site, if equal).
 */
static unsigned
heaviest(const struct frag_pool *pool, uint32_t owner, uint32_t mask)
{
	unsigned best = NO_SLOT, most = 0;

	for (unsigned i = 0; i < FRAG_POOL; i++) {
		uint32_t of = owner_of(pool, i);
		unsigned weight;

		if (pool->states[i] != JOINING || ((of ^ owner) & mask) != 0)
			continue;
		weight = 2 * count(pool, of, SITE) + (((of ^ owner) & SITE) == 0);
		weight = weight * FRAG_POOL + count(pool, of, LANE);
		if (best == NO_SLOT || weight > most || (weight == most &&
			pool->since[i].us < pool->since[best].us)) {
			best = i;
			most = weight;
		}
	}
	return best;
}

/* The number of frames being joined that match `owner` in `mask`. */
static unsigned
count(const struct frag_pool *pool, uint32_t owner, uint32_t mask)
{
	unsigned n = 0;

	for (unsigned i = 0; i < FRAG_POOL; i++)
		n += pool->states[i] == JOINING &&
		    ((owner_of(pool, i) ^ owner) & mask) == 0;
	return n;
}

/* False if the fragment cannot belong to this frame. */
static bool
take_piece(struct slot *slot, const struct item *fragment)
{
	size_t	     to = (size_t)fragment->offset + fragment->len;
	struct piece merged;
	unsigned     first, end;

	if (to > FRAG_MAX_LEN || (slot->total != 0 && to > slot->total))
		return false;
	if ((fragment->flags & ITEM_FRAGMENT_LAST) != 0) {
		/* This also detects a second, earlier end. */
		if (slot->npieces > 0 &&
		    slot->pieces[slot->npieces - 1].to > to)
			return false;
		slot->total = to;
	}
	merged = (struct piece) { fragment->offset, (uint16_t)to };
	if (!merge(slot, fragment, &merged, &first, &end))
		return false;
	if (end == first + 1 &&
	    memcmp(&merged, &slot->pieces[first], sizeof(merged)) == 0)
		return true; /* no new bytes */
	if (slot->taken == FRAG_MAX_PIECES)
		return false;
	slot->taken++;

	memcpy(slot->data + fragment->offset, fragment->data, fragment->len);
	memmove(&slot->pieces[first + 1], &slot->pieces[end],
	    (slot->npieces - end) * sizeof(merged));
	slot->pieces[first] = merged;
	slot->npieces = slot->npieces - (end - first) + 1;
	return true;
}

/*
 * Finds the pieces first..end-1 that the fragment touches, and extends
 * `merged`, the fragment's bounds, by theirs.  False if the bytes differ where
 * they overlap.
 */
static bool
merge(const struct slot *slot, const struct item *fragment,
    struct piece *merged, unsigned *first, unsigned *end)
{
	const struct piece own = *merged;
	unsigned	   i = 0;

	while (i < slot->npieces && slot->pieces[i].to < own.from)
		i++;
	*first = i;
	for (; i < slot->npieces && slot->pieces[i].from <= own.to; i++) {
		const struct piece *p = &slot->pieces[i];
		uint16_t from = p->from > own.from ? p->from : own.from;
		uint16_t to = p->to < own.to ? p->to : own.to;

		if (from < to &&
		    memcmp(slot->data + from, fragment->data + from - own.from,
			(size_t)(to - from)) != 0)
			return false;
		if (p->from < merged->from)
			merged->from = p->from;
		if (p->to > merged->to)
			merged->to = p->to;
	}
	*end = i;
	return true;
}

static bool
is_complete(const struct slot *slot)
{
	return slot->total != 0 && slot->npieces == 1 &&
	    slot->pieces[0].from == 0 && slot->pieces[0].to == slot->total;
}

/* True if the joined bytes are exactly one FRAME item. */
static bool
read_frame(struct slot *slot, struct item *frame)
{
	size_t pos = 0;

	return item_next(slot->data, slot->total, &pos, frame) &&
	    frame->type == ITEM_FRAME && pos == slot->total;
}

static void
give_up(struct frag_pool *pool, unsigned i, struct mono now)
{
	pool->states[i] = DONE;
	pool->since[i] = now;
}

static void
expire(struct frag_pool *pool, struct mono now)
{
	for (unsigned i = 0; i < FRAG_POOL; i++) {
		if (!is_late(pool, i, now))
			continue;
		if (pool->states[i] == JOINING) {
			give_up(pool, i, now);
			pool->lost++;
		} else {
			pool->states[i] = FREE;
		}
	}
}

static bool
is_late(const struct frag_pool *pool, unsigned i, struct mono now)
{
	return (pool->states[i] == JOINING || pool->states[i] == DONE) &&
	    mono_is_due(mono_add(pool->since[i], FRAG_TIMEOUT_US), now);
}

static uint32_t
owner_of(const struct frag_pool *pool, unsigned i)
{
	return (uint32_t)(pool->keys[i] >> 32);
}
