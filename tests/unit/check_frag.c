/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "datapath/lane/frag.h"

#include <string.h>

#include "unit.h"

#define MAX_PARTS 64

/* One frame item and how it was cut. */
struct cut {
	uint8_t	    data[FRAG_MAX_LEN];
	size_t	    len;
	struct item parts[MAX_PARTS];
	unsigned    nparts;
};

static struct mono
at(int64_t ms)
{
	return (struct mono) { 1000 * MONO_SEC + ms * MONO_MS };
}

static void
make_frame(struct cut *cut, size_t frame_len, uint64_t *seed)
{
	size_t n = item_put_frame(cut->data, &(struct frame) { .len = frame_len });

	for (size_t i = 0; i < frame_len; i++)
		cut->data[n + i] = (uint8_t)unit_random(seed);
	cut->len = n + frame_len;
	cut->nparts = 0;
}

static struct item
part_of(struct cut *cut, uint32_t id, size_t from, size_t to)
{
	return (struct item) {
		.type = ITEM_FRAGMENT,
		.flags = to == cut->len ? ITEM_FRAGMENT_LAST : 0,
		.data = cut->data + from,
		.len = to - from,
		.frame_id = id,
		.offset = (uint16_t)from,
	};
}

/* Cuts into pieces of random lengths, at most MAX_PARTS. */
static void
cut_randomly(struct cut *cut, uint32_t id, uint64_t *seed)
{
	size_t least = cut->len / MAX_PARTS + 1, pos = 0;

	while (pos < cut->len) {
		size_t to = pos + least + unit_below(seed, cut->len);

		if (unit_below(seed, 2) == 0)
			to = pos + least + unit_below(seed, 200);
		if (to > cut->len)
			to = cut->len;
		cut->parts[cut->nparts++] = part_of(cut, id, pos, to);
		pos = to;
	}
}

static void
shuffle(struct item *items, unsigned n, uint64_t *seed)
{
	for (unsigned i = n; i > 1; i--) {
		unsigned    j = (unsigned)unit_below(seed, i);
		struct item swap = items[i - 1];

		items[i - 1] = items[j];
		items[j] = swap;
	}
}

/* A pool and a frame of 1000 bytes, cut by hand. */
static struct frag_pool *pool;
static struct cut	 cut;
static uint8_t		*out;
static size_t		 out_len;

static void
begin(void)
{
	uint64_t seed = 4;

	pool = frag_pool_new();
	ck_assert_ptr_nonnull(pool);
	make_frame(&cut, 994, &seed);
	ck_assert_uint_eq(cut.len, 1000);
}

static enum frag_verdict
join(uint32_t owner, const struct item *fragment, struct mono now)
{
	struct item	  whole;
	enum frag_verdict v = frag_join(pool, owner, fragment, now, &whole);

	if (v == FRAG_WHOLE) {
		out = whole.data - ITEM_FRAME_HEADER;
		out_len = whole.len + ITEM_FRAME_HEADER;
	}
	return v;
}

static enum frag_verdict
give(uint32_t owner, uint32_t id, size_t from, size_t to, int64_t ms)
{
	struct item item = part_of(&cut, id, from, to);

	return join(owner, &item, at(ms));
}

static void
end(void)
{
	frag_release(pool);
	frag_pool_free(pool);
}

#define LAST 0x10000 /* "to" with the flag, wherever it is */

