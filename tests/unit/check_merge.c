/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Frames joined by merge.c.  A run is written as the numbers of its frames, as
 * they were added; runs are parted by a bar, in the order of their writing:
 * "01|2|3".  Each superframe is cut again, and must give what it was made of.
 */
#include "datapath/offload/merge.h"

#include "allocs.h"
#include "datapath/offload/split.h"
#include "packets.h"

#define MAX_FRAMES (MERGE_QUEUE + 8)
#define ALL_KINDS  (1u << FRAME_TCP4 | 1u << FRAME_TCP6 | 1u << FRAME_UDP)
#define AMPLE	   65535

static struct merge	merge;
static struct packet	packets[MAX_FRAMES], originals[MAX_FRAMES], whole;
static unsigned		npackets;
static char		runs[2048];
static unsigned		nruns, turn_of[MAX_FRAMES]; /* as it was written */
static const char	*about; /* for messages */

/* ------------------------------------------------------------- helpers */

static bool
is_ipv4(const struct packet *packet)
{
	return packet->bytes[packet->l3] >> 4 == 4;
}

/* Over the pseudo-header's sum in the field, as a receiver does. */
static void
finish_partial(uint8_t *bytes, size_t len, size_t l4, size_t offset)
{
	uint16_t sum = (uint16_t)~packet_sum(0, bytes + l4, len - l4);

	packet_put(bytes + l4 + offset, sum != 0 ? sum : 0xffff, 2);
}

/* A piece of a superframe is the frame that it was made of. */
static void
assert_same(const struct frame *piece, const struct packet *original)
{
	static struct packet a, b;
	size_t		     at;

	ck_assert_msg(piece->len == original->frame.len, "%s: %zu bytes",
	    about, piece->len);
	memcpy(a.bytes, piece->data, piece->len);
	memcpy(b.bytes, original->bytes, piece->len);
	finish_partial(a.bytes, piece->len, piece->csum_start,
	    piece->csum_offset);
	if ((original->frame.flags & FRAME_CSUM) != 0)
		finish_partial(b.bytes, piece->len,
		    original->frame.csum_start, original->frame.csum_offset);
	at = packet_differs(a.bytes, b.bytes, piece->len);
	ck_assert_msg(at == piece->len, "%s: byte %zu: %02x, not %02x", about,
	    at, a.bytes[at], b.bytes[at]);
}

/* The superframe in one piece, into `whole`, and what its header says. */
static void
assemble(const struct merge_super *super, const struct packet *first)
{
	size_t	       len = 0, l4 = first->l4;
	const uint8_t *ip = whole.bytes + first->l3;

	for (int i = 1; i < super->niov; i++) {
		ck_assert_uint_le(len + super->iov[i].iov_len, PACKETS_MAX);
		memcpy(whole.bytes + len, super->iov[i].iov_base,
		    super->iov[i].iov_len);
		len += super->iov[i].iov_len;
	}
	whole.frame = super->frame;
	whole.frame.data = whole.bytes;
	ck_assert_uint_eq(len, super->frame.len);
	ck_assert_uint_le(len - first->l3, 65535);
	ck_assert_uint_eq(super->iov[1].iov_len, first->data);
	ck_assert_uint_eq(super->frame.flags, FRAME_CSUM);
	ck_assert_uint_eq(super->frame.csum_start, l4);
	if (is_ipv4(first)) {
		ck_assert_uint_eq(packet_get(ip + 2, 2), len - first->l3);
		ck_assert_uint_eq(packet_sum(0, ip, 20), 0xffff);
	} else {
		ck_assert_uint_eq(packet_get(ip + 4, 2), len - l4);
	}
	ck_assert_uint_eq(packet_get(whole.bytes + l4 +
				  super->frame.csum_offset, 2),
	    packet_pseudo(ip, super->frame.csum_offset == 6 ? 17 : 6,
		len - l4));
}

static void
assert_super(unsigned first, unsigned n)
{
	static struct merge_super super;
	struct split		  split;
	struct frame		  piece;
	unsigned		  i = first;

	ALLOCS_NONE((merge_super(&merge, &super), true));
	ck_assert_uint_eq(super.niov, 2 + n);
	assemble(&super, &packets[first]);
	ck_assert_msg(split_begin(&split, &whole.frame, merge.ethernet, AMPLE),
	    "%s", about);
	while (split_next(&split, &piece)) {
		ck_assert_msg(n > 0, "%s: more than went in", about);
		assert_same(&piece, &packets[i]);
		i = merge.next[i];
		n--;
	}
	ck_assert_msg(n == 0, "%s: less than went in", about);
}

