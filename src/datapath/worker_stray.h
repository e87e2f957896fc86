/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * worker_stray: a datagram that reached the wrong worker.
 *
 * The filter on the socket group hands each lane to its worker, so these come
 * only where the kernel lacks it or a socket of the group was replaced.  They
 * are copied and passed on, as many as WORKER_MAX_STRAYS at a time, counted.
 */
#ifndef WORKER_STRAY_H
#define WORKER_STRAY_H

#include <stdint.h>

#include "datapath/util/drop.h"

struct letter;
struct udp_datagram;
struct worker;

/* To the worker that owns `lane`. */
enum drop worker_stray_send(struct worker *from,
    const struct udp_datagram *datagram, uint8_t lane);

/* The other end: takes it in as if it had come by the socket. */
void worker_stray_take(struct worker *worker, struct letter *letter);

#endif /* WORKER_STRAY_H */
