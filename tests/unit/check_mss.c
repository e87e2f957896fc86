/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "datapath/offload/mss.h"

#include "allocs.h"
#include "packets.h"

/* A SYN with these options, in a block of just its size. */
struct syn {
	struct packet_spec s;
	uint8_t		   options[40];
	uint8_t	      *bytes;
	struct frame	   frame;
	size_t		   l3, l4;
};

static void
make(struct syn *syn, const struct packet_spec *s, const uint8_t *options,
    size_t n)
{
	static struct packet packet;

	syn->s = *s;
	syn->s.tcp_options = n;
	syn->s.payload = packet_noise();
	packet_make(&packet, &syn->s);
	syn->bytes = malloc(packet.frame.len);
	syn->frame = packet.frame;
	syn->frame.data = syn->bytes;
	syn->l3 = packet.l3;
	syn->l4 = packet.l4;
	memcpy(syn->bytes, packet.bytes, packet.frame.len);
	memcpy(syn->bytes + syn->l4 + 20, options, n);
	/* Once more, now with the options; a partial one has none of them. */
	if (!s->partial) {
		packet_complete(syn->bytes + syn->l3, syn->l4 - syn->l3, 6,
		    syn->frame.len - syn->l3);
		syn->bytes[syn->l4 + 17] = (uint8_t)(syn->bytes[syn->l4 + 17] +
		    s->wrong_checksum);
	}
}

static bool
is_right(const struct syn *syn)
{
	size_t len = syn->frame.len - syn->l4;

	return packet_sum(packet_pseudo(syn->bytes + syn->l3, 6, len),
		   syn->bytes + syn->l4, len) == 0xffff;
}

static void
clamp(struct syn *syn, size_t room)
{
	ALLOCS_NONE((mss_clamp(&syn->frame, !syn->s.bare, room), true));
}

static struct packet_spec
plain(unsigned version)
{
	struct packet_spec s = packet_tcp4;

	s.version = version;
	s.flags = PACKETS_SYN;
	s.len = 0;
	return s;
}

/* `at`: of the value, in the options. */
static const struct {
	const char *what;
	uint8_t	    options[40];
	size_t	    n, at;
} places[] = {
	{ "alone", { 2, 4, 0x23, 0x28 }, 4, 2 },
	{ "as Linux has it",
	    { 2, 4, 0x05, 0xb4, 4, 2, 8, 10, 1, 2, 3, 4, 0, 0, 0, 0, 1, 3, 3,
		7 },
	    20, 2 },
	{ "behind another one", { 4, 2, 2, 4, 0x05, 0xb4, 1, 1 }, 8, 4 },
	{ "at an odd place", { 1, 2, 4, 0x05, 0xb4, 0, 0, 0 }, 8, 3 },
	{ "at another odd place", { 3, 3, 7, 2, 4, 0xff, 0xff, 1 }, 8, 5 },
	{ "as the last", { 1, 1, 1, 1, 2, 4, 0x05, 0xb4 }, 8, 6 },
	{ "as the last of as many as there can be",
	    { 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
		1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 2, 4, 0x05, 0xb4 },
	    40, 38 },
	{ "with odd bytes on both sides", { 1, 2, 4, 0x00, 0xff, 1, 1, 1 }, 8,
	    3 },
};

/* Room for a segment of `mss` behind the headers that TCP needs at least. */
static size_t
room_for(const struct packet_spec *s, size_t mss)
{
	return (s->bare ? 0 : 14 + 4 * (size_t)s->tags) +
	    (s->version == 4 ? 20 : 40) + s->ip_options + 20 + mss;
}

