/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Frames packed into batches by a worker that has no thread, and what control
 * has room for on a connection.
 */
#include "datapath/tcp_batch.h"

#include <string.h>

#include "control/conn/tcp_frames.h"
#include "control/conn/tls.h"
#include "datapath/lane/item.h"
#include "datapath/worker.h"
#include "unit.h"

static struct ev_loop *loop;
static struct mailbox  control;
static struct tcp_batch  *posted[2 * TCP_BATCH_MAX];
static unsigned	       nposted;
static struct dp       dp;
static struct worker  *worker;

static void
on_letter(void *arg, struct letter *letter)
{
	ck_assert_int_eq(letter->kind, CONTROL_TCP_BATCH);
	ck_assert_uint_lt(nposted, nitems(posted));
	posted[nposted++] = container_of(letter, struct tcp_batch, letter);
}

static void
setup(void)
{
	loop = ev_loop_new(0);
	mailbox_open(&control, loop, on_letter, NULL);
	nposted = 0;
	dp = (struct dp) { .mode = DP_TAP, .control = &control,
		.max_outer = 1500, .clamp_mss = true };
	worker = calloc(1, sizeof(*worker));
	ck_assert_ptr_nonnull(worker);
	worker->dp = &dp;
}

/* Everything that was posted arrives, and is done with. */
static unsigned
collect(void)
{
	unsigned nframes = 0;

	tcp_batch_flush(worker);
	ev_run(loop, EVRUN_NOWAIT);
	for (unsigned i = 0; i < nposted; i++) {
		nframes += posted[i]->nframes;
		tcp_batch_done(posted[i]);
	}
	nposted = 0;
	return nframes;
}

static void
teardown(void)
{
	collect();
	mailbox_close(&control);
	ev_loop_destroy(loop);
	tcp_batch_pool_fini(&worker->batches_out);
	free(worker);
}

static struct frame
make_frame(uint8_t *buf, size_t len, uint8_t fill)
{
	struct frame frame = { .data = buf + FRAME_HEADROOM, .len = len };

	memset(frame.data, fill, len);
	return frame;
}

START_TEST(frames_of_a_turn_share_batches)
{
	uint8_t	     buf[FRAME_HEADROOM + 1514];
	struct port *port = port_new(2, 7);
	struct item  item;
	size_t	     pos = 0;
	unsigned     n = 0;

	setup();
	for (unsigned i = 0; i < 24; i++) {
		struct frame frame = make_frame(buf, 1514, (uint8_t)i);

		ck_assert_int_eq(tcp_batch_pack(worker, port, &frame),
		    DROP_NONE);
	}
	tcp_batch_flush(worker);
	ev_run(loop, EVRUN_NOWAIT);
	ck_assert_uint_eq(nposted, 3);
	ck_assert_uint_eq(posted[0]->nframes, TCP_BATCH_SIZE / 1520);
	/* As in a record: items back to back, in order. */
	for (unsigned i = 0; i < nposted; i++) {
		for (pos = 0; item_next(posted[i]->data, posted[i]->len, &pos,
			 &item); n++) {
			ck_assert_int_eq(item.type, ITEM_FRAME);
			ck_assert_uint_eq(item.len, 1514);
			ck_assert_uint_eq(item.data[1513], n);
		}
		ck_assert_uint_eq(pos, posted[i]->len);
	}
	ck_assert_uint_eq(n, 24);
	ck_assert_uint_eq(atomic_load(&port->counters.tx_frames), 24);
	teardown();
	port_free(port);
}
END_TEST

START_TEST(a_port_that_has_too_many_is_told)
{
	static uint8_t buf[FRAME_HEADROOM + FRAME_MAX_LEN];
	struct port   *port = port_new(2, 7), *other = port_new(3, 8);
	struct frame   frame = make_frame(buf, FRAME_MAX_LEN, 1);

	setup();
	/* One fills a batch: two do not fit. */
	for (unsigned i = 0; i < TCP_BATCH_MAX_PORT; i++)
		ck_assert_int_eq(tcp_batch_pack(worker, port, &frame),
		    DROP_NONE);
	ck_assert_int_eq(tcp_batch_pack(worker, port, &frame), DROP_MAILBOX);
	ck_assert_int_eq(tcp_batch_pack(worker, other, &frame), DROP_NONE);
	ck_assert_uint_eq(collect(), TCP_BATCH_MAX_PORT + 1);
	ck_assert_uint_eq(atomic_load(&worker->batches_out.out), 0);
	ck_assert_uint_eq(atomic_load(&port->batches_out), 0);
	ck_assert_int_eq(tcp_batch_pack(worker, port, &frame), DROP_NONE);
	teardown();
	port_free(port);
	port_free(other);
}
END_TEST

