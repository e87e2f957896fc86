/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fuzz_super: superframes from the device cut, and frames for it joined.
 *
 * First byte: bit 0 for Ethernet, bits 1 to 3 for the kinds to join; then steps
 *
 *	| what 8 | other 16 | length 16 | bytes ... |
 *
 * What: 0 a frame (`other`: csum_start and offset, if its flag is set), 1 the
 * next segment of the frame before, 2 a superframe (`other`: its size; the room
 * follows as 16 bits), 3 a SYN (`other`: the room).  Bit 2: the lengths and
 * checksums are mended, or nobody would ever get far; bit 3: partial checksum;
 * bits 4 and 5: the kind of a superframe; bit 6: the queue is emptied; bit 7: a
 * superframe is filled up with zeros to the most that the device gives.
 */
#include "fuzz.h"
#include "fuzz_reader.h"

#include "base/wire.h"
#include "datapath/offload/csum.h"
#include "datapath/lane/item.h"
#include "datapath/offload/merge.h"
#include "datapath/offload/mss.h"
#include "datapath/offload/split.h"

#define MAX_FRAMES (MERGE_QUEUE + 1)
#define MAX_TOTAL  (256 * 1024) /* of one input, bytes */

/* One frame that we gave; its copy is what it has to stay. */
struct given {
	uint8_t	    *block, *copy;
	struct frame frame;
};

static struct merge merge;
static struct given given[MAX_FRAMES];
static unsigned	    ngiven;
static size_t	    total;
static bool	    ethernet;

/* A block of just its length: then any overrun is seen. */
static struct given
give(const uint8_t *bytes, size_t size, size_t len)
{
	struct given g = {
		.block = calloc(1, FRAME_HEADROOM + len),
		.copy = malloc(FRAME_HEADROOM + len),
	};

	FUZZ_CHECK(g.block != NULL && g.copy != NULL);
	memset(g.block, 0xee, FRAME_HEADROOM);
	memcpy(g.block + FRAME_HEADROOM, bytes, size);
	g.frame = (struct frame) { .data = g.block + FRAME_HEADROOM,
		.len = len };
	total += len;
	return g;
}

static void
keep_copy(struct given *g)
{
	memcpy(g->copy, g->block, FRAME_HEADROOM + g->frame.len);
}

static bool
is_as_it_was(const struct given *g)
{
	return memcmp(g->copy, g->block, FRAME_HEADROOM + g->frame.len) == 0;
}

static void
take_back(struct given *g)
{
	free(g->block);
	free(g->copy);
}

static size_t
csum_offset(const struct headers *h)
{
	return h->protocol == HEADERS_TCP ? 16 : 6;
}

static bool
read_headers(struct headers *h, const struct frame *frame)
{
	if (!headers_read(h, frame->data, frame->len, ethernet))
		return false;
	FUZZ_CHECK(h->version == 4 || h->version == 6);
	FUZZ_CHECK(h->l4 >= h->l3 + (h->version == 4 ? 20 : 40));
	FUZZ_CHECK(h->l4 <= frame->len);
	FUZZ_CHECK(h->protocol == 0 ||
	    (!h->fragment && h->payload >= h->l4 + 8 &&
		h->payload <= frame->len));
	return true;
}

/* What a sender would have written. */
static void
mend(struct frame *frame, bool partial)
{
	struct headers h;
	uint8_t	      *ip, *l4;
	size_t	       len;

	if (!read_headers(&h, frame) || h.protocol == 0 ||
	    frame->len - h.l3 > 65535)
		return;
	ip = frame->data + h.l3;
	l4 = frame->data + h.l4;
	len = frame->len - h.l4;
	if (h.version == 4) {
		wire_write_u16(ip + 2, (uint16_t)(frame->len - h.l3));
		wire_write_u16(ip + 10, 0);
		wire_write_u16(ip + 10,
		    (uint16_t)~csum_sum(ip, (size_t)h.l4 - h.l3));
	} else {
		wire_write_u16(ip + 4, (uint16_t)(frame->len - h.l3 - 40));
	}
	if (h.protocol == HEADERS_UDP)
		wire_write_u16(l4 + 4, (uint16_t)len);
	wire_write_u16(l4 + csum_offset(&h),
	    csum_fold(csum_pseudo(&h, frame->data) + (uint32_t)len));
	if (!partial) {
		csum_complete(frame->data, frame->len, h.l4, csum_offset(&h));
		FUZZ_CHECK(csum_is_right(&h, frame->data, frame->len));
		return;
	}
	frame->flags = FRAME_CSUM;
	frame->csum_start = h.l4;
	frame->csum_offset = (uint8_t)csum_offset(&h);
}

