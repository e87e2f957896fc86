/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fuzz_switch: frames at the switch, packets at the router, from any port.
 *
 * First byte: bit 0 tap or tun, bit 1 whether the device takes partial checksums
 * and superframes; then frames: a byte, a 16-bit length, the bytes.  The byte:
 * bits 0 and 1 the port, bit 2 that the turn goes on, bit 3 a partial checksum
 * (a byte each for its start and offset follows), bits 4 and 5, from the device,
 * a superframe (16 bits for its size follow), bit 6, that one filled up with zeros
 * to the most that the device gives.  What is for a site goes by TCP.
 */
#include "fuzz.h"
#include "fuzz_reader.h"

#include <fcntl.h>

#include "base/nitems.h"
#include "datapath/forward.h"
#include "datapath/util/lpm.h"
#include "datapath/router.h"
#include "datapath/worker.h"

#define SITES 3
#define TURN  300 /* frames; more than fit into the device's queue */

static struct ev_loop *loop;
static struct mailbox  control;
static uint8_t *blocks[TURN];
static unsigned nblocks;

static void
on_letter(void *arg, struct letter *letter)
{
	if (letter->kind == CONTROL_BAD_SOURCE) {
		atomic_store(&container_of(letter, struct port,
		    bad_source)->bad_source_posted, false);
		return;
	}
	FUZZ_CHECK(letter->kind == CONTROL_TCP_BATCH);
	tcp_batch_done(container_of(letter, struct tcp_batch, letter));
}

static struct worker *
make_worker(struct dp *dp, enum dp_mode mode, bool offloads)
{
	static const char *const nets[] = { "10.4.2.2/32", "10.0.7.0/24",
		"fd00:7::/64" };
	struct worker *worker;
	struct lpm    *lpm = lpm_new();

	dp->mode = mode;
	dp->control = &control;
	dp->nworkers = 1;
	dp->max_outer = 1500;
	dp->probing = true;
	dp->vnet = offloads;
	dp->merge = offloads ? 1u << FRAME_TCP4 | 1u << FRAME_TCP6 |
		1u << FRAME_UDP :
			       0;
	loop_probe_id_init(&dp->probe_id);
	dp->fdb = fdb_new(64, 300, 32);
	worker = worker_new(dp, 0, open("/dev/null", O_WRONLY), NULL, 0);
	FUZZ_CHECK(worker != NULL && dp->fdb != NULL && lpm != NULL);
	dp->workers[0] = worker;
	for (uint16_t i = 0; i < SITES; i++) {
		struct port  *port = port_new((uint16_t)(2 + i), 100u + i);
		struct prefix net;

		port->set = lane_set_new(port, 0, 0);
		FUZZ_CHECK(port->set != NULL);
		port->may_tcp = true;
		worker->ports[port->id] = port;
		TAILQ_INSERT_TAIL(&worker->sites, port, entry);
		FUZZ_CHECK(prefix_parse(&net, nets[i]));
		FUZZ_CHECK(lpm_add(lpm, &net, port->id));
	}
	worker->routes = router_table_new(lpm, 1);
	return worker;
}

/* What the device's header and an item's may say; their readers see to it. */
static void
read_extras(struct fuzz_reader *r, unsigned what, struct frame *frame)
{
	if ((what & 8) != 0) {
		frame->csum_start = fuzz_get_u8(r);
		frame->csum_offset = fuzz_get_u8(r);
		if ((size_t)frame->csum_start + frame->csum_offset + 2 <=
		    frame->len)
			frame->flags = FRAME_CSUM;
	}
	if ((what & 3) == 0 && (what & 0x30) != 0) {
		frame->gso = (uint8_t)(what >> 4 & 3);
		frame->gso_size = fuzz_get_u16(r);
	}
}

/* What still is to be completed, on its way to the device. */
static void
check_partial(const struct worker *worker)
{
	const struct merge *out = &worker->device_out;
	const struct frame *frame;
	struct headers	    h;

	if (out->n == 0)
		return;
	frame = &out->frames[out->n - 1];
	if ((frame->flags & FRAME_CSUM) == 0)
		return;
	FUZZ_CHECK(headers_read(&h, frame->data, frame->len,
	    worker->dp->mode == DP_TAP));
	FUZZ_CHECK(h.protocol != 0 && frame->csum_start == h.l4 &&
	    frame->csum_offset == headers_csum_offset(&h));
}

static void
end_turn(struct worker *worker)
{
	worker_flush(worker);
	ev_run(loop, EVRUN_NOWAIT);
	while (nblocks > 0)
		free(blocks[--nblocks]);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct dp      dps[4];
	static struct worker *workers[4];
	struct fuzz_reader    r;
	struct worker	     *worker;

	if (loop == NULL) {
		loop = ev_loop_new(0);
		mailbox_open(&control, loop, on_letter, NULL);
	}
	for (unsigned i = 0; workers[3] == NULL; i++)
		workers[i] = make_worker(&dps[i],
		    (i & 1) == 0 ? DP_TAP : DP_TUN, (i & 2) != 0);
	fuzz_reader_init(&r, data, size);
	worker = workers[fuzz_get_u8(&r) & 3];
	while (fuzz_left(&r) > 3) {
		unsigned     what = fuzz_get_u8(&r);
		size_t	     len = fuzz_get_u16(&r);
		struct port *from = worker->ports[1u + what % (1 + SITES)];
		struct frame frame = { 0 };
		uint8_t	    *buf;

		if (len > fuzz_left(&r))
			len = fuzz_left(&r);
		frame.len = (what & 0x43) == 0x40 ? FRAME_MAX_SUPER : len;
		/* A block of just its size: then any overrun is seen. */
		buf = calloc(1, FRAME_HEADROOM + frame.len);
		FUZZ_CHECK(buf != NULL);
		memcpy(buf + FRAME_HEADROOM, fuzz_get_view(&r, len), len);
		frame.data = buf + FRAME_HEADROOM;
		read_extras(&r, what, &frame);
		forward_frame(worker, from, &frame);
		check_partial(worker);
		blocks[nblocks++] = buf;
		if ((what & 4) == 0 || nblocks == TURN)
			end_turn(worker);
	}
	end_turn(worker);
	return 0;
}
