/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tap: frames in and out of one queue of the TUN or TAP device.
 *
 * The descriptor is the monitor's work (monitor/host/tapdev.h): non-blocking,
 * without IFF_PI.  With `vnet` (IFF_VNET_HDR) each read and write has a
 * virtio_net_hdr in front, which carries partial checksums and superframes.
 */
#ifndef TAP_H
#define TAP_H

#include <stdbool.h>
#include <sys/uio.h>

#include "base/frame.h"
#include "base/mono.h"

#define TAP_PATIENCE_US 1500

struct tap;

/* Buffers for one queue; borrows `fd`.  NULL when there is no memory. */
struct tap *tap_new(int fd, bool vnet);
void	    tap_free(struct tap *tap);

/*
 * Hands out up to FRAME_BATCH frames without waiting (longer ones have
 * FRAME_MAX_LEN + 1 bytes, and are to be dropped); `*frames` is borrowed until
 * the next call.  Not always all there are (io/read_hint.h).  Returns how many,
 * 0
 * when there are none, or a negative errno value (-EBADFD: the device was
 * removed).
 *
 * Reads ahead of what it hands out, to see how much waits: the kernel's queue
 * counts frames, and a hundred superframes are 6 MB.  What waits for longer
 * than TAP_PATIENCE_US at the present speed is more than TCP needs to keep us
 * busy: of that the latest is dropped, for its senders to slow down.  `*dropped`
 * is that one, borrowed like the others, or NULL.
 */
int tap_read(struct tap *tap, struct mono now, struct frame **frames,
    const struct frame **dropped);

/* Whether it has read what it has not handed out yet: call again soon. */
bool tap_is_ahead(const struct tap *tap);

/*
 * Writes one frame, or superframe, whose bytes are iov[1] to iov[niov - 1];
 * iov[0] is for our use.  Of `frame` only what it is counts, not its data.  0 or
 * a negative errno value.
 */
int tap_write(struct tap *tap, const struct frame *frame, struct iovec *iov,
    int niov);

#endif /* TAP_H */