/* -------------------------------------------------------------- cutting */

/* How much payload there was in all; the frame's own, once more. */
static uint64_t
cut(struct given *g, size_t room, unsigned *n)
{
	struct split   split;
	struct frame   frame;
	struct headers of, h;
	uint64_t       sum = 0;
	size_t	       left;

	*n = 0;
	if (!split_begin(&split, &g->frame, ethernet, room))
		return 0;
	FUZZ_CHECK(read_headers(&of, &g->frame) && of.protocol != 0);
	left = g->frame.len - of.payload;
	while (split_next(&split, &frame)) {
		FUZZ_CHECK(read_headers(&h, &frame));
		FUZZ_CHECK(h.version == of.version && h.l3 == of.l3 &&
		    h.l4 == of.l4 && h.payload == of.payload &&
		    h.protocol == of.protocol && frame.len > h.payload);
		FUZZ_CHECK(frame.len - h.payload <= g->frame.gso_size);
		FUZZ_CHECK(frame.len <=
		    (h.protocol == HEADERS_UDP ? FRAME_MAX_LEN : room));
		FUZZ_CHECK(frame.len - h.payload <= left);
		FUZZ_CHECK(memcmp(frame.data + h.payload,
			       g->copy + FRAME_HEADROOM + g->frame.len - left,
			       frame.len - h.payload) == 0);
		left -= frame.len - h.payload;
		for (size_t i = 0; i < frame.len; i++)
			sum = sum * 31 + frame.data[i];
		if (h.version == 4)
			FUZZ_CHECK(csum_sum(frame.data + h.l3,
				       (size_t)h.l4 - h.l3) == 0xffff);
		uint8_t *copy = malloc(frame.len);

		memcpy(copy, frame.data, frame.len);
		csum_complete(copy, frame.len, frame.csum_start,
		    frame.csum_offset);
		FUZZ_CHECK(csum_is_right(&h, copy, frame.len));
		free(copy);
		item_put_frame(frame.data - ITEM_FRAME_HEADER, &frame);
		(*n)++;
	}
	FUZZ_CHECK(left == 0);
	FUZZ_CHECK(is_as_it_was(g));
	return sum;
}

static void
cut_twice(struct given *g, size_t room)
{
	unsigned n, again;
	uint64_t sum;

	keep_copy(g);
	sum = cut(g, room, &n);
	FUZZ_CHECK(cut(g, room, &again) == sum && again == n);
}

/* -------------------------------------------------------------- joining */

static void
finish(uint8_t *bytes, const struct frame *frame)
{
	if ((frame->flags & FRAME_CSUM) != 0)
		csum_complete(bytes, frame->len, frame->csum_start,
		    frame->csum_offset);
}

/*
 * The same but for a partial checksum, of which we believe that it is one, and
 * the two zeros.
 */
static void
check_piece(const struct frame *piece, const struct given *g)
{
	uint8_t	      *a = malloc(piece->len), *b = malloc(piece->len);
	struct headers h;
	size_t	       field;

	FUZZ_CHECK(piece->len == g->frame.len);
	memcpy(a, piece->data, piece->len);
	memcpy(b, g->frame.data, piece->len);
	FUZZ_CHECK(read_headers(&h, piece));
	finish(a, piece);
	finish(b, &g->frame);
	field = h.l4 + csum_offset(&h);
	if ((g->frame.flags & FRAME_CSUM) != 0 ||
	    wire_read_u16(b + field) == 0)
		memcpy(b + field, a + field, 2);
	FUZZ_CHECK(memcmp(a, b, piece->len) == 0);
	free(a);
	free(b);
}

