/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Superframes cut by split.c, and by a reference that makes each piece anew
 * from the description: they must agree in every byte.
 */
#include "datapath/offload/split.h"

#include "allocs.h"
#include "packets.h"

#define AMPLE 65535

/* What split.c gave, its checksum completed the plain way; a copy. */
struct piece {
	uint8_t bytes[PACKETS_MAX];
	size_t	len;
};

static struct packet super, expected;

static void
copy_completed(struct piece *piece, const struct frame *frame,
    const struct packet *of, uint8_t protocol)
{
	ck_assert_uint_eq(frame->flags, FRAME_CSUM);
	ck_assert_uint_eq(frame->gso, FRAME_WHOLE);
	ck_assert_uint_eq(frame->csum_start, of->l4);
	ck_assert_uint_eq(frame->csum_offset, packet_checksum_offset(protocol));
	memcpy(piece->bytes, frame->data, frame->len);
	piece->len = frame->len;
	/* As the receiver does it: over what the field has. */
	packet_put(piece->bytes + of->l4 + frame->csum_offset,
	    (uint16_t)~packet_sum(0, piece->bytes + of->l4,
		frame->len - of->l4),
	    2);
	if (packet_get(piece->bytes + of->l4 + frame->csum_offset, 2) == 0)
		packet_put(piece->bytes + of->l4 + frame->csum_offset, 0xffff,
		    2);
}

/* Piece `n` of what `s` describes, with a checksum that is complete. */
static void
make_expected(const struct packet_spec *s, unsigned n, size_t size)
{
	struct packet_spec one = *s;
	size_t		   pos = n * size;
	bool		   last = pos + size >= s->len;

	one.payload = s->payload + pos;
	one.len = last ? s->len - pos : size;
	one.seq += (uint32_t)pos;
	one.id = (uint16_t)(one.id + n);
	if (!last)
		one.flags &= (uint8_t)~(PACKETS_FIN | PACKETS_PSH);
	if (n > 0)
		one.flags &= (uint8_t)~PACKETS_CWR;
	one.partial = false;
	packet_make(&expected, &one);
}

/* Whoever gets a piece may write into its headroom. */
static void
spoil_headroom(const struct frame *frame)
{
	memset(frame->data - FRAME_HEADROOM, 0x55, FRAME_HEADROOM);
}

static void
cut_and_compare(const char *what, const struct packet_spec *s, uint16_t size,
    size_t room)
{
	static struct piece piece;
	struct packet	   *before = malloc(sizeof(*before));
	struct split	    split;
	struct frame	    frame;
	size_t		    payload = size, at, bytes, sum = 0;
	unsigned	    n = 0, want, count;

	packet_make_super(&super, s, size);
	memcpy(before, &super, sizeof(super));
	if (s->protocol == PACKETS_TCP && room - super.data < size)
		payload = room - super.data;
	want = (unsigned)((s->len + payload - 1) / payload);
	count = split_count(&super.frame, !s->bare, &bytes);
	ck_assert_msg(ALLOCS_NONE(split_begin(&split, &super.frame, !s->bare,
			  room)),
	    "%s", what);
	while (ALLOCS_NONE(split_next(&split, &frame))) {
		ck_assert_msg(n < want, "%s: more than %u", what, want);
		copy_completed(&piece, &frame, &super, s->protocol);
		make_expected(s, n, payload);
		ck_assert_msg(piece.len == expected.frame.len,
		    "%s: piece %u of %zu bytes", what, n, piece.len);
		at = packet_differs(piece.bytes, expected.bytes, piece.len);
		ck_assert_msg(at == piece.len,
		    "%s: piece %u, byte %zu: %02x, not %02x", what, n, at,
		    piece.bytes[at], expected.bytes[at]);
		if (s->protocol == PACKETS_TCP)
			ck_assert_msg(frame.len <= room, "%s: piece %u of %zu",
			    what, n, frame.len);
		spoil_headroom(&frame);
		sum += frame.len;
		n++;
	}
	ck_assert_msg(n == want, "%s: %u pieces", what, n);
	/* By its own size, whatever the path makes of it. */
	if (payload == size)
		ck_assert_msg(count == n && bytes == sum, "%s: counted as %u, "
		    "of %zu bytes", what, count, bytes);
	ck_assert(!split_next(&split, &frame));
	/* Whole, with what was in front of it. */
	ck_assert_msg(memcmp(super.headroom, before->headroom,
			  FRAME_HEADROOM) == 0,
	    "%s: headroom", what);
	ck_assert_msg(memcmp(super.bytes, before->bytes, super.frame.len) == 0,
	    "%s", what);
	free(before);
}

