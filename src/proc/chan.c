/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * On the wire: u16 type, u32 id, payload; descriptors in one SCM_RIGHTS.
 *
 * One request is read per turn of the loop: the callback may free the struct
 * that `chan` is in, so nothing of it is touched after a callback.
 */
#include "proc/chan.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mono.h"
#include "base/nitems.h"
#include "base/secret.h"
#include "base/wire.h"

#define HEADER_LEN 6

/* A request that waits for the other end to read. */
struct chan_out {
	STAILQ_ENTRY(chan_out) entry;
	int	 fds[CHAN_MAX_FDS]; /* our duplicates */
	unsigned nfds;
	uint16_t type;
	uint32_t id;
	size_t	 len;
	uint8_t	 data[];
};

static void on_readable(struct ev_loop *loop, struct ev_io *watcher, int what);
static void on_writable(struct ev_loop *loop, struct ev_io *watcher, int what);
static void fail(struct chan *chan);
static int  enqueue(struct chan *chan, uint16_t type, uint32_t id,
     const void *data, size_t len, const int *fds, unsigned nfds);
static void out_free(struct chan_out *out);
static int  transmit(int fd, uint16_t type, uint32_t id, const void *data,
     size_t len, const int *fds, unsigned nfds);
static int  receive(int fd, struct chan_msg *msg, uint8_t *buf);
static void take_fds(struct chan_msg *msg, struct msghdr *hdr);
static int  wait_until(int fd, short events, struct mono deadline, bool forever);

int
chan_pair(int fds[2])
{
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) == -1)
		return -errno;
	return 0;
}

void
chan_open(struct chan *chan, struct ev_loop *loop, int fd,
    void (*on_msg)(struct chan *, struct chan_msg *),
    void (*on_closed)(struct chan *), void *arg)
{
	int flags = fcntl(fd, F_GETFL);

	if (flags != -1)
		fcntl(fd, F_SETFL, flags | O_NONBLOCK);
	*chan = (struct chan) {
		.fd = fd,
		.loop = loop,
		.on_msg = on_msg,
		.on_closed = on_closed,
		.arg = arg,
	};
	STAILQ_INIT(&chan->queue);
	ev_io_init(&chan->reader, on_readable, fd, EV_READ);
	ev_io_init(&chan->writer, on_writable, fd, EV_WRITE);
	ev_io_start(loop, &chan->reader);
}

void
chan_close(struct chan *chan)
{
	struct chan_out *out;

	if (chan->fd == -1)
		return;
	ev_io_stop(chan->loop, &chan->reader);
	ev_io_stop(chan->loop, &chan->writer);
	close(chan->fd);
	chan->fd = -1;
	while ((out = STAILQ_FIRST(&chan->queue)) != NULL) {
		STAILQ_REMOVE_HEAD(&chan->queue, entry);
		out_free(out);
	}
	chan->queued = 0;
}

int
chan_send(struct chan *chan, uint16_t type, uint32_t id, const void *data,
    size_t len, const int *fds, unsigned nfds)
{
	int r;

	if (chan->fd == -1)
		return -EPIPE;
	if (len > CHAN_MAX_PAYLOAD || nfds > CHAN_MAX_FDS)
		return -EMSGSIZE;
	if (chan->queued == 0) {
		r = transmit(chan->fd, type, id, data, len, fds, nfds);
		if (r != -EAGAIN)
			return r;
	}
	return enqueue(chan, type, id, data, len, fds, nfds);
}

uint32_t
chan_next_id(struct chan *chan)
{
	if (++chan->next_id == 0)
		chan->next_id = 1;
	return chan->next_id;
}

int
chan_send_fd(int fd, uint16_t type, uint32_t id, const void *data, size_t len,
    const int *fds, unsigned nfds)
{
	int r;

	if (len > CHAN_MAX_PAYLOAD || nfds > CHAN_MAX_FDS)
		return -EMSGSIZE;
	while ((r = transmit(fd, type, id, data, len, fds, nfds)) == -EAGAIN) {
		r = wait_until(fd, POLLOUT, (struct mono) { 0 }, true);
		if (r < 0)
			break;
	}
	return r;
}

