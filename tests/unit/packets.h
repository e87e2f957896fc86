/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * packets: TCP and UDP packets made from a description, and their checksums
 * the plain way, for the tests of what joins and cuts them.
 *
 * Byte by byte and from scratch each time, with nothing of src/datapath: it is
 * the other opinion.
 */
#ifndef PACKETS_H
#define PACKETS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/frame.h"
#include "unit.h"

#define PACKETS_MAX 65600
#define PACKETS_TCP 6
#define PACKETS_UDP 17

#define PACKETS_FIN 0x01
#define PACKETS_SYN 0x02
#define PACKETS_RST 0x04
#define PACKETS_PSH 0x08
#define PACKETS_ACK 0x10
#define PACKETS_URG 0x20
#define PACKETS_ECE 0x40
#define PACKETS_CWR 0x80

struct packet_spec {
	bool	 bare;	/* no Ethernet header */
	unsigned tags;	/* VLAN tags; of several the first is a QinQ one */
	uint16_t vlan;	/* of the last tag */
	uint8_t	 mac;	/* last byte of the source's */
	unsigned version;
	uint8_t	 protocol;
	size_t	 ip_options; /* bytes of IPv4's, or of a Destination Options */
	uint8_t	 ip_option; /* the kind of IPv4's, each of a byte */
	size_t	 tcp_options;
	uint8_t	 net;	   /* a byte in front in the source's address */
	uint8_t	 src, dst; /* last byte of the addresses */
	uint16_t sport, dport;
	uint8_t	 tos, ttl;
	uint16_t id;
	bool	 df;
	uint32_t seq, ack;
	uint8_t	 flags, reserved; /* TCP's, and the bits in front of them */
	uint16_t window, urgent;
	uint8_t	 timestamp; /* first byte of TCP's options */
	const uint8_t *payload;
	size_t	 len; /* of it */
	bool	 partial; /* FRAME_CSUM instead of the checksum */
	/* What is wrong with it: added to the right value. */
	uint8_t	 wrong_checksum, wrong_ip_checksum;
	bool	 no_checksum; /* zero, as UDP may over IPv4 */
	uint8_t	 short_udp; /* by so much UDP's length is less than IP's */
	size_t	 padding; /* bytes behind the packet */
};

struct packet {
	struct frame frame;
	size_t	     l3, l4, data; /* where things stand */
	uint8_t	     headroom[FRAME_HEADROOM];
	uint8_t	     bytes[PACKETS_MAX];
};

static const struct packet_spec packet_tcp4 = {
	.version = 4,
	.protocol = PACKETS_TCP,
	.src = 1,
	.dst = 2,
	.sport = 40000,
	.dport = 5201,
	.ttl = 64,
	.id = 0xfffe,
	.seq = 0xfffffc00,
	.ack = 0x01020304,
	.flags = PACKETS_ACK,
	.window = 502,
	.len = 1000,
};

static inline void
packet_put(uint8_t *p, uint32_t v, unsigned bytes)
{
	while (bytes-- > 0)
		*p++ = (uint8_t)(v >> 8 * bytes);
}

static inline uint32_t
packet_get(const uint8_t *p, unsigned bytes)
{
	uint32_t v = 0;

	while (bytes-- > 0)
		v = v << 8 | *p++;
	return v;
}

/* RFC 1071, as it is told: words, the end-around carry at once. */
static inline uint16_t
packet_sum(uint16_t sum, const uint8_t *data, size_t len)
{
	uint32_t s = sum;

	for (size_t i = 0; i < len; i++) {
		s += i % 2 == 0 ? (uint32_t)data[i] << 8 : data[i];
		if (s > 0xffff)
			s -= 0xffff;
	}
	return (uint16_t)s;
}

/* Of the pseudo-header, with the length. */
static inline uint16_t
packet_pseudo(const uint8_t *ip, uint8_t protocol, size_t len)
{
	uint8_t tail[8] = { 0 };
	size_t	addresses = ip[0] >> 4 == 4 ? 8 : 32;

	packet_put(tail, (uint32_t)len, 4);
	tail[7] = protocol;
	return packet_sum(packet_sum(0, ip + (addresses == 8 ? 12 : 8),
			      addresses),
	    tail, sizeof(tail));
}

static inline size_t
packet_checksum_offset(uint8_t protocol)
{
	return protocol == PACKETS_TCP ? 16 : 6;
}

