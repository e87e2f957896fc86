/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "datapath/lane/item.h"

#include <assert.h>
#include <string.h>

#include "base/eth.h"
#include "base/wire.h"

#define ECHO_HEADER 3 /* type and length; the length counts the rest */

static size_t decode_frame(uint8_t *p, size_t left, struct item *item);
static size_t decode_fragment(uint8_t *p, size_t left, struct item *item);
static size_t decode_echo(const uint8_t *p, size_t left, struct item *item);
static size_t decode_other(uint8_t *p, size_t left, struct item *item);
static uint8_t first_byte(enum item_type type, uint8_t flags);

bool
item_next(uint8_t *record, size_t len, size_t *pos, struct item *item)
{
	uint8_t *p = record + *pos;
	size_t	 left = len - *pos, used = 0;

	if (left == 0)
		return false;
	*item = (struct item) { .type = p[0] >> 4, .flags = p[0] & 0x0f };
	switch (item->type) {
	case ITEM_FRAME:
		used = decode_frame(p, left, item);
		break;
	case ITEM_FRAGMENT:
		used = decode_fragment(p, left, item);
		break;
	case ITEM_ECHO:
		used = decode_echo(p, left, item);
		break;
	default:
		used = decode_other(p, left, item);
		break;
	}
	*pos += used;
	return used > 0;
}

bool
item_to_frame(const struct item *item, bool tags, struct frame *frame)
{
	*frame = (struct frame) {
		.data = item->data,
		.len = item->len,
		.flags = item->flags & ITEM_FRAME_CSUM,
		.csum_start = item->csum_start,
		.csum_offset = item->csum_offset,
	};
	if (item->tag == 0)
		return true;
	if (!tags || item->len < ETH_HEADER_LEN)
		return false;
	frame->data -= ITEM_TAG_LEN;
	frame->len += ITEM_TAG_LEN;
	memmove(frame->data, item->data, 2 * ETH_MAC_LEN);
	wire_write_u32(frame->data + 2 * ETH_MAC_LEN, item->tag);
	if ((item->flags & ITEM_FRAME_CSUM) != 0)
		frame->csum_start = (uint16_t)(frame->csum_start + ITEM_TAG_LEN);
	return true;
}

size_t
item_put_tagged(uint8_t *dst, const struct frame *frame, uint32_t tag)
{
	size_t n = item_put_frame(dst, frame);

	dst[0] |= ITEM_FRAME_TAG;
	wire_write_u32(dst + n, tag);
	return n + ITEM_TAG_LEN;
}

size_t
item_put_fragment(uint8_t *dst, uint8_t flags, uint32_t frame_id,
    uint16_t offset, uint16_t len)
{
	assert(len > 0);
	dst[0] = first_byte(ITEM_FRAGMENT, flags);
	wire_write_u32(dst + 1, frame_id);
	wire_write_u16(dst + 5, offset);
	wire_write_u16(dst + 7, len);
	return ITEM_FRAGMENT_HEADER;
}

size_t
item_put_echo(uint8_t *dst, size_t total, uint8_t flags, uint64_t id,
    uint64_t timestamp)
{
	assert(total >= ITEM_ECHO_LEN && total <= UINT16_MAX);
	dst[0] = first_byte(ITEM_ECHO, flags);
	wire_write_u16(dst + 1, (uint16_t)(total - ECHO_HEADER));
	wire_write_u64(dst + 3, id);
	wire_write_u64(dst + 11, timestamp);
	memset(dst + ITEM_ECHO_LEN, 0, total - ITEM_ECHO_LEN);
	return total;
}

/* These return the length of the item, or 0 if it is malformed. */

static size_t
decode_frame(uint8_t *p, size_t left, struct item *item)
{
	size_t header = ITEM_FRAME_HEADER;

	if ((item->flags & ITEM_FRAME_TAG) != 0)
		header += ITEM_TAG_LEN;
	if (left < header ||
	    (item->flags & ~(ITEM_FRAME_CSUM | ITEM_FRAME_TAG)) != 0)
		return 0;
	item->data = p + header;
	item->len = wire_read_u16(p + 1);
	if (item->len == 0 || item->len > left - header)
		return 0;
	if ((item->flags & ITEM_FRAME_CSUM) != 0) {
		item->csum_start = wire_read_u16(p + 3);
		item->csum_offset = p[5];
		if ((size_t)item->csum_start + item->csum_offset + 2 >
		    item->len)
			return 0;
	}
	if ((item->flags & ITEM_FRAME_TAG) != 0) {
		item->tag = wire_read_u32(p + ITEM_FRAME_HEADER);
		if (item->tag >> 16 != ETH_TYPE_VLAN &&
		    item->tag >> 16 != ETH_TYPE_QINQ)
			return 0;
	}
	return header + item->len;
}

static size_t
decode_fragment(uint8_t *p, size_t left, struct item *item)
{
	if (left < ITEM_FRAGMENT_HEADER ||
	    (item->flags & ~ITEM_FRAGMENT_LAST) != 0)
		return 0;
	item->frame_id = wire_read_u32(p + 1);
	item->offset = wire_read_u16(p + 5);
	item->data = p + ITEM_FRAGMENT_HEADER;
	item->len = wire_read_u16(p + 7);
	if (item->len == 0 || item->len > left - ITEM_FRAGMENT_HEADER)
		return 0;
	return ITEM_FRAGMENT_HEADER + item->len;
}

static size_t
decode_echo(const uint8_t *p, size_t left, struct item *item)
{
	size_t len;

	if (left < ITEM_ECHO_LEN ||
	    (item->flags & ~(ITEM_ECHO_REPLY | ITEM_ECHO_PATH)) != 0)
		return 0;
	len = ECHO_HEADER + (size_t)wire_read_u16(p + 1);
	if (len < ITEM_ECHO_LEN || len > left)
		return 0;
	item->id = wire_read_u64(p + 3);
	item->timestamp = wire_read_u64(p + 11);
	return len;
}

/* An item of a later version: its length says where the next one begins. */
static size_t
decode_other(uint8_t *p, size_t left, struct item *item)
{
	size_t header = item->type >= 8 && item->type < 15 ? 3 : 2;

	if (left < header || item->type == 0)
		return 0;
	if (item->type < 8)
		item->len = p[1];
	else if (item->type < 15)
		item->len = wire_read_u16(p + 1);
	else
		item->len = wire_read_u16(p) & 0x0fff;
	item->data = p + header;
	return item->len > left - header ? 0 : header + item->len;
}

static uint8_t
first_byte(enum item_type type, uint8_t flags)
{
	assert(flags <= 0x0f);
	return (uint8_t)((unsigned)type << 4 | flags);
}
