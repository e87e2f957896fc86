/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * udp: datagrams in batches, recvmmsg and sendmmsg.
 *
 * The only place that knows about control messages: the local address a
 * datagram came to (IP_PKTINFO, IPV6_PKTINFO) is reported, and an answer can
 * be sent from it, so that a multi-homed server answers from the address that
 * was asked.  Makes no socket: the monitor does (monitor/sockets.h).
 */
#ifndef UDP_H
#define UDP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"

#define UDP_BATCH   64
#define UDP_MAX_LEN 9216 /* of one datagram's payload */

/* Where a datagram comes from and goes to, both ends. */
struct udp_path {
	struct endpoint remote;
	struct in6_addr local;	  /* IPv4 as mapped; unspecified: unknown */
	unsigned	local_if; /* of a link-local address, else 0 */
};

struct udp_datagram {
	uint8_t		*data;
	size_t		 len;
	struct udp_path path; /* received: whence; to send: whither */
	int		 fd;  /* to send: by which socket */
};

/* Storage for a batch each way, with its buffers; one a worker. */
struct udp_batch;

struct udp_batch *udp_batch_new(void);
void		  udp_batch_free(struct udp_batch *batch);

/*
 * Receives up to UDP_BATCH datagrams without waiting.  Returns how many;
 * `*list` is borrowed until the next call.  0 when there are none, or a
 * negative errno value.  Datagrams longer than UDP_MAX_LEN come with len 0.
 */
int udp_receive(struct udp_batch *batch, int fd, struct udp_datagram **list);

/*
 * The next free datagram to fill in (data has room for UDP_MAX_LEN bytes), or
 * NULL when the batch is full and must be flushed.
 */
struct udp_datagram *udp_reserve(struct udp_batch *batch);

/*
 * Sends what was reserved since the last flush.  For each one that the kernel
 * refused calls `refused` with a positive errno value (EMSGSIZE: larger than
 * the link) and goes on behind it.
 */
void udp_flush(struct udp_batch *batch,
    void (*refused)(void *arg, const struct udp_datagram *datagram, int error),
    void *arg);

#endif /* UDP_H */
