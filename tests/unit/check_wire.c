/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/wire.h"

#include <string.h>

#include "base/eth.h"
#include "unit.h"

/* One of each, and how they must look. */
static const uint8_t all[] = { 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08,
	0x09, 0x0a, 0x0b, 0x0c, 0x0d, 0x0e, 0x0f, 0x10, 0x11, 0x12, 'a', 'b',
	'c', 0x00, 0x02, 'h', 'i' };

static bool
read_all(const uint8_t *data, size_t len)
{
	struct wire_reader r;
	uint8_t		   bytes[3] = { 0 };
	char		   text[8];

	wire_reader_init(&r, data, len);
	ck_assert_uint_eq(wire_left(&r), len);
	if (wire_get_u8(&r) != 0x01 || wire_get_u16(&r) != 0x0203)
		return false;
	wire_get_bytes(&r, bytes, sizeof(bytes));
	if (wire_read_u24(bytes) != 0x040506 || wire_get_u32(&r) != 0x0708090a ||
	    wire_get_u64(&r) != UINT64_C(0x0b0c0d0e0f101112))
		return false;
	wire_get_bytes(&r, bytes, sizeof(bytes));
	wire_get_string(&r, text, sizeof(text));
	if (!wire_is_ok(&r))
		return false;
	ck_assert_mem_eq(bytes, "abc", 3);
	ck_assert_str_eq(text, "hi");
	return wire_is_done(&r);
}

START_TEST(what_is_written_is_read)
{
	uint8_t		   buf[sizeof(all)];
	struct wire_writer w;

	wire_writer_init(&w, buf, sizeof(buf));
	wire_put_u8(&w, 0x01);
	wire_put_u16(&w, 0x0203);
	wire_put_u24(&w, 0x040506);
	wire_put_u32(&w, 0x0708090a);
	wire_put_u64(&w, UINT64_C(0x0b0c0d0e0f101112));
	wire_put_bytes(&w, "abc", 3);
	wire_put_string(&w, "hi");
	ck_assert(wire_writer_is_ok(&w));
	ck_assert_uint_eq(w.len, sizeof(all));
	ck_assert_mem_eq(buf, all, sizeof(all));
	ck_assert(read_all(buf, w.len));
}
END_TEST

START_TEST(truncation_is_noticed_at_every_byte)
{
	for (size_t n = 0; n < sizeof(all); n++) {
		uint8_t		  *p = malloc(n > 0 ? n : 1);
		uint8_t		   buf[sizeof(all)];
		struct wire_writer w;

		ck_assert_ptr_nonnull(p);
		memcpy(p, all, n);
		ck_assert_msg(!read_all(p, n), "%zu bytes", n);
		free(p);

		/* The same room is too small to write it. */
		memset(buf, 0xee, sizeof(buf));
		wire_writer_init(&w, buf, n);
		wire_put_bytes(&w, all, 21);
		wire_put_string(&w, "hi");
		ck_assert(!wire_writer_is_ok(&w));
		ck_assert_uint_le(w.len, n);
		for (size_t i = n; i < sizeof(buf); i++)
			ck_assert_uint_eq(buf[i], 0xee);
	}
}
END_TEST

START_TEST(a_failure_is_remembered)
{
	static const uint8_t two[] = { 1, 2 };
	struct wire_reader   r;
	struct wire_writer   w;
	uint8_t		     buf[2];

	wire_reader_init(&r, two, sizeof(two));
	ck_assert_uint_eq(wire_get_u32(&r), 0);
	/* Two bytes are there; but the reader has lost its place. */
	ck_assert_uint_eq(wire_get_u8(&r), 0);
	ck_assert_ptr_null(wire_get_view(&r, 1));
	ck_assert_uint_eq(wire_left(&r), 0);
	ck_assert(!wire_is_ok(&r) && !wire_is_done(&r));

	wire_writer_init(&w, buf, sizeof(buf));
	wire_put_u32(&w, 1);
	wire_put_u8(&w, 1);
	ck_assert(!wire_writer_is_ok(&w));
	ck_assert_uint_eq(w.len, 0);
}
END_TEST

START_TEST(what_is_left_over_is_not_done)
{
	struct wire_reader r;

	wire_reader_init(&r, all, 3);
	wire_get_u16(&r);
	ck_assert(wire_is_ok(&r) && !wire_is_done(&r));
	ck_assert_uint_eq(wire_left(&r), 1);
	wire_get_u8(&r);
	ck_assert(wire_is_done(&r));
	/* Of nothing, nothing can be had. */
	ck_assert_ptr_nonnull(wire_get_view(&r, 0));
	ck_assert_ptr_null(wire_get_view(&r, SIZE_MAX));
}
END_TEST

static const struct {
	const char *what;
	uint8_t	    bytes[8];
	size_t	    len;
	const char *text; /* NULL: refused */
} strings[] = {
	{ "the empty string", { 0, 0 }, 2, "" },
	{ "one that just fits", { 0, 3, 'a', 'b', 'c' }, 5, "abc" },
	{ "one too long for its place", { 0, 4, 'a', 'b', 'c', 'd' }, 6, NULL },
	{ "one with a NUL inside", { 0, 3, 'a', 0, 'c' }, 5, NULL },
	{ "one longer than the data", { 0, 3, 'a', 'b' }, 4, NULL },
	{ "half a length", { 0 }, 1, NULL },
	{ "the largest length", { 0xff, 0xff, 'a' }, 3, NULL },
};

