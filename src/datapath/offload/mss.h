/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * mss: clamps the TCP maximum segment size, so that segments pass the tunnel
 * unfragmented.
 */
#ifndef MSS_H
#define MSS_H

#include <stdbool.h>
#include <stddef.h>

struct frame;

/*
 * Lowers the maximum segment size (RFC 9293 3.7.1) in a SYN to what fits into a
 * frame of `room` bytes, and updates the checksum.  In place; other frames are
 * not changed.
 */
void mss_clamp(const struct frame *frame, bool ethernet, size_t room);

#endif /* MSS_H */
