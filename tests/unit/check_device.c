/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a kernel refuses: a device that says EINVAL to all that is written, or
 * takes it.
 */
#include "datapath/device.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

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

UNIT_MAIN("device", a_kind_that_was_refused_is_tried_again,
    a_kind_that_was_taken_stays)
