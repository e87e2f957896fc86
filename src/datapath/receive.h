/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * receive: datagrams -> frames.  receive.c opens with the numbered flow.
 */
#ifndef RECEIVE_H
#define RECEIVE_H

#include "io/udp.h"

struct worker;

/*
 * Takes one as far as it goes.  It is opened in place: what is forwarded lies
 * in it until worker_flush().
 */
void receive_datagram(struct worker *worker,
    const struct udp_datagram *datagram);

#endif /* RECEIVE_H */