static void
begin(bool ethernet)
{
	merge_init(&merge, ethernet, ALL_KINDS);
	npackets = 0;
}

static void
add(const struct packet_spec *s)
{
	struct packet_spec made = *s;

	if (made.payload == NULL)
		made.payload = packet_noise();
	packet_make(&packets[npackets], &made);
	ck_assert(ALLOCS_NONE(merge_add(&merge, &packets[npackets].frame)));
	npackets++;
}

/* Takes all of it out; each frame must come once.  What there was: `runs`. */
static void
take_out(void)
{
	static bool   seen[MAX_FRAMES];
	unsigned      i, n, total = 0;
	size_t	      len = 0;

	memset(seen, 0, sizeof(seen));
	for (unsigned k = 0; k < npackets; k++)
		memcpy(originals[k].bytes, packets[k].bytes,
		    packets[k].frame.len);
	runs[0] = '\0';
	nruns = 0;
	while (ALLOCS_NONE(merge_next(&merge, &i, &n))) {
		nruns++;
		ck_assert_uint_ge(n, 1);
		ck_assert_uint_le(n, MERGE_MAX_PIECES);
		if (n > 1)
			assert_super(i, n);
		if (len > 0)
			runs[len++] = '|';
		for (unsigned k = 0; k < n; k++, i = merge.next[i]) {
			ck_assert_uint_lt(i, npackets);
			ck_assert_msg(!seen[i], "%s: %u twice", about, i);
			seen[i] = true;
			turn_of[i] = total++;
			len += (size_t)snprintf(runs + len,
			    sizeof(runs) - len, "%s%u",
			    npackets > 10 && k > 0 ? " " : "", i);
		}
	}
	ck_assert_uint_eq(total, npackets);
	for (unsigned k = 0; k < npackets; k++)
		ck_assert_msg(memcmp(packets[k].bytes, originals[k].bytes,
				  packets[k].frame.len) == 0,
		    "%s: %u is not as it was", about, k);
	npackets = 0;
}

static void
assert_runs(const char *want)
{
	take_out();
	ck_assert_msg(strcmp(runs, want) == 0, "%s: %s, not %s", about, runs,
	    want);
}

/* ------------------------------------------------- four of one flow, but */

enum { T4 = 1, T6 = 2, U4 = 4, U6 = 8 };
#define V4  (T4 | U4)
#define V6  (T6 | U6)
#define TCP (T4 | T6)
#define UDP (U4 | U6)
#define ANY (V4 | V6)
#define ETH 16 /* only with an Ethernet header */

/* The numbers that follow from the lengths. */
static void
renumber(struct packet_spec *s)
{
	const uint8_t *payload = packet_noise();

	for (unsigned i = 0; i < 4; i++) {
		s[i].payload = payload;
		payload += s[i].len;
		if (i > 0)
			s[i].seq = s[i - 1].seq + (uint32_t)s[i - 1].len;
	}
}

#define EACH(field, value)                                                     \
	s[0].field = s[1].field = s[2].field = s[3].field = value
#define FROM_2(field, value) s[2].field = s[3].field = value

