/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "datapath/offload/headers.h"

#include "packets.h"

/* In a block of just its size: ASan sees whoever looks behind it. */
static bool
read_exactly(struct headers *h, const uint8_t *data, size_t len, bool ethernet)
{
	uint8_t *exact = malloc(len > 0 ? len : 1);
	bool	 ok;

	memset(h, 0xa5, sizeof(*h));
	memcpy(exact, data, len);
	ok = headers_read(h, len > 0 ? exact : exact + 1, len, ethernet);
	free(exact);
	return ok;
}

/* ------------------------------------------------------- what is plain */

static const struct {
	const char	  *what;
	struct packet_spec s;
	size_t		   l3, l4, data;
} shapes[] = {
	{ "TCP over IPv4", { .version = 4, .protocol = 6 }, 14, 34, 54 },
	{ "UDP over IPv4", { .version = 4, .protocol = 17 }, 14, 34, 42 },
	{ "TCP over IPv6", { .version = 6, .protocol = 6 }, 14, 54, 74 },
	{ "UDP over IPv6", { .version = 6, .protocol = 17 }, 14, 54, 62 },
	{ "without Ethernet", { .bare = true, .version = 4, .protocol = 6 }, 0,
	    20, 40 },
	{ "without Ethernet, IPv6",
	    { .bare = true, .version = 6, .protocol = 17 }, 0, 40, 48 },
	{ "a tag", { .tags = 1, .version = 4, .protocol = 6 }, 18, 38, 58 },
	{ "QinQ", { .tags = 2, .version = 6, .protocol = 6 }, 22, 62, 82 },
	{ "four tags", { .tags = 4, .version = 4, .protocol = 6 }, 30, 50, 70 },
	{ "IPv4 options",
	    { .version = 4, .protocol = 6, .ip_options = 4 }, 14, 38, 58 },
	{ "all the IPv4 options there can be",
	    { .version = 4, .protocol = 17, .ip_options = 40 }, 14, 74, 82 },
	{ "an IPv6 extension header",
	    { .version = 6, .protocol = 6, .ip_options = 8 }, 14, 62, 82 },
	{ "a long IPv6 extension header",
	    { .version = 6, .protocol = 17, .ip_options = 256 }, 14, 310,
	    318 },
	{ "TCP options", { .version = 4, .protocol = 6, .tcp_options = 12 }, 14,
	    34, 66 },
	{ "all of it",
	    { .tags = 2, .version = 6, .protocol = 6, .ip_options = 64,
		.tcp_options = 40 },
	    22, 126, 186 },
};

START_TEST(headers_stand_where_they_were_put)
{
	static struct packet packet;

	for (size_t i = 0; i < nitems(shapes); i++) {
		struct packet_spec s = shapes[i].s;
		struct headers	   h;

		s.payload = packet_noise();
		s.len = 100;
		packet_make(&packet, &s);
		ck_assert_uint_eq(packet.data, shapes[i].data);
		ck_assert_msg(read_exactly(&h, packet.bytes, packet.frame.len,
				  !s.bare),
		    "%s", shapes[i].what);
		ck_assert_msg(h.version == s.version && !h.fragment &&
			h.protocol == s.protocol && h.l3 == shapes[i].l3 &&
			h.l4 == shapes[i].l4 && h.payload == shapes[i].data,
		    "%s: %u at %u, %u, %u", shapes[i].what, h.protocol, h.l3,
		    h.l4, h.payload);
	}
}
END_TEST

/* No IP packet up to the end of its header; no protocol up to that one's. */
START_TEST(truncation_is_seen_at_every_length)
{
	static struct packet packet;

	for (size_t i = 0; i < nitems(shapes); i++) {
		struct packet_spec s = shapes[i].s;

		s.payload = packet_noise();
		s.len = 3;
		packet_make(&packet, &s);
		for (size_t len = 0; len <= packet.frame.len; len++) {
			struct headers h;
			bool ok = read_exactly(&h, packet.bytes, len, !s.bare);

			ck_assert_msg(ok == (len >= packet.l4),
			    "%s: %zu bytes", shapes[i].what, len);
			if (!ok)
				continue;
			ck_assert_uint_eq(h.l3, packet.l3);
			ck_assert_uint_eq(h.l4, packet.l4);
			ck_assert_msg((h.protocol != 0) ==
				(len >= packet.data),
			    "%s: %zu bytes", shapes[i].what, len);
		}
	}
}
END_TEST

/* ----------------------------------------------------------- what is not */

/* A byte of a packet is another one. */
static const struct {
	const char *what;
	unsigned    version, protocol, at;
	uint8_t	    value;
	bool	    ip, fragment, transport;
} changes[] = {
	{ "nothing is changed", 4, 6, 12, 0x08, true, false, true },
	{ "ARP", 4, 6, 13, 0x06, false, false, false },
	{ "no Ethernet type but a length", 4, 6, 12, 0x01, false, false,
	    false },
	{ "neither IPv4 nor IPv6", 4, 6, 14, 0x55, false, false, false },
	{ "an IPv4 header of 16 bytes", 4, 6, 14, 0x44, false, false, false },
	{ "of none", 4, 6, 14, 0x40, false, false, false },
	{ "IPv6 by its first byte, but not by its type", 4, 6, 14, 0x60, false,
	    false, false },
	{ "IPv4 by its first byte, but not by its type", 6, 6, 14, 0x45, false,
	    false, false },
	{ "the first fragment", 4, 6, 20, 0x20, true, true, false },
	{ "a later fragment", 4, 6, 21, 0x01, true, true, false },
	{ "a far one", 4, 6, 20, 0x10, true, true, false },
	{ "do not fragment", 4, 6, 20, 0x40, true, false, true },
	{ "the reserved bit", 4, 6, 20, 0x80, true, false, true },
	{ "ICMP", 4, 6, 23, 1, true, false, false },
	{ "IPv6 in IPv4", 4, 6, 23, 41, true, false, false },
	{ "a TCP header of 16 bytes", 4, 6, 46, 0x40, true, false, false },
	{ "a TCP header longer than the packet", 4, 6, 46, 0xf0, true, false,
	    false },
	{ "ICMPv6", 6, 6, 20, 58, true, false, false },
	{ "no next header", 6, 6, 20, 59, true, false, false },
	{ "AH, which we do not look into", 6, 6, 20, 51, true, false, false },
	{ "an IPv6 fragment", 6, 6, 20, 44, true, true, false },
	/* 40000 % 256: a length of 65 times 8 bytes, which are not there. */
	{ "an extension header longer than the packet", 6, 6, 20, 60, false,
	    false, false },
};