START_TEST(a_worker_that_has_too_many_is_told)
{
	static uint8_t buf[FRAME_HEADROOM + 60];
	struct frame   frame = make_frame(buf, 60, 1);
	static struct port *ports[TCP_BATCH_MAX + 1];

	setup();
	for (unsigned i = 0; i < nitems(ports); i++) {
		ports[i] = port_new((uint16_t)(i + 2), i + 1);
		ck_assert_int_eq(tcp_batch_pack(worker, ports[i], &frame),
		    i < TCP_BATCH_MAX ? DROP_NONE : DROP_MAILBOX);
	}
	ck_assert_uint_eq(collect(), TCP_BATCH_MAX);
	teardown();
	for (unsigned i = 0; i < nitems(ports); i++)
		port_free(ports[i]);
}
END_TEST

START_TEST(the_longest_fits_and_longer_is_refused)
{
	static uint8_t buf[FRAME_HEADROOM + FRAME_MAX_LEN + 1];
	struct port   *port = port_new(2, 7);
	struct frame   frame = make_frame(buf, FRAME_MAX_LEN, 1);

	setup();
	ck_assert_int_eq(tcp_batch_pack(worker, port, &frame), DROP_NONE);
	frame.len++;
	ck_assert_int_eq(tcp_batch_pack(worker, port, &frame), DROP_TOO_LARGE);
	ck_assert_uint_eq(collect(), 1);
	teardown();
	port_free(port);
}
END_TEST

START_TEST(only_whole_frames_fit)
{
	uint8_t	 items[3 * 106 + ITEM_ECHO_LEN];
	size_t	 len, at = 0;
	unsigned n;

	for (unsigned i = 0; i < 3; i++) {
		at += item_put_frame(items + at, &(struct frame) { .len = 100 });
		memset(items + at, 5, 100);
		at += 100;
	}
	for (size_t room = 0; room <= at; room++) {
		n = tcp_batch_fit(items, at, room, &len);
		ck_assert_uint_eq(n, room / 106);
		ck_assert_uint_eq(len, room / 106 * 106);
	}
	/* Behind what is no FRAME nothing is looked at. */
	at += item_put_echo(items + at, ITEM_ECHO_LEN, 0, 1, 2);
	ck_assert_uint_eq(tcp_batch_fit(items, at, at, &len), 3);
	ck_assert_uint_eq(len, 318);
	for (size_t cut = 0; cut < 318; cut++) {
		ck_assert_uint_eq(tcp_batch_fit(items, cut, cut, &len),
		    cut / 106);
	}
}
END_TEST

START_TEST(the_queue_holds_what_leaves_in_time)
{
	static const struct {
		const char *what;
		size_t	    queued, unsent;
		uint64_t    rate;
		size_t	    room;
	} rows[] = {
		{ "nothing is known", 0, 0, 0, TCP_FRAMES_FLOOR },
		{ "half of that waits", 0, 16384, 0, 16384 },
		{ "2 Mbit/s", 0, 0, 250000, 50000 },
		{ "the same, full", 10000, 40000, 250000, 0 },
		{ "the same, more than full", 0, 400000, 250000, 0 },
		{ "1 Gbit/s: as much as messages leave us", 0, 0, 125000000,
		    TLS_MAX_QUEUE / 2 },
		{ "the same, the kernel holds some", 0, 4000000, 125000000,
		    TLS_MAX_QUEUE / 2 },
		{ "the same, ours is full", TLS_MAX_QUEUE / 2, 4000000,
		    125000000, 0 },
		{ "a rate that nobody has", SIZE_MAX, 0, UINT64_MAX, 0 },
	};

	for (size_t i = 0; i < nitems(rows); i++) {
		struct tls_backlog backlog = { rows[i].queued, rows[i].unsent,
			rows[i].rate };

		ck_assert_msg(tcp_frames_room(&backlog) == rows[i].room,
		    "%s: %zu", rows[i].what, tcp_frames_room(&backlog));
	}
}
END_TEST

UNIT_MAIN("tcp_batch", frames_of_a_turn_share_batches,
    a_port_that_has_too_many_is_told, a_worker_that_has_too_many_is_told,
    the_longest_fits_and_longer_is_refused, only_whole_frames_fit,
    the_queue_holds_what_leaves_in_time)
