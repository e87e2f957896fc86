/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * forward: the waist.  Every frame comes in at a port, passes forward_frame(),
 * and leaves by a port; it does not know which way a frame is going.
 */
#ifndef FORWARD_H
#define FORWARD_H

#include "datapath/util/drop.h"
#include "base/frame.h"

struct port;
struct worker;

/*
 * Takes a frame (or packet) that came in at `from` to where it belongs; counts
 * it, and counts the drop when there is one.
 */
void forward_frame(struct worker *worker, struct port *from,
    struct frame *frame);

/* Counts a frame that ends at `port`; of a superframe, all that it stands for. */
void forward_drop(const struct worker *worker, struct port *port,
    const struct frame *frame, enum drop reason);

/* Out by one port, device or site. */
enum drop forward_to(struct worker *worker, struct port *to,
    const struct frame *frame);

#endif /* FORWARD_H */
