/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * csum: the Internet checksum of IPv4, TCP and UDP (RFC 1071, RFC 1624).
 *
 * Sums are of 16-bit words, as they would be read from the wire, and at most
 * 0xffff; add as many as fit into 32 bits and fold at the end.
 */
#ifndef CSUM_H
#define CSUM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct headers;

/* The folded sum of the bytes; an odd last one counts as if a zero followed. */
uint32_t csum_sum(const uint8_t *data, size_t len);

/* To 16 bits, carries added in. */
static inline uint16_t
csum_fold(uint32_t sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)((sum & 0xffff) + (sum >> 16));
}

/* Of addresses and protocol, without the length: of TCP or UDP. */
uint32_t csum_pseudo(const struct headers *h, const uint8_t *frame);

/*
 * Sums the bytes from `start` to the end, the pseudo-header's sum that stands
 * at `start + offset` among them, and puts the complement there (all ones for
 * zero, which in UDP would mean "none").  The caller has checked that
 * start + offset + 2 <= len.
 */
void csum_complete(uint8_t *frame, size_t len, size_t start, size_t offset);

/* Whether the transport checksum is right; the frame ends with its packet. */
bool csum_is_right(const struct headers *h, const uint8_t *frame, size_t len);

/* A word that a checksum at `field` covers becomes another one (RFC 1624). */
void csum_update(uint8_t *field, uint16_t was, uint16_t is);

#endif /* CSUM_H */
