/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * headers: where the IP and the transport header stand in a frame.
 *
 * Through VLAN tags and IPv6 extension headers.  Pure.
 */
#ifndef HEADERS_H
#define HEADERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HEADERS_TCP 6
#define HEADERS_UDP 17

struct headers {
	uint8_t	 version; /* 4 or 6 */
	bool	 fragment; /* a piece of an IP packet, the first one too */
	uint8_t	 protocol; /* HEADERS_TCP or _UDP, all there; else 0 */
	uint16_t l3;	   /* offset of the IP header */
	uint16_t l4;	   /* of what is behind it and its extensions */
	uint16_t payload;  /* with a protocol: of what is behind that one's */
};

/*
 * Reads a frame, which begins with an Ethernet header (`ethernet`) or an IP
 * one.  False when it is no IP packet, or one that is cut short.  Offsets are
 * within `len`; the lengths that the headers tell are not looked at.
 */
bool headers_read(struct headers *h, const uint8_t *data, size_t len,
    bool ethernet);

/* With a protocol: where its header has the checksum, from l4 on. */
static inline uint8_t
headers_csum_offset(const struct headers *h)
{
	return h->protocol == HEADERS_TCP ? 16 : 6;
}

#endif /* HEADERS_H */
