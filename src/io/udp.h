/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * udp: receives and sends datagrams in batches: recvmmsg with UDP_GRO, sendmmsg
 * with UDP_SEGMENT.
 *
 * Datagrams to send are back to back in one buffer, so consecutive ones of one
 * size to one destination go to the kernel as one message, which it cuts
 * (UDP_SEGMENT).  A received message may contain many datagrams of one sender
 * (UDP_GRO), which udp_next() separates.
 *
 * Only this file handles control messages: the local address that a datagram
 * came to (IP_PKTINFO, IPV6_PKTINFO) is reported, and an answer can be sent
 * from it, so that a multi-homed hub answers from the address that was asked.
 * It creates no socket: the monitor does (monitor/host/sockets.h).
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

/* The source and destination of a datagram. */
struct udp_path {
	struct endpoint remote;
	struct in6_addr local;	  /* IPv4 as mapped; unspecified: unknown */
	unsigned	local_if; /* of a link-local address, else 0 */
	int		fd;	  /* received: the socket it came by */
};

struct udp_datagram {
	uint8_t *data;
	size_t	 len;
	/* The path that it came by, or is to take.  Borrowed. */
	const struct udp_path *path;
	int		       fd; /* to send: the socket to use */
};

/* A batch in each direction, with its buffers; one for each worker. */
struct udp_batch;

/*
 * `segments`: use UDP_SEGMENT as long as it works.  `refused` is called with a
 * positive errno value for each datagram that the kernel refuses (EMSGSIZE:
 * larger than the MTU of the link).
 */
struct udp_batch *udp_batch_new(bool segments,
    void (*refused)(void *arg, const struct udp_datagram *datagram, int error),
    void *arg);
void		  udp_batch_free(struct udp_batch *batch);

/*
 * Receives without waiting, for udp_next(); not always everything
 * (io/read_hint.h, for which `now` is the time of this turn).  Returns the
 * number of messages, 0 if there are none, or a negative errno value.
 */
int udp_receive(struct udp_batch *batch, int fd, struct mono now);

/*
 * The next received datagram, borrowed until the next udp_receive(); false:
 * none is left.  A datagram longer than UDP_MAX_LEN has len 0.
 */
bool udp_next(struct udp_batch *batch, struct udp_datagram *datagram);

/*
 * The next free datagram to fill in (data has room for UDP_MAX_LEN bytes), or
 * NULL when the batch is full and must be flushed.  Its path must stay as it
 * is until then.
 */
struct udp_datagram *udp_reserve(struct udp_batch *batch);

/* Gives back the datagram that was reserved last. */
void udp_cancel(struct udp_batch *batch);

/*
 * Sends the datagrams reserved since the last flush; after one that is refused
 * it continues with the next.
 */
void udp_flush(struct udp_batch *batch);

/* Whether UDP_SEGMENT is still used. */
bool udp_segments(const struct udp_batch *batch);

#endif /* UDP_H */
