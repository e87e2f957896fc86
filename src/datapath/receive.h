/* SPDX-License-Identifier: GPL-2.0-or-later */
/* receive: datagrams to frames.  See the numbered flow in receive.c. */
#ifndef RECEIVE_H
#define RECEIVE_H

#include "datapath/util/drop.h"
#include "io/udp.h"

struct item;
struct port;
struct worker;

/*
 * Processes one datagram.  It is decrypted in place: forwarded frames lie in it
 * until worker_flush().
 */
void receive_datagram(struct worker *worker,
    const struct udp_datagram *datagram);

/*
 * Forwards a FRAME item that came from a site by UDP or by the control
 * connection.  SYNs are clamped to frames of `room` bytes.
 */
enum drop receive_frame(struct worker *worker, struct port *from,
    const struct item *item, size_t room);

#endif /* RECEIVE_H */