/* Twice: for the first site, and the second. */
static void
cut_twice(const struct packet_spec *s, size_t room)
{
	static struct piece first[4], second;
	struct split	    split;
	struct frame	    frame;
	unsigned	    n[2] = { 0 };

	for (unsigned turn = 0; turn < 2; turn++) {
		ck_assert(split_begin(&split, &super.frame, !s->bare, room));
		for (; split_next(&split, &frame); n[turn]++) {
			struct piece *to = turn == 0 ? &first[n[0] & 3] :
						       &second;

			copy_completed(to, &frame, &super, s->protocol);
			spoil_headroom(&frame);
			if (turn == 0 || n[1] + 4 < n[0])
				continue;
			/* The last four. */
			ck_assert_uint_eq(second.len, first[n[1] & 3].len);
			ck_assert_mem_eq(second.bytes, first[n[1] & 3].bytes,
			    second.len);
		}
	}
	ck_assert_uint_eq(n[0], n[1]);
}

/* ------------------------------------------------------------- what is */

#define TCP .protocol = PACKETS_TCP, .flags = PACKETS_ACK
#define UDP .protocol = PACKETS_UDP

static const struct {
	const char	  *what;
	struct packet_spec s;
	uint16_t	   size;
	size_t		   room;
} rows[] = {
	{ "TCP over IPv4", { .version = 4, TCP, .len = 3000 }, 1000, AMPLE },
	{ "TCP over IPv6", { .version = 6, TCP, .len = 3000 }, 1000, AMPLE },
	{ "UDP over IPv4", { .version = 4, UDP, .len = 3000 }, 1000, AMPLE },
	{ "UDP over IPv6", { .version = 6, UDP, .len = 3000 }, 1000, AMPLE },
	{ "without Ethernet", { .bare = true, .version = 4, TCP, .len = 3000 },
	    1000, AMPLE },
	{ "UDP without Ethernet",
	    { .bare = true, .version = 6, UDP, .len = 3000 }, 1000, AMPLE },
	{ "a shorter last piece", { .version = 4, TCP, .len = 2001 }, 1000,
	    AMPLE },
	{ "one piece", { .version = 4, TCP, .len = 10 }, 1000, AMPLE },
	{ "one piece of just its size", { .version = 4, UDP, .len = 1000 },
	    1000, AMPLE },
	{ "payloads of one byte", { .version = 4, TCP, .len = 300 }, 1, AMPLE },
	{ "payloads of one byte, the longest headers",
	    { .tags = 4, .version = 6, TCP, .ip_options = 126 / 8 * 8,
		.tcp_options = 40, .len = 300 },
	    1, AMPLE },
	{ "datagrams of one byte", { .version = 6, UDP, .len = 100 }, 1,
	    AMPLE },
	{ "datagrams shorter than the headroom",
	    { .bare = true, .version = 4, UDP, .len = 100 }, 5, AMPLE },
	{ "a tag", { .tags = 1, .vlan = 7, .version = 4, TCP, .len = 5000 },
	    1460, AMPLE },
	{ "QinQ", { .tags = 2, .vlan = 7, .version = 6, UDP, .len = 5000 },
	    1200, AMPLE },
	{ "IPv4 options",
	    { .version = 4, TCP, .ip_options = 40, .len = 5000 }, 1400, AMPLE },
	{ "UDP and IPv4 options",
	    { .version = 4, UDP, .ip_options = 4, .len = 5000 }, 1400, AMPLE },
	{ "IPv6 extension headers",
	    { .version = 6, TCP, .ip_options = 64, .len = 5000 }, 1300, AMPLE },
	{ "TCP options", { .version = 4, TCP, .tcp_options = 12, .len = 9000 },
	    1448, AMPLE },
	{ "all the TCP options there can be",
	    { .version = 6, TCP, .tcp_options = 40, .len = 9000 }, 1400,
	    AMPLE },
	{ "the largest of all",
	    { .version = 4, .tags = 1, TCP, .len = 65495, .id = 0xfff0 }, 1448,
	    AMPLE },
	{ "the largest over UDP", { .version = 4, UDP, .len = 65507 }, 1472,
	    AMPLE },
	{ "FIN, PSH and CWR",
	    { .version = 4, .protocol = 6, .flags = 0xff, .len = 4000 }, 1000,
	    AMPLE },
	{ "FIN, PSH and CWR of one piece",
	    { .version = 4, .protocol = 6, .flags = 0xff, .len = 4 }, 1000,
	    AMPLE },
	{ "the bits in front of the flags",
	    { .version = 4, .protocol = 6, .flags = 0x10, .reserved = 0xf,
		.len = 4000 },
	    1000, AMPLE },
	{ "ids and sequence numbers that wrap",
	    { .version = 4, TCP, .id = 0xfffe, .seq = 0xfffffff0, .len = 900 },
	    100, AMPLE },
	{ "less room than its size", { .version = 4, TCP, .len = 9000 }, 1460,
	    1300 },
	{ "less room, IPv6 and options",
	    { .version = 6, TCP, .tcp_options = 12, .len = 9000 }, 8900, 1280 },
	{ "room for just its size", { .version = 4, TCP, .len = 5000 }, 1000,
	    1054 },
	{ "for a byte less", { .version = 4, TCP, .len = 5000 }, 1000, 1053 },
	{ "room for a byte", { .version = 4, TCP, .len = 50 }, 1000, 55 },
	{ "datagrams that are larger than the room",
	    { .version = 4, UDP, .len = 5000 }, 1400, 100 },
};

