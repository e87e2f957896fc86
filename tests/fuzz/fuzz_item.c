/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A record of a hostile peer: every item lies within it, and is what it says. */
#include "fuzz.h"

#include "datapath/lane/item.h"

/* What was decoded, encoded again, is what was there. */
static void
check_again(const struct item *item, const uint8_t *at, size_t len)
{
	const struct frame frame = { .len = item->len, .flags = item->flags,
		.csum_start = item->csum_start,
		.csum_offset = item->csum_offset };
	uint8_t *again = malloc(len);
	size_t	 n = 0;

	FUZZ_CHECK(again != NULL);
	switch (item->type) {
	case ITEM_FRAME:
		n = item->tag == 0 ? item_put_frame(again, &frame) :
		    item_put_tagged(again, &frame, item->tag);
		/* Without the flag, both fields are of no account. */
		if ((item->flags & ITEM_FRAME_CSUM) == 0)
			memcpy(again + 3, at + 3, 3);
		break;
	case ITEM_FRAGMENT:
		n = item_put_fragment(again, item->flags, item->frame_id,
		    item->offset, (uint16_t)item->len);
		break;
	case ITEM_ECHO:
		/* Nor are the bytes that pad it. */
		FUZZ_CHECK(item_put_echo(again, len, item->flags, item->id,
			       item->timestamp) == len);
		n = len < ITEM_ECHO_LEN ? len : ITEM_ECHO_LEN;
		FUZZ_CHECK(memcmp(again, at, n) == 0);
		free(again);
		return;
	default: /* a later version's: bounds only */
		n = len - item->len;
		memcpy(again, at, n);
		break;
	}
	FUZZ_CHECK(n + item->len == len && item->data == at + n);
	FUZZ_CHECK(memcmp(again, at, n) == 0);
	if ((item->flags & ITEM_FRAME_CSUM) != 0 && item->type == ITEM_FRAME)
		FUZZ_CHECK((size_t)item->csum_start + item->csum_offset + 2 <=
		    item->len);
	free(again);
}

/* The frame in it lies within it, with all of its bytes, in their order. */
static void
check_frame(const struct item *item, uint8_t *at, size_t len)
{
	uint8_t	    *copy = malloc(item->len);
	size_t	     tag = item->tag != 0 ? ITEM_TAG_LEN : 0;
	size_t	     cut = item->tag != 0 ? 12 : 0;
	struct frame frame;

	FUZZ_CHECK(copy != NULL);
	memcpy(copy, item->data, item->len);
	FUZZ_CHECK(item_to_frame(item, false, &frame) == (tag == 0));
	if (item_to_frame(item, true, &frame)) {
		FUZZ_CHECK(frame.data >= at + FRAME_HEADROOM_OWN);
		FUZZ_CHECK(frame.data + frame.len == at + len);
		FUZZ_CHECK(frame.len == item->len + tag);
		FUZZ_CHECK(memcmp(frame.data, copy, cut) == 0);
		FUZZ_CHECK(memcmp(frame.data + cut + tag, copy + cut,
			       item->len - cut) == 0);
	} else {
		FUZZ_CHECK(tag != 0 && item->len < 14);
	}
	free(copy);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t	   *record = malloc(size > 0 ? size : 1);
	size_t	    pos = 0, before = 0;
	struct item item;

	FUZZ_CHECK(record != NULL);
	memcpy(record, data, size);
	while (item_next(record, size, &pos, &item)) {
		FUZZ_CHECK(pos > before && pos <= size);
		check_again(&item, record + before, pos - before);
		if (item.type == ITEM_FRAME)
			check_frame(&item, record + before, pos - before);
		before = pos;
	}
	FUZZ_CHECK(pos == before);
	free(record);
	return 0;
}
