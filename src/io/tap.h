/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tap: frames in and out of one queue of the TUN or TAP device.
 *
 * The descriptor is the monitor's work (monitor/tapdev.h): non-blocking,
 * without IFF_PI.
 */
#ifndef TAP_H
#define TAP_H

#include <stddef.h>

#include "base/frame.h"

/* Buffers for one batch of reads. */
struct tap_batch;

struct tap_batch *tap_batch_new(void);
void		  tap_batch_free(struct tap_batch *batch);

/*
 * Reads up to FRAME_BATCH frames without waiting (longer ones have
 * FRAME_MAX_LEN + 1 bytes, and are to be dropped); `*frames` is borrowed until
 * the next call.  Returns how many, 0 when there are none, or a negative errno
 * value (-EBADFD: the device was removed).
 */
int tap_read(struct tap_batch *batch, int fd, struct frame **frames);

/* Writes one frame.  0 or a negative errno value. */
int tap_write(int fd, const struct frame *frame);

#endif /* TAP_H */