static const struct {
	const char *what;
	struct {
		uint32_t from, to;
	} parts[6];
	enum frag_verdict last;
} sequences[] = {
	{ "a whole frame in one piece", { { 0, 1000 } }, FRAG_WHOLE },
	{ "in order", { { 0, 500 }, { 500, 1000 } }, FRAG_WHOLE },
	{ "backwards", { { 500, 1000 }, { 0, 500 } }, FRAG_WHOLE },
	{ "the middle last", { { 0, 300 }, { 600, 1000 }, { 300, 600 } },
	    FRAG_WHOLE },
	{ "every second first",
	    { { 0, 200 }, { 400, 600 }, { 800, 1000 }, { 200, 400 },
		{ 600, 800 } },
	    FRAG_WHOLE },
	{ "the first twice", { { 0, 500 }, { 0, 500 }, { 500, 1000 } },
	    FRAG_WHOLE },
	{ "the last twice", { { 500, 1000 }, { 500, 1000 }, { 0, 500 } },
	    FRAG_WHOLE },
	{ "overlapping, with the same bytes",
	    { { 0, 600 }, { 400, 800 }, { 700, 1000 } }, FRAG_WHOLE },
	{ "one piece that fills three holes",
	    { { 100, 200 }, { 300, 400 }, { 900, 1000 }, { 0, 950 } },
	    FRAG_WHOLE },
	{ "within what is there",
	    { { 0, 600 }, { 100, 200 }, { 600, 1000 } }, FRAG_WHOLE },
	{ "a byte is missing", { { 0, 499 }, { 500, 1000 } }, FRAG_WAIT },
	{ "the first byte is missing", { { 1, 500 }, { 500, 1000 } },
	    FRAG_WAIT },
	{ "the last one is missing", { { 0, 500 }, { 500, 999 } }, FRAG_WAIT },
	{ "two ends", { { 500, 1000 }, { 0, 400 | LAST } }, FRAG_BAD },
	{ "an end before what came",
	    { { 500, 800 }, { 0, 400 | LAST } }, FRAG_BAD },
	{ "something behind the end", { { 100, 400 | LAST }, { 300, 500 } },
	    FRAG_BAD },
	{ "a length that the item's own header denies",
	    { { 0, 500 }, { 500, 999 | LAST } }, FRAG_BAD },
	{ "no FRAME item in it", { { 0, 2 | LAST } }, FRAG_BAD },
};

START_TEST(sequences_of_pieces)
{
	begin();
	for (size_t i = 0; i < nitems(sequences); i++) {
		enum frag_verdict v = FRAG_WAIT;

		for (unsigned j = 0; j < 6; j++) {
			uint32_t    to = sequences[i].parts[j].to;
			struct item item;

			if (to == 0)
				break;
			ck_assert_msg(v == FRAG_WAIT, "%s: piece %u: %d",
			    sequences[i].what, j, v);
			item = part_of(&cut, (uint32_t)i,
			    sequences[i].parts[j].from, to & ~(uint32_t)LAST);
			if ((to & LAST) != 0)
				item.flags = ITEM_FRAGMENT_LAST;
			v = join(1, &item, at(0));
		}
		ck_assert_msg(v == sequences[i].last, "%s: %d",
		    sequences[i].what, v);
		if (v == FRAG_WHOLE) {
			ck_assert_uint_eq(out_len, cut.len);
			ck_assert_mem_eq(out, cut.data, cut.len);
			frag_release(pool);
		}
	}
	end();
}
END_TEST

START_TEST(overlap_with_other_bytes_ends_the_frame)
{
	static const struct {
		const char *what;
		size_t	    from, to, wrong;
	} rows[] = {
		{ "the first byte", 0, 100, 0 },
		{ "the last byte of the first piece", 200, 300, 299 },
		{ "the first byte of the second piece", 300, 700, 600 },
		{ "in the very same piece", 600, 900, 700 },
	};

	begin();
	for (uint32_t i = 0; i < nitems(rows); i++) {
		struct item	  item;
		enum frag_verdict v;

		ck_assert_int_eq(give(1, i, 0, 300, 0), FRAG_WAIT);
		ck_assert_int_eq(give(1, i, 600, 900, 0), FRAG_WAIT);
		item = part_of(&cut, i, rows[i].from, rows[i].to);
		cut.data[rows[i].wrong] ^= 1;
		v = join(1, &item, at(0));
		cut.data[rows[i].wrong] ^= 1;
		ck_assert_msg(v == FRAG_BAD, "%s", rows[i].what);
		/* What is right comes too late. */
		ck_assert_int_eq(give(1, i, 300, 600, 0), FRAG_WAIT);
		ck_assert_int_eq(give(1, i, 900, 1000, 0), FRAG_WAIT);
	}
	ck_assert_uint_eq(frag_take_lost(pool, at(5000)), 0);
	end();
}
END_TEST

