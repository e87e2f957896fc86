/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "datapath/worker_loop.h"

#include <stdlib.h>

#include "datapath/forward.h"
#include "datapath/worker.h"

#define PROBE_US      (2 * MONO_SEC)
#define SLICES	      8	 /* of the ports: a round at once held frames up */
#define BATCH	      32 /* probes sent by one flush */
#define REPORT_US     (100 * MONO_MS) /* at most ten letters a second */
#define RECENT_ROUNDS 4		      /* an older nonce is a replay */

typedef uint8_t probe_buffer[FRAME_HEADROOM + LOOPPROBE_LEN];

static void probe_slice(struct worker *worker, unsigned slice);
static void probe(struct worker *worker, struct port *port, uint64_t nonce,
    uint8_t *buffer);

void
worker_loop_tick(struct worker *worker)
{
	if (!worker->dp->probing || worker->index != 0)
		return;
	/* Who slept for long owes one round, not all of them. */
	if (mono_sub(worker->now, worker->next_probe) > PROBE_US)
		worker->next_probe = worker->now;
	while (mono_is_due(worker->next_probe, worker->now)) {
		probe_slice(worker, worker->slice++ % SLICES);
		worker->next_probe = mono_add(worker->next_probe,
		    PROBE_US / SLICES);
	}
}

void
worker_loop_probe_port(struct worker *worker, struct port *port)
{
	probe_buffer buffer;

	if (!worker->dp->probing)
		return;
	probe(worker, port, atomic_load(&worker->dp->probe_round), buffer);
	worker_flush(worker);
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

/* The first begins a round, and has the device's port. */
static void
probe_slice(struct worker *worker, unsigned slice)
{
	probe_buffer buffers[BATCH];
	struct port *port;
	uint64_t     round;
	unsigned     n = 0;

	if (slice == 0)
		atomic_fetch_add(&worker->dp->probe_round, 1);
	round = atomic_load(&worker->dp->probe_round);
	if (slice == 0)
		probe(worker, worker->local, round, buffers[n++]);
	TAILQ_FOREACH(port, &worker->sites, entry) {
		if (port->id % SLICES != slice)
			continue;
		if (n == BATCH) {
			worker_flush(worker);
			n = 0;
		}
		probe(worker, port, round, buffers[n++]);
	}
	worker_flush(worker);
}

/* `buffer` is lent until the flush that must follow. */
static void
probe(struct worker *worker, struct port *port, uint64_t nonce, uint8_t *buffer)
{
	struct frame frame = { .data = buffer + FRAME_HEADROOM,
		.len = LOOPPROBE_LEN };

	loopprobe_encode(&worker->dp->probe_id, frame.data, worker->dp->mac,
	    port->id, nonce);
	(void)forward_to(worker, port, &frame);
}
