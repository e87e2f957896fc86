/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "io/udp.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "io/read_hint.h"

#define CONTROL_SIZE                                                           \
	(CMSG_SPACE(sizeof(struct in6_pktinfo)) +                              \
	    CMSG_SPACE(sizeof(struct in_pktinfo)) + CMSG_SPACE(sizeof(int)))

/*
 * A message that the kernel merged is up to 64 KiB: a few of them are a turn's
 * work.  Of single datagrams it takes many.
 */
#define RX_MESSAGES    64
#define RX_MERGED      4
#define RX_MESSAGE_LEN 65536

#define TX_BUFFER	 ((size_t)UDP_BATCH * 1536 + UDP_MAX_LEN)
#define TX_MAX_SEGMENTS	 64    /* older kernels' limit; newer ones have 128 */
#define TX_MAX_MESSAGE	 65000 /* below an IP packet's limit, headers off */

struct receiving {
	struct mmsghdr	msgs[RX_MESSAGES];
	struct iovec	iov[RX_MESSAGES];
	struct udp_path paths[RX_MESSAGES];
	_Alignas(struct cmsghdr) uint8_t control[RX_MESSAGES][CONTROL_SIZE];
	uint8_t buffers[RX_MESSAGES][RX_MESSAGE_LEN];
	bool	merged; /* the kernel merges what comes to us */
	struct read_hint hint;
	/* what udp_next() has got to */
	int    fd, n, next;
	size_t pos, segment; /* within message `next`; segment 0: not read yet */
};

struct sending {
	struct udp_datagram list[UDP_BATCH];
	unsigned	    n;
	bool		    segments;
	struct mmsghdr	    msgs[UDP_BATCH];
	struct iovec	    iov[UDP_BATCH];
	unsigned	    count[UDP_BATCH]; /* datagrams of a message */
	_Alignas(struct cmsghdr) uint8_t control[UDP_BATCH][CONTROL_SIZE];
	uint8_t buffer[TX_BUFFER];
};

/* To be called for what was refused. */
struct refusal {
	void (*call)(void *arg, const struct udp_datagram *datagram, int error);
	void *arg;
};

struct udp_batch {
	struct receiving rx;
	struct sending	 tx;
	struct refusal	 refusal;
};

static unsigned how_many(const struct receiving *rx, struct mono now);
static void send_range(struct sending *tx, unsigned from, unsigned to,
    bool segments, const struct refusal *refusal);
static unsigned group(const struct sending *tx, unsigned from, unsigned to);
static void write_message(struct sending *tx, unsigned message, unsigned from,
    unsigned n);
static unsigned refuse(struct sending *tx, unsigned from, unsigned n,
    int error, const struct refusal *refusal);
static void note_refused(void *arg, const struct udp_datagram *datagram,
    int error);
static size_t read_control(struct msghdr *msg, struct udp_path *path);
static void write_control(struct msghdr *msg, uint8_t *control,
    const struct udp_path *path, size_t segment);
static void put_control(struct msghdr *msg, uint8_t *control, int level,
    int type, const void *data, size_t len);

struct udp_batch *
udp_batch_new(bool segments,
    void (*refused)(void *arg, const struct udp_datagram *datagram, int error),
    void *arg)
{
	struct udp_batch *batch = calloc(1, sizeof(*batch));

	if (batch == NULL)
		return NULL;
	batch->tx.segments = segments;
	batch->refusal = (struct refusal) { refused, arg };
	return batch;
}

void
udp_batch_free(struct udp_batch *batch)
{
	free(batch);
}

bool
udp_segments(const struct udp_batch *batch)
{
	return batch->tx.segments;
}

int
udp_receive(struct udp_batch *batch, int fd, struct mono now)
{
	struct receiving *rx = &batch->rx;
	unsigned	  want = how_many(rx, now);
	int		  n;

	for (unsigned i = 0; i < want; i++) {
		rx->iov[i] = (struct iovec) { rx->buffers[i], RX_MESSAGE_LEN };
		rx->msgs[i].msg_hdr = (struct msghdr) {
			.msg_name = &rx->paths[i].remote.sa,
			.msg_namelen = sizeof(rx->paths[i].remote.in6),
			.msg_iov = &rx->iov[i],
			.msg_iovlen = 1,
			.msg_control = rx->control[i],
			.msg_controllen = CONTROL_SIZE,
		};
	}
	rx->n = rx->next = 0;
	rx->pos = rx->segment = 0;
	rx->fd = fd;
	n = recvmmsg(fd, rx->msgs, want, MSG_DONTWAIT, NULL);
	if (n == -1)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	read_hint_note(&rx->hint, now, (unsigned)n, rx->msgs[0].msg_len);
	rx->n = n;
	rx->merged = false;
	return n;
}

