/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "io/tap.h"

#include <assert.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <linux/virtio_net.h>

#include "io/read_hint.h"

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

/* What waits: in bytes, between these; and in frames. */
#define MIN_WAITING ((size_t)256 * 1024)
#define MAX_WAITING ((size_t)2 * 1024 * 1024)
#define WAITING	    512
#define RATE_US	    1000 /* how long at least to look at the speed */

static_assert(sizeof(struct virtio_net_hdr) >= FRAME_HEADROOM,
    "what was the header becomes the headroom");

struct tap {
	int	     fd;
	bool	     vnet;
	/* Read and not handed out: frames[first] to frames[end - 1]. */
	struct frame frames[WAITING];
	unsigned     first, end;
	size_t	     pos; /* in the buffer, behind the last */
	size_t	     waiting; /* bytes of those */
	size_t	     max_waiting;
	struct read_hint  hint;
	/* The speed, while something waits: bytes handed out since. */
	struct mono since;
	size_t	    bytes;
	_Alignas(ALIGN) uint8_t buffer[MAX_WAITING + TURN_BYTES + 2 * SLOT];
};

static int read_ahead(struct tap *tap, struct mono now,
    const struct frame **dropped);
static int read_one(struct tap *tap, struct frame *frame);
static unsigned hand_out(struct tap *tap, struct frame **frames);
static void look_at_speed(struct tap *tap, struct mono now);
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
	tap->first = tap->end = 0;
	tap->pos = tap->waiting = tap->bytes = 0;
	tap->max_waiting = MAX_WAITING / 2;
	tap->since = mono_now();
	tap->hint = (struct read_hint) { .last = tap->since };
	return tap;
}

void
tap_free(struct tap *tap)
{
	free(tap);
}

int
tap_read(struct tap *tap, struct mono now, struct frame **frames,
    const struct frame **dropped)
{
	int r = read_ahead(tap, now, dropped);

	look_at_speed(tap, now);
	if (r < 0 && tap->first == tap->end)
		return r;
	return (int)hand_out(tap, frames);
}

bool
tap_is_ahead(const struct tap *tap)
{
	return tap->first < tap->end;
}

/*
 * The buffer is used from its beginning again whenever nothing waits; as long
 * as there is room behind what waits, it grows there.
 */
static int
read_ahead(struct tap *tap, struct mono now, const struct frame **dropped)
{
	unsigned limit = WAITING;
	int	 r = 0;

	*dropped = NULL;
	if (tap->first == tap->end) {
		tap->first = tap->end = 0;
		tap->pos = 0;
		if (read_hint_is_likely(&tap->hint, now))
			limit = 1;
	}
	while (tap->end < limit && tap->pos + SLOT <= sizeof(tap->buffer)) {
		struct frame *frame = &tap->frames[tap->end];

		r = read_one(tap, frame);
		if (r <= 0)
			break;
		if (tap->waiting > tap->max_waiting) {
			*dropped = frame;
			break;
		}
		tap->pos += (sizeof(struct virtio_net_hdr) + frame->len +
				ALIGN - 1) /
		    ALIGN * ALIGN;
		tap->waiting += frame->len;
		tap->end++;
	}
	read_hint_note(&tap->hint, now, tap->end, tap->waiting);
	return r;
}

/* 1, 0 when there is none, or a negative errno value. */
static int
read_one(struct tap *tap, struct frame *frame)
{
	size_t	 hdr_len = sizeof(struct virtio_net_hdr);
	uint8_t *data = tap->buffer + tap->pos + hdr_len;
	ssize_t	 len;

	for (;;) {
		len = tap->vnet ?
		    read(tap->fd, data - hdr_len, hdr_len + FRAME_MAX_SUPER + 1) :
		    read(tap->fd, data, FRAME_MAX_LEN + 1);
		if (len == -1 && errno != EINTR)
			return errno == EAGAIN ? 0 : -errno;
		if (len > (tap->vnet ? (ssize_t)hdr_len : 0))
			break;
	}
	*frame = (struct frame) { .data = data, .len = (size_t)len };
	if (tap->vnet) {
		frame->len -= hdr_len;
		take_header(frame, data - hdr_len);
	}
	return 1;
}

static unsigned
hand_out(struct tap *tap, struct frame **frames)
{
	unsigned n = 0;
	size_t	 bytes = 0;

	*frames = &tap->frames[tap->first];
	while (tap->first < tap->end && n < FRAME_BATCH && bytes < TURN_BYTES) {
		bytes += tap->frames[tap->first++].len;
		n++;
	}
	tap->waiting -= bytes;
	tap->bytes += bytes;
	return n;
}

/* How much we get through in TAP_PATIENCE_US, as long as there is enough. */
static void
look_at_speed(struct tap *tap, struct mono now)
{
	int64_t us = mono_sub(now, tap->since);
	size_t	limit;

	if (tap->waiting > 0 && us < RATE_US)
		return;
	if (tap->waiting > 0 && us < 10 * RATE_US) {
		limit = tap->bytes * TAP_PATIENCE_US / (size_t)us;
		limit = (tap->max_waiting + limit) / 2;
		tap->max_waiting = limit < MIN_WAITING ? MIN_WAITING :
		    limit > MAX_WAITING		       ? MAX_WAITING :
							 limit;
	}
	tap->since = now;
	tap->bytes = 0;
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
	if (frame->len > FRAME_MAX_SUPER) {
		/* Its end was cut off: never to be cut to pieces. */
		frame->len = FRAME_MAX_LEN + 1;
		return;
	}
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
