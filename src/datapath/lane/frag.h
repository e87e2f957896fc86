/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * frag: reassembles frames that were larger than the path.
 *
 * Each worker has one pool of fixed size, shared by its lanes; nothing is
 * allocated later.  Fragments may come in any order and more than once.  A
 * frame is dropped and counted if it is not complete within FRAG_TIMEOUT_US, or
 * if it is the oldest of more than FRAG_PER_OWNER of one lane.  If the pool is
 * full, the site with the most frames loses its oldest: so no site can keep the
 * frames of others from being reassembled.  A frame is dropped if its fragments
 * overlap with different bytes, or exceed the largest frame or the last
 * fragment: the result is exactly what was split.
 *
 * Pure: no clock, no descriptors, no globals.
 */
#ifndef FRAG_H
#define FRAG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/eth.h"
#include "base/mono.h"
#include "datapath/lane/item.h"

#define FRAG_POOL	32 /* frames being joined, of a worker */
#define FRAG_PER_OWNER	8  /* of one lane */
#define FRAG_MAX_PIECES 64 /* of one frame */
#define FRAG_MAX_LEN	(ITEM_FRAME_HEADER + ETH_MAX_LEN)
#define FRAG_TIMEOUT_US (1 * MONO_SEC)

/*
 * Identifies a lane: its site, and a number among the site's lanes (only the
 * low 16 bits count).
 */
#define FRAG_OWNER(site, lane) ((uint32_t)(site) << 16 | ((lane) & 0xffff))

struct frag_pool;

enum frag_verdict {
	FRAG_WAIT,  /* kept; more fragments are needed */
	FRAG_WHOLE, /* the FRAME item is complete */
	FRAG_BAD,   /* refused, and its frame is dropped */
};

struct frag_pool *frag_pool_new(void);
void		  frag_pool_free(struct frag_pool *pool);

/*
 * Adds one FRAGMENT item of lane `owner` (FRAG_OWNER). With FRAG_WHOLE,
 * `*whole` is the FRAME item, whose bytes are borrowed until frag_release(). At
 * most FRAG_POOL / 2 frames may be held at a time.
 */
enum frag_verdict frag_join(struct frag_pool *pool, uint32_t owner,
    const struct item *fragment, struct mono now, struct item *whole);

/* Releases all frames that frag_join() returned since the last call. */
void frag_release(struct frag_pool *pool);

/* Drops the frames of `owner`, whose lane is gone. */
void frag_forget(struct frag_pool *pool, uint32_t owner);

/*
 * Returns the number of incomplete frames dropped since the last call (too
 * late, or evicted), for the caller's counter.
 */
uint64_t frag_take_lost(struct frag_pool *pool, struct mono now);

#endif /* FRAG_H */
