/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "datapath/lane/item.h"

#include <string.h>

#include "unit.h"

#define LONG 4000

/* A buffer of exactly `len` bytes, so that ASan sees any read behind it. */
static uint8_t *
exact(const uint8_t *src, size_t len)
{
	uint8_t *p = malloc(len > 0 ? len : 1);

	ck_assert_ptr_nonnull(p);
	memcpy(p, src, len);
	return p;
}

static const struct {
	const char *what;
	uint8_t	    bytes[32];
	size_t	    len;
	bool	    good;
} rows[] = {
	{ "a frame of one byte", { 0x10, 0, 1, 0, 0, 0, 'x' }, 7, true },
	{ "an empty frame", { 0x10, 0, 0, 0, 0, 0 }, 6, false },
	{ "a frame longer than the record", { 0x10, 0, 2, 0, 0, 0, 'x' }, 7,
	    false },
	{ "an unknown flag of a frame", { 0x14, 0, 1, 0, 0, 0, 'x' }, 7,
	    false },
	{ "a frame with a tag", { 0x12, 0, 1, 0, 0, 0, 0x81, 0, 0, 5, 'x' }, 11,
	    true },
	{ "the same of 802.1ad, with a checksum",
	    { 0x13, 0, 4, 0, 1, 1, 0x88, 0xa8, 0x2f, 0xff, 1, 2, 3, 4 }, 14,
	    true },
	{ "a checksum that only fits over the tag",
	    { 0x13, 0, 4, 0, 4, 1, 0x81, 0, 0, 5, 1, 2, 3, 4 }, 14, false },
	{ "a tag and no frame", { 0x12, 0, 0, 0, 0, 0, 0x81, 0, 0, 5 }, 10,
	    false },
	{ "a tag that is none", { 0x12, 0, 1, 0, 0, 0, 8, 0, 0, 5, 'x' }, 11,
	    false },
	{ "a checksum that just fits", { 0x11, 0, 4, 0, 1, 1, 1, 2, 3, 4 }, 10,
	    true },
	{ "a checksum one byte too far", { 0x11, 0, 4, 0, 1, 2, 1, 2, 3, 4 },
	    10, false },
	{ "a checksum that begins far outside",
	    { 0x11, 0, 4, 0xff, 0xff, 0xff, 1, 2, 3, 4 }, 10, false },
	{ "the same without the flag",
	    { 0x10, 0, 4, 0xff, 0xff, 0xff, 1, 2, 3, 4 }, 10, true },
	{ "a frame too short for any checksum", { 0x11, 0, 1, 0, 0, 0, 'x' },
	    7, false },
	{ "a fragment of one byte", { 0x20, 0, 0, 0, 1, 0, 0, 0, 1, 'x' }, 10,
	    true },
	{ "the last fragment", { 0x21, 0, 0, 0, 1, 0, 0, 0, 1, 'x' }, 10,
	    true },
	{ "an empty fragment", { 0x21, 0, 0, 0, 1, 0, 9, 0, 0 }, 9, false },
	{ "a fragment longer than the record",
	    { 0x20, 0, 0, 0, 1, 0, 0, 0, 2, 'x' }, 10, false },
	{ "an unknown flag of a fragment",
	    { 0x24, 0, 0, 0, 1, 0, 0, 0, 1, 'x' }, 10, false },
	{ "the shortest echo",
	    { 0x30, 0, 16, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 2 },
	    19, true },
	{ "an echo reply of a path check",
	    { 0x33, 0, 16, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 2 },
	    19, true },
	{ "an echo with padding",
	    { 0x31, 0, 18, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 2 },
	    21, true },
	{ "an echo that is too short to be one",
	    { 0x30, 0, 15, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 2 },
	    19, false },
	{ "an echo longer than the record",
	    { 0x30, 0, 17, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 2 },
	    19, false },
	{ "an unknown flag of an echo",
	    { 0x34, 0, 16, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 2 },
	    19, false },
	{ "type 0", { 0 }, 30, false },
	{ "type 4, of two bytes", { 0x4f, 2, 'x', 'y' }, 4, true },
	{ "type 7, of none", { 0x70, 0 }, 2, true },
	{ "type 7, longer than the record", { 0x70, 3, 'x', 'y' }, 4, false },
	{ "type 8, of two bytes", { 0x83, 0, 2, 'x', 'y' }, 5, true },
	{ "type 14, of none", { 0xe0, 0, 0 }, 3, true },
	{ "type 14, longer than the record", { 0xe0, 1, 0, 'x' }, 4, false },
	{ "type 15, of two bytes", { 0xf0, 2, 'x', 'y' }, 4, true },
	{ "type 15, of none", { 0xf0, 0 }, 2, true },
	{ "type 15, longer than the record", { 0xf1, 0, 'x' }, 3, false },
};