int
chan_recv_fd(int fd, struct chan_msg *msg, uint8_t *buf, int timeout_ms)
{
	struct mono deadline = mono_add(mono_now(), timeout_ms * MONO_MS);
	int	    r;

	while ((r = receive(fd, msg, buf)) == -EAGAIN) {
		r = wait_until(fd, POLLIN, deadline, timeout_ms < 0);
		if (r < 0)
			break;
	}
	return r;
}

bool
chan_get(const struct chan_msg *msg, void *dst, size_t size)
{
	return msg->len == size && chan_get_head(msg, dst, size);
}

bool
chan_get_head(const struct chan_msg *msg, void *dst, size_t size)
{
	if (msg->len < size)
		return false;
	memcpy(dst, msg->data, size);
	return true;
}

int
chan_keep_fd(struct chan_msg *msg, unsigned i)
{
	int fd = msg->fds[i];

	msg->fds[i] = -1;
	return fd;
}

void
chan_msg_close_fds(struct chan_msg *msg)
{
	for (unsigned i = 0; i < msg->nfds; i++) {
		if (msg->fds[i] != -1)
			close(msg->fds[i]);
		msg->fds[i] = -1;
	}
	msg->nfds = 0;
}

static void
on_readable(struct ev_loop *loop, struct ev_io *watcher, int what)
{
	struct chan    *chan = container_of(watcher, struct chan, reader);
	uint8_t	       *buf = malloc(CHAN_MAX_PAYLOAD);
	struct chan_msg msg;
	int		r;

	r = buf != NULL ? receive(chan->fd, &msg, buf) : -ENOMEM;
	if (r == 0) {
		chan->on_msg(chan, &msg);
		chan_msg_close_fds(&msg);
		/* It may have been a password. */
		secret_wipe(buf, msg.len);
	} else if (r != -EAGAIN) {
		fail(chan);
	}
	free(buf);
}

static void
on_writable(struct ev_loop *loop, struct ev_io *watcher, int what)
{
	struct chan	*chan = container_of(watcher, struct chan, writer);
	struct chan_out *out;

	while ((out = STAILQ_FIRST(&chan->queue)) != NULL) {
		int r = transmit(chan->fd, out->type, out->id, out->data,
		    out->len, out->fds, out->nfds);

		if (r == -EAGAIN)
			return;
		if (r < 0) {
			fail(chan);
			return;
		}
		STAILQ_REMOVE_HEAD(&chan->queue, entry);
		chan->queued--;
		out_free(out);
	}
	ev_io_stop(loop, &chan->writer);
}

static void
fail(struct chan *chan)
{
	chan_close(chan);
	chan->on_closed(chan);
}

static int
enqueue(struct chan *chan, uint16_t type, uint32_t id, const void *data,
    size_t len, const int *fds, unsigned nfds)
{
	struct chan_out *out;

	if (chan->queued >= CHAN_MAX_QUEUE)
		return -ENOBUFS;
	out = malloc(sizeof(*out) + len);
	if (out == NULL)
		return -ENOMEM;
	out->type = type;
	out->id = id;
	out->len = len;
	out->nfds = 0;
	if (len > 0)
		memcpy(out->data, data, len);
	for (unsigned i = 0; i < nfds; i++) {
		int fd = fcntl(fds[i], F_DUPFD_CLOEXEC, 0);

		if (fd == -1) {
			int r = -errno;

			out_free(out);
			return r;
		}
		out->fds[out->nfds++] = fd;
	}
	STAILQ_INSERT_TAIL(&chan->queue, out, entry);
	chan->queued++;
	ev_io_start(chan->loop, &chan->writer);
	return 0;
}

static void
out_free(struct chan_out *out)
{
	for (unsigned i = 0; i < out->nfds; i++)
		close(out->fds[i]);
	secret_free(out, sizeof(*out) + out->len);
}

