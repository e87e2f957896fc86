/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "datapath/loop_watch.h"

#include <stdlib.h>

#include "datapath/forward.h"
#include "datapath/worker.h"

#define EACH_US	      (10 * MONO_MS) /* a round's length per site, */
#define ROUND_MIN_US  (2 * MONO_SEC) /* and its limits */
#define ROUND_MAX_US  (LOOP_WATCH_ROUND_MAX_SEC * MONO_SEC)
#define MOVED_US      (100 * MONO_MS)
#define SLICES	      8	 /* of the ports; probing all at once delayed frames */
#define BATCH	      32 /* probes sent by one flush */
#define REPORT_US     (100 * MONO_MS) /* at most ten letters a second */
#define RECENT_ROUNDS 4		      /* an older nonce is a replay */

static bool has_sites(const struct worker *worker);
static void begin_round(struct worker *worker);
static void probe_slice(struct worker *worker, unsigned slice);
static void probe(struct worker *worker, struct port *port, uint64_t nonce,
    uint8_t *buffer);

void
loop_watch_tick(struct worker *worker)
{
	if (!worker->dp->probing || worker->index != 0)
		return;
	/* After a long pause, one round is due, not all that were missed. */
	if (mono_sub(worker->now, worker->next_probe) > worker->probe_round_us)
		worker->next_probe = worker->now;
	while (mono_is_due(worker->next_probe, worker->now)) {
		if (worker->slice % SLICES == 0)
			begin_round(worker);
		probe_slice(worker, worker->slice++ % SLICES);
		worker->next_probe = mono_add(worker->next_probe,
		    worker->probe_round_us / SLICES);
	}
}

void
loop_watch_probe_port(struct worker *worker, struct port *port)
{
	loop_probe_buffer buffer;

	if (!worker->dp->probing)
		return;
	probe(worker, port, atomic_load(&worker->dp->probe_round), buffer);
	worker_flush(worker);
}

void
loop_watch_moved(struct worker *worker, struct port *to)
{
	if (!worker->dp->probing ||
	    !mono_is_due(worker->next_moved, worker->now))
		return;
	worker->next_moved = mono_add(worker->now, MOVED_US);
	probe(worker, to, atomic_load(&worker->dp->probe_round),
	    worker->moved_probe);
}

bool
loop_watch_heard(struct worker *worker, struct port *from,
    const struct frame *frame)
{
	struct dp	   *dp = worker->dp;
	struct loop_report *report;
	struct loop_probe    probe;
	uint64_t	    round = atomic_load(&dp->probe_round);

	if (!dp->probing ||
	    !loop_probe_decode(&dp->probe_id, frame->data, frame->len, &probe) ||
	    probe.hub != dp->probe_id.hub)
		return false;
	if (probe.nonce > round || round - probe.nonce > RECENT_ROUNDS ||
	    !mono_is_due(worker->next_loop_report, worker->now))
		return true;
	report = malloc(sizeof(*report));
	if (report == NULL)
		return true;
	worker->next_loop_report = mono_add(worker->now, REPORT_US);
	*report = (struct loop_report) { .letter.kind = CONTROL_LOOP,
		.sent = probe.port, .heard = from->id };
	mailbox_post(dp->control, &report->letter);
	return true;
}

/*
 * Whether this hub has sites.  Ports that lead to other hubs come first; those
 * hubs probe them.
 */
static bool
has_sites(const struct worker *worker)
{
	const struct port *last = TAILQ_LAST(&worker->sites, port_list);

	return last != NULL && !last->leads;
}

static void
begin_round(struct worker *worker)
{
	struct port *port;
	int64_t	     us, nsites = 0;

	TAILQ_FOREACH(port, &worker->sites, entry)
		nsites++;
	us = nsites * EACH_US;
	if (us < ROUND_MIN_US)
		us = ROUND_MIN_US;
	worker->probe_round_us = us < ROUND_MAX_US ? us : ROUND_MAX_US;
	atomic_fetch_add(&worker->dp->probe_round, 1);
}

/* The first slice includes the device. */
static void
probe_slice(struct worker *worker, unsigned slice)
{
	loop_probe_buffer buffers[BATCH];
	struct port *port;
	uint64_t     round;
	unsigned     n = 0;

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

/* Borrows `buffer` until the flush, which must follow. */
static void
probe(struct worker *worker, struct port *port, uint64_t nonce, uint8_t *buffer)
{
	struct frame frame = { .data = buffer + FRAME_HEADROOM,
		.len = LOOP_PROBE_LEN, .is_probe = true };

	if (port->leads || !has_sites(worker))
		return;
	loop_probe_encode(&worker->dp->probe_id, frame.data, worker->dp->mac,
	    port->id, nonce);
	(void)forward_to(worker, port, &frame);
}