static void
assert_clamped(const char *what, const struct packet_spec *s, size_t place,
    uint16_t told, size_t fits)
{
	struct syn syn;
	uint8_t	   options[40], *before, *field;
	uint16_t   want = fits >= 536 && told > fits ? (uint16_t)fits : told;

	memcpy(options, places[place].options, sizeof(options));
	packet_put(options + places[place].at, told, 2);
	make(&syn, s, options, places[place].n);
	before = malloc(syn.frame.len);
	memcpy(before, syn.bytes, syn.frame.len);
	field = syn.bytes + syn.l4 + 20 + places[place].at;
	ck_assert(s->partial || s->wrong_checksum != 0 || is_right(&syn));

	clamp(&syn, room_for(s, fits));
	ck_assert_msg(packet_get(field, 2) == want, "%s, %s: %u of %u", what,
	    places[place].what, packet_get(field, 2), told);
	/* A wrong one stays wrong, for its receiver to see. */
	if (!s->partial)
		ck_assert_msg(is_right(&syn) == (s->wrong_checksum == 0),
		    "%s, %s: its checksum", what, places[place].what);
	/* All else is as it was. */
	packet_put(field, told, 2);
	if (!s->partial)
		memcpy(syn.bytes + syn.l4 + 16, before + syn.l4 + 16, 2);
	ck_assert_msg(memcmp(syn.bytes, before, syn.frame.len) == 0, "%s, %s",
	    what, places[place].what);
	free(before);
	free(syn.bytes);
}

static const struct {
	const char	  *what;
	struct packet_spec s;
} frames[] = {
	{ "IPv4", { .version = 4, .flags = PACKETS_SYN } },
	{ "IPv6", { .version = 6, .flags = PACKETS_SYN } },
	{ "SYN and ACK",
	    { .version = 4, .flags = PACKETS_SYN | PACKETS_ACK } },
	{ "without Ethernet",
	    { .bare = true, .version = 4, .flags = PACKETS_SYN } },
	{ "IPv6 without Ethernet",
	    { .bare = true, .version = 6, .flags = PACKETS_SYN } },
	{ "tagged", { .tags = 1, .version = 4, .flags = PACKETS_SYN } },
	{ "QinQ", { .tags = 2, .version = 6, .flags = PACKETS_SYN } },
	{ "IPv4 options",
	    { .version = 4, .ip_options = 12, .flags = PACKETS_SYN } },
	{ "IPv6 extension header",
	    { .version = 6, .ip_options = 16, .flags = PACKETS_SYN } },
	{ "a partial checksum",
	    { .version = 4, .flags = PACKETS_SYN, .partial = true } },
	{ "a partial checksum, IPv6",
	    { .version = 6, .flags = PACKETS_SYN, .partial = true } },
	{ "with data (Fast Open)",
	    { .version = 4, .flags = PACKETS_SYN, .len = 301 } },
	{ "a wrong checksum",
	    { .version = 4, .flags = PACKETS_SYN, .wrong_checksum = 1 } },
};

START_TEST(option_is_lowered_to_what_fits)
{
	static const struct {
		uint16_t told;
		size_t	 fits;
	} sizes[] = {
		{ 1460, 1300 }, { 1460, 1459 }, { 1460, 1460 }, { 1460, 1461 },
		{ 65535, 1380 }, { 65535, 65534 }, { 65535, 65535 },
		{ 65535, 70000 }, { 536, 1000 }, { 0, 1000 }, { 9000, 536 },
		{ 9000, 535 }, { 9000, 0 }, { 1024, 767 }, { 0x0600, 0x0500 },
	};

	for (size_t f = 0; f < nitems(frames); f++) {
		struct packet_spec s = frames[f].s;

		s.protocol = PACKETS_TCP;
		for (size_t p = 0; p < nitems(places); p++)
			for (size_t i = 0; i < nitems(sizes); i++)
				assert_clamped(frames[f].what, &s, p,
				    sizes[i].told, sizes[i].fits);
	}
}
END_TEST

START_TEST(random_ones_are_lowered_to_what_fits)
{
	uint64_t seed = 8;

	for (unsigned n = 0; n < 20000; n++) {
		struct packet_spec s = packet_random(&seed);

		s.protocol = PACKETS_TCP;
		s.flags = (uint8_t)unit_random(&seed) | PACKETS_SYN;
		s.len = unit_below(&seed, 50);
		s.partial = unit_below(&seed, 4) == 0;
		assert_clamped("random", &s, unit_below(&seed, nitems(places)),
		    (uint16_t)unit_random(&seed), unit_below(&seed, 3000));
	}
}
END_TEST