#define CHANGES(X)                                                             \
	X(none, "nothing", ANY, "0123", (void)s)                               \
	/* what may differ */                                                  \
	X(last_short, "a shorter last", ANY, "0123", s[3].len = 1)             \
	X(psh_last, "PSH of the last", TCP, "0123", s[3].flags |= 8)           \
	X(partial, "partial checksums", ANY, "0123", EACH(partial, true))      \
	X(partial_2, "one partial checksum", ANY, "0123",                      \
	    s[2].partial = true)                                               \
	X(partial_0, "the first checksum partial", ANY, "0123",                \
	    s[0].partial = true)                                               \
	X(df, "DF, and ids that count", V4, "0123", EACH(df, true))            \
	X(ece, "ECE of all", TCP, "0123", EACH(flags, 0x50))                   \
	X(options, "options of TCP, all alike", TCP, "0123",                   \
	    EACH(tcp_options, 12))                                             \
	X(most_options, "the most of them", TCP, "0123",                       \
	    EACH(tcp_options, 40))                                             \
	X(reserved, "the bits in front of the flags, alike", TCP, "0123",      \
	    EACH(reserved, 5))                                                 \
	X(wrap, "a sequence number that wraps", TCP, "0123",                   \
	    s[0].seq = 0xfffffa00)                                             \
	X(one_byte, "one byte each", ANY, "0123", EACH(len, 1))                \
	X(tagged, "a tag", ANY | ETH, "0123", EACH(tags, 1))                   \
	X(tagged_2, "QinQ", ANY | ETH, "0123", EACH(tags, 2))                  \
	/* what ends a superframe */                                           \
	X(short_1, "a shorter one before the end", ANY, "01|23",               \
	    s[1].len = 999)                                                    \
	X(longer_2, "a longer one", ANY, "01|23", s[2].len = 1001)             \
	X(psh_0, "PSH of the first", TCP, "0|123", s[0].flags |= 8)            \
	X(psh_1, "PSH of the second", TCP, "01|23", s[1].flags |= 8)           \
	X(psh, "PSH of all", TCP, "0|1|2|3", EACH(flags, 0x18))                \
	X(window, "another window", TCP, "01|23", FROM_2(window, 9))           \
	X(ack, "another ACK number", TCP, "01|23", FROM_2(ack, 9))             \
	X(urgent, "another urgent pointer", TCP, "01|23", FROM_2(urgent, 9))   \
	X(timestamp, "another timestamp", TCP, "01|23",                        \
	    EACH(tcp_options, 12); FROM_2(timestamp, 9))                       \
	X(more_options, "more options", TCP, "01|23",                          \
	    FROM_2(tcp_options, 12))                                           \
	X(tos, "another TOS", ANY, "01|23", FROM_2(tos, 0x10))                 \
	X(ce, "CE", ANY, "01|23", FROM_2(tos, 3))                              \
	X(ttl, "another TTL", ANY, "01|23", FROM_2(ttl, 63))                   \
	X(df_2, "DF of some", V4, "01|23", FROM_2(df, true))                   \
	X(ece_2, "ECE of some", TCP, "01|23", FROM_2(flags, 0x50))             \
	X(reserved_2, "the bits in front of the flags", TCP, "01|23",          \
	    FROM_2(reserved, 1))                                               \
	X(mac, "another MAC address", ANY | ETH, "01|23", FROM_2(mac, 9))      \
	X(vlan, "another VLAN", ANY | ETH, "01|23", EACH(tags, 1);             \
	    FROM_2(vlan, 9))                                                   \
	X(tag, "one tag more", ANY | ETH, "01|23", FROM_2(tags, 1))            \
	X(src, "another source", ANY, "01|23", FROM_2(src, 9))                 \
	X(dst, "another destination", ANY, "01|23", FROM_2(dst, 9))            \
	X(net, "another network", ANY, "01|23", FROM_2(net, 9))                \
	X(hash, "other addresses of the same hash", ANY, "01|23",              \
	    EACH(dst, 100); FROM_2(src, 2); FROM_2(dst, 69))                   \
	X(sport, "another source port", ANY, "01|23", FROM_2(sport, 9))        \
	X(dport, "another destination port", ANY, "01|23", FROM_2(dport, 9))   \
	X(id_jumps, "ids that jump", V4, "01|23", s[2].id += 5;                \
	    s[3].id += 5)                                                      \
	X(id_jumps_df, "ids that jump, with DF", V4, "01|23", EACH(df, true);  \
	    s[2].id += 5; s[3].id += 5)                                        \
	X(id_falls, "ids that count down", V4, "0|1|2|3", s[3].id = s[0].id;   \
	    s[2].id = (uint16_t)(s[3].id + 1);                                 \
	    s[1].id = (uint16_t)(s[3].id + 2);                                 \
	    s[0].id = (uint16_t)(s[3].id + 3))                                 \
	X(ids_zero, "ids all 0, with DF", V4, "0|1|2|3", EACH(df, true);       \
	    EACH(id, 0))                                                       \
	X(ids_alike, "ids all alike, with DF", V4, "0|1|2|3",                  \
	    EACH(df, true); EACH(id, 0x1234))                                  \
	X(ids_wrap, "ids that wrap", V4, "0123", s[0].id = 65534;              \
	    s[1].id = 65535; s[2].id = 0; s[3].id = 1)                         \
	X(ids_swapped, "ids in the other byte order", V4, "0|1|2|3",           \
	    s[0].id = 0x100; s[1].id = 0x200; s[2].id = 0x300;                 \
	    s[3].id = 0x400)                                                   \
	X(ids_alike_then, "ids alike, then counting", V4, "0|123",             \
	    EACH(df, true); EACH(id, 7); s[2].id = 8; s[3].id = 9)             \
	X(ids_count_then, "ids that count, then alike", V4, "01|2|3",          \
	    EACH(df, true); EACH(id, 8); s[0].id = 7)                          \
	X(ids_alike_no_df, "ids all alike", V4, "0|1|2|3", EACH(id, 7))        \
	/* what is left alone */                                               \
	X(empty, "a pure ACK", TCP, "01|2|3", s[2].len = 0)                    \
	X(empty_padded, "a pure ACK, padded", TCP | ETH, "01|2|3",             \
	    s[2].len = 0; s[2].padding = 6)                                    \
	X(empty_datagram, "an empty datagram", UDP, "01|2|3", s[2].len = 0)    \
	X(fin, "FIN", TCP, "01|2|3", s[2].flags |= 0x01)                       \
	X(syn, "SYN", TCP, "01|2|3", s[2].flags |= 0x02)                       \
	X(rst, "RST", TCP, "01|2|3", s[2].flags |= 0x04)                       \
	X(urg, "URG", TCP, "01|2|3", s[2].flags |= 0x20)                       \
	X(cwr, "CWR", TCP, "01|2|3", s[2].flags |= 0x80)                       \
	X(no_ack, "no ACK", TCP, "01|2|3", s[2].flags = 0)                     \
	X(fins, "FIN of all", TCP, "0|1|2|3", EACH(flags, 0x11))               \
	X(syns, "SYN of all", TCP, "0|1|2|3", EACH(flags, 0x12))               \
	X(rsts, "RST of all", TCP, "0|1|2|3", EACH(flags, 0x14))               \
	X(urgs, "URG of all", TCP, "0|1|2|3", EACH(flags, 0x30))               \
	X(cwrs, "CWR of all", TCP, "0|1|2|3", EACH(flags, 0x90))               \
	X(no_acks, "no ACK at all", TCP, "0|1|2|3", EACH(flags, 0))            \
	X(fin_last, "FIN of the last", TCP, "012|3", s[3].flags |= 0x01)       \
	X(cwr_first, "CWR of the first", TCP, "0|123", s[0].flags |= 0x80)     \
	X(padding, "padding", ANY, "01|2|3", s[2].padding = 4)                 \
	X(padding_last, "padding of the last", ANY, "012|3",                   \
	    s[3].padding = 1)                                                  \
	X(padding_first, "padding of the first", ANY, "0|123",                 \
	    s[0].padding = 1)                                                  \
	X(padding_partial, "padding, of partial checksums", ANY, "012|3",      \
	    EACH(partial, true); s[3].len = 500; s[3].padding = 4)             \
	X(all_padded, "padding of all", ANY, "0|1|2|3", EACH(partial, true);   \
	    EACH(padding, 2))                                                  \
	X(ip_options, "options of IP", ANY, "0|1|2|3", EACH(ip_options, 8))    \
	X(ip_nops, "no operations of IP", ANY, "0|1|2|3",                      \
	    EACH(ip_options, 8); EACH(ip_option, 1))                           \
	X(ip_options_2, "options of IP of one", ANY, "01|2|3",                 \
	    s[2].ip_options = 8)                                               \
	X(wrong, "a wrong checksum", ANY, "01|2|3", s[2].wrong_checksum = 1)   \
	X(wrong_0, "a wrong first checksum", ANY, "0|123",                     \
	    s[0].wrong_checksum = 1)                                           \
	X(wrong_1, "a wrong second checksum", ANY, "0|1|23",                   \
	    s[1].wrong_checksum = 1)                                           \
	X(wrong_all, "wrong checksums", ANY, "0|1|2|3",                        \
	    EACH(wrong_checksum, 0x80))                                        \
	X(wrong_ip, "a wrong checksum of IP", V4, "01|2|3",                    \
	    s[2].wrong_ip_checksum = 1)                                        \
	X(wrong_ip_0, "a wrong first checksum of IP", V4, "0|123",             \
	    s[0].wrong_ip_checksum = 1)                                        \
	X(no_checksum, "a datagram without a checksum", UDP, "01|2|3",         \
	    s[2].no_checksum = true)                                           \
	X(no_checksums, "no checksums", UDP, "0|1|2|3",                        \
	    EACH(no_checksum, true))                                           \
	X(no_partials, "nor partial ones", UDP, "0|1|2|3",                     \
	    EACH(partial, true); EACH(no_checksum, true))                      \
	X(short_udp, "UDP shorter than IP", UDP, "0|1|2|3",                    \
	    EACH(short_udp, 1))                                                \
	X(short_udp_2, "one shorter than IP", UDP, "01|2|3",                   \
	    s[2].short_udp = 1)                                                \
	X(vxlan, "VXLAN", UDP, "0|1|2|3", EACH(dport, 4789))                   \
	X(vxlan_back, "VXLAN by its source port", UDP, "0|1|2|3",              \
	    EACH(sport, 4789))                                                 \
	X(vxlan_old, "VXLAN of old", UDP, "0|1|2|3", EACH(dport, 8472))        \
	X(geneve, "Geneve", UDP, "0|1|2|3", EACH(dport, 6081))                 \
	X(wireguard, "WireGuard", UDP, "0|1|2|3", EACH(sport, 51820))          \
	X(tcp_4789, "TCP at a tunnel's port", TCP, "0123",                     \
	    EACH(dport, 4789))

