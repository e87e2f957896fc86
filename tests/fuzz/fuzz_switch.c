/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fuzz_switch: frames at the switch, packets at the router, from any port.
 *
 * First byte: tap or tun, and whether the device asks for checksums; then
 * frames: a byte for the port, a 16-bit length, the bytes.
 */
#include "fuzz.h"

#include <fcntl.h>

#include "base/wire.h"
#include "datapath/forward.h"
#include "datapath/lpm.h"
#include "datapath/router.h"
#include "datapath/worker.h"

#define SITES 3

static struct worker *
make_worker(struct dp *dp, enum dp_mode mode)
{
	static const char *const nets[] = { "10.4.2.2/32", "10.0.7.0/24",
		"fd00:7::/64" };
	struct worker *worker;
	struct lpm    *lpm = lpm_new();

	dp->mode = mode;
	dp->server = true;
	dp->nworkers = 1;
	dp->max_outer = 1500;
	dp->probing = true;
	loopprobe_id_init(&dp->probe_id);
	dp->fdb = fdb_new(64, 300, 32);
	worker = worker_new(dp, 0, open("/dev/null", O_WRONLY), -1);
	FUZZ_CHECK(worker != NULL && dp->fdb != NULL && lpm != NULL);
	dp->workers[0] = worker;
	for (uint16_t i = 0; i < SITES; i++) {
		struct port  *port = port_new((uint16_t)(2 + i), 100u + i, 0);
		struct prefix net;

		worker->ports[port->id] = port;
		TAILQ_INSERT_TAIL(&worker->sites, port, entry);
		FUZZ_CHECK(prefix_parse(&net, nets[i]));
		FUZZ_CHECK(lpm_add(lpm, &net, port->id));
	}
	worker->routes = router_table_new(lpm, 1);
	return worker;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct dp      dps[2];
	static struct worker *workers[2];
	struct wire_reader    r;
	unsigned	      mode;

	if (workers[0] == NULL) {
		workers[0] = make_worker(&dps[0], DP_TAP);
		workers[1] = make_worker(&dps[1], DP_TUN);
	}
	wire_reader_init(&r, data, size);
	mode = wire_get_u8(&r) & 1;
	while (wire_left(&r) > 3) {
		unsigned id = 1u + wire_get_u8(&r) % (1 + SITES);
		size_t	 len = wire_get_u16(&r);
		uint8_t *buf;

		if (len > wire_left(&r))
			len = wire_left(&r);
		/* A block of just its size: then any overrun is seen. */
		buf = malloc(FRAME_HEADROOM + len);
		memcpy(buf + FRAME_HEADROOM, wire_get_view(&r, len), len);
		forward_frame(workers[mode], workers[mode]->ports[id],
		    &(struct frame) { .data = buf + FRAME_HEADROOM,
			.len = len });
		worker_flush(workers[mode]);
		free(buf);
	}
	return 0;
}
