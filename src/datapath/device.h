/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * device: writes frames to the TUN or TAP device.
 *
 * Frames are queued until the end of the turn, merged into superframes where
 * the device accepts them (merge.h), and written.  Partial checksums are left
 * to the kernel.  They are completed first if the kernel does not accept them,
 * and for DHCP, whose programs read raw sockets.
 */
#ifndef DEVICE_H
#define DEVICE_H

struct frame;
struct worker;

/*
 * Borrows the frame's bytes until the flush; a full queue is flushed at once.
 */
void device_queue(struct worker *worker, const struct frame *frame);

void device_flush(struct worker *worker);

#endif /* DEVICE_H */
