/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * forward: every frame enters at a port, passes forward_frame() and leaves by a
 * port.  Both directions use the same code.
 */
#ifndef FORWARD_H
#define FORWARD_H

#include "datapath/util/drop.h"
#include "base/frame.h"

struct port;
struct worker;

/*
 * Forwards a frame (or packet) that came in at `from`. Counts the frame and, if
 * it is dropped, the drop.
 */
void forward_frame(struct worker *worker, struct port *from,
    struct frame *frame);

/* Counts a drop at `port`; a superframe counts as all frames that it holds. */
void forward_drop(const struct worker *worker, struct port *port,
    const struct frame *frame, enum drop reason);

/* Sends a frame out of one port: the device or a site. */
enum drop forward_to(struct worker *worker, struct port *to,
    const struct frame *frame);

#endif /* FORWARD_H */