START_TEST(nothing_past_the_largest_frame)
{
	uint64_t    seed = 5;
	struct item item;

	begin();
	item = (struct item) { .type = ITEM_FRAGMENT, .data = cut.data,
		.len = 2, .offset = FRAG_MAX_LEN - 1 };
	ck_assert_int_eq(join(1, &item, at(0)),
	    FRAG_BAD);
	item.frame_id = 1;
	item.offset = UINT16_MAX;
	item.len = UINT16_MAX;
	ck_assert_int_eq(join(1, &item, at(0)),
	    FRAG_BAD);

	make_frame(&cut, ETH_MAX_LEN, &seed);
	ck_assert_uint_eq(cut.len, FRAG_MAX_LEN);
	ck_assert_int_eq(give(1, 2, 5000, FRAG_MAX_LEN, 0), FRAG_WAIT);
	ck_assert_int_eq(give(1, 2, 0, 5000, 0), FRAG_WHOLE);
	ck_assert_mem_eq(out, cut.data, cut.len);
	end();
}
END_TEST

START_TEST(at_most_so_many_pieces)
{
	begin();
	for (size_t i = 0; i < FRAG_MAX_PIECES; i++) {
		ck_assert_int_eq(give(1, 0, 2 * i, 2 * i + 1, 0), FRAG_WAIT);
		/* The same again is no new piece. */
		ck_assert_int_eq(give(1, 0, 2 * i, 2 * i + 1, 0), FRAG_WAIT);
	}
	ck_assert_int_eq(give(1, 0, 2 * FRAG_MAX_PIECES, 1000, 0), FRAG_BAD);

	for (size_t i = 0; i < FRAG_MAX_PIECES - 1; i++)
		ck_assert_int_eq(give(1, 1, i, i + 1, 0), FRAG_WAIT);
	ck_assert_int_eq(give(1, 1, FRAG_MAX_PIECES - 1, 1000, 0), FRAG_WHOLE);
	end();
}
END_TEST

START_TEST(a_late_piece_is_too_late)
{
	begin();
	ck_assert_int_eq(give(1, 1, 0, 500, 0), FRAG_WAIT);
	ck_assert_int_eq(give(1, 2, 0, 500, 100), FRAG_WAIT);
	ck_assert_uint_eq(frag_take_lost(pool, at(999)), 0);
	ck_assert_int_eq(give(1, 1, 500, 1000, 1000), FRAG_WAIT);
	ck_assert_int_eq(give(1, 2, 500, 1000, 1099), FRAG_WHOLE);
	ck_assert_uint_eq(frag_take_lost(pool, at(9000)), 1);
	ck_assert_uint_eq(frag_take_lost(pool, at(9000)), 0);
	end();
}
END_TEST

START_TEST(a_duplicate_of_a_whole_frame_is_swallowed)
{
	begin();
	ck_assert_int_eq(give(1, 1, 0, 500, 0), FRAG_WAIT);
	ck_assert_int_eq(give(1, 1, 500, 1000, 0), FRAG_WHOLE);
	ck_assert_int_eq(give(1, 1, 0, 1000, 1), FRAG_WAIT);
	frag_release(pool);
	ck_assert_int_eq(give(1, 1, 0, 500, 2), FRAG_WAIT);
	ck_assert_int_eq(give(1, 1, 500, 1000, 3), FRAG_WAIT);
	ck_assert_uint_eq(frag_take_lost(pool, at(5000)), 0);
	/* But not for ever: the number may come again. */
	ck_assert_int_eq(give(1, 1, 0, 1000, 5000), FRAG_WHOLE);
	end();
}
END_TEST