START_TEST(what_is_changed_is_seen)
{
	static struct packet packet;

	for (size_t i = 0; i < nitems(changes); i++) {
		struct packet_spec s = packet_tcp4;
		struct headers	   h;
		bool		   ok;

		s.version = changes[i].version;
		s.protocol = (uint8_t)changes[i].protocol;
		s.payload = packet_noise();
		s.len = 20;
		packet_make(&packet, &s);
		packet.bytes[changes[i].at] = changes[i].value;
		ok = read_exactly(&h, packet.bytes, packet.frame.len, true);
		ck_assert_msg(ok == changes[i].ip, "%s", changes[i].what);
		if (!ok)
			continue;
		ck_assert_msg(h.fragment == changes[i].fragment, "%s",
		    changes[i].what);
		ck_assert_msg((h.protocol != 0) == changes[i].transport, "%s",
		    changes[i].what);
		ck_assert_uint_eq(h.l4, packet.l4);
	}
}
END_TEST

/* `n` headers of 8 bytes in front of UDP; one may be that of a fragment. */
static bool
read_chain(struct headers *h, const uint8_t *kinds, size_t n)
{
	uint8_t p[40 + 16 * 8 + 8] = { 0x60 };
	uint8_t *next = &p[6], *at = p + 40;

	for (size_t i = 0; i < n; i++) {
		*next = kinds[i];
		next = at;
		at += 8;
	}
	*next = 17;
	at += 8;
	return read_exactly(h, p, (size_t)(at - p), false);
}

START_TEST(chains_of_extension_headers)
{
	static const uint8_t in_order[] = { 0, 60, 43, 60 };
	static const uint8_t first[] = { 44 }, behind[] = { 0, 43, 44, 60 };
	static const uint8_t many[16];
	struct headers	     h;

	ck_assert(read_chain(&h, in_order, nitems(in_order)));
	ck_assert_uint_eq(h.protocol, 17);
	ck_assert_uint_eq(h.l4, 40 + 32);
	ck_assert(read_chain(&h, first, nitems(first)));
	ck_assert(h.fragment && h.protocol == 0);
	ck_assert(read_chain(&h, behind, nitems(behind)));
	ck_assert(h.fragment && h.protocol == 0);
	ck_assert_uint_eq(h.l4, 40 + 16);
	for (size_t n = 0; n <= nitems(many); n++) {
		/* Nobody sends more than a few: then it is no TCP or UDP. */
		ck_assert(read_chain(&h, many, n));
		ck_assert_msg((h.protocol == 17) == (n <= 8), "%zu", n);
	}
}
END_TEST

START_TEST(five_tags_are_too_many)
{
	static struct packet packet;
	struct packet_spec   s = packet_tcp4;
	struct headers	     h;

	s.payload = packet_noise();
	s.tags = 5;
	packet_make(&packet, &s);
	ck_assert(!read_exactly(&h, packet.bytes, packet.frame.len, true));
}
END_TEST

/* Whatever it is, what it says lies within it, in that order. */
START_TEST(noise_is_read_within_its_bounds)
{
	static struct packet packet;
	uint64_t	     seed = 11;

	for (unsigned n = 0; n < 200000; n++) {
		struct packet_spec s = packet_random(&seed);
		struct headers	   h;
		size_t		   len;

		s.len = unit_below(&seed, 40);
		s.ip_options = 8 * unit_below(&seed, 5);
		packet_make(&packet, &s);
		len = unit_below(&seed, packet.frame.len + 1);
		for (uint64_t k = unit_below(&seed, 4); k > 0; k--)
			packet.bytes[unit_below(&seed, packet.frame.len)] =
			    (uint8_t)unit_random(&seed);
		if (!read_exactly(&h, packet.bytes, len, !s.bare))
			continue;
		ck_assert(h.version == 4 || h.version == 6);
		ck_assert_uint_ge(h.l4, h.l3 + (h.version == 4 ? 20 : 40));
		ck_assert_uint_le(h.l4, len);
		if (h.protocol == 0)
			continue;
		ck_assert(!h.fragment);
		ck_assert_uint_ge(h.payload, h.l4 +
			(h.protocol == HEADERS_TCP ? 20 : 8));
		ck_assert_uint_le(h.payload, len);
	}
}
END_TEST

UNIT_MAIN("headers", headers_stand_where_they_were_put,
    truncation_is_seen_at_every_length, what_is_changed_is_seen,
    chains_of_extension_headers, five_tags_are_too_many,
    noise_is_read_within_its_bounds)