/* One sendmsg(2) that does not wait: 0, -EAGAIN, -EPIPE or worse. */
static int
transmit(int fd, uint16_t type, uint32_t id, const void *data, size_t len,
    const int *fds, unsigned nfds)
{
	union {
		struct cmsghdr align;
		char	       space[CMSG_SPACE(sizeof(int) * CHAN_MAX_FDS)];
	} control = { 0 };
	uint8_t	      header[HEADER_LEN];
	struct iovec  iov[2] = {
		 { .iov_base = header, .iov_len = HEADER_LEN },
		 /* sendmsg(2) only reads what its iovec, not const, points to. */
		 { .iov_base = (void *)(uintptr_t)data, .iov_len = len },
	};
	struct msghdr hdr = { .msg_iov = iov, .msg_iovlen = len > 0 ? 2 : 1 };

	wire_write_u16(header, type);
	wire_write_u32(header + 2, id);
	if (nfds > 0) {
		struct cmsghdr *cmsg = &control.align;

		cmsg->cmsg_level = SOL_SOCKET;
		cmsg->cmsg_type = SCM_RIGHTS;
		cmsg->cmsg_len = CMSG_LEN(sizeof(int) * nfds);
		memcpy(CMSG_DATA(cmsg), fds, sizeof(int) * nfds);
		hdr.msg_control = &control;
		hdr.msg_controllen = CMSG_SPACE(sizeof(int) * nfds);
	}
	while (sendmsg(fd, &hdr, MSG_NOSIGNAL | MSG_DONTWAIT) == -1) {
		if (errno == EINTR)
			continue;
		if (errno == ECONNRESET || errno == ENOTCONN)
			return -EPIPE;
		return -errno;
	}
	return 0;
}

/* One recvmsg(2) that does not wait: 0, -EAGAIN, -EPIPE, -EBADMSG or worse. */
static int
receive(int fd, struct chan_msg *msg, uint8_t *buf)
{
	union {
		struct cmsghdr align;
		char	       space[CMSG_SPACE(sizeof(int) * CHAN_MAX_FDS)];
	} control;
	uint8_t	      header[HEADER_LEN];
	struct iovec  iov[2] = {
		 { .iov_base = header, .iov_len = HEADER_LEN },
		 { .iov_base = buf, .iov_len = CHAN_MAX_PAYLOAD },
	};
	struct msghdr hdr = {
		.msg_iov = iov,
		.msg_iovlen = 2,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	ssize_t n;

	msg->nfds = 0;
	do
		n = recvmsg(fd, &hdr, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
	while (n == -1 && errno == EINTR);
	if (n == -1)
		return errno == ECONNRESET ? -EPIPE : -errno;
	take_fds(msg, &hdr);
	/* An empty datagram looks like the end, and is as unwelcome. */
	if (n == 0) {
		chan_msg_close_fds(msg);
		return -EPIPE;
	}
	if (n < HEADER_LEN || (hdr.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0) {
		chan_msg_close_fds(msg);
		return -EBADMSG;
	}
	msg->type = wire_read_u16(header);
	msg->id = wire_read_u32(header + 2);
	msg->data = buf;
	msg->len = (size_t)n - HEADER_LEN;
	return 0;
}

static void
take_fds(struct chan_msg *msg, struct msghdr *hdr)
{
	struct cmsghdr *cmsg;

	for (cmsg = CMSG_FIRSTHDR(hdr); cmsg != NULL;
	     cmsg = CMSG_NXTHDR(hdr, cmsg)) {
		size_t n = (cmsg->cmsg_len - CMSG_LEN(0)) / sizeof(int);

		if (cmsg->cmsg_level != SOL_SOCKET ||
		    cmsg->cmsg_type != SCM_RIGHTS)
			continue;
		/* The control buffer has no room for more than fit here. */
		if (n > CHAN_MAX_FDS - msg->nfds)
			n = CHAN_MAX_FDS - msg->nfds;
		memcpy(msg->fds + msg->nfds, CMSG_DATA(cmsg), n * sizeof(int));
		msg->nfds += (unsigned)n;
	}
}

/* 0 when there is something to do, or -ETIMEDOUT. */
static int
wait_until(int fd, short events, struct mono deadline, bool forever)
{
	struct pollfd pfd = { .fd = fd, .events = events };

	for (;;) {
		int64_t left = mono_sub(deadline, mono_now());
		int	n;

		if (!forever && left < 0)
			left = 0;
		n = poll(&pfd, 1,
		    forever ? -1 : (int)((left + MONO_MS - 1) / MONO_MS));
		if (n > 0)
			return 0;
		if (n == 0)
			return -ETIMEDOUT;
		if (errno != EINTR)
			return -errno;
	}
}
