/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * receive: datagrams -> frames.  receive.c opens with the numbered flow.
 */
#ifndef RECEIVE_H
#define RECEIVE_H

#include "io/udp.h"

struct worker;

/*
 * Takes one as far as it goes; what is forwarded leaves with worker_flush(),
 * at the latest when the memory for plaintext is full.
 */
void receive_datagram(struct worker *worker,
    const struct udp_datagram *datagram);

#endif /* RECEIVE_H */
