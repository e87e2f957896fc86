/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A story of fragments, of a few lanes and frames, with time and release
 * between them.  One step is
 *
 *   | what 8 | frame 8 | offset 16 | length 16 | bytes ... |
 *
 * of which `what` has the lane (2 bits), "last" (1 bit), and 1 in 32 each:
 * a second passes, release, forget the lane.
 */
#include "fuzz.h"
#include "fuzz_reader.h"

#include "datapath/lane/frag.h"

static struct frag_pool *pool;
static struct mono	 now;
static unsigned		 held;

static void
join(uint8_t what, struct item *item)
{
	struct item	  frame;
	enum frag_verdict v;

	if (held == FRAG_POOL / 2) {
		frag_release(pool);
		held = 0;
	}
	v = frag_join(pool, what & 3, item, now, &frame);
	if (v != FRAG_WHOLE)
		return;
	held++;
	FUZZ_CHECK(frame.type == ITEM_FRAME && frame.len > 0 &&
	    frame.len <= FRAG_MAX_LEN - ITEM_FRAME_HEADER);
}

static void
step(struct fuzz_reader *r)
{
	uint8_t	    what = fuzz_get_u8(r);
	struct item item = { .type = ITEM_FRAGMENT };
	size_t	    len;

	item.flags = (what & 4) != 0 ? ITEM_FRAGMENT_LAST : 0;
	item.frame_id = fuzz_get_u8(r);
	item.offset = fuzz_get_u16(r);
	len = fuzz_get_u16(r);
	if (len > fuzz_left(r))
		len = fuzz_left(r);
	if (len == 0)
		return;
	item.data = malloc(len);
	FUZZ_CHECK(item.data != NULL);
	item.len = len;
	fuzz_get_bytes(r, item.data, len);
	join(what, &item);
	free(item.data);

	if (what >> 3 == 1)
		now = mono_add(now, MONO_SEC / 2);
	if (what >> 3 == 2) {
		frag_release(pool);
		held = 0;
	}
	if (what >> 3 == 3)
		frag_forget(pool, what & 3);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_reader r;

	pool = frag_pool_new();
	FUZZ_CHECK(pool != NULL);
	now = (struct mono) { MONO_SEC };
	held = 0;
	fuzz_reader_init(&r, data, size);
	while (fuzz_left(&r) > 0)
		step(&r);
	FUZZ_CHECK(frag_take_lost(pool, now) <= size);
	frag_release(pool);
	frag_pool_free(pool);
	return 0;
}
