/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * udp: datagrams in batches: recvmmsg with UDP_GRO, sendmmsg with UDP_SEGMENT.
 *
 * What is sent lies back to back in one buffer, so consecutive datagrams of one
 * size to one place are one piece of memory, and go to the kernel as one
 * message that it cuts up (UDP_SEGMENT); on the way in a message may hold many
 * datagrams of one sender (UDP_GRO), which udp_next() cuts apart.
 *
 * The only place that knows about control messages: the local address a
 * datagram came to (IP_PKTINFO, IPV6_PKTINFO) is reported, and an answer can
 * be sent from it, so that a multi-homed server answers from the address that
 * was asked.  Makes no socket: the monitor does (monitor/host/sockets.h).
 */
#ifndef UDP_H
#define UDP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/mono.h"

#define UDP_BATCH   128  /* datagrams sent by one flush */
#define UDP_MAX_LEN 9216 /* of one datagram's payload */

/* Where a datagram comes from and goes to, both ends. */
struct udp_path {
	struct endpoint remote;
	struct in6_addr local;	  /* IPv4 as mapped; unspecified: unknown */
	unsigned	local_if; /* of a link-local address, else 0 */
	int		fd;	  /* received: the socket it came by */
};

struct udp_datagram {
	uint8_t *data;
	size_t	 len;
	/* Received: whence; to send: whither.  Borrowed. */
	const struct udp_path *path;
	int		       fd; /* to send: by which socket */
};

/* Storage for a batch each way, with its buffers; one a worker. */
struct udp_batch;

/*
 * `segments`: let the kernel cut what is sent, as long as it can.  `refused` is
 * called for each that it does not take, with a positive errno value (EMSGSIZE:
 * larger than the link).
 */
struct udp_batch *udp_batch_new(bool segments,
    void (*refused)(void *arg, const struct udp_datagram *datagram, int error),
    void *arg);
void		  udp_batch_free(struct udp_batch *batch);

/*
 * Takes what is there without waiting, for udp_next(); not always all of it
 * (io/read_hint.h, for which `now` is this turn's time).  How many messages, 0
 * when
 * there are none, or a negative errno value.
 */
int udp_receive(struct udp_batch *batch, int fd, struct mono now);

/*
 * The next of the datagrams received, borrowed until the next udp_receive();
 * false when there is none left.  One longer than UDP_MAX_LEN has len 0.
 */
bool udp_next(struct udp_batch *batch, struct udp_datagram *datagram);

/*
 * The next free datagram to fill in (data has room for UDP_MAX_LEN bytes), or
 * NULL when the batch is full and must be flushed.  Its path must stay as it
 * is until then.
 */
struct udp_datagram *udp_reserve(struct udp_batch *batch);

/* Takes back the last one reserved. */
void udp_cancel(struct udp_batch *batch);

/* Sends what was reserved since the last flush; goes on behind what is refused. */
void udp_flush(struct udp_batch *batch);

/* Whether the kernel still cuts what is sent. */
bool udp_segments(const struct udp_batch *batch);

#endif /* UDP_H */
