/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tap: reads and writes frames of one queue of the TUN or TAP device.
 *
 * The monitor creates the descriptor (monitor/host/tapdev.h): non-blocking,
 * without IFF_PI. With `vnet` (IFF_VNET_HDR), each read and write begins with a
 * virtio_net_hdr, for partial checksums and superframes.
 */
#ifndef TAP_H
#define TAP_H

#include <stdbool.h>
#include <sys/uio.h>

#include "base/frame.h"
#include "base/mono.h"

#define TAP_PATIENCE_US 1500

struct tap;

/* Allocates the buffers of one queue; borrows `fd`.  NULL: out of memory. */
struct tap *tap_new(int fd, bool vnet);
void	    tap_free(struct tap *tap);

/*
 * Returns up to FRAME_BATCH frames without waiting; `*frames` is borrowed until
 * the next call.  Frames that are too long have FRAME_MAX_LEN + 1 bytes and
 * must be dropped.  It may not return all frames that are there
 * (io/read_hint.h).  Returns their number, 0 if there are none, or a negative
 * errno value (-EBADFD: the device was removed).
 *
 * Reads more frames than it returns, to find out how much is waiting: the
 * kernel's queue counts frames, and a hundred superframes are 6 MB. What waits
 * longer than TAP_PATIENCE_US at the current speed is more than TCP needs to
 * use the full speed.  The latest of these frames is dropped, so that its
 * sender slows down: `*dropped` is that frame, borrowed like the others, or
 * NULL.
 */
int tap_read(struct tap *tap, struct mono now, struct frame **frames,
    const struct frame **dropped);

/* Whether frames are left that were read but not returned: call again soon. */
bool tap_is_ahead(const struct tap *tap);

/*
 * Writes one frame or superframe, whose bytes are iov[1] to iov[niov - 1];
 * iov[0] is used by this function.  Of `frame`, only the metadata is used. 0 or
 * a negative errno value.
 */
int tap_write(struct tap *tap, const struct frame *frame, struct iovec *iov,
    int niov);

#endif /* TAP_H */