START_TEST(pieces_are_as_if_they_were_made_one_by_one)
{
	for (size_t i = 0; i < nitems(rows); i++) {
		struct packet_spec s = rows[i].s;

		s.payload = packet_noise();
		s.ttl = 64;
		s.window = 1000;
		s.df = i % 2 == 0;
		s.ip_option = 1; /* no operation */
		cut_and_compare(rows[i].what, &s, rows[i].size, rows[i].room);
		cut_twice(&s, rows[i].room);
	}
}
END_TEST

START_TEST(random_pieces_are_as_if_they_were_made_one_by_one)
{
	uint64_t seed = 5;

	for (unsigned n = 0; n < 2000; n++) {
		struct packet_spec s = packet_random(&seed);
		uint16_t size = (uint16_t)(1 + unit_below(&seed, 1500));
		size_t	 headers = 14u + 4 * s.tags + 40 + 32 + 60;
		char	 what[32];

		s.ip_options = 8 * unit_below(&seed, 5);
		s.flags = (uint8_t)unit_random(&seed);
		s.reserved = (uint8_t)unit_below(&seed, 16);
		/* Not a thousand times a thousand pieces. */
		if (s.len / size > 200)
			s.len = 200u * size;
		snprintf(what, sizeof(what), "round %u", n);
		cut_and_compare(what, &s, size,
		    headers + 1 + unit_below(&seed, 3000));
	}
}
END_TEST