/* The whole checksum of the packet that ends with the frame. */
static inline void
packet_complete(uint8_t *ip, size_t l4, uint8_t protocol, size_t len)
{
	uint8_t *field = ip + l4 + packet_checksum_offset(protocol);
	uint16_t sum;

	packet_put(field, 0, 2);
	sum = packet_sum(packet_pseudo(ip, protocol, len - l4), ip + l4,
	    len - l4);
	sum = (uint16_t)~sum;
	packet_put(field, sum != 0 ? sum : 0xffff, 2);
}

static inline uint8_t *
packet_put_ethernet(const struct packet_spec *s, uint8_t *p)
{
	static const uint8_t macs[12] = { 2, 0, 0, 0, 0, 9, 2, 0, 0, 0, 1, 0 };

	memcpy(p, macs, sizeof(macs));
	p[11] = s->mac;
	p += 12;
	for (unsigned i = 0; i < s->tags; i++) {
		bool last = i + 1 == s->tags;

		packet_put(p, i == 0 && !last ? 0x88a8 : 0x8100, 2);
		packet_put(p + 2, last ? 0x2000u + s->vlan : 100u + i, 2);
		p += 4;
	}
	packet_put(p, s->version == 4 ? 0x0800 : 0x86dd, 2);
	return p + 2;
}

static inline uint8_t *
packet_put_ipv4(const struct packet_spec *s, uint8_t *p, size_t l4_len)
{
	size_t header = 20 + s->ip_options;

	memset(p, 0, header);
	p[0] = (uint8_t)(0x40 | header / 4);
	p[1] = s->tos;
	packet_put(p + 2, (uint32_t)(header + l4_len), 2);
	packet_put(p + 4, s->id, 2);
	packet_put(p + 6, s->df ? 0x4000 : 0, 2);
	p[8] = s->ttl;
	p[9] = s->protocol;
	packet_put(p + 12, 0x0a000000u | (uint32_t)s->net << 16 | s->src, 4);
	packet_put(p + 16, 0x0a000100u + s->dst, 4);
	memset(p + 20, s->ip_option, s->ip_options);
	packet_put(p + 10, (uint16_t)~packet_sum(0, p, header), 2);
	p[11] = (uint8_t)(p[11] + s->wrong_ip_checksum);
	return p + header;
}

static inline uint8_t *
packet_put_ipv6(const struct packet_spec *s, uint8_t *p, size_t l4_len)
{
	memset(p, 0, 40 + s->ip_options);
	packet_put(p, 0x60000000u | (uint32_t)s->tos << 20 | 0x12345, 4);
	packet_put(p + 4, (uint32_t)(s->ip_options + l4_len), 2);
	p[6] = s->ip_options > 0 ? 60 : s->protocol;
	p[7] = s->ttl;
	p[8] = p[24] = 0xfd;
	p[12] = s->net;
	p[23] = s->src;
	p[39] = s->dst;
	p += 40;
	if (s->ip_options > 0) {
		p[0] = s->protocol;
		p[1] = (uint8_t)(s->ip_options / 8 - 1);
		p[2] = 1; /* PadN */
		p[3] = (uint8_t)(s->ip_options - 4);
	}
	return p + s->ip_options;
}

static inline uint8_t *
packet_put_transport(const struct packet_spec *s, uint8_t *p)
{
	size_t header = PACKETS_TCP == s->protocol ? 20 + s->tcp_options : 8;

	memset(p, 0, header);
	packet_put(p, s->sport, 2);
	packet_put(p + 2, s->dport, 2);
	if (s->protocol == PACKETS_UDP) {
		packet_put(p + 4, (uint32_t)(8 + s->len - s->short_udp), 2);
		return p + 8;
	}
	packet_put(p + 4, s->seq, 4);
	packet_put(p + 8, s->ack, 4);
	p[12] = (uint8_t)(header / 4 << 4 | s->reserved);
	p[13] = s->flags;
	packet_put(p + 14, s->window, 2);
	packet_put(p + 18, s->urgent, 2);
	memset(p + 20, 1, s->tcp_options);
	if (s->tcp_options > 0)
		p[20 + s->tcp_options - 1] = s->timestamp;
	return p + header;
}

