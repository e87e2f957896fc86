/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * receive: datagrams -> frames.  receive.c opens with the numbered flow.
 */
#ifndef RECEIVE_H
#define RECEIVE_H

#include "io/udp.h"

struct worker;

/*
 * Takes a batch as far as it goes; what is forwarded leaves with
 * worker_flush().  At most UDP_BATCH datagrams between two flushes.
 */
void receive_batch(struct worker *worker, const struct udp_datagram *list,
    unsigned n);

#endif /* RECEIVE_H */
