/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tcp_frames: frames on the control connection (PROTOCOL 4.1, type 2).
 *
 * They wait for no longer than TCP needs to send them: what would be queued for
 * more than 200 ms at the rate of late is dropped, whole frames, before GnuTLS
 * has seen a byte of it (a record that was begun must be finished).  So the TCP
 * inside the tunnel sees loss, as on any full line, and not seconds of delay.
 * Messages wait behind frames, and are never dropped for them.
 */
#ifndef TCP_FRAMES_H
#define TCP_FRAMES_H

#include <stddef.h>
#include <stdint.h>

#include "datapath/util/drop.h"

struct tcp_batch;
struct port;
struct conn;
struct tls_backlog;
struct worker;

#define TCP_FRAMES_MS	 200	     /* of queue, at the measured rate */
#define TCP_FRAMES_FLOOR (32 * 1024) /* bytes; the rate is not known yet */

/* Of one peer; frames that a worker had counted as sent, too. */
struct tcp_frames {
	uint64_t queue_frames, queue_bytes; /* dropped on the way out */
	uint64_t drops[DROP_MAX];	    /* on the way in */
};

/* How many bytes may still be queued. */
size_t tcp_frames_room(const struct tls_backlog *backlog);

/*
 * What a worker packed, to the other end, as far as there is room for it.
 * Consumes the batch.  `session` NULL: there is no connection.
 */
void tcp_frames_out(struct tcp_frames *tcp, struct conn *conn,
    struct tcp_batch *batch);

/* The payload of a message that came in, for `port`, to its worker. */
void tcp_frames_in(struct tcp_frames *tcp, struct worker *worker,
    struct port *port, uint8_t *items, size_t len);

#endif /* TCP_FRAMES_H */
