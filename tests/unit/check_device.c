/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a kernel refuses, a device that says EINVAL to all that is written, or
 * takes it; and what it may say of a frame that it gives.
 */
#include "datapath/device.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/virtio_net.h>

#include "datapath/lane/item.h"
#include "datapath/offload/split.h"
#include "datapath/worker.h"
#include "packets.h"

static struct dp      dp = { .mode = DP_TUN, .vnet = true,
	     .merge = 1u << FRAME_TCP4 | 1u << FRAME_UDP };
static struct packet  packets[2];
static struct worker *worker;

static void
setup(int fd)
{
	worker = calloc(1, sizeof(*worker));
	ck_assert(worker != NULL && fd != -1);
	worker->dp = &dp;
	worker->now = (struct mono) { 1000 * MONO_SEC };
	worker->local = port_new(DP_PORT_LOCAL, 0);
	worker->tap = tap_new(fd, true);
	merge_init(&worker->device_out, false, dp.merge);
	ck_assert(worker->local != NULL && worker->tap != NULL);
}

static void
teardown(void)
{
	tap_free(worker->tap);
	port_free(worker->local);
	free(worker);
}

/* Two segments that follow each other, or datagrams. */
static void
write_two(uint8_t protocol)
{
	for (unsigned i = 0; i < 2; i++) {
		struct packet_spec s = packet_tcp4;

		s.bare = true;
		s.protocol = protocol;
		s.payload = packet_noise();
		s.seq += i * (uint32_t)s.len;
		s.id = (uint16_t)(s.id + i);
		packet_make(&packets[i], &s);
		device_queue(worker, &packets[i].frame);
	}
	device_flush(worker);
}

START_TEST(a_kind_that_was_refused_is_tried_again)
{
	int fd = epoll_create1(0); /* writing to it is EINVAL */

	setup(fd);
	write_two(PACKETS_UDP);
	ck_assert_uint_eq(worker->device_out.kinds, 1u << FRAME_TCP4);
	write_two(PACKETS_TCP);
	ck_assert_uint_eq(worker->device_out.kinds, 0);
	/* Each alone, instead. */
	ck_assert_uint_eq(worker->local->counters.drops[DROP_DEVICE], 4);
	worker->now = mono_add(worker->now, 59 * MONO_SEC);
	device_flush(worker);
	ck_assert_uint_eq(worker->device_out.kinds, 0);
	worker->now = mono_add(worker->now, MONO_SEC);
	device_flush(worker);
	ck_assert_uint_eq(worker->device_out.kinds, dp.merge);
	teardown();
	close(fd);
}
END_TEST

START_TEST(a_kind_that_was_taken_stays)
{
	int fd = open("/dev/null", O_WRONLY), bad = epoll_create1(0);

	setup(fd);
	write_two(PACKETS_TCP);
	ck_assert_uint_eq(worker->local->counters.tx_frames, 2);
	ck_assert_int_eq(dup2(bad, fd), fd);
	write_two(PACKETS_TCP);
	ck_assert_uint_eq(worker->device_out.kinds, dp.merge);
	ck_assert_uint_eq(worker->local->counters.drops[DROP_DEVICE], 2);
	teardown();
	close(bad);
	close(fd);
}
END_TEST

/* Whatever is said in front of it, nothing of it is longer than a frame. */
static void
send_on(const struct frame *frame)
{
	struct split split;
	struct frame piece;

	if (frame->gso == FRAME_WHOLE && frame->len > FRAME_MAX_LEN)
		return; /* refused; forward.c drops it */
	if ((frame->flags & FRAME_CSUM) != 0)
		ck_assert_uint_le((size_t)frame->csum_start +
			frame->csum_offset + 2, frame->len);
	if (frame->gso == FRAME_WHOLE) {
		item_put_frame(frame->data - ITEM_FRAME_HEADER, frame);
		return;
	}
	if (!split_begin(&split, frame, true, FRAME_MAX_LEN))
		return;
	while (split_next(&split, &piece)) {
		ck_assert_uint_le(piece.len, FRAME_MAX_LEN);
		item_put_frame(piece.data - ITEM_FRAME_HEADER, &piece);
	}
}

START_TEST(whatever_a_device_says_of_a_frame)
{
	static const uint16_t odd[] = { 0, 1, 6, 16, 34, 54, 255, 256, 1448, 9728,
		65471, 65492, 65534, 65535 };
	static uint8_t buf[sizeof(struct virtio_net_hdr) + PACKETS_MAX];
	int	       fds[2];
	uint64_t       seed = 14;

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0,
			     fds), 0);
	setup(fds[0]);
	for (unsigned n = 0; n < 4000; n++) {
		struct packet_spec    s = packet_random(&seed);
		struct virtio_net_hdr hdr = {
			.flags = (uint8_t)unit_below(&seed, 4),
			.gso_type = (uint8_t)(unit_below(&seed, 8) |
			    (unit_below(&seed, 4) == 0 ? 0x80 : 0)),
			.hdr_len = odd[unit_below(&seed, nitems(odd))],
			.gso_size = odd[unit_below(&seed, nitems(odd))],
			.csum_start = odd[unit_below(&seed, nitems(odd))],
			.csum_offset = odd[unit_below(&seed, nitems(odd))],
		};
		struct frame *frames;
		const struct frame *dropped;
		size_t	      len;

		s.bare = false;
		s.tags = (unsigned)unit_below(&seed, 3);
		if (unit_below(&seed, 2) == 0) {
			s.tcp_options = 0;
			s.len = 65535 - (s.version == 4 ? 20u : 40u) -
			    (s.protocol == PACKETS_TCP ? 20u : 8u) -
			    unit_below(&seed, 40);
		}
		packet_make(&packets[0], &s);
		if (unit_below(&seed, 2) == 0)
			hdr.csum_start = (uint16_t)packets[0].l4;
		len = packets[0].frame.len;
		memcpy(buf, &hdr, sizeof(hdr));
		memcpy(buf + sizeof(hdr), packets[0].bytes, len);
		ck_assert_int_ge(write(fds[1], buf, sizeof(hdr) + len), 0);
		for (int i = tap_read(worker->tap, worker->now, &frames,
			 &dropped); i > 0; i--)
			send_on(frames++);
	}
	teardown();
	close(fds[0]);
	close(fds[1]);
}
END_TEST

UNIT_MAIN("device", a_kind_that_was_refused_is_tried_again,
    a_kind_that_was_taken_stays, whatever_a_device_says_of_a_frame)