static inline void
packet_make(struct packet *packet, const struct packet_spec *s)
{
	uint8_t *p = packet->bytes, *ip, *l4, *field;
	size_t	 l4_len = (s->protocol == PACKETS_TCP ? 20 + s->tcp_options :
							8) +
	    s->len;

	memset(packet->headroom, 0xee, sizeof(packet->headroom));
	ip = s->bare ? p : packet_put_ethernet(s, p);
	l4 = s->version == 4 ? packet_put_ipv4(s, ip, l4_len) :
			       packet_put_ipv6(s, ip, l4_len);
	p = packet_put_transport(s, l4);
	packet->l3 = (size_t)(ip - packet->bytes);
	packet->l4 = (size_t)(l4 - packet->bytes);
	packet->data = (size_t)(p - packet->bytes);
	ck_assert_uint_le(packet->data + s->len + s->padding, PACKETS_MAX);
	memcpy(p, s->payload, s->len);
	packet_complete(ip, (size_t)(l4 - ip), s->protocol,
	    (size_t)(l4 - ip) + l4_len);
	field = l4 + packet_checksum_offset(s->protocol);
	if (s->partial)
		packet_put(field, packet_pseudo(ip, s->protocol, l4_len), 2);
	field[1] = (uint8_t)(field[1] + s->wrong_checksum);
	if (s->no_checksum)
		packet_put(field, 0, 2);
	memset(p + s->len, 0, s->padding);
	packet->frame = (struct frame) {
		.data = packet->bytes,
		.len = packet->data + s->len + s->padding,
	};
	if (s->partial) {
		packet->frame.flags = FRAME_CSUM;
		packet->frame.csum_start = (uint16_t)packet->l4;
		packet->frame.csum_offset = (uint8_t)packet_checksum_offset(
		    s->protocol);
	}
}

/* A superframe of it: pieces of `size`. */
static inline void
packet_make_super(struct packet *packet, const struct packet_spec *s,
    uint16_t size)
{
	struct packet_spec partial = *s;

	partial.partial = true;
	packet_make(packet, &partial);
	packet->frame.gso = s->protocol == PACKETS_UDP ? FRAME_UDP :
	    s->version == 4			       ? FRAME_TCP4 :
							 FRAME_TCP6;
	packet->frame.gso_size = size;
}

/* The place of the first byte that differs, or `len`. */
static inline size_t
packet_differs(const uint8_t *a, const uint8_t *b, size_t len)
{
	size_t i = 0;

	if (memcmp(a, b, len) == 0)
		return len;
	while (a[i] == b[i])
		i++;
	return i;
}

/* 64 KiB of noise to take payload from, the same on every run. */
static inline const uint8_t *
packet_noise(void)
{
	static uint8_t noise[PACKETS_MAX];
	uint64_t       seed = 64;

	if (noise[0] == 0) {
		for (size_t i = 0; i < sizeof(noise); i++)
			noise[i] = (uint8_t)unit_random(&seed);
		noise[0] |= 1;
	}
	return noise;
}

/* Anything that both the kernel and we may cut and join. */
static inline struct packet_spec
packet_random(uint64_t *seed)
{
	struct packet_spec s = packet_tcp4;

	s.bare = unit_below(seed, 2) == 0;
	s.tags = s.bare ? 0 : (unsigned)unit_below(seed, 3);
	s.vlan = (uint16_t)unit_below(seed, 4096);
	s.version = unit_below(seed, 2) == 0 ? 4 : 6;
	s.protocol = unit_below(seed, 2) == 0 ? PACKETS_TCP : PACKETS_UDP;
	s.ip_option = (uint8_t)unit_below(seed, 2);
	s.tcp_options = 4 * unit_below(seed, 11);
	s.timestamp = (uint8_t)unit_random(seed);
	s.src = (uint8_t)unit_random(seed);
	s.dst = (uint8_t)unit_random(seed);
	s.sport = (uint16_t)unit_below(seed, 4000);
	s.dport = (uint16_t)unit_below(seed, 4000);
	s.tos = (uint8_t)unit_random(seed);
	s.ttl = (uint8_t)unit_random(seed);
	s.id = (uint16_t)unit_random(seed);
	s.df = unit_below(seed, 2) == 0;
	s.seq = (uint32_t)unit_random(seed);
	s.ack = (uint32_t)unit_random(seed);
	s.window = (uint16_t)unit_random(seed);
	s.payload = packet_noise();
	s.len = 1 + unit_below(seed, unit_below(seed, 4) == 0 ? 60000 : 6000);
	return s;
}

#endif /* PACKETS_H */
