/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Frames through the switch of a worker that has no thread: one that remembers
 * the last frame of its turn sends each where one that looks up every frame does;
 * an address that moves makes it probe.
 */
#include "datapath/switch/bridge.h"

#include <stdlib.h>
#include <string.h>

#include "base/eth.h"
#include "base/wire.h"
#include "datapath/forward.h"
#include "datapath/worker.h"
#include "unit.h"

#define NSITES 3
#define NMACS  4

static struct ev_loop *loop;
static struct mailbox  control;

/* A worker, its table, and its ports: sites without lanes, and the device. */
struct rig {
	struct dp	dp;
	struct worker  *worker;
	struct lane_set none;
};

static void
on_letter(void *arg, struct letter *letter)
{
	tcp_batch_done(container_of(letter, struct tcp_batch, letter));
}

static void
setup(struct rig *rig)
{
	*rig = (struct rig) { .dp = { .mode = DP_TAP, .control = &control,
				  .max_outer = 1500 } };
	/* So large that no bucket of either runs over: each hashes its own way. */
	rig->dp.fdb = fdb_new(4096, 4096, 300);
	rig->worker = calloc(1, sizeof(*rig->worker));
	ck_assert(rig->dp.fdb != NULL && rig->worker != NULL);
	rig->worker->dp = &rig->dp;
	TAILQ_INIT(&rig->worker->sites);
	merge_init(&rig->worker->device_out, true, 0);
	bridge_init(&rig->worker->bridge, rig->dp.fdb, rig->worker->ports,
	    rig->dp.blocked);
	rig->worker->local = port_new(DP_PORT_LOCAL, 0);
	rig->worker->ports[DP_PORT_LOCAL] = rig->worker->local;
	for (uint16_t i = 0; i < NSITES; i++) {
		struct port *port = port_new((uint16_t)(2 + i), 7 + i);

		port->set = &rig->none;
		port->may_tcp = true;
		rig->worker->ports[port->id] = port;
		TAILQ_INSERT_TAIL(&rig->worker->sites, port, entry);
	}
}

static void
teardown(struct rig *rig)
{
	for (uint16_t i = 0; i < NSITES; i++) {
		struct port *port = rig->worker->ports[2 + i];

		port->set = NULL;
		port_free(port);
	}
	port_free(rig->worker->local);
	tcp_batch_pool_fini(&rig->worker->batches_out);
	fdb_free(rig->dp.fdb);
	free(rig->worker);
}

/* To which ports it went, a bit each; a drop as 1 << 16 of its number. */
static unsigned
forward(struct rig *rig, unsigned from, const uint8_t *bytes, size_t len)
{
	uint8_t	      buf[FRAME_HEADROOM + 64];
	struct frame  frame = { .data = buf + FRAME_HEADROOM, .len = len };
	struct worker *worker = rig->worker;
	uint64_t      before[NSITES], drops[DROP_MAX];
	struct port  *at = worker->ports[from];
	unsigned      went = 0;

	memcpy(frame.data, bytes, len);
	for (unsigned i = 0; i < NSITES; i++)
		before[i] = worker->ports[2 + i]->counters.tx_frames;
	for (unsigned i = 0; i < DROP_MAX; i++)
		drops[i] = at->counters.drops[i];
	forward_frame(worker, at, &frame);
	for (unsigned i = 0; i < DROP_MAX; i++) {
		if (at->counters.drops[i] != drops[i])
			went = i << 16;
	}
	went |= (unsigned)(worker->device_out.n > 0) << DP_PORT_LOCAL;
	for (unsigned i = 0; i < NSITES; i++) {
		if (worker->ports[2 + i]->counters.tx_frames != before[i])
			went |= 1u << (2 + i);
	}
	merge_init(&worker->device_out, true, 0);
	tcp_batch_flush(worker);
	ev_run(loop, EVRUN_NOWAIT);
	return went;
}