/* Options that tell none, or not as they should. */
static const struct {
	const char *what;
	uint8_t	    options[12];
	size_t	    n;
} odd[] = {
	{ "none at all", { 0 }, 0 },
	{ "only others", { 4, 2, 3, 3, 7, 1, 1, 1 }, 8 },
	{ "behind the end", { 0, 0, 0, 0, 2, 4, 0x23, 0x28 }, 8 },
	{ "behind the end, at once", { 1, 0, 2, 4, 0x23, 0x28, 0, 0 }, 8 },
	{ "behind the end, if that had a length",
	    { 0, 2, 2, 4, 0x23, 0x28, 0, 0 }, 8 },
	{ "too short", { 2, 3, 0x23, 0x28 }, 4 },
	{ "too long", { 2, 6, 0x23, 0x28, 0, 0, 0, 0 }, 8 },
	{ "a length of one", { 2, 1, 0x23, 0x28 }, 4 },
	{ "a length of none", { 2, 0, 0x23, 0x28 }, 4 },
	{ "behind one of length none", { 3, 0, 2, 4, 0x23, 0x28, 0, 0 }, 8 },
	{ "behind one of length one", { 3, 1, 2, 4, 0x23, 0x28, 0, 0 }, 8 },
	{ "behind one that is too long", { 3, 9, 2, 4, 0x23, 0x28, 0, 0 }, 8 },
	{ "inside another one", { 3, 6, 2, 4, 0x23, 0x28, 1, 1 }, 8 },
	{ "cut behind its kind", { 1, 1, 1, 2 }, 4 },
	{ "cut behind its length", { 1, 1, 2, 4 }, 4 },
	{ "cut within its value", { 1, 2, 4, 0x23 }, 4 },
};

static void
assert_left_alone(const char *what, struct syn *syn, bool ethernet)
{
	uint8_t *before = malloc(syn->frame.len);

	memcpy(before, syn->bytes, syn->frame.len);
	mss_clamp(&syn->frame, ethernet, 1300);
	ck_assert_msg(memcmp(syn->bytes, before, syn->frame.len) == 0, "%s",
	    what);
	free(before);
	free(syn->bytes);
}

START_TEST(options_that_do_not_tell_it_stay)
{
	for (size_t i = 0; i < nitems(odd); i++) {
		for (unsigned version = 4; version <= 6; version += 2) {
			struct packet_spec s = plain(version);
			struct syn	   syn;

			make(&syn, &s, odd[i].options, odd[i].n);
			assert_left_alone(odd[i].what, &syn, true);
		}
	}
}
END_TEST

static const uint8_t jumbo[] = { 2, 4, 0x23, 0x28 };

START_TEST(what_is_no_syn_stays)
{
	struct packet_spec s = plain(4);
	struct syn	   syn;

	for (unsigned flags = 0; flags < 256; flags++) {
		if ((flags & PACKETS_SYN) != 0)
			continue;
		s.flags = (uint8_t)flags;
		make(&syn, &s, jumbo, sizeof(jumbo));
		assert_left_alone("flags", &syn, true);
	}
	s.flags = PACKETS_SYN;
	make(&syn, &s, jumbo, sizeof(jumbo));
	syn.frame.gso = FRAME_TCP4;
	assert_left_alone("a superframe", &syn, true);
	make(&syn, &s, jumbo, sizeof(jumbo));
	syn.bytes[23] = 17;
	assert_left_alone("UDP", &syn, true);
	make(&syn, &s, jumbo, sizeof(jumbo));
	syn.bytes[20] = 0x20;
	assert_left_alone("a fragment", &syn, true);
	make(&syn, &s, jumbo, sizeof(jumbo));
	assert_left_alone("Ethernet taken for IP", &syn, false);
	/* As UDP from the half on: whose header is shorter. */
	for (size_t n = 0; n < 2 * 58; n++) {
		size_t	 len = n % 58;
		uint8_t *cut = malloc(len > 0 ? len : 1);

		make(&syn, &s, jumbo, sizeof(jumbo));
		syn.bytes[23] = n < 58 ? 6 : 17;
		memcpy(cut, syn.bytes, len);
		free(syn.bytes);
		syn.bytes = syn.frame.data = cut;
		syn.frame.len = len;
		assert_left_alone("one that is cut", &syn, true);
	}
}
END_TEST

UNIT_MAIN("mss", option_is_lowered_to_what_fits,
    random_ones_are_lowered_to_what_fits, options_that_do_not_tell_it_stay,
    what_is_no_syn_stays)