static void
check_super(unsigned first, unsigned n)
{
	struct merge_super super;
	struct split	   split;
	struct headers	   h;
	struct frame	   whole, piece;
	uint8_t		  *block, *p;
	unsigned	   i = first;

	merge_super(&merge, &super);
	FUZZ_CHECK(super.niov == (int)n + 2);
	block = malloc(FRAME_HEADROOM + super.frame.len);
	p = block + FRAME_HEADROOM;
	for (int k = 1; k < super.niov; k++) {
		FUZZ_CHECK(super.iov[k].iov_len <=
		    super.frame.len - (size_t)(p - block - FRAME_HEADROOM));
		memcpy(p, super.iov[k].iov_base, super.iov[k].iov_len);
		p += super.iov[k].iov_len;
	}
	FUZZ_CHECK(p == block + FRAME_HEADROOM + super.frame.len);
	whole = super.frame;
	whole.data = block + FRAME_HEADROOM;
	FUZZ_CHECK(read_headers(&h, &whole));
	FUZZ_CHECK(whole.len - h.l3 <= 65535);
	FUZZ_CHECK(split_begin(&split, &whole, ethernet, SIZE_MAX));
	for (; split_next(&split, &piece); i = merge.next[i], n--) {
		FUZZ_CHECK(n > 0);
		check_piece(&piece, &given[i]);
	}
	FUZZ_CHECK(n == 0);
	free(block);
}

static bool
is_one_flow(const struct frame *a, const struct frame *b)
{
	struct headers ha, hb;

	return read_headers(&ha, a) && read_headers(&hb, b) &&
	    ha.protocol != 0 && ha.protocol == hb.protocol &&
	    ha.l3 == hb.l3 && ha.version == hb.version &&
	    memcmp(a->data, b->data, ha.l3) == 0 &&
	    memcmp(a->data + ha.l4, b->data + hb.l4, 4) == 0 &&
	    (ha.version == 4 ?
		    memcmp(a->data + ha.l3 + 12, b->data + ha.l3 + 12, 8) :
		    memcmp(a->data + ha.l3 + 8, b->data + ha.l3 + 8, 32)) == 0;
}

/* Each frame once, in order within its flow. */
static void
empty_queue(void)
{
	unsigned i, n, turn = 0, turns[MAX_FRAMES];
	bool	 seen[MAX_FRAMES] = { false };

	while (merge_next(&merge, &i, &n)) {
		FUZZ_CHECK(n > 0 && n <= MERGE_MAX_PIECES);
		if (n > 1)
			check_super(i, n);
		for (; n > 0; n--, i = merge.next[i]) {
			FUZZ_CHECK(i < ngiven && !seen[i]);
			seen[i] = true;
			turns[i] = turn++;
		}
	}
	FUZZ_CHECK(turn == ngiven);
	for (unsigned b = 0; b < ngiven; b++) {
		/* The nearest one before it: that is enough. */
		for (unsigned a = b; a-- > 0;) {
			if (!is_one_flow(&given[a].frame, &given[b].frame))
				continue;
			FUZZ_CHECK(turns[a] < turns[b]);
			break;
		}
	}
	for (unsigned k = 0; k < ngiven; k++) {
		FUZZ_CHECK(is_as_it_was(&given[k]));
		take_back(&given[k]);
	}
	ngiven = 0;
}

static void
queue(struct given *g)
{
	keep_copy(g);
	if (ngiven == MERGE_QUEUE) {
		FUZZ_CHECK(!merge_add(&merge, &g->frame));
		empty_queue();
	}
	FUZZ_CHECK(merge_add(&merge, &g->frame));
	given[ngiven++] = *g;
}