/* And those whose numbers are wrong: not renumbered. */
#define MISNUMBERED(X)                                                         \
	X(gap, "a segment is missing", TCP, "01|23", s[2].seq += 1000;         \
	    s[3].seq += 1000)                                                  \
	X(overlap, "a byte twice", TCP, "01|23", s[2].seq--; s[3].seq--)       \
	X(again, "a segment again", TCP, "01|2|3", s[2] = s[1])                \
	X(all_again, "the first again and again", TCP, "0|1|2|3",              \
	    s[1] = s[2] = s[3] = s[0])                                         \
	X(swapped, "two changed places", TCP, "0|1|2|3",                       \
	    struct packet_spec swap = s[1]; s[1] = s[2]; s[2] = swap)          \
	X(backwards, "backwards", TCP, "0|1|2|3",                              \
	    struct packet_spec swap = s[0]; s[0] = s[3]; s[3] = swap;          \
	    swap = s[1]; s[1] = s[2]; s[2] = swap)                             \
	X(two_flows, "two flows, in turn", TCP, "02|13",                       \
	    s[2].seq = s[1].seq; s[2].id = s[1].id; s[3].sport = 9;            \
	    s[1].sport = 9; s[1].seq = s[3].seq - 1000;                        \
	    s[1].id = (uint16_t)(s[3].id - 1))                                 \
	X(keepalive, "a byte of before, as keepalives have it", TCP, "01|2|3", \
	    s[2].seq--; s[2].len = 1)

