/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>

#include "base/wire.h"
#include "datapath/util/flow.h"
#include "datapath/record/lane_header.h"
#include "unit.h"

static size_t
datagram(uint8_t *dst, uint8_t type, uint16_t version, size_t len, size_t extra)
{
	memset(dst, 0, 64 + len + extra);
	lane_header_write(dst, 2, 5, 0xabcdef);
	dst[4] = type;
	wire_write_u16(dst + 5, version);
	wire_write_u16(dst + 7, 1);
	wire_write_u16(dst + 9, 0x0102);
	wire_write_u32(dst + 11, 0x03040506);
	wire_write_u16(dst + 15, (uint16_t)len);
	return 17 + len + extra;
}

static const struct {
	const char *what;
	uint8_t	    type;
	uint16_t    version;
	size_t	    extra;
	int	    result;
} rows[] = {
	{ "data", 23, 0xfefd, 0, 0 },
	{ "data with a byte too many", 23, 0xfefd, 1, -EBADMSG },
	{ "data with a seal's length behind it", 23, 0xfefd, 16, -EBADMSG },
	{ "data of DTLS 1.0", 23, 0xfeff, 0, -EBADMSG },
	{ "a handshake with its seal", 22, 0xfefd, 16, 0 },
	{ "a first hello of DTLS 1.0", 22, 0xfeff, 16, 0 },
	{ "a handshake without a seal", 22, 0xfefd, 0, -EBADMSG },
	{ "a cipher change with its seal", 20, 0xfefd, 16, 0 },
	{ "an alert", 21, 0xfefd, 16, -EBADMSG },
	{ "a heartbeat", 24, 0xfefd, 16, -EBADMSG },
	{ "TLS over TCP", 22, 0x0303, 16, -EBADMSG },
};

START_TEST(only_whole_records_of_ours_are_read)
{
	for (size_t i = 0; i < nitems(rows); i++) {
		uint8_t		   buf[256];
		struct lane_header hdr;
		size_t len = datagram(buf, rows[i].type, rows[i].version, 100,
		    rows[i].extra);

		ck_assert_msg(lane_header_read(&hdr, buf, len) ==
			rows[i].result, "%s", rows[i].what);
		for (size_t n = 0; n < len && rows[i].result == 0; n++)
			ck_assert_int_eq(lane_header_read(&hdr, buf, n),
			    -EBADMSG);
	}
}
END_TEST

START_TEST(the_fields_are_where_they_belong)
{
	uint8_t		   buf[256];
	struct lane_header hdr;
	size_t		   len = datagram(buf, 23, 0xfefd, 100, 0);

	ck_assert_int_eq(lane_header_read(&hdr, buf, len), 0);
	ck_assert_uint_eq(hdr.phase, 2);
	ck_assert_uint_eq(hdr.lane, 5);
	ck_assert_uint_eq(hdr.session, 0xabcdef);
	ck_assert_uint_eq(hdr.epoch, 1);
	ck_assert_uint_eq(hdr.seq, UINT64_C(0x010203040506));
	ck_assert_uint_eq(buf[0], 2 << 6 | 5);
}
END_TEST

START_TEST(a_flow_has_one_hash_and_others_another)
{
	uint8_t	 frame[64] = { 0 }, tagged[68];
	uint32_t hash;

	frame[12] = 0x08;
	frame[14] = 0x45;
	frame[23] = 6;
	frame[34] = 0x13; /* a port */
	frame[46] = 0x50; /* the header's length */
	hash = flow_hash(frame, sizeof(frame), true);
	frame[17] = 99; /* length, id and checksum change on the way */
	frame[19] = 98;
	frame[25] = 97;
	frame[50] = 1; /* payload */
	ck_assert_uint_eq(flow_hash(frame, sizeof(frame), true), hash);
	ck_assert_uint_eq(flow_hash(frame + 14, sizeof(frame) - 14, false),
	    hash);
	memcpy(tagged, frame, 12);
	memcpy(tagged + 12, "\x81\x00\x00\x07", 4);
	memcpy(tagged + 16, frame + 12, sizeof(frame) - 12);
	ck_assert_uint_eq(flow_hash(tagged, sizeof(tagged), true), hash);
	frame[35] = 1;
	ck_assert_uint_ne(flow_hash(frame, sizeof(frame), true), hash);
	for (size_t n = 0; n <= sizeof(tagged); n++) {
		uint8_t *exact = malloc(n > 0 ? n : 1);

		memcpy(exact, tagged, n);
		(void)flow_hash(exact, n, true);
		(void)flow_hash(exact, n, false);
		free(exact);
	}
}
END_TEST

UNIT_MAIN("lane_header", only_whole_records_of_ours_are_read,
    the_fields_are_where_they_belong, a_flow_has_one_hash_and_others_another)
