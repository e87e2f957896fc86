/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * device: frames on their way to the TUN or TAP device.
 *
 * Queued until the end of the turn, joined to superframes where the device
 * takes them (merge.h), and written.  Checksums that travelled partial go to
 * the kernel as such; where it takes none, and for DHCP, whose programs read
 * them from raw sockets, they are completed.
 */
#ifndef DEVICE_H
#define DEVICE_H

struct frame;
struct worker;

/* The bytes stay the caller's until the flush, which a full queue brings. */
void device_queue(struct worker *worker, const struct frame *frame);

void device_flush(struct worker *worker);

#endif /* DEVICE_H */