START_TEST(rows_are_judged)
{
	for (size_t i = 0; i < nitems(rows); i++) {
		uint8_t	   *p = exact(rows[i].bytes, rows[i].len);
		struct item item;
		size_t	    pos = 0;
		bool	    good = item_next(p, rows[i].len, &pos, &item);

		ck_assert_msg(good == rows[i].good, "%s", rows[i].what);
		ck_assert_msg(pos == (good ? rows[i].len : 0), "%s: at %zu",
		    rows[i].what, pos);
		free(p);
	}
}
END_TEST

/* Cut after any byte there is a refusal: no row is good in part. */
START_TEST(truncation_is_refused_at_every_byte)
{
	for (size_t i = 0; i < nitems(rows); i++) {
		if (!rows[i].good)
			continue;
		for (size_t n = 0; n < rows[i].len; n++) {
			uint8_t	   *p = exact(rows[i].bytes, n);
			struct item item;
			size_t	    pos = 0;

			ck_assert_msg(!item_next(p, n, &pos, &item),
			    "%s, %zu bytes of it", rows[i].what, n);
			ck_assert_uint_eq(pos, 0);
			free(p);
		}
	}
}
END_TEST

START_TEST(what_is_written_is_read)
{
	uint8_t	    record[LONG], *p;
	struct item item;
	size_t	    n = 0, pos = 0;

	n += item_put_frame(record, &(struct frame) { .len = 60,
	    .flags = FRAME_CSUM, .csum_start = 34, .csum_offset = 6 });
	memset(record + n, 0xaa, 60);
	n += 60;
	n += item_put_fragment(record + n, ITEM_FRAGMENT_LAST, 0xdeadbeef,
	    0x1234, 100);
	memset(record + n, 0xbb, 100);
	n += 100;
	n += item_put_echo(record + n, 1000, ITEM_ECHO_REPLY,
	    UINT64_C(0x0102030405060708), UINT64_C(0x1112131415161718));
	n += item_put_tagged(record + n, &(struct frame) { .len = 1 }, 0x88a80fff);
	record[n++] = 0xdd;
	n += item_put_frame(record + n, &(struct frame) { .len = 1 });
	record[n++] = 0xcc;
	p = exact(record, n);

	ck_assert(item_next(p, n, &pos, &item));
	ck_assert_int_eq(item.type, ITEM_FRAME);
	ck_assert_uint_eq(item.flags, ITEM_FRAME_CSUM);
	ck_assert_uint_eq(item.len, 60);
	ck_assert_ptr_eq(item.data, p + ITEM_FRAME_HEADER);
	ck_assert_uint_eq(item.csum_start, 34);
	ck_assert_uint_eq(item.csum_offset, 6);

	ck_assert(item_next(p, n, &pos, &item));
	ck_assert_int_eq(item.type, ITEM_FRAGMENT);
	ck_assert_uint_eq(item.flags, ITEM_FRAGMENT_LAST);
	ck_assert_uint_eq(item.frame_id, 0xdeadbeef);
	ck_assert_uint_eq(item.offset, 0x1234);
	ck_assert_uint_eq(item.len, 100);
	ck_assert_uint_eq(item.data[0], 0xbb);

	ck_assert(item_next(p, n, &pos, &item));
	ck_assert_int_eq(item.type, ITEM_ECHO);
	ck_assert_uint_eq(item.flags, ITEM_ECHO_REPLY);
	ck_assert_uint_eq(item.id, UINT64_C(0x0102030405060708));
	ck_assert_uint_eq(item.timestamp, UINT64_C(0x1112131415161718));

	ck_assert(item_next(p, n, &pos, &item));
	ck_assert_int_eq(item.type, ITEM_FRAME);
	ck_assert_uint_eq(item.flags, ITEM_FRAME_TAG);
	ck_assert_uint_eq(item.tag, 0x88a80fff);
	ck_assert_uint_eq(item.len, 1);
	ck_assert_uint_eq(item.data[0], 0xdd);

	ck_assert(item_next(p, n, &pos, &item));
	ck_assert_int_eq(item.type, ITEM_FRAME);
	ck_assert_uint_eq(item.tag, 0);
	ck_assert_uint_eq(item.len, 1);
	ck_assert_uint_eq(item.data[0], 0xcc);
	ck_assert_uint_eq(item.csum_start, 0);

	ck_assert(!item_next(p, n, &pos, &item));
	ck_assert_uint_eq(pos, n);
	free(p);
}
END_TEST

START_TEST(an_echo_is_padded_with_zeros)
{
	uint8_t buf[101];

	memset(buf, 0xff, sizeof(buf));
	ck_assert_uint_eq(item_put_echo(buf, 100, 0, 1, 2), 100);
	for (size_t i = ITEM_ECHO_LEN; i < 100; i++)
		ck_assert_uint_eq(buf[i], 0);
	ck_assert_uint_eq(buf[100], 0xff);
}
END_TEST

