/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "control/tcp_frames.h"

#include "control/session.h"
#include "control/tls.h"
#include "datapath/item.h"
#include "datapath/parcel.h"

/* Of the queue of a connection, for frames; the rest is for messages. */
#define FRAMES_SHARE (TLS_MAX_QUEUE / 2)

static size_t send_fitting(struct session *session, uint8_t *items,
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
tcp_frames_out(struct tcp_frames *tcp, struct session *session,
    struct parcel *parcel)
{
	size_t	 sent = 0, len;
	unsigned lost;

	if (session != NULL)
		sent = send_fitting(session, parcel->data, parcel->len);
	if (sent < parcel->len) {
		lost = parcel_fit(parcel->data + sent, parcel->len - sent,
		    PARCEL_SIZE, &len);
		tcp->queue_frames += lost;
		tcp->queue_bytes += len - (size_t)lost * ITEM_FRAME_HEADER;
	}
	parcel_done(parcel);
}

void
tcp_frames_in(struct tcp_frames *tcp, struct worker *worker, struct port *port,
    uint8_t *items, size_t len)
{
	enum drop drop = parcel_post(worker, port, items, len);
	size_t	  fitting;

	if (drop != DROP_NONE)
		tcp->drops[drop] += parcel_fit(items, len, len, &fitting);
}

/* Returns how many bytes of the items went; whole ones. */
static size_t
send_fitting(struct session *session, uint8_t *items, size_t len)
{
	struct tls_backlog backlog;
	size_t		   room, n;

	if (!session_takes_frames(session))
		return 0;
	tls_backlog(session->tls, &backlog);
	room = tcp_frames_room(&backlog);
	if (len > room)
		(void)parcel_fit(items, len, room, &n);
	else
		n = len;
	if (n == 0 || session_send_frames(session, items, n) < 0)
		return 0;
	return n;
}