START_TEST(lanes_do_not_mix)
{
	begin();
	ck_assert_int_eq(give(1, 7, 0, 500, 0), FRAG_WAIT);
	ck_assert_int_eq(give(2, 7, 500, 1000, 0), FRAG_WAIT);
	ck_assert_int_eq(give(2, 7, 0, 500, 0), FRAG_WHOLE);
	ck_assert_int_eq(give(1, 7, 500, 1000, 0), FRAG_WHOLE);
	end();
}
END_TEST

START_TEST(a_crowding_lane_loses_its_own_oldest)
{
	begin();
	ck_assert_int_eq(give(2, 0, 0, 500, 0), FRAG_WAIT);
	for (uint32_t i = 0; i < FRAG_PER_OWNER + 1; i++)
		ck_assert_int_eq(give(1, i, 0, 500, 1 + i), FRAG_WAIT);
	ck_assert_uint_eq(frag_take_lost(pool, at(20)), 1);
	/* Its second is still there, and so is the other lane's older one. */
	ck_assert_int_eq(give(1, 1, 500, 1000, 20), FRAG_WHOLE);
	ck_assert_int_eq(give(2, 0, 500, 1000, 20), FRAG_WHOLE);
	ck_assert_int_eq(give(1, 0, 500, 1000, 20), FRAG_WAIT);
	end();
}
END_TEST

START_TEST(a_full_pool_loses_its_oldest)
{
	begin();
	for (uint32_t i = 0; i < FRAG_POOL; i++)
		ck_assert_int_eq(give(i, 0, 0, 500, i), FRAG_WAIT);
	ck_assert_int_eq(give(FRAG_POOL, 0, 0, 500, 100), FRAG_WAIT);
	ck_assert_uint_eq(frag_take_lost(pool, at(100)), 1);
	ck_assert_int_eq(give(1, 0, 500, 1000, 100), FRAG_WHOLE);
	ck_assert_int_eq(give(FRAG_POOL, 0, 500, 1000, 100), FRAG_WHOLE);
	end();
}
END_TEST

/*
 * A site's frames of two pieces, `depth` of them at once, and between the pieces
 * a burst of the others': `lanes` each, `frames` on each.
 */
static unsigned
joined_among(unsigned depth, unsigned sites, unsigned lanes, unsigned frames)
{
	unsigned whole = 0, id = 0;

	begin();
	for (unsigned round = 0; round < 20; round++) {
		int64_t ms = round * 20;

		for (unsigned f = 0; f < depth; f++)
			ck_assert_int_eq(give(FRAG_OWNER(2, 999), 20 * round + f,
			    0, 500, ms), FRAG_WAIT);
		for (unsigned l = 0; l < lanes * sites; l++)
			for (unsigned f = 0; f < frames; f++)
				give(FRAG_OWNER(3 + l / lanes, l), ++id, 0, 1,
				    ms + 1);
		for (unsigned f = 0; f < depth; f++)
			whole += give(FRAG_OWNER(2, 999), 20 * round + f, 500,
				     1000, ms + 2) == FRAG_WHOLE;
		frag_release(pool);
	}
	end();
	return whole;
}

START_TEST(what_a_site_sends_costs_no_other_site_its_frames)
{
	static const struct {
		const char *what;
		unsigned    depth, sites, lanes, frames;
	} crowds[] = {
		{ "four lanes", 1, 1, 4, 8 },
		{ "all lanes that a site may have", 1, 1, 16, 8 },
		{ "and as many frames as fit into datagrams", 3, 1, 16, 140 },
		{ "as many frames of ours as a lane may have", 8, 1, 16, 8 },
		{ "three sites together", 8, 3, 16, 20 },
		{ "seven sites together", 4, 7, 2, 9 },
	};

	for (size_t i = 0; i < nitems(crowds); i++)
		ck_assert_msg(joined_among(crowds[i].depth, crowds[i].sites,
				  crowds[i].lanes, crowds[i].frames) ==
			20 * crowds[i].depth,
		    "%s", crowds[i].what);
}
END_TEST

