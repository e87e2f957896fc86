/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * csum: the Internet checksum of IPv4, TCP and UDP (RFC 1071, RFC 1624).
 *
 * Sums are of 16-bit words in network byte order and at most 0xffff.  Add up as
 * many as fit into 32 bits, and fold at the end.
 */
#ifndef CSUM_H
#define CSUM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct headers;

/* The folded sum of the bytes; an odd last byte is padded with a zero. */
uint32_t csum_sum(const uint8_t *data, size_t len);

/* Folds to 16 bits, with carries. */
static inline uint16_t
csum_fold(uint32_t sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)((sum & 0xffff) + (sum >> 16));
}

/* The sum of the TCP or UDP pseudo-header, without the length. */
uint32_t csum_pseudo(const struct headers *h, const uint8_t *frame);

/*
 * Sums the bytes from `start` to the end, including the pseudo-header's sum,
 * which is at `start + offset`, and writes the complement there (0xffff instead
 * of zero, which in UDP means "none"). The caller has checked that start +
 * offset + 2 <= len.
 */
void csum_complete(uint8_t *frame, size_t len, size_t start, size_t offset);

/*
 * True if the transport checksum is right; the frame must end with its packet.
 */
bool csum_is_right(const struct headers *h, const uint8_t *frame, size_t len);

/*
 * Updates the checksum at `field` after a word it covers has changed (RFC
 * 1624).
 */
void csum_update(uint8_t *field, uint16_t was, uint16_t is);

#endif /* CSUM_H */