static unsigned
how_many(const struct receiving *rx, struct mono now)
{
	if (read_hint_is_likely(&rx->hint, now))
		return 1;
	return rx->merged ? RX_MERGED : RX_MESSAGES;
}

bool
udp_next(struct udp_batch *batch, struct udp_datagram *datagram)
{
	struct receiving *rx = &batch->rx;
	struct mmsghdr	 *msg = &rx->msgs[rx->next];
	size_t		  left;

	if (rx->next == rx->n)
		return false;
	if (rx->segment == 0) {
		rx->paths[rx->next].remote.len = msg->msg_hdr.msg_namelen;
		rx->paths[rx->next].fd = rx->fd;
		rx->segment = read_control(&msg->msg_hdr,
		    &rx->paths[rx->next]);
		if (rx->segment == 0)
			rx->segment = RX_MESSAGE_LEN;
	}
	left = msg->msg_len - rx->pos;
	if (left > rx->segment) {
		left = rx->segment;
		rx->merged = true;
	}
	*datagram = (struct udp_datagram) {
		.data = rx->buffers[rx->next] + rx->pos,
		.len = left,
		.path = &rx->paths[rx->next],
		.fd = rx->fd,
	};
	if (left > UDP_MAX_LEN || (msg->msg_hdr.msg_flags & MSG_TRUNC) != 0)
		datagram->len = 0;
	rx->pos += left;
	if (rx->pos == msg->msg_len) {
		rx->next++;
		rx->pos = rx->segment = 0;
	}
	return true;
}

struct udp_datagram *
udp_reserve(struct udp_batch *batch)
{
	struct sending	    *tx = &batch->tx;
	uint8_t		    *data = tx->buffer;
	struct udp_datagram *last;

	if (tx->n == UDP_BATCH)
		return NULL;
	if (tx->n > 0) {
		last = &tx->list[tx->n - 1];
		data = last->data + last->len;
	}
	if ((size_t)(tx->buffer + TX_BUFFER - data) < UDP_MAX_LEN)
		return NULL;
	tx->list[tx->n].data = data;
	return &tx->list[tx->n++];
}

void
udp_cancel(struct udp_batch *batch)
{
	batch->tx.n--;
}

void
udp_flush(struct udp_batch *batch)
{
	send_range(&batch->tx, 0, batch->tx.n, batch->tx.segments,
	    &batch->refusal);
	batch->tx.n = 0;
}

/* Datagrams `from` to `to`; with `segments`, equal ones as one message. */
static void
send_range(struct sending *tx, unsigned from, unsigned to, bool segments,
    const struct refusal *refusal)
{
	while (from < to) {
		int	 r, fd = tx->list[from].fd;
		unsigned n = 0;

		for (unsigned i = from; i < to && tx->list[i].fd == fd; n++) {
			tx->count[n] = segments ? group(tx, i, to) : 1;
			write_message(tx, n, i, tx->count[n]);
			i += tx->count[n];
		}
		do
			r = sendmmsg(fd, tx->msgs, n, MSG_DONTWAIT);
		while (r == -1 && errno == EINTR);
		if (r > 0) {
			for (int i = 0; i < r; i++)
				from += tx->count[i];
			continue;
		}
		from += refuse(tx, from, tx->count[0], r == -1 ? errno : EIO,
		    refusal);
	}
}

/*
 * How many from `from` on may be one message: one way, one size, last less.
 * Of nothing the kernel cuts nothing: empty ones go alone.
 */
static unsigned
group(const struct sending *tx, unsigned from, unsigned to)
{
	const struct udp_datagram *first = &tx->list[from];
	size_t			   total = first->len;
	unsigned		   n = 1;

	while (from + n < to && n < TX_MAX_SEGMENTS) {
		const struct udp_datagram *next = &tx->list[from + n];

		if (next->fd != first->fd || next->path != first->path ||
		    next->len > first->len || next->len == 0 ||
		    total + next->len > TX_MAX_MESSAGE)
			break;
		n++;
		total += next->len;
		if (next->len < first->len)
			break;
	}
	return n;
}