/* Between those that are known: a later version's, of each kind of length. */
START_TEST(unknown_items_are_passed_over)
{
	static const uint8_t others[][5] = { { 0x40, 3, 9, 9, 9 },
		{ 0x80, 0, 2, 9, 9 }, { 0xf0, 3, 9, 9, 9 } };
	uint8_t	    record[64], *p;
	struct item item;
	size_t	    n = 0, pos = 0, frames = 0;

	for (size_t i = 0; i < nitems(others); i++) {
		n += item_put_frame(record + n, &(struct frame) { .len = 1 });
		record[n++] = (uint8_t)i;
		memcpy(record + n, others[i], sizeof(others[i]));
		n += sizeof(others[i]);
	}
	p = exact(record, n);
	while (item_next(p, n, &pos, &item)) {
		if (item.type == ITEM_FRAME)
			ck_assert_uint_eq(item.data[0], frames++);
		else
			ck_assert_int_gt(item.type, ITEM_ECHO);
	}
	ck_assert_uint_eq(pos, n);
	ck_assert_uint_eq(frames, nitems(others));
	free(p);
}
END_TEST

START_TEST(a_tag_is_put_where_frames_have_it)
{
	uint8_t	     record[ITEM_FRAME_HEADER + ITEM_TAG_LEN + 60], plain[60];
	struct item  item;
	struct frame frame;
	size_t	     n, pos = 0;

	for (size_t i = 0; i < sizeof(plain); i++)
		plain[i] = (uint8_t)i;
	n = item_put_tagged(record, &(struct frame) { .len = sizeof(plain),
	    .flags = FRAME_CSUM, .csum_start = 34, .csum_offset = 6 }, 0x8100a005);
	memcpy(record + n, plain, sizeof(plain));
	ck_assert(item_next(record, sizeof(record), &pos, &item));
	ck_assert(!item_to_frame(&item, false, &frame));
	ck_assert(item_to_frame(&item, true, &frame));
	ck_assert_uint_eq(frame.len, 64);
	ck_assert_uint_eq(frame.flags, FRAME_CSUM);
	ck_assert_uint_eq(frame.csum_start, 38);
	ck_assert_uint_eq(frame.csum_offset, 6);
	ck_assert_ptr_eq(frame.data, record + FRAME_HEADROOM_OWN);
	ck_assert_mem_eq(frame.data, plain, 12);
	ck_assert_mem_eq(frame.data + 12, "\x81\x00\xa0\x05", 4);
	ck_assert_mem_eq(frame.data + 16, plain + 12, sizeof(plain) - 12);
}
END_TEST

START_TEST(a_tag_needs_a_frame_to_be_in)
{
	uint8_t	     record[ITEM_FRAME_HEADER + ITEM_TAG_LEN + 14] = { 0 };
	struct item  item;
	struct frame frame;

	for (size_t len = 13; len <= 14; len++) {
		size_t n = item_put_tagged(record, &(struct frame) { .len = len }, 0x81000001);
		size_t pos = 0;

		ck_assert(item_next(record, n + len, &pos, &item));
		ck_assert(item_to_frame(&item, true, &frame) == (len == 14));
	}
}
END_TEST

START_TEST(a_bad_item_stops_behind_the_good_ones)
{
	uint8_t	    record[] = { 0x10, 0, 1, 0, 0, 0, 'x', 0x70, 2, 2 };
	struct item item;
	size_t	    pos = 0;

	ck_assert(item_next(record, sizeof(record), &pos, &item));
	ck_assert(!item_next(record, sizeof(record), &pos, &item));
	ck_assert_uint_eq(pos, 7);
}
END_TEST

START_TEST(random_bytes_never_lead_outside)
{
	uint64_t seed = 2;

	for (unsigned i = 0; i < 200000; i++) {
		uint8_t	    bytes[64], *p;
		size_t	    len = unit_below(&seed, sizeof(bytes) + 1), pos = 0;
		struct item item;

		for (size_t j = 0; j < len; j++)
			bytes[j] = (uint8_t)unit_below(&seed,
			    unit_below(&seed, 2) == 0 ? 256 : 40);
		p = exact(bytes, len);
		while (item_next(p, len, &pos, &item)) {
			if (item.type == ITEM_ECHO)
				continue;
			ck_assert(item.len > 0 || item.type > ITEM_ECHO);
			ck_assert(item.data > p);
			ck_assert_ptr_eq(item.data + item.len, p + pos);
		}
		ck_assert_uint_le(pos, len);
		free(p);
	}
}
END_TEST

UNIT_MAIN("item", rows_are_judged, truncation_is_refused_at_every_byte,
    what_is_written_is_read, unknown_items_are_passed_over,
    a_tag_is_put_where_frames_have_it, a_tag_needs_a_frame_to_be_in, an_echo_is_padded_with_zeros,
    a_bad_item_stops_behind_the_good_ones, random_bytes_never_lead_outside)
