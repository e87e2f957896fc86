/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "control/conn/tcp_frames.h"

#include "control/conn/conn.h"
#include "control/conn/tls.h"
#include "datapath/lane/item.h"
#include "datapath/tcp_batch.h"

/* The part of a connection's queue for frames; the rest is for messages. */
#define FRAMES_SHARE (TLS_MAX_QUEUE / 2)

static size_t send_fitting(struct conn *conn, uint8_t *items,
    size_t len);

size_t
tcp_frames_room(const struct tls_backlog *backlog)
{
	uint64_t limit = backlog->rate / 1000 * TCP_FRAMES_MS;
	uint64_t waiting = (uint64_t)backlog->queued + backlog->unsent;

	if (limit < TCP_FRAMES_FLOOR)
		limit = TCP_FRAMES_FLOOR;
	if (limit > FRAMES_SHARE + (uint64_t)backlog->unsent)
		limit = FRAMES_SHARE + (uint64_t)backlog->unsent;
	return waiting < limit ? (size_t)(limit - waiting) : 0;
}

void
tcp_frames_out(struct tcp_frames *tcp, struct conn *conn,
    struct tcp_batch *batch)
{
	size_t	 sent = 0, len;
	unsigned lost;

	if (conn != NULL)
		sent = send_fitting(conn, batch->data, batch->len);
	if (sent < batch->len) {
		lost = tcp_batch_fit(batch->data + sent, batch->len - sent,
		    TCP_BATCH_SIZE, &len);
		tcp->queue_frames += lost;
		tcp->queue_bytes += len - (size_t)lost * ITEM_FRAME_HEADER;
	}
	tcp_batch_done(batch);
}

void
tcp_frames_in(struct tcp_frames *tcp, struct worker *worker, struct port *port,
    uint8_t *items, size_t len)
{
	enum drop drop = tcp_batch_post(worker, port, items, len);
	size_t	  fitting;

	if (drop != DROP_NONE)
		tcp->drops[drop] += tcp_batch_fit(items, len, len, &fitting);
}

/* Sends whole items; returns how many bytes were sent. */
static size_t
send_fitting(struct conn *conn, uint8_t *items, size_t len)
{
	struct tls_backlog backlog;
	size_t		   room, n;

	if (!conn_takes_frames(conn))
		return 0;
	tls_backlog(conn->tls, &backlog);
	room = tcp_frames_room(&backlog);
	if (len > room)
		(void)tcp_batch_fit(items, len, room, &n);
	else
		n = len;
	if (n == 0 || conn_send_frames(conn, items, n) < 0)
		return 0;
	return n;
}