static void
write_message(struct sending *tx, unsigned message, unsigned from, unsigned n)
{
	const struct udp_datagram *first = &tx->list[from];
	const struct udp_datagram *last = &tx->list[from + n - 1];
	struct msghdr		  *msg = &tx->msgs[message].msg_hdr;

	tx->iov[message] = (struct iovec) { first->data,
		(size_t)(last->data + last->len - first->data) };
	*msg = (struct msghdr) {
		/* The kernel only reads it. */
		.msg_name = (void *)(uintptr_t)&first->path->remote.sa,
		.msg_namelen = first->path->remote.len,
		.msg_iov = &tx->iov[message],
		.msg_iovlen = 1,
	};
	write_control(msg, tx->control[message], first->path,
	    n > 1 ? first->len : 0);
}

/*
 * Of several in one message each gets a second chance alone: then the kernel
 * says which it refuses.  Where they go through, it is the cutting that this
 * path cannot do (EIO: a device without checksum offload; EINVAL: more than it
 * cuts), now or ever; other errors come and go, as a firewall's EPERM.
 */
static unsigned
refuse(struct sending *tx, unsigned from, unsigned n, int error,
    const struct refusal *refusal)
{
	int	       alone = 0;
	struct refusal note = { note_refused, &alone };

	if (n == 1 || error == EAGAIN || error == ENOBUFS) {
		for (unsigned i = from; i < from + n; i++)
			refusal->call(refusal->arg, &tx->list[i], error);
		return n;
	}
	send_range(tx, from, from + 1, false, &note);
	if (alone != 0)
		refusal->call(refusal->arg, &tx->list[from], alone);
	else if (error == EIO || error == EINVAL)
		tx->segments = false;
	send_range(tx, from + 1, from + n, false, refusal);
	return n;
}

static void
note_refused(void *arg, const struct udp_datagram *datagram, int error)
{
	int *alone = arg;

	*alone = error;
}

/* The size of the datagrams in it where the kernel merged several, else 0. */
static size_t
read_control(struct msghdr *msg, struct udp_path *path)
{
	int segment = 0;

	path->local = in6addr_any;
	path->local_if = 0;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c != NULL;
	    c = CMSG_NXTHDR(msg, c)) {
		if (c->cmsg_level == IPPROTO_IPV6 &&
		    c->cmsg_type == IPV6_PKTINFO) {
			struct in6_pktinfo info;

			memcpy(&info, CMSG_DATA(c), sizeof(info));
			path->local = info.ipi6_addr;
			if (IN6_IS_ADDR_LINKLOCAL(&info.ipi6_addr))
				path->local_if = info.ipi6_ifindex;
		} else if (c->cmsg_level == IPPROTO_IP &&
		    c->cmsg_type == IP_PKTINFO) {
			struct in_pktinfo info;

			memcpy(&info, CMSG_DATA(c), sizeof(info));
			memset(&path->local, 0, 10);
			memset(&path->local.s6_addr[10], 0xff, 2);
			memcpy(&path->local.s6_addr[12], &info.ipi_spec_dst, 4);
		} else if (c->cmsg_level == SOL_UDP && c->cmsg_type == UDP_GRO) {
			memcpy(&segment, CMSG_DATA(c), sizeof(segment));
		}
	}
	return segment > 0 ? (size_t)segment : 0;
}

static void
write_control(struct msghdr *msg, uint8_t *control,
    const struct udp_path *path, size_t segment)
{
	uint16_t size = (uint16_t)segment;

	if (IN6_IS_ADDR_UNSPECIFIED(&path->local)) {
		/* the kernel chooses */
	} else if (path->remote.sa.sa_family == AF_INET6) {
		struct in6_pktinfo info = { .ipi6_addr = path->local,
			.ipi6_ifindex = path->local_if };

		put_control(msg, control, IPPROTO_IPV6, IPV6_PKTINFO, &info,
		    sizeof(info));
	} else {
		struct in_pktinfo info = { 0 };

		memcpy(&info.ipi_spec_dst, &path->local.s6_addr[12], 4);
		put_control(msg, control, IPPROTO_IP, IP_PKTINFO, &info,
		    sizeof(info));
	}
	if (segment != 0)
		put_control(msg, control, SOL_UDP, UDP_SEGMENT, &size,
		    sizeof(size));
}

/* Behind those that the message has. */
static void
put_control(struct msghdr *msg, uint8_t *control, int level, int type,
    const void *data, size_t len)
{
	struct cmsghdr *c = (struct cmsghdr *)(void *)(control +
	    msg->msg_controllen);

	*c = (struct cmsghdr) { .cmsg_level = level, .cmsg_type = type,
		.cmsg_len = CMSG_LEN(len) };
	memcpy(CMSG_DATA(c), data, len);
	msg->msg_control = control;
	msg->msg_controllen += CMSG_SPACE(len);
}
