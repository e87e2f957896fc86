/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * chan: requests between two of our processes, with descriptors.
 *
 * A SOCK_SEQPACKET socket pair, so a request arrives whole or not at all.  A
 * request is a type, an id that its answer repeats, a payload (proc/request.h)
 * of at most CHAN_MAX_PAYLOAD bytes and at most CHAN_MAX_FDS descriptors.
 *
 * Neither end trusts the other: a datagram that is too short, too long, or
 * truncated closes the channel, and a receiver that does not read for
 * CHAN_MAX_QUEUE requests counts as broken.
 */
#ifndef CHAN_H
#define CHAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include <ev.h>

#define CHAN_MAX_PAYLOAD 32768
#define CHAN_MAX_FDS	 32
#define CHAN_MAX_QUEUE	 1024

struct chan_msg {
	uint16_t       type;
	uint32_t       id;
	const uint8_t *data; /* borrowed until the callback returns */
	size_t	       len;
	int	       fds[CHAN_MAX_FDS]; /* -1: it is kept */
	unsigned       nfds;
};

struct chan_out;

struct chan {
	int	 fd; /* -1: closed */
	uint32_t next_id;
	struct ev_loop *loop;
	struct ev_io	reader;
	struct ev_io	writer;
	unsigned	queued;
	STAILQ_HEAD(, chan_out) queue;
	/* Descriptors that the callback leaves in msg are closed after it. */
	void (*on_msg)(struct chan *chan, struct chan_msg *msg);
	/*
	 * The other end closed the channel, or sent something invalid; chan is
	 * closed then.
	 */
	void (*on_closed)(struct chan *chan);
	void *arg; /* the owner's */
};

/* A connected pair, both close-on-exec.  0 or a negative errno value. */
int chan_pair(int fds[2]);

/*
 * Watches `fd` (owned from now on, made non-blocking) in `loop`.  The struct
 * is the caller's and must stay until chan_close().
 */
void chan_open(struct chan *chan, struct ev_loop *loop, int fd,
    void (*on_msg)(struct chan *, struct chan_msg *),
    void (*on_closed)(struct chan *), void *arg);
void chan_close(struct chan *chan);

/*
 * Sends it, or queues it if the other end is slow.  Descriptors are duplicated
 * or sent at once; the caller keeps its own.  Returns 0, or a negative errno
 * value (-ENOBUFS: the queue is full; the caller closes).
 */
int chan_send(struct chan *chan, uint16_t type, uint32_t id, const void *data,
    size_t len, const int *fds, unsigned nfds);

/* A new id for a request of ours, never 0. */
uint32_t chan_next_id(struct chan *chan);

/*
 * Blocking, without a loop: sends one request; and receives one within
 * `timeout_ms` (-1: no limit). chan_recv_fd() puts the payload into `buf`
 * (CHAN_MAX_PAYLOAD bytes), where msg->data points; the descriptors belong to
 * the caller.  Both return 0 or a negative errno value: -EPIPE if the other end
 * is closed, -ETIMEDOUT, -EBADMSG.
 */
int chan_send_fd(int fd, uint16_t type, uint32_t id, const void *data,
    size_t len, const int *fds, unsigned nfds);
int chan_recv_fd(int fd, struct chan_msg *msg, uint8_t *buf, int timeout_ms);

/* Copies a payload of exactly this size; false: the size differs. */
bool chan_get(const struct chan_msg *msg, void *dst, size_t size);
/* The same for the beginning of a longer payload. */
bool chan_get_head(const struct chan_msg *msg, void *dst, size_t size);

/* Descriptor `i`, which belongs to the caller from now on. */
int chan_keep_fd(struct chan_msg *msg, unsigned i);
/* Closes what is left in msg->fds. */
void chan_msg_close_fds(struct chan_msg *msg);

#endif /* CHAN_H */