START_TEST(stopped_in_the_middle_it_is_whole_after_the_end)
{
	struct packet_spec s = packet_tcp4;
	struct packet	  *before = malloc(sizeof(*before));
	struct split	   split;
	struct frame	   frame;
	unsigned	   n = 0;

	s.payload = packet_noise();
	s.len = 5000;
	packet_make_super(&super, &s, 700);
	memcpy(before, &super, sizeof(super));
	ck_assert(split_begin(&split, &super.frame, true, AMPLE));
	while (split_next(&split, &frame)) {
		/* What is not cut yet is as it was: nothing is shifted. */
		ck_assert_mem_eq(super.bytes + super.data + 700 * n,
		    before->bytes + super.data + 700 * n,
		    super.frame.len - super.data - 700 * n);
		n++;
	}
	ck_assert_uint_eq(n, 8);
	free(before);
}
END_TEST

/* A checksum that is no partial one says nothing about where it is. */
START_TEST(checksum_need_not_be_partial)
{
	struct packet_spec s = packet_tcp4;
	struct split	   split;
	struct frame	   frame;

	s.payload = packet_noise();
	packet_make_super(&super, &s, 100);
	super.frame.flags = 0;
	super.frame.csum_start = 0;
	ck_assert(split_begin(&split, &super.frame, true, AMPLE));
	ck_assert(split_next(&split, &frame));
	ck_assert_uint_eq(frame.flags, FRAME_CSUM);
	ck_assert_uint_eq(frame.csum_start, super.l4);
}
END_TEST

/* --------------------------------------------------------- what is not */

#define REFUSALS(X)                                                            \
	X(zero_size, "no size", 14, super.frame.gso_size = 0)                  \
	X(whole, "no superframe at all", 14, super.frame.gso = FRAME_WHOLE)    \
	X(other_kind, "a kind that there is not", 14, super.frame.gso = 9)     \
	X(tcp6, "TCP over IPv6, which it is not", 14,                          \
	    super.frame.gso = FRAME_TCP6)                                      \
	X(udp, "UDP, which it is not", 14, super.frame.gso = FRAME_UDP)        \
	X(not_ip, "no IP", 14, super.bytes[12] = 0)                            \
	X(protocol, "another protocol", 14, super.bytes[23] = 1)               \
	X(fragment, "a fragment", 14, super.bytes[20] = 0x20)                  \
	X(start, "a checksum of something else", 14, super.frame.csum_start++) \
	X(headers_only, "nothing but headers", 14,                             \
	    super.frame.len = super.data)                                      \
	X(cut_tcp, "not all of the TCP header", 14,                            \
	    super.frame.len = super.data - 1)                                  \
	X(cut_ip, "not all of the IP header", 14,                              \
	    super.frame.len = super.l4 - 1)                                    \
	X(empty, "nothing", 14, super.frame.len = 0)                           \
	X(doff, "a TCP header that is too short", 14,                          \
	    super.bytes[super.l4 + 12] = 0x40)                                 \
	X(ihl, "an IP header that is too short", 14, super.bytes[14] = 0x44)   \
	X(no_ethernet, "Ethernet taken for IP", 0, (void)0)

#define REFUSAL_FUNCTION(name, what, header, code)                             \
	static void refusal_##name(void)                                       \
	{                                                                      \
		code;                                                          \
	}
