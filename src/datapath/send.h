/* SPDX-License-Identifier: GPL-2.0-or-later */
/* send: frames to datagrams.  See the numbered flow in send.c. */
#ifndef SEND_H
#define SEND_H

#include "datapath/util/drop.h"
#include "base/frame.h"

struct port;
struct worker;

/*
 * Queues a frame for the site behind `port` on one of this worker's lanes to
 * it, until send_flush(). Borrows the bytes until then.  Without a lane the
 * frame goes to the control connection (tcp_batch.h), or is dropped with
 * DROP_NO_LANE if the session does not allow that.
 */
enum drop send_frame(struct worker *worker, struct port *port,
    const struct frame *frame);

/* Seals and sends what was queued in this turn. */
void send_flush(struct worker *worker);

#endif /* SEND_H */
