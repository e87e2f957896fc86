/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tcp_frames: frames on the control connection (PROTOCOL 4.1, type 2).
 *
 * Frames that would be queued for more than 200 ms at the recent rate are
 * dropped, whole, before GnuTLS gets them (a record that was begun must be
 * finished).  So TCP inside the tunnel sees loss, as on any full link, instead
 * of seconds of delay.  Messages wait behind frames, but are never dropped.
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
#define TCP_FRAMES_FLOOR (32 * 1024) /* bytes, while the rate is unknown */

/* Drops of one peer; a worker has counted these frames as sent, too. */
struct tcp_frames {
	uint64_t queue_frames, queue_bytes; /* dropped on the way out */
	uint64_t drops[DROP_MAX];	    /* on the way in */
};

/* Returns how many more bytes may be queued. */
size_t tcp_frames_room(const struct tls_backlog *backlog);

/*
 * Sends a worker's batch (consumed), as far as there is room.  `conn` is NULL
 * if there is no connection.
 */
void tcp_frames_out(struct tcp_frames *tcp, struct conn *conn,
    struct tcp_batch *batch);

/* Passes the payload of a received message for `port` to its worker. */
void tcp_frames_in(struct tcp_frames *tcp, struct worker *worker,
    struct port *port, uint8_t *items, size_t len);

#endif /* TCP_FRAMES_H */
