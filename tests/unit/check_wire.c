/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/wire.h"

#include <string.h>

#include "base/eth.h"
#include "unit.h"

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

UNIT_MAIN("wire", fields_in_place, vlan_of_a_frame, kinds_of_addresses)
