/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * headers: finds the IP and transport headers in a frame, behind VLAN tags and
 * IPv6 extension headers.  Pure.
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
	bool	 fragment; /* a fragment of an IP packet, including the first */
	uint8_t	 protocol; /* HEADERS_TCP or _UDP if its header is complete; else 0 */
	uint16_t l3;	   /* offset of the IP header */
	uint16_t l4;	   /* of what follows it and its extensions */
	uint16_t payload;  /* of what follows that header, with a protocol */
};

/*
 * Reads a frame that begins with an Ethernet header (`ethernet`) or an IP
 * header.  False if it is no IP packet, or truncated.  Offsets are within
 * `len`; the lengths in the headers are not checked.
 */
bool headers_read(struct headers *h, const uint8_t *data, size_t len,
    bool ethernet);

/* With a protocol: the offset of the checksum from l4. */
static inline uint8_t
headers_csum_offset(const struct headers *h)
{
	return h->protocol == HEADERS_TCP ? 16 : 6;
}

#endif /* HEADERS_H */