/* What follows upon the frame before: the next bytes, the next id. */
static void
advance(struct frame *frame, size_t payload)
{
	struct headers h;
	uint8_t	      *p;

	if (!read_headers(&h, frame))
		return;
	if (h.version == 4) {
		p = frame->data + h.l3 + 4;
		wire_write_u16(p, (uint16_t)(wire_read_u16(p) + 1));
	}
	if (h.protocol == HEADERS_TCP) {
		p = frame->data + h.l4 + 4;
		wire_write_u32(p, wire_read_u32(p) + (uint32_t)payload);
	}
}

/* ---------------------------------------------------------------- steps */

static void
clamp(struct given *g, size_t room)
{
	struct headers h;
	bool	       right;

	right = read_headers(&h, &g->frame) && h.protocol != 0 &&
	    csum_is_right(&h, g->frame.data, g->frame.len);
	keep_copy(g);
	mss_clamp(&g->frame, ethernet, room);
	if (right && (g->frame.flags & FRAME_CSUM) == 0)
		FUZZ_CHECK(csum_is_right(&h, g->frame.data, g->frame.len));
	/* Once is as good as twice. */
	keep_copy(g);
	mss_clamp(&g->frame, ethernet, room);
	FUZZ_CHECK(is_as_it_was(g));
}

static struct given
follow(uint16_t other)
{
	const struct given *before = &given[ngiven - 1];
	struct given	    g = give(before->frame.data, before->frame.len,
		   before->frame.len);
	struct headers	    h;

	g.frame = (struct frame) { .data = g.frame.data,
		.len = before->frame.len };
	if (!read_headers(&h, &g.frame) || h.protocol == 0)
		return g;
	advance(&g.frame, g.frame.len - h.payload);
	/* Now and then something is not as it was. */
	if (other != 0)
		g.frame.data[other % g.frame.len] ^= (uint8_t)(other >> 8);
	return g;
}

static void
step(struct fuzz_reader *r)
{
	unsigned     what = fuzz_get_u8(r);
	uint16_t     other = fuzz_get_u16(r);
	size_t	     len = fuzz_get_u16(r);
	struct given g;

	if ((what & 0x40) != 0)
		empty_queue();
	if ((what & 3) == 1) {
		if (ngiven == 0 || given[ngiven - 1].frame.len == 0)
			return;
		g = follow(other);
	} else {
		if (len > fuzz_left(r))
			len = fuzz_left(r);
		/* forward.c lets nothing longer pass. */
		if ((what & 3) == 0 && len > FRAME_MAX_LEN)
			len = FRAME_MAX_LEN;
		g = give(fuzz_get_view(r, len), len,
		    (what & 0x83) == 0x82 ? FRAME_MAX_SUPER : len);
	}
	if ((what & 4) != 0)
		mend(&g.frame, (what & 8) != 0);
	switch (what & 3) {
	case 0:
		if ((what & 12) == 8 && len > 2) {
			g.frame.flags = FRAME_CSUM;
			g.frame.csum_start = (uint16_t)(other % (len - 1));
			g.frame.csum_offset = (uint8_t)(other / (len - 1) %
			    (len - 1 - g.frame.csum_start));
		}
		queue(&g);
		return;
	case 1:
		queue(&g);
		return;
	case 2:
		g.frame.gso = (uint8_t)(what >> 4 & 3);
		g.frame.gso_size = other;
		cut_twice(&g, fuzz_get_u16(r));
		break;
	case 3:
		clamp(&g, other);
		break;
	}
	take_back(&g);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_reader r;
	unsigned	   mode;

	fuzz_reader_init(&r, data, size);
	mode = fuzz_get_u8(&r);
	ethernet = (mode & 1) != 0;
	total = 0;
	merge_init(&merge, ethernet, mode & 0xe);
	while (fuzz_left(&r) > 4 && total < MAX_TOTAL)
		step(&r);
	empty_queue();
	return 0;
}