#define REFUSAL_ROW(name, what, header, code)                                  \
	{ what, header != 0, refusal_##name },

REFUSALS(REFUSAL_FUNCTION)

static const struct {
	const char *what;
	bool	    ethernet;
	void (*make)(void);
} refusals[] = { REFUSALS(REFUSAL_ROW) };

START_TEST(what_is_not_as_its_kind_says_is_refused)
{
	struct packet_spec s = packet_tcp4;
	struct split	   split;

	s.payload = packet_noise();
	for (size_t i = 0; i < nitems(refusals); i++) {
		struct packet *before = malloc(sizeof(*before));

		packet_make_super(&super, &s, 100);
		refusals[i].make();
		memcpy(before, &super, sizeof(super));
		ck_assert_msg(!split_begin(&split, &super.frame,
				  refusals[i].ethernet, AMPLE),
		    "%s", refusals[i].what);
		ck_assert_mem_eq(&super, before, sizeof(super));
		free(before);
	}
}
END_TEST

START_TEST(every_kind_is_only_what_it_says)
{
	struct packet_spec s = packet_tcp4;
	struct split	   split;

	s.payload = packet_noise();
	for (unsigned i = 0; i < 4; i++) {
		s.version = i < 2 ? 4 : 6;
		s.protocol = i % 2 == 0 ? PACKETS_TCP : PACKETS_UDP;
		for (uint8_t kind = FRAME_WHOLE; kind <= FRAME_UDP + 1; kind++) {
			uint8_t is;

			packet_make_super(&super, &s, 100);
			is = super.frame.gso;
			super.frame.gso = kind;
			ck_assert_msg(split_begin(&split, &super.frame, true,
					  AMPLE) == (kind == is),
			    "%u, which is %u", kind, is);
		}
	}
}
END_TEST

START_TEST(no_room_is_refused_but_to_udp)
{
	struct packet_spec s = packet_tcp4;
	struct split	   split;

	s.payload = packet_noise();
	packet_make_super(&super, &s, 100);
	for (size_t room = 0; room <= 54; room++)
		ck_assert(!split_begin(&split, &super.frame, true, room));
	ck_assert(split_begin(&split, &super.frame, true, 55));
	s.protocol = PACKETS_UDP;
	packet_make_super(&super, &s, 100);
	ck_assert(split_begin(&split, &super.frame, true, 0));
}
END_TEST

/* TCP is cut to the room there is; a datagram stays, but for an impossible one. */
START_TEST(datagrams_longer_than_a_frame_are_refused)
{
	struct packet_spec s = packet_tcp4;
	struct split	   split;

	s.payload = packet_noise();
	s.len = 65507;
	s.protocol = PACKETS_UDP;
	for (s.tags = 0; s.tags < 3; s.tags++) {
		size_t most;

		packet_make_super(&super, &s, 1);
		most = FRAME_MAX_LEN - super.data;
		for (size_t size = most - 1; size <= 65535; size++) {
			super.frame.gso_size = (uint16_t)size;
			ck_assert_msg(split_begin(&split, &super.frame, true,
					  FRAME_MAX_LEN) == (size <= most),
			    "%u tags, %zu bytes", s.tags, size);
		}
		cut_and_compare("just a frame", &s, (uint16_t)most, AMPLE);
	}
}
END_TEST

START_TEST(headers_up_to_the_limit_are_taken)
{
	struct packet_spec s = packet_tcp4;
	struct split	   split;

	s.bare = true;
	s.version = 6;
	s.payload = packet_noise();
	s.tcp_options = 36;
	for (s.ip_options = 0; s.ip_options < 400; s.ip_options += 8) {
		packet_make_super(&super, &s, 100);
		ck_assert_msg(split_begin(&split, &super.frame, false, AMPLE) ==
			(super.data <= SPLIT_MAX_HEADERS),
		    "%zu bytes", super.data);
	}
	s.ip_options = SPLIT_MAX_HEADERS - 40 - 20 - 36;
	s.len = 2000;
	cut_and_compare("just the limit", &s, 3, AMPLE);
	ck_assert_uint_eq(super.data, SPLIT_MAX_HEADERS);
}
END_TEST

UNIT_MAIN("split", pieces_are_as_if_they_were_made_one_by_one,
    random_pieces_are_as_if_they_were_made_one_by_one,
    stopped_in_the_middle_it_is_whole_after_the_end,
    checksum_need_not_be_partial, what_is_not_as_its_kind_says_is_refused,
    every_kind_is_only_what_it_says, no_room_is_refused_but_to_udp,
    datagrams_longer_than_a_frame_are_refused, headers_up_to_the_limit_are_taken)
