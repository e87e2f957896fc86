/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "datapath/offload/csum.h"

#include "base/wire.h"
#include "datapath/offload/headers.h"
#include "packets.h"

static struct headers
headers_of(const struct packet *packet, const struct packet_spec *s)
{
	struct headers h;

	ck_assert(headers_read(&h, packet->bytes, packet->frame.len, !s->bare));
	return h;
}

/* RFC 1071, section 3. */
START_TEST(sum_is_as_the_rfc_has_it)
{
	static const uint8_t data[] = { 0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5,
		0xf6, 0xf7 };

	ck_assert_uint_eq(csum_sum(data, sizeof(data)), 0xddf2);
	ck_assert_uint_eq(csum_sum(data, 0), 0);
	ck_assert_uint_eq(csum_sum(data + 2, 1), 0xf200);
	ck_assert_uint_eq(csum_sum(data + 2, 3), 0xf203 + 0xf400 - 0xffff);
}
END_TEST

START_TEST(sum_agrees_with_the_plain_one)
{
	static uint8_t block[PACKETS_MAX];
	uint64_t       seed = 1;

	for (unsigned n = 0; n < 20000; n++) {
		size_t	 align = unit_below(&seed, 16);
		size_t	 len = unit_below(&seed,
			 n % 64 == 0 ? sizeof(block) - 16 : 200);
		uint8_t *p = block + align;

		for (size_t i = 0; i < len; i++)
			p[i] = (uint8_t)unit_random(&seed);
		ck_assert_msg(csum_sum(p, len) == packet_sum(0, p, len),
		    "%zu bytes at %zu", len, align);
	}
}
END_TEST

/* Carries upon carries, and the two zeros of the one's complement. */
START_TEST(sum_of_the_same_byte)
{
	static const uint8_t bytes[] = { 0x00, 0x01, 0x7f, 0x80, 0xfe, 0xff };
	static uint8_t	     block[PACKETS_MAX];

	for (size_t i = 0; i < nitems(bytes); i++) {
		memset(block, bytes[i], sizeof(block));
		for (size_t len = 0; len < sizeof(block);
		    len += len < 300 ? 1 : 4099)
			ck_assert_msg(csum_sum(block, len) ==
				packet_sum(0, block, len),
			    "%zu bytes of %u", len, bytes[i]);
	}
}
END_TEST

START_TEST(sum_reads_nothing_behind_its_end)
{
	for (size_t len = 0; len < 70; len++) {
		uint8_t *exact = malloc(len > 0 ? len : 1);

		memset(exact, 0x3c, len);
		ck_assert_uint_eq(csum_sum(exact, len),
		    packet_sum(0, exact, len));
		free(exact);
	}
}
END_TEST

START_TEST(fold_brings_the_carries_in)
{
	ck_assert_uint_eq(csum_fold(0), 0);
	ck_assert_uint_eq(csum_fold(0xffff), 0xffff);
	ck_assert_uint_eq(csum_fold(0x10000), 1);
	ck_assert_uint_eq(csum_fold(0x1ffff), 1);
	ck_assert_uint_eq(csum_fold(0xfffe0001), 0xffff);
	ck_assert_uint_eq(csum_fold(0xffffffff), 0xffff);
}
END_TEST

/* A word anywhere that the checksum covers, to anything. */
START_TEST(update_is_what_a_new_sum_would_be)
{
	uint64_t seed = 2;

	for (unsigned n = 0; n < 50000; n++) {
		uint8_t	 data[64], field[2];
		size_t	 at = unit_below(&seed, sizeof(data) - 1);
		uint16_t was, is = (uint16_t)unit_random(&seed);

		for (size_t i = 0; i < sizeof(data); i++)
			data[i] = (uint8_t)unit_random(&seed);
		if (n % 16 == 0)
			is = n % 32 == 0 ? 0 : 0xffff;
		wire_write_u16(field,
		    (uint16_t)~packet_sum(0, data, sizeof(data)));
		was = wire_read_u16(data + at);
		wire_write_u16(data + at, is);
		/* At an odd place it stands across two words. */
		if (at % 2 != 0) {
			was = (uint16_t)(was << 8 | was >> 8);
			is = (uint16_t)(is << 8 | is >> 8);
		}
		csum_update(field, was, is);
		ck_assert_msg(packet_sum(wire_read_u16(field), data,
				  sizeof(data)) == 0xffff,
		    "%u at %zu to %u", was, at, is);
	}
}
END_TEST

START_TEST(completed_is_right_and_everything_else_is_wrong)
{
	static struct packet partial, whole;
	uint64_t	     seed = 3;

	for (unsigned n = 0; n < 3000; n++) {
		struct packet_spec s = packet_random(&seed);
		struct headers	   h;
		size_t		   at;
		uint8_t		   bit = (uint8_t)(1u << unit_below(&seed, 8));

		s.ip_options = 8 * unit_below(&seed, 3);
		s.len = unit_below(&seed, 1500);
		packet_make(&whole, &s);
		s.partial = true;
		packet_make(&partial, &s);
		h = headers_of(&whole, &s);

		ck_assert(csum_is_right(&h, whole.bytes, whole.frame.len));
		csum_complete(partial.bytes, partial.frame.len,
		    partial.frame.csum_start, partial.frame.csum_offset);
		ck_assert_mem_eq(partial.bytes, whole.bytes, whole.frame.len);
		ck_assert_uint_eq(csum_fold(csum_pseudo(&h, whole.bytes) +
				      (uint32_t)(whole.frame.len - whole.l4)),
		    packet_pseudo(whole.bytes + whole.l3, s.protocol,
			whole.frame.len - whole.l4));

		/* A bit of the segment, or of the addresses. */
		at = whole.l4 + unit_below(&seed, whole.frame.len - whole.l4);
		if (n % 4 == 0)
			at = whole.l3 + (s.version == 4 ? 12 : 8) +
			    unit_below(&seed, s.version == 4 ? 8 : 32);
		whole.bytes[at] ^= bit;
		ck_assert_msg(!csum_is_right(&h, whole.bytes, whole.frame.len),
		    "bit %u at %zu", bit, at);
	}
}
END_TEST

/* Zero would mean "none" in UDP. */
START_TEST(sum_of_zero_is_written_as_all_ones)
{
	static struct packet packet;
	struct packet_spec   s = packet_tcp4;
	uint8_t		     payload[2] = { 0 };
	struct headers	     h;

	s.protocol = PACKETS_UDP;
	s.payload = payload;
	s.len = sizeof(payload);
	packet_make(&packet, &s);
	memcpy(payload, packet.bytes + packet.l4 + 6, 2);
	packet_make(&packet, &s);
	ck_assert_uint_eq(wire_read_u16(packet.bytes + packet.l4 + 6), 0xffff);
	h = headers_of(&packet, &s);
	ck_assert(csum_is_right(&h, packet.bytes, packet.frame.len));

	s.partial = true;
	packet_make(&packet, &s);
	csum_complete(packet.bytes, packet.frame.len, packet.l4, 6);
	ck_assert_uint_eq(wire_read_u16(packet.bytes + packet.l4 + 6), 0xffff);
}
END_TEST

UNIT_MAIN("csum", sum_is_as_the_rfc_has_it, sum_agrees_with_the_plain_one,
    sum_of_the_same_byte, sum_reads_nothing_behind_its_end,
    fold_brings_the_carries_in, update_is_what_a_new_sum_would_be,
    completed_is_right_and_everything_else_is_wrong,
    sum_of_zero_is_written_as_all_ones)
