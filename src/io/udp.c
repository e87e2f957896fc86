/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "io/udp.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define CONTROL_SIZE                                                           \
	(CMSG_SPACE(sizeof(struct in6_pktinfo)) +                              \
	    CMSG_SPACE(sizeof(struct in_pktinfo)))

/* One direction: the kernel's vectors beside our datagrams. */
struct vectors {
	struct mmsghdr	    msgs[UDP_BATCH];
	struct iovec	    iov[UDP_BATCH];
	struct udp_datagram list[UDP_BATCH];
	_Alignas(struct cmsghdr) uint8_t control[UDP_BATCH][CONTROL_SIZE];
	uint8_t buffers[UDP_BATCH][UDP_MAX_LEN];
};

struct udp_batch {
	struct vectors rx, tx;
	unsigned       ntx;
};

static void read_control(struct msghdr *msg, struct udp_path *path);
static void write_control(struct msghdr *msg, uint8_t *control,
    const struct udp_path *path);

struct udp_batch *
udp_batch_new(void)
{
	struct udp_batch *batch = calloc(1, sizeof(*batch));

	if (batch == NULL)
		return NULL;
	for (unsigned i = 0; i < UDP_BATCH; i++) {
		batch->rx.list[i].data = batch->rx.buffers[i];
		batch->tx.list[i].data = batch->tx.buffers[i];
	}
	return batch;
}

void
udp_batch_free(struct udp_batch *batch)
{
	free(batch);
}

int
udp_receive(struct udp_batch *batch, int fd, struct udp_datagram **list)
{
	struct vectors *rx = &batch->rx;
	int		n;

	for (unsigned i = 0; i < UDP_BATCH; i++) {
		struct udp_datagram *dgram = &rx->list[i];

		rx->iov[i] = (struct iovec) { rx->buffers[i], UDP_MAX_LEN };
		rx->msgs[i].msg_hdr = (struct msghdr) {
			.msg_name = &dgram->path.remote.sa,
			.msg_namelen = sizeof(dgram->path.remote.in6),
			.msg_iov = &rx->iov[i],
			.msg_iovlen = 1,
			.msg_control = rx->control[i],
			.msg_controllen = CONTROL_SIZE,
		};
	}
	n = recvmmsg(fd, rx->msgs, UDP_BATCH, MSG_DONTWAIT, NULL);
	if (n == -1)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	for (int i = 0; i < n; i++) {
		struct msghdr	    *msg = &rx->msgs[i].msg_hdr;
		struct udp_datagram *dgram = &rx->list[i];

		dgram->len = (msg->msg_flags & MSG_TRUNC) != 0 ?
		    0 :
		    rx->msgs[i].msg_len;
		dgram->path.remote.len = msg->msg_namelen;
		dgram->fd = fd;
		read_control(msg, &dgram->path);
	}
	*list = rx->list;
	return n;
}

struct udp_datagram *
udp_reserve(struct udp_batch *batch)
{
	if (batch->ntx == UDP_BATCH)
		return NULL;
	return &batch->tx.list[batch->ntx++];
}

void
udp_flush(struct udp_batch *batch,
    void (*refused)(void *arg, const struct udp_datagram *datagram, int error),
    void *arg)
{
	struct vectors *tx = &batch->tx;
	unsigned	done = 0, end;

	for (unsigned i = 0; i < batch->ntx; i++) {
		struct udp_datagram *dgram = &tx->list[i];

		tx->iov[i] = (struct iovec) { dgram->data, dgram->len };
		tx->msgs[i].msg_hdr = (struct msghdr) {
			.msg_name = &dgram->path.remote.sa,
			.msg_namelen = dgram->path.remote.len,
			.msg_iov = &tx->iov[i],
			.msg_iovlen = 1,
		};
		write_control(&tx->msgs[i].msg_hdr, tx->control[i],
		    &dgram->path);
	}
	while (done < batch->ntx) {
		int fd = tx->list[done].fd, n;

		for (end = done + 1;
		    end < batch->ntx && tx->list[end].fd == fd; end++)
			;
		n = sendmmsg(fd, &tx->msgs[done], end - done, MSG_DONTWAIT);
		if (n > 0) {
			done += (unsigned)n;
			continue;
		}
		if (n == -1 && errno == EINTR)
			continue;
		refused(arg, &tx->list[done], n == -1 ? errno : EIO);
		done++;
	}
	batch->ntx = 0;
}

static void
read_control(struct msghdr *msg, struct udp_path *path)
{
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
		}
	}
}

static void
write_control(struct msghdr *msg, uint8_t *control, const struct udp_path *path)
{
	struct cmsghdr *c = (struct cmsghdr *)(void *)control;

	if (IN6_IS_ADDR_UNSPECIFIED(&path->local))
		return;
	msg->msg_control = control;
	if (path->remote.sa.sa_family == AF_INET6) {
		struct in6_pktinfo info = { .ipi6_addr = path->local,
			.ipi6_ifindex = path->local_if };

		msg->msg_controllen = CMSG_SPACE(sizeof(info));
		*c = (struct cmsghdr) { .cmsg_level = IPPROTO_IPV6,
			.cmsg_type = IPV6_PKTINFO,
			.cmsg_len = CMSG_LEN(sizeof(info)) };
		memcpy(CMSG_DATA(c), &info, sizeof(info));
	} else {
		struct in_pktinfo info = { 0 };

		memcpy(&info.ipi_spec_dst, &path->local.s6_addr[12], 4);
		msg->msg_controllen = CMSG_SPACE(sizeof(info));
		*c = (struct cmsghdr) { .cmsg_level = IPPROTO_IP,
			.cmsg_type = IP_PKTINFO,
			.cmsg_len = CMSG_LEN(sizeof(info)) };
		memcpy(CMSG_DATA(c), &info, sizeof(info));
	}
}
