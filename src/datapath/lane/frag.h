/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * frag: joins the fragments of frames that were larger than the path.
 *
 * One pool a worker, of fixed size, shared by its lanes: no allocation later.
 * Fragments may come in any order and more than once.  A frame that is not
 * complete within FRAG_TIMEOUT_US, or that is the oldest of more than
 * FRAG_PER_OWNER of one lane, is given up and counted.  In a full pool the site
 * that has most gives its oldest: whatever one site sends, the others' frames
 * are joined.
 * Overlapping fragments that do not say the same bytes twice, and fragments
 * past the largest frame or past the last one, end their frame: what is joined
 * is exactly what was split.
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
 * A lane as the pool knows it: its site, and a number among the site's lanes (of
 * which the last 16 bits count).
 */
#define FRAG_OWNER(site, lane) ((uint32_t)(site) << 16 | ((lane) & 0xffff))

struct frag_pool;

enum frag_verdict {
	FRAG_WAIT,  /* kept; more is to come */
	FRAG_WHOLE, /* the FRAME item is complete */
	FRAG_BAD,   /* refused, and what there was of its frame is dropped */
};

struct frag_pool *frag_pool_new(void);
void		  frag_pool_free(struct frag_pool *pool);

/*
 * Takes one FRAGMENT item of lane `owner` (FRAG_OWNER).
 * With FRAG_WHOLE, `*whole` is the FRAME item; its bytes are borrowed until
 * frag_release() - which must follow before the pool's next join needs room:
 * at most FRAG_POOL / 2 may be held at a time.
 */
enum frag_verdict frag_join(struct frag_pool *pool, uint32_t owner,
    const struct item *fragment, struct mono now, struct item *whole);

/* Gives back everything that frag_join() handed out since the last call. */
void frag_release(struct frag_pool *pool);

/* Drops frames of `owner`: its lane is gone. */
void frag_forget(struct frag_pool *pool, uint32_t owner);

/*
 * Frames given up incomplete (late, or crowded out) since the last call; the
 * caller adds it to its counter.
 */
uint64_t frag_take_lost(struct frag_pool *pool, struct mono now);

#endif /* FRAG_H */
