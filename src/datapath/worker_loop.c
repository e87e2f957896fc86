/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "datapath/worker_loop.h"

#include <stdlib.h>

#include "datapath/forward.h"
#include "datapath/worker.h"

#define PROBE_US      (2 * MONO_SEC)
#define REPORT_US     (100 * MONO_MS) /* at most ten letters a second */
#define RECENT_ROUNDS 4		      /* an older nonce is a replay */

static void probe(struct worker *worker, struct port *port, uint64_t nonce);

void
worker_loop_tick(struct worker *worker)
{
	struct dp   *dp = worker->dp;
	struct port *port;
	uint64_t     round;

	if (!dp->probing || worker->index != 0 ||
	    !mono_is_due(worker->next_probe, worker->now))
		return;
	worker->next_probe = mono_add(worker->now, PROBE_US);
	round = atomic_fetch_add(&dp->probe_round, 1) + 1;
	probe(worker, worker->local, round);
	TAILQ_FOREACH(port, &worker->sites, entry)
		probe(worker, port, round);
}

void
worker_loop_probe_port(struct worker *worker, struct port *port)
{
	if (worker->dp->probing)
		probe(worker, port, atomic_load(&worker->dp->probe_round));
}

bool
worker_loop_heard(struct worker *worker, struct port *from,
    const struct frame *frame)
{
	struct dp	   *dp = worker->dp;
	struct worker_loop *report;
	uint64_t	    nonce, round = atomic_load(&dp->probe_round);
	uint16_t	    port;

	if (!dp->probing ||
	    !loopprobe_decode(&dp->probe_id, frame->data, frame->len, &port,
		&nonce))
		return false;
	if (nonce > round || round - nonce > RECENT_ROUNDS ||
	    !mono_is_due(worker->next_loop_report, worker->now))
		return true;
	report = malloc(sizeof(*report));
	if (report == NULL)
		return true;
	worker->next_loop_report = mono_add(worker->now, REPORT_US);
	*report = (struct worker_loop) { .letter.kind = CONTROL_LOOP,
		.sent = port, .heard = from->id };
	mailbox_post(dp->control, &report->letter);
	return true;
}

/* In the port's own headroom-bearing memory until the flush that follows. */
static void
probe(struct worker *worker, struct port *port, uint64_t nonce)
{
	uint8_t	     buffer[FRAME_HEADROOM + LOOPPROBE_LEN];
	struct frame frame = { .data = buffer + FRAME_HEADROOM,
		.len = LOOPPROBE_LEN };

	loopprobe_encode(&worker->dp->probe_id, frame.data, worker->dp->mac,
	    port->id, nonce);
	(void)forward_to(worker, port, &frame);
	worker_flush(worker);
}
