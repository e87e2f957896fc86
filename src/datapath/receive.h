/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * receive: datagrams -> frames.  receive.c opens with the numbered flow.
 */
#ifndef RECEIVE_H
#define RECEIVE_H

#include "datapath/util/drop.h"
#include "io/udp.h"

struct item;
struct port;
struct worker;

/*
 * Takes one as far as it goes.  It is opened in place: what is forwarded lies
 * in it until worker_flush().
 */
void receive_datagram(struct worker *worker,
    const struct udp_datagram *datagram);

/*
 * A FRAME item that came from a site, however it came: on to where it belongs.
 * SYNs are kept to frames of `room` bytes.
 */
enum drop receive_frame(struct worker *worker, struct port *from,
    const struct item *item, size_t room);

#endif /* RECEIVE_H */