#define CHANGE_FUNCTION(name, what, bases, want, ...)                          \
	static void change_##name(struct packet_spec *s)                       \
	{                                                                      \
		__VA_ARGS__;                                                   \
	}
#define CHANGE_ROW(name, what, bases, want, ...)                               \
	{ what, bases, want, change_##name, true },
#define MISNUMBERED_ROW(name, what, bases, want, ...)                          \
	{ what, bases, want, change_##name, false },

CHANGES(CHANGE_FUNCTION)
MISNUMBERED(CHANGE_FUNCTION)

static const struct {
	const char *what;
	unsigned    bases;
	const char *want;
	void (*change)(struct packet_spec *s);
	bool numbered;
} rows[] = { CHANGES(CHANGE_ROW) MISNUMBERED(MISNUMBERED_ROW) };

static void
run_row(size_t row, unsigned base, bool bare)
{
	static char	   what[128];
	struct packet_spec s[4];

	for (unsigned i = 0; i < 4; i++) {
		s[i] = packet_tcp4;
		s[i].bare = bare;
		s[i].version = (base & V4) != 0 ? 4 : 6;
		s[i].protocol = (base & TCP) != 0 ? 6 : 17;
		s[i].id = (uint16_t)(s[i].id + i);
	}
	renumber(s);
	rows[row].change(s);
	if (rows[row].numbered)
		renumber(s);
	snprintf(what, sizeof(what), "%s (%s, IPv%u, %s)", rows[row].what,
	    s[0].protocol == 6 ? "TCP" : "UDP", s[0].version,
	    bare ? "tun" : "tap");
	about = what;
	begin(!bare);
	for (unsigned i = 0; i < 4; i++)
		add(&s[i]);
	assert_runs(rows[row].want);
}

START_TEST(four_frames_of_a_flow_but)
{
	for (size_t row = 0; row < nitems(rows); row++) {
		for (unsigned base = T4; base <= U6; base <<= 1) {
			if ((rows[row].bases & base) == 0)
				continue;
			run_row(row, base, false);
			if ((rows[row].bases & ETH) == 0)
				run_row(row, base, true);
		}
	}
}
END_TEST

/* ------------------------------------------------------------- the rest */

static struct packet_spec
nth(unsigned n, size_t len)
{
	struct packet_spec s = packet_tcp4;

	s.seq += n * (uint32_t)len;
	s.id = (uint16_t)(s.id + n);
	s.payload = packet_noise() + n * 7;
	s.len = len;
	return s;
}

static void
add_nth(unsigned n, size_t len)
{
	struct packet_spec s = nth(n, len);

	add(&s);
}

START_TEST(only_kinds_that_are_wanted)
{
	static const struct {
		unsigned version, protocol, kind;
	} kinds[] = {
		{ 4, 6, FRAME_TCP4 },
		{ 6, 6, FRAME_TCP6 },
		{ 4, 17, FRAME_UDP },
		{ 6, 17, FRAME_UDP },
	};

	about = "kinds";
	for (size_t i = 0; i < nitems(kinds); i++) {
		for (unsigned bits = 0; bits < 16; bits++) {
			begin(true);
			merge_init(&merge, true, bits & ALL_KINDS);
			for (unsigned n = 0; n < 3; n++) {
				struct packet_spec s = nth(n, 500);

				s.version = kinds[i].version;
				s.protocol = (uint8_t)kinds[i].protocol;
				add(&s);
			}
			assert_runs((bits >> kinds[i].kind & 1) != 0 ? "012" :
								       "0|1|2");
		}
	}
}
END_TEST

/* Byte `at` of the third frame is another one; it goes alone. */
START_TEST(what_is_no_plain_packet_goes_alone)
{
	static const struct {
		const char *what;
		size_t	    at;
		uint8_t	    value;
		const char *want;
	} bytes[] = {
		{ "no IP", 12, 0x07, "013|2" },
		{ "an IP header that is too short", 14, 0x44, "013|2" },
		{ "ICMP", 23, 1, "013|2" },
		{ "a length that is too short", 17, 1, "01|2|3" },
		{ "the first fragment", 20, 0x20, "01|2|3" },
		{ "a later fragment", 21, 1, "01|2|3" },
	};

	for (size_t i = 0; i < nitems(bytes); i++) {
		about = bytes[i].what;
		begin(true);
		for (unsigned n = 0; n < 4; n++) {
			/* 3 follows upon 1. */
			struct packet_spec s = nth(n == 3 ? 2 : n, 600);

			packet_make(&packets[n], &s);
			if (n == 2)
				packets[n].bytes[bytes[i].at] = bytes[i].value;
			ck_assert(merge_add(&merge, &packets[n].frame));
		}
		npackets = 4;
		assert_runs(bytes[i].want);
	}
}
END_TEST

START_TEST(fragment_is_overtaken_by_nobody)
{
	about = "a fragment among two flows";
	begin(true);
	for (unsigned n = 0; n < 7; n++) {
		struct packet_spec s = nth(n / 2 - (n > 4), 600);

		if (n == 4)
			s.protocol = PACKETS_UDP;
		else
			s.sport = (n - (n > 4)) % 2 == 0 ? 1 : 2;
		packet_make(&packets[n], &s);
		if (n == 4)
			packets[n].bytes[20] = 0x20;
		ck_assert(merge_add(&merge, &packets[n].frame));
	}
	npackets = 7;
	assert_runs("02|13|4|5|6");
}
END_TEST

/* Only a partial checksum in its right place is taken for one. */
START_TEST(partial_checksum_of_something_else_goes_alone)
{
	about = "a partial checksum elsewhere";
	for (unsigned way = 0; way < 3; way++) {
		begin(true);
		for (unsigned n = 0; n < 4; n++) {
			struct packet_spec s = nth(n, 600);
			struct frame	  *frame = &packets[n].frame;

			s.partial = true;
			packet_make(&packets[n], &s);
			if (n == 2 && way == 0)
				frame->csum_start++;
			if (n == 2 && way == 1)
				frame->csum_offset = 6;
			if (n == 2 && way == 2)
				frame->flags = 0;
			ck_assert(merge_add(&merge, frame));
			/* Put back for what take_out() makes of it. */
			*frame = (struct frame) { .data = frame->data,
				.len = frame->len, .flags = FRAME_CSUM,
				.csum_start = (uint16_t)packets[n].l4,
				.csum_offset = 16 };
		}
		npackets = 4;
		assert_runs("01|2|3");
	}
}
END_TEST

START_TEST(superframe_in_the_queue_stays_as_it_is)
{
	about = "a superframe";
	begin(true);
	for (unsigned n = 0; n < 4; n++) {
		struct packet_spec s = nth(n, 600);

		packet_make(&packets[n], &s);
		if (n == 1)
			packet_make_super(&packets[n], &s, 100);
		ck_assert(merge_add(&merge, &packets[n].frame));
	}
	npackets = 4;
	assert_runs("0|1|23");
}
END_TEST

START_TEST(pieces_up_to_the_limit)
{
	about = "64 pieces";
	begin(true);
	for (unsigned n = 0; n < 2 * MERGE_MAX_PIECES + 1; n++)
		add_nth(n, 100);
	take_out();
	for (unsigned n = 0; n < 2; n++) {
		const char *bar = n == 0 ? strchr(runs, '|') :
					   strrchr(runs, '|');

		ck_assert_uint_eq(strtoul(bar + 1, NULL, 10),
		    (n + 1) * MERGE_MAX_PIECES);
	}
}
END_TEST

START_TEST(bytes_up_to_the_limit)
{
	static const struct {
		unsigned    version;
		size_t	    len;
		const char *want;
	} sizes[] = {
		/* 65535 - 40 = 5 * 13099 */
		{ 4, 13099, "01234|56789" },
		{ 4, 13100, "0123|4567|89" },
		/* An IPv6 packet of 65535 bytes, too: 65475 = 5 * 13095 */
		{ 6, 13095, "01234|56789" },
		{ 6, 13096, "0123|4567|89" },
		{ 4, 9000, "0123456|789" },
		/* Eight would be 65536. */
		{ 4, 8187, "0123456|789" },
	};

	about = "64 KiB";
	for (size_t i = 0; i < nitems(sizes); i++) {
		begin(true);
		for (unsigned n = 0; n < 10; n++) {
			struct packet_spec s = nth(n, sizes[i].len);

			s.version = sizes[i].version;
			add(&s);
		}
		assert_runs(sizes[i].want);
	}
}
END_TEST

static void
add_round(unsigned n, unsigned flows, bool backwards)
{
	for (unsigned i = 0; i < flows; i++) {
		struct packet_spec s = nth(n, 300);

		s.sport = (uint16_t)(1000 +
		    (backwards ? flows - 1 - i : i));
		add(&s);
	}
}

START_TEST(flows_up_to_the_limit)
{
	about = "eight flows in turn";
	begin(true);
	for (unsigned n = 0; n < 3; n++)
		add_round(n, 8, false);
	assert_runs("0 8 16|1 9 17|2 10 18|3 11 19|4 12 20|5 13 21|6 14 22|"
		    "7 15 23");

	about = "nine flows: the one that grew longest ago stops growing";
	begin(true);
	add_round(0, 9, false);
	add_round(1, 9, true);
	assert_runs("0|1 16|2 15|3 14|4 13|5 12|6 11|7 10|8 9|17");

	about = "nine flows in turn: order holds, if nothing else";
	begin(true);
	for (unsigned n = 0; n < 2; n++)
		add_round(n, 9, false);
	assert_runs("0|1|2|3|4|5|6|7|8|9|10|11|12|13|14|15|16|17");
}
END_TEST

START_TEST(full_queue_is_refused_and_used_again)
{
	about = "a full queue";
	begin(true);
	for (unsigned turn = 0; turn < 3; turn++) {
		struct packet_spec s = nth(MERGE_QUEUE, 100);

		for (unsigned n = 0; n < MERGE_QUEUE; n++)
			add_nth(n, 100);
		packet_make(&packets[MERGE_QUEUE], &s);
		ck_assert(!merge_add(&merge, &packets[MERGE_QUEUE].frame));
		ck_assert(!merge_add(&merge, &packets[MERGE_QUEUE].frame));
		take_out();
		ck_assert_ptr_nonnull(strstr(runs, " 255"));
	}
	/* What was open before does not grow into what comes after. */
	for (unsigned n = 0; n < 3; n++) {
		struct packet_spec s = nth(n, 100);

		s.version = 6;
		add(&s);
		assert_runs("0");
	}
}
END_TEST

START_TEST(queue_of_singles_holds_as_many)
{
	unsigned i, n, got = 0;

	begin(true);
	for (unsigned k = 0; k < MERGE_QUEUE; k++)
		add_nth(2 * k, 1);
	while (merge_next(&merge, &i, &n)) {
		ck_assert_uint_eq(n, 1);
		ck_assert_uint_eq(i, got++);
	}
	ck_assert_uint_eq(got, MERGE_QUEUE);
	ck_assert(!merge_next(&merge, &i, &n));
}
END_TEST

/* ------------------------------------------------------------ there and back */

START_TEST(superframe_that_is_cut_and_joined_is_the_same)
{
	static struct packet super;
	uint64_t	     seed = 6;

	about = "there and back";
	for (unsigned round = 0; round < 600; round++) {
		struct packet_spec s = packet_random(&seed);
		uint16_t	   size;
		struct split	   split;
		struct frame	   frame;
		unsigned	   i, n;
		size_t		   most;

		s.flags = PACKETS_ACK;
		if (unit_below(&seed, 2) == 0)
			s.flags |= PACKETS_PSH;
		if (unit_below(&seed, 4) == 0)
			s.flags |= PACKETS_ECE;
		size = (uint16_t)(1 + s.len / (1 + unit_below(&seed, 64)));
		if (s.protocol == PACKETS_UDP && size > 9000)
			size = 9000;
		most = (s.len + size - 1) / size;
		packet_make_super(&super, &s, size);
		begin(!s.bare);
		ck_assert(split_begin(&split, &super.frame, !s.bare, AMPLE));
		while (split_next(&split, &frame)) {
			struct packet *p = &packets[npackets++];

			memcpy(p->bytes, frame.data, frame.len);
			p->frame = frame;
			p->frame.data = p->bytes;
			p->l3 = super.l3;
			p->l4 = super.l4;
			p->data = super.data;
			if (round % 2 == 0) {
				finish_partial(p->bytes, frame.len,
				    frame.csum_start, frame.csum_offset);
				p->frame.flags = 0;
			}
			ck_assert(merge_add(&merge, &p->frame));
		}
		ck_assert_uint_eq(npackets, most);
		ck_assert(merge_next(&merge, &i, &n));
		ck_assert_uint_eq(n, npackets);
		if (n > 1) {
			assert_super(i, n);
			ck_assert_uint_eq(whole.frame.len, super.frame.len);
			ck_assert_uint_eq(whole.frame.gso, super.frame.gso);
			ck_assert_uint_eq(whole.frame.gso_size, size);
			ck_assert_uint_eq(whole.frame.csum_offset,
			    super.frame.csum_offset);
			ck_assert_mem_eq(whole.bytes, super.bytes,
			    super.frame.len);
		}
		ck_assert(!merge_next(&merge, &i, &n));
	}
}
END_TEST

/* Flows that come in turn, with this and that wrong with some of them. */
START_TEST(random_flows_keep_their_order_and_their_bytes)
{
	uint64_t seed = 7;
	unsigned joined = 0, frames = 0;

	about = "random flows";
	for (unsigned round = 0; round < 200; round++) {
		struct packet_spec flows[12];
		unsigned	   flow_of[MERGE_QUEUE];
		unsigned nflows = 1 + (unsigned)unit_below(&seed, 12);
		unsigned n = 1 + (unsigned)unit_below(&seed, MERGE_QUEUE);
		unsigned lone = 1 + (unsigned)unit_below(&seed, 100);
		bool	 bare = unit_below(&seed, 2) == 0;
		unsigned f = 0;

		begin(!bare);
		for (f = 0; f < nflows; f++) {
			flows[f] = packet_random(&seed);
			flows[f].bare = bare;
			flows[f].len = 1 + unit_below(&seed, 1400);
			if (bare)
				flows[f].tags = 0;
		}
		for (unsigned k = 0; k < n; k++) {
			struct packet_spec s;

			if (unit_below(&seed, 4) == 0)
				f = (unsigned)unit_below(&seed, nflows);
			f %= nflows;
			s = flows[f];
			flows[f].seq += (uint32_t)s.len;
			/* As Linux does it; as others do it, with DF or without. */
			if (f % 3 != 0)
				flows[f].id++;
			else if (f % 2 != 0)
				flows[f].id = (uint16_t)unit_below(&seed, 3);
			s.payload = packet_noise() + unit_below(&seed, 60000);
			s.partial = unit_below(&seed, 3) == 0;
			switch (unit_below(&seed, lone)) {
			case 0:
				s.flags = (uint8_t)unit_random(&seed);
				break;
			case 1:
				s.wrong_checksum = 1;
				s.partial = false;
				break;
			case 2:
				s.len = unit_below(&seed, s.len + 1);
				break;
			case 3:
				s.padding = 1 + unit_below(&seed, 9);
				s.partial = false;
				break;
			case 4:
				s.ip_options = 8;
				break;
			case 5:
				s.seq++;
				break;
			case 6:
				s.id++;
				break;
			case 7:
				s.ack++;
				break;
			}
			flow_of[k] = f;
			add(&s);
		}
		take_out();
		frames += n;
		joined += n - nruns;
		for (unsigned a = 0; a < n; a++)
			for (unsigned b = a + 1; b < n; b++)
				ck_assert_msg(flow_of[a] != flow_of[b] ||
					turn_of[a] < turn_of[b],
				    "round %u: %u behind %u", round, a, b);
	}
	/* It is a test of joining: most must be joined. */
	ck_assert_uint_gt(joined, frames / 3);
}
END_TEST

UNIT_MAIN("merge", four_frames_of_a_flow_but, only_kinds_that_are_wanted,
    what_is_no_plain_packet_goes_alone, fragment_is_overtaken_by_nobody,
    partial_checksum_of_something_else_goes_alone,
    superframe_in_the_queue_stays_as_it_is, pieces_up_to_the_limit,
    bytes_up_to_the_limit, flows_up_to_the_limit,
    full_queue_is_refused_and_used_again, queue_of_singles_holds_as_many,
    superframe_that_is_cut_and_joined_is_the_same,
    random_flows_keep_their_order_and_their_bytes)