/* Nor do the lanes of one site cost each other more than their share. */
START_TEST(lanes_of_a_site_share_its_part)
{
	begin();
	ck_assert_int_eq(give(FRAG_OWNER(2, 1), 0, 0, 500, 0), FRAG_WAIT);
	for (unsigned i = 0; i < 8 * FRAG_POOL; i++)
		give(FRAG_OWNER(2, 2 + i % 8), i, 0, 500, 1);
	ck_assert_int_eq(give(FRAG_OWNER(2, 1), 0, 500, 1000, 2), FRAG_WHOLE);
	end();
}
END_TEST

START_TEST(what_is_handed_out_stays_until_released)
{
	uint8_t *held[FRAG_POOL / 2];

	begin();
	for (uint32_t i = 0; i < FRAG_POOL / 2; i++) {
		cut.data[100] = (uint8_t)i;
		ck_assert_int_eq(give(i, 0, 0, 1000, 0), FRAG_WHOLE);
		held[i] = out;
	}
	/* Far more of others, and the lane of one goes. */
	frag_forget(pool, 3);
	for (uint32_t i = 0; i < 100; i++)
		ck_assert_int_eq(give(1000 + i, 0, 0, 500, 5000), FRAG_WAIT);
	ck_assert_uint_eq(frag_take_lost(pool, at(5000)), 100 - FRAG_POOL / 2);
	for (uint32_t i = 0; i < FRAG_POOL / 2; i++)
		ck_assert_uint_eq(held[i][100], i);
	frag_release(pool);
	/* The same lane, new: its old numbers are forgotten. */
	ck_assert_int_eq(give(3, 0, 0, 1000, 5000), FRAG_WHOLE);
	end();
}
END_TEST

START_TEST(a_forgotten_lane_leaves_nothing)
{
	begin();
	ck_assert_int_eq(give(1, 1, 0, 500, 0), FRAG_WAIT);
	ck_assert_int_eq(give(2, 1, 0, 500, 0), FRAG_WAIT);
	frag_forget(pool, 1);
	ck_assert_int_eq(give(1, 1, 500, 1000, 0), FRAG_WAIT);
	ck_assert_int_eq(give(2, 1, 500, 1000, 0), FRAG_WHOLE);
	/* Nor, once it is released, the memory of what was handed out. */
	frag_forget(pool, 2);
	frag_release(pool);
	ck_assert_int_eq(give(2, 1, 0, 1000, 0), FRAG_WHOLE);
	end();
}
END_TEST

/*
 * Several lanes' frames, cut, shuffled, doubled, and some pieces lost: each
 * frame comes out once and as it was, or not at all when a piece was lost.
 */
