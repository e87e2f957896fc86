/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * mss: keeps TCP to segments that pass the tunnel whole (MSS clamping).
 */
#ifndef MSS_H
#define MSS_H

#include <stdbool.h>
#include <stddef.h>

struct frame;

/*
 * Lowers the maximum segment size (RFC 9293 3.7.1) that a SYN announces to what
 * fits into a frame of `room` bytes, and mends its checksum.  In place; what
 * is no SYN stays as it is.
 */
void mss_clamp(const struct frame *frame, bool ethernet, size_t room);

#endif /* MSS_H */
