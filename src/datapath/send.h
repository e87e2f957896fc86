/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * send: frames -> datagrams.  send.c opens with the numbered flow.
 */
#ifndef SEND_H
#define SEND_H

#include "datapath/util/drop.h"
#include "base/frame.h"

struct port;
struct worker;

/*
 * Queues a frame for the site behind `port` on one of the lanes this worker
 * has to it; it goes out with send_flush().  The bytes stay the caller's until
 * then.  Without a lane it goes to the control connection (tcp_batch.h), or it
 * is
 * DROP_NO_LANE where the session does not allow that.
 */
enum drop send_frame(struct worker *worker, struct port *port,
    const struct frame *frame);

/* Seals and sends what was queued in this turn. */
void send_flush(struct worker *worker);

#endif /* SEND_H */
