/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "io/tap.h"

#include <assert.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <linux/virtio_net.h>

#ifndef VIRTIO_NET_HDR_GSO_UDP_L4 /* Linux 6.2 */
#define VIRTIO_NET_HDR_GSO_UDP_L4 5
#endif

/*
 * A turn's reads: enough for the fewest system calls, few enough that they are
 * still in the cache when they are sealed.
 */
#define TURN_BYTES (192 * 1024)
#define SLOT	   (sizeof(struct virtio_net_hdr) + FRAME_MAX_SUPER + 1)
#define ALIGN	   64

static_assert(sizeof(struct virtio_net_hdr) >= FRAME_HEADROOM,
    "what was the header becomes the headroom");

struct tap {
	int	     fd;
	bool	     vnet;
	struct frame frames[FRAME_BATCH];
	_Alignas(ALIGN) uint8_t buffer[TURN_BYTES + SLOT];
};

static void take_header(struct frame *frame, const uint8_t *bytes);
static void make_header(struct virtio_net_hdr *hdr, const struct frame *frame,
    size_t headers);

struct tap *
tap_new(int fd, bool vnet)
{
	struct tap *tap = aligned_alloc(ALIGN,
	    (sizeof(*tap) + ALIGN - 1) / ALIGN * ALIGN);

	if (tap == NULL)
		return NULL;
	tap->fd = fd;
	tap->vnet = vnet;
	return tap;
}

void
tap_free(struct tap *tap)
{
	free(tap);
}

int
tap_read(struct tap *tap, struct frame **frames)
{
	size_t hdr_len = sizeof(struct virtio_net_hdr), pos = 0;
	size_t max = tap->vnet ? hdr_len + FRAME_MAX_SUPER + 1 :
				 FRAME_MAX_LEN + 1;
	int    n = 0;

	*frames = tap->frames;
	while (n < FRAME_BATCH && pos < TURN_BYTES) {
		uint8_t	     *data = tap->buffer + pos + hdr_len;
		struct frame *frame = &tap->frames[n];
		ssize_t	      len = read(tap->fd,
			      tap->vnet ? data - hdr_len : data, max);

		if (len == -1 && errno == EINTR)
			continue;
		if (len == -1 && errno == EAGAIN)
			break;
		if (len == -1)
			return n > 0 ? n : -errno;
		if (tap->vnet) {
			if (len <= (ssize_t)hdr_len)
				continue;
			len -= (ssize_t)hdr_len;
		}
		*frame = (struct frame) { .data = data, .len = (size_t)len };
		if (tap->vnet)
			take_header(frame, data - hdr_len);
		pos += (hdr_len + (size_t)len + ALIGN - 1) / ALIGN * ALIGN;
		n++;
	}
	return n;
}

int
tap_write(struct tap *tap, const struct frame *frame, struct iovec *iov,
    int niov)
{
	struct virtio_net_hdr hdr;
	ssize_t		      n;

	if (tap->vnet) {
		make_header(&hdr, frame, iov[1].iov_len);
		iov[0] = (struct iovec) { &hdr, sizeof(hdr) };
	} else {
		iov++;
		niov--;
	}
	do
		n = writev(tap->fd, iov, niov);
	while (n == -1 && errno == EINTR);
	return n == -1 ? -errno : 0;
}

/*
 * What this does not know, the kernel was not told that we take: such a frame
 * gets a length that nobody forwards.
 */
static void
take_header(struct frame *frame, const uint8_t *bytes)
{
	struct virtio_net_hdr hdr;

	memcpy(&hdr, bytes, sizeof(hdr));
	if ((hdr.flags & VIRTIO_NET_HDR_F_NEEDS_CSUM) != 0) {
		if (hdr.csum_offset > UINT8_MAX ||
		    (size_t)hdr.csum_start + hdr.csum_offset + 2 > frame->len) {
			frame->len = FRAME_MAX_LEN + 1;
			return;
		}
		frame->flags = FRAME_CSUM;
		frame->csum_start = hdr.csum_start;
		frame->csum_offset = (uint8_t)hdr.csum_offset;
	}
	frame->gso_size = hdr.gso_size;
	switch (hdr.gso_type & ~VIRTIO_NET_HDR_GSO_ECN) {
	case VIRTIO_NET_HDR_GSO_NONE:
		frame->gso = FRAME_WHOLE;
		break;
	case VIRTIO_NET_HDR_GSO_TCPV4:
		frame->gso = FRAME_TCP4;
		break;
	case VIRTIO_NET_HDR_GSO_TCPV6:
		frame->gso = FRAME_TCP6;
		break;
	case VIRTIO_NET_HDR_GSO_UDP_L4:
		frame->gso = FRAME_UDP;
		break;
	default:
		frame->len = FRAME_MAX_LEN + 1;
		break;
	}
}

/* `headers`, of a superframe: what the kernel should keep in one piece. */
static void
make_header(struct virtio_net_hdr *hdr, const struct frame *frame,
    size_t headers)
{
	static const uint8_t types[] = {
		[FRAME_WHOLE] = VIRTIO_NET_HDR_GSO_NONE,
		[FRAME_TCP4] = VIRTIO_NET_HDR_GSO_TCPV4,
		[FRAME_TCP6] = VIRTIO_NET_HDR_GSO_TCPV6,
		[FRAME_UDP] = VIRTIO_NET_HDR_GSO_UDP_L4,
	};

	*hdr = (struct virtio_net_hdr) { .gso_type = types[frame->gso] };
	if ((frame->flags & FRAME_CSUM) != 0) {
		hdr->flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
		hdr->csum_start = frame->csum_start;
		hdr->csum_offset = frame->csum_offset;
	}
	if (frame->gso != FRAME_WHOLE) {
		hdr->gso_size = frame->gso_size;
		hdr->hdr_len = (uint16_t)headers;
	}
}