/* Returns its length: with a tag or without, now and then too short for one. */
static size_t
make(uint8_t *bytes, unsigned dst, unsigned src, unsigned kind)
{
	memset(bytes, 0, 64);
	bytes[0] = bytes[6] = 2;
	bytes[5] = (uint8_t)dst;
	bytes[11] = (uint8_t)src;
	if (dst == NMACS)
		memset(bytes, 0xff, 6);
	wire_write_u16(bytes + 12, kind == 0 ? 0x0800 : 0x8100);
	wire_write_u16(bytes + 14, (uint16_t)kind);
	return kind == 3 ? 14 + 2 : 60;
}

START_TEST(the_last_frame_is_remembered_and_nothing_else)
{
	static struct rig memory, plain;
	unsigned	  remembered = 0;

	srandom(1);
	loop = ev_loop_new(0);
	mailbox_open(&control, loop, on_letter, NULL);
	setup(&memory);
	setup(&plain);
	for (unsigned n = 0; n < 50000;) {
		unsigned dst = (unsigned)random() % (NMACS + 1);
		unsigned src = (unsigned)random() % NMACS;
		unsigned kind = (unsigned)random() % 4;
		unsigned from = 1 + (unsigned)random() % (NSITES + 1);
		uint8_t	 bytes[64];
		size_t	 len = make(bytes, dst, src, kind);

		/* Streams of one to four, and turns of some. */
		for (unsigned i = (unsigned)random() % 4 + 1; i > 0; i--, n++) {
			unsigned a, b;

			remembered += memory.worker->bridge.from == from &&
			    memcmp(memory.worker->bridge.head, bytes, 16) == 0;
			a = forward(&memory, from, bytes, len);
			bridge_forget(&plain.worker->bridge);
			b = forward(&plain, from, bytes, len);
			ck_assert_msg(a == b, "frame %u: %x, without memory %x",
			    n, a, b);
		}
		if (random() % 8 == 0)
			bridge_forget(&memory.worker->bridge);
	}
	ck_assert_uint_gt(remembered, 5000);
	teardown(&memory);
	teardown(&plain);
	mailbox_close(&control);
	ev_loop_destroy(loop);
}
END_TEST

/* An address that goes from port to port, as in a loop, every 7 ms. */
START_TEST(the_port_that_an_address_moves_to_is_probed)
{
	static struct rig rig;
	unsigned	  probes = 0;
	uint8_t		  bytes[64];

	loop = ev_loop_new(0);
	mailbox_open(&control, loop, on_letter, NULL);
	setup(&rig);
	rig.dp.probing = true;
	loop_probe_id_init(&rig.dp.probe_id);
	make(bytes, NMACS, 1, 0);
	forward(&rig, DP_PORT_LOCAL, bytes, 60); /* whom all goes to */
	make(bytes, 1, 0, 0);
	for (unsigned n = 0; n < 1000; n++) {
		unsigned from = 2 + n % 2, went;

		rig.worker->now = mono_add(rig.worker->now, 7 * MONO_MS);
		went = forward(&rig, from, bytes, 60);
		ck_assert_uint_ne(went & 1u << DP_PORT_LOCAL, 0);
		went &= ~(1u << DP_PORT_LOCAL);
		ck_assert(went == 0 || went == 1u << from);
		probes += went != 0;
	}
	/* One in 100 ms, which is every fifteenth. */
	ck_assert_uint_eq(probes, 1000 / 15 + 1);

	rig.dp.blocked[2] = rig.dp.blocked[3] = 1;
	rig.worker->now = mono_add(rig.worker->now, MONO_SEC);
	for (unsigned from = 2; from < 4; from++)
		ck_assert_uint_eq(forward(&rig, from, bytes, 60),
		    (unsigned)DROP_BLOCKED << 16);
	teardown(&rig);
	mailbox_close(&control);
	ev_loop_destroy(loop);
}
END_TEST

UNIT_MAIN("bridge", the_last_frame_is_remembered_and_nothing_else,
    the_port_that_an_address_moves_to_is_probed)
