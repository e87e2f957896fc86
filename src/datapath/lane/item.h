/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * item: the content of a record (PROTOCOL 6).
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
 * `length` counts the bytes after the item's header (ECHO: all after the length
 * field; FRAME: without the tag). A record holds one or more items, back to
 * back, and nothing after the last.  FRAGMENTs carry the pieces of one FRAME
 * item including its header, so a frame keeps its flags.
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
#define ITEM_TAG_LEN	     4 /* after that: TPID 16, TCI 16 */
#define ITEM_FRAGMENT_HEADER 9
#define ITEM_ECHO_LEN	     19 /* an ECHO without padding, type included */

enum item_type { ITEM_FRAME = 1, ITEM_FRAGMENT = 2, ITEM_ECHO = 3 };

#define ITEM_FRAME_CSUM	   0x1 /* base/frame.h: FRAME_CSUM */
#define ITEM_FRAME_TAG	   0x2 /* only if both ends announced `tag` */
#define ITEM_FRAGMENT_LAST 0x1 /* the last piece of its frame */
#define ITEM_ECHO_REPLY	   0x1
#define ITEM_ECHO_PATH	   0x2 /* checks a path: see lane_path.c */

struct item {
	enum item_type type;
	uint8_t	       flags;
	/* The bytes, borrowed from the record; unused for an ECHO. */
	uint8_t *data;
	size_t	 len;
	uint32_t tag; /* FRAME: TPID and TCI; 0: none */
	/*
	 * FRAME with ITEM_FRAME_CSUM: where the sum starts and where it goes.
	 */
	uint16_t csum_start;
	uint8_t	 csum_offset;
	/* FRAGMENT */
	uint32_t frame_id;
	uint16_t offset;
	/* ECHO */
	uint64_t id;
	uint64_t timestamp; /* the sender's; the reply repeats it */
};

/*
 * Decodes the item at `*pos` of a record and advances `*pos`. False at the end
 * of the record (*pos == len) or if the rest is malformed (*pos is not changed
 * and below len). Malformed are: a FRAME whose checksum would be outside of the
 * frame, type 0, unknown flags of known types, and empty frames and fragments.
 * Types above ITEM_ECHO belong to later versions; the caller ignores them.
 */
bool item_next(uint8_t *record, size_t len, size_t *pos, struct item *item);

/*
 * Converts a FRAME: the item's header becomes headroom, and a tag is put where
 * frames have it.  False if it has a tag and `tags` is false.
 */
bool item_to_frame(const struct item *item, bool tags, struct frame *frame);

/* Each writes one header and returns its length; the bytes follow there. */
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

/* The same, followed by a tag, which must not be 0. */
size_t item_put_tagged(uint8_t *dst, const struct frame *frame, uint32_t tag);
size_t item_put_fragment(uint8_t *dst, uint8_t flags, uint32_t frame_id,
    uint16_t offset, uint16_t len);
/* Writes a complete ECHO of `total` bytes (>= ITEM_ECHO_LEN), zero padded. */
size_t item_put_echo(uint8_t *dst, size_t total, uint8_t flags, uint64_t id,
    uint64_t timestamp);

#endif /* ITEM_H */
