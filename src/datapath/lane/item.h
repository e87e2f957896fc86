/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * item: what is inside a record (PROTOCOL 6).
 *
 *   FRAME     | type 4 | flags 4 | length 16 | csum start 16 | csum offset 8 |
 *             | VLAN tag 32: with ITEM_FRAME_TAG only | frame ...
 *   FRAGMENT  | type 4 | flags 4 | frame id 32 | offset 16 | length 16 |
 *             | bytes ...
 *   ECHO      | type 4 | flags 4 | length 16 | id 64 | timestamp 64 |
 *             | padding (zeros) ...
 *
 *   others    | type 4 | flags 4 | length 8 (types 4 to 7), 16 (8 to 14) | ...
 *             | 15 4 | length 12 | ...
 *
 * `length` counts the bytes behind the header of the item (ECHO: all behind
 * the length field; FRAME: not the tag).  A record holds one item or more, back to back, nothing
 * behind the last.  FRAGMENTs carry the pieces of one FRAME item, its header
 * included, so a frame keeps its flags on the way.
 *
 * Pure: reads and writes bytes, nothing else.
 */
#ifndef ITEM_H
#define ITEM_H

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/frame.h"
#include "base/wire.h"

#define ITEM_FRAME_HEADER    6
#define ITEM_TAG_LEN	     4 /* behind that: TPID 16, TCI 16 */
#define ITEM_FRAGMENT_HEADER 9
#define ITEM_ECHO_LEN	     19 /* an ECHO without padding, type included */

enum item_type { ITEM_FRAME = 1, ITEM_FRAGMENT = 2, ITEM_ECHO = 3 };

#define ITEM_FRAME_CSUM	   0x1 /* base/frame.h: FRAME_CSUM */
#define ITEM_FRAME_TAG	   0x2 /* only where both ends have `tag` */
#define ITEM_FRAGMENT_LAST 0x1 /* the last piece of its frame */
#define ITEM_ECHO_REPLY	   0x1
#define ITEM_ECHO_PATH	   0x2 /* checks a path: see lane.c */

struct item {
	enum item_type type;
	uint8_t	       flags;
	/* The bytes, borrowed from the record; not of an ECHO. */
	uint8_t *data;
	size_t	 len;
	uint32_t tag; /* FRAME: TPID and TCI; 0: none */
	/* FRAME: with ITEM_FRAME_CSUM, where it begins and where it goes. */
	uint16_t csum_start;
	uint8_t	 csum_offset;
	/* FRAGMENT */
	uint32_t frame_id;
	uint16_t offset;
	/* ECHO */
	uint64_t id;
	uint64_t timestamp; /* the asker's own; the answer repeats it */
};

/*
 * Decodes the item at `*pos` of a record and moves `*pos` behind it.  False at
 * the end of the record (*pos == len) or when the rest is malformed (*pos is
 * left where it was, below len).  A FRAME with a checksum that would lie
 * outside of the frame is malformed, and so are type 0, unknown flags of known
 * types, and empty frames and fragments.  Types above ITEM_ECHO are a later
 * version's: the caller passes over them.
 */
bool item_next(uint8_t *record, size_t len, size_t *pos, struct item *item);

/*
 * What a FRAME holds: the item's header is its headroom, and a tag is put where
 * frames have it.  False when there is one and `tags` is not.
 */
bool item_to_frame(const struct item *item, bool tags, struct frame *frame);

/* Each writes one header; the bytes follow at the returned length. */
static inline size_t
item_put_frame(uint8_t *dst, const struct frame *frame)
{
	assert(frame->len > 0 && frame->len <= UINT16_MAX &&
	    frame->flags <= 0x0f);
	dst[0] = (uint8_t)(ITEM_FRAME << 4 | frame->flags);
	wire_write_u16(dst + 1, (uint16_t)frame->len);
	wire_write_u16(dst + 3, frame->csum_start);
	dst[5] = frame->csum_offset;
	return ITEM_FRAME_HEADER;
}

/* The same with a tag, which is not 0, behind it. */
size_t item_put_tagged(uint8_t *dst, const struct frame *frame, uint32_t tag);
size_t item_put_fragment(uint8_t *dst, uint8_t flags, uint32_t frame_id,
    uint16_t offset, uint16_t len);
/* Writes a whole ECHO of `total` bytes (>= ITEM_ECHO_LEN), zero padding too. */
size_t item_put_echo(uint8_t *dst, size_t total, uint8_t flags, uint64_t id,
    uint64_t timestamp);

#endif /* ITEM_H */