START_TEST(random_frames_come_out_as_they_went_in)
{
	enum { FRAMES = 12 };
	static struct cut  cuts[FRAMES];
	static struct item order[2 * FRAMES * MAX_PARTS];
	uint64_t	   seed = 6, whole = 0, lost = 0, counted = 0;

	begin();
	for (unsigned round = 0; round < 2000; round++) {
		bool	    expect[FRAMES], got[FRAMES] = { false };
		unsigned    n = 0;
		struct mono now = at(round * 2000);

		for (uint32_t f = 0; f < FRAMES; f++) {
			make_frame(&cuts[f],
			    1 + unit_below(&seed,
				unit_below(&seed, 8) == 0 ? ETH_MAX_LEN : 2000),
			    &seed);
			cut_randomly(&cuts[f], round * FRAMES + f, &seed);
			expect[f] = true;
			for (unsigned p = 0; p < cuts[f].nparts; p++) {
				if (unit_below(&seed, 50) == 0) {
					expect[f] = false;
					continue;
				}
				order[n++] = cuts[f].parts[p];
				if (unit_below(&seed, 8) == 0)
					order[n++] = cuts[f].parts[p];
			}
		}
		shuffle(order, n, &seed);
		for (unsigned i = 0; i < n; i++) {
			uint32_t	  f = order[i].frame_id % FRAMES;
			struct item	  item = order[i];
			enum frag_verdict v;

			v = join(f % 3, &item, now);
			ck_assert_int_ne(v, FRAG_BAD);
			if (v != FRAG_WHOLE)
				continue;
			ck_assert(expect[f] && !got[f]);
			got[f] = true;
			ck_assert_uint_eq(out_len, cuts[f].len);
			ck_assert_mem_eq(out, cuts[f].data, out_len);
			frag_release(pool);
			whole++;
		}
		for (unsigned f = 0; f < FRAMES; f++) {
			bool came = false;

			ck_assert_int_eq(got[f], expect[f]);
			for (unsigned i = 0; i < n; i++)
				came |= order[i].frame_id % FRAMES == f;
			lost += came && !got[f];
		}
		counted += frag_take_lost(pool, mono_add(now, MONO_SEC));
	}
	ck_assert_uint_gt(whole, 10000);
	ck_assert_uint_gt(lost, 1000);
	ck_assert_uint_eq(counted, lost);
	end();
}
END_TEST

/* Random pieces of random frames: never a crash, never a wrong frame. */
START_TEST(corrupt_pieces_never_make_a_wrong_frame)
{
	uint64_t seed = 7, whole = 0, bad = 0;

	begin();
	for (unsigned i = 0; i < 300000; i++) {
		size_t		  from = unit_below(&seed, 1000);
		size_t		  to = from + 1 + unit_below(&seed, 1000 - from);
		struct item	  item;
		size_t		  flip = 0;
		enum frag_verdict v;

		if (unit_below(&seed, 3) == 0)
			from = 0;
		if (unit_below(&seed, 3) == 0)
			to = 1000;
		item = part_of(&cut, (uint32_t)unit_below(&seed, 6), from, to);
		if (unit_below(&seed, 30) == 0)
			item.flags ^= ITEM_FRAGMENT_LAST;
		if (unit_below(&seed, 30) == 0)
			item.offset = (uint16_t)unit_random(&seed);
		if (unit_below(&seed, 30) == 0)
			flip = ITEM_FRAME_HEADER +
			    unit_below(&seed, 1000 - ITEM_FRAME_HEADER);
		cut.data[flip] ^= flip != 0;
		v = join((uint32_t)unit_below(&seed, 3), &item,
		    at(i * 40));
		cut.data[flip] ^= flip != 0;
		bad += v == FRAG_BAD;
		if (v != FRAG_WHOLE)
			continue;
		whole++;
		/* Bytes may be wrong, as they came; the shape may not. */
		ck_assert_uint_eq(out_len, 1000);
		ck_assert_mem_eq(out, cut.data, ITEM_FRAME_HEADER);
		frag_release(pool);
	}
	ck_assert_uint_gt(whole, 1000);
	ck_assert_uint_gt(bad, 1000);
	end();
}
END_TEST

UNIT_MAIN("frag", sequences_of_pieces, overlap_with_other_bytes_ends_the_frame,
    nothing_past_the_largest_frame, at_most_so_many_pieces,
    a_late_piece_is_too_late, a_duplicate_of_a_whole_frame_is_swallowed,
    lanes_do_not_mix, a_crowding_lane_loses_its_own_oldest,
    a_full_pool_loses_its_oldest,
    what_a_site_sends_costs_no_other_site_its_frames,
    lanes_of_a_site_share_its_part, what_is_handed_out_stays_until_released,
    a_forgotten_lane_leaves_nothing, random_frames_come_out_as_they_went_in,
    corrupt_pieces_never_make_a_wrong_frame)