START_TEST(strings_are_judged)
{
	for (size_t i = 0; i < nitems(strings); i++) {
		struct wire_reader r;
		char		   text[4];

		wire_reader_init(&r, strings[i].bytes, strings[i].len);
		wire_get_string(&r, text, sizeof(text));
		ck_assert_msg(wire_is_ok(&r) == (strings[i].text != NULL), "%s",
		    strings[i].what);
		ck_assert_str_eq(text,
		    strings[i].text != NULL ? strings[i].text : "");
	}
}
END_TEST

START_TEST(a_string_too_long_for_its_length_is_refused)
{
	struct wire_writer w;
	char		  *text = malloc(UINT16_MAX + 2);
	uint8_t		  *buf = malloc(UINT16_MAX + 10);

	ck_assert(text != NULL && buf != NULL);
	memset(text, 'x', UINT16_MAX + 1);
	text[UINT16_MAX + 1] = '\0';
	wire_writer_init(&w, buf, UINT16_MAX + 10);
	wire_put_string(&w, text);
	ck_assert(!wire_writer_is_ok(&w));

	text[UINT16_MAX] = '\0';
	wire_writer_init(&w, buf, UINT16_MAX + 10);
	wire_put_string(&w, text);
	ck_assert(wire_writer_is_ok(&w));
	ck_assert_uint_eq(w.len, UINT16_MAX + 2);
	free(text);
	free(buf);
}
END_TEST

START_TEST(fields_in_place)
{
	uint8_t buf[8];

	wire_write_u16(buf, 0xfffe);
	ck_assert_uint_eq(wire_read_u16(buf), 0xfffe);
	wire_write_u24(buf, 0xfffefd);
	ck_assert_uint_eq(wire_read_u24(buf), 0xfffefd);
	wire_write_u32(buf, 0xfffefdfc);
	ck_assert_uint_eq(wire_read_u32(buf), 0xfffefdfc);
	wire_write_u64(buf, UINT64_C(0xfffefdfcfbfaf9f8));
	ck_assert_uint_eq(wire_read_u64(buf), UINT64_C(0xfffefdfcfbfaf9f8));
	ck_assert_uint_eq(buf[0], 0xff);
	ck_assert_uint_eq(buf[7], 0xf8);
}
END_TEST

static const struct {
	const char *what;
	uint8_t	    tag[4];
	size_t	    len;
	uint16_t    vlan;
} tags[] = {
	{ "untagged", { 0x08, 0x00, 0x45, 0x00 }, 60, 0 },
	{ "VLAN 5", { 0x81, 0x00, 0x00, 0x05 }, 60, 5 },
	{ "VLAN 4095 with a priority", { 0x81, 0x00, 0xff, 0xff }, 60, 4095 },
	{ "priority only", { 0x81, 0x00, 0xe0, 0x00 }, 60, 0 },
	{ "the outer tag of two", { 0x88, 0xa8, 0x01, 0x00 }, 60, 256 },
	{ "a tag cut off", { 0x81, 0x00, 0x00, 0x05 }, 17, 0 },
	{ "a tag that just fits", { 0x81, 0x00, 0x00, 0x05 }, 18, 5 },
};

START_TEST(vlan_of_a_frame)
{
	for (size_t i = 0; i < nitems(tags); i++) {
		uint8_t frame[60] = { 0 };

		memcpy(frame + 12, tags[i].tag, sizeof(tags[i].tag));
		ck_assert_msg(eth_vlan(frame, tags[i].len) == tags[i].vlan,
		    "%s: %u", tags[i].what, eth_vlan(frame, tags[i].len));
	}
}
END_TEST

static const struct {
	uint8_t mac[6];
	bool	group, zero, link_local;
} macs[] = {
	{ { 0 }, false, true, false },
	{ { 0x02, 0, 0, 0, 0, 1 }, false, false, false },
	{ { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff }, true, false, false },
	{ { 0x33, 0x33, 0, 0, 0, 1 }, true, false, false },
	{ { 0x01, 0x80, 0xc2, 0, 0, 0x00 }, true, false, true },
	{ { 0x01, 0x80, 0xc2, 0, 0, 0x0f }, true, false, true },
	{ { 0x01, 0x80, 0xc2, 0, 0, 0x10 }, true, false, false },
	{ { 0x01, 0x80, 0xc2, 0, 1, 0x00 }, true, false, false },
};

START_TEST(kinds_of_addresses)
{
	for (size_t i = 0; i < nitems(macs); i++) {
		ck_assert_int_eq(eth_is_group(macs[i].mac), macs[i].group);
		ck_assert_int_eq(eth_is_zero(macs[i].mac), macs[i].zero);
		ck_assert_int_eq(eth_is_link_local(macs[i].mac),
		    macs[i].link_local);
	}
}
END_TEST

UNIT_MAIN("wire", what_is_written_is_read, truncation_is_noticed_at_every_byte,
    a_failure_is_remembered, what_is_left_over_is_not_done, strings_are_judged,
    a_string_too_long_for_its_length_is_refused, fields_in_place,
    vlan_of_a_frame, kinds_of_addresses)
