/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * csum: completes a TCP or UDP checksum that was left to do (RFC 1071).
 */
#ifndef CSUM_H
#define CSUM_H

#include <stddef.h>
#include <stdint.h>

/*
 * Sums the bytes from `start` to the end, the pseudo-header's sum that stands
 * at `start + offset` among them, and puts the complement there (all ones for
 * zero, which in UDP would mean "none").  The caller has checked that
 * start + offset + 2 <= len.
 */
void csum_complete(uint8_t *frame, size_t len, size_t start, size_t offset);

#endif /* CSUM_H */
