/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "datapath/worker_stray.h"

#include <stdlib.h>
#include <string.h>

#include "base/nitems.h"
#include "datapath/receive.h"
#include "datapath/worker.h"

struct stray {
	struct letter	    letter;
	struct udp_datagram dgram;
	struct udp_path	    path;
	uint8_t		    data[];
};

static int same_listener(const struct worker *from, const struct worker *to,
    int fd);

enum drop
worker_stray_send(struct worker *from, const struct udp_datagram *datagram,
    uint8_t lane)
{
	struct worker *to = from->dp->workers[lane % from->dp->nworkers];
	struct stray  *stray;

	if (atomic_load_explicit(&to->strays, memory_order_relaxed) >=
	    WORKER_MAX_STRAYS)
		return DROP_MAILBOX;
	stray = malloc(sizeof(*stray) + datagram->len);
	if (stray == NULL)
		return DROP_MAILBOX;
	stray->letter.kind = WORKER_STRAY;
	stray->dgram = *datagram;
	stray->dgram.data = stray->data;
	stray->path = *datagram->path;
	stray->path.fd = same_listener(from, to, stray->path.fd);
	stray->dgram.path = &stray->path;
	memcpy(stray->data, datagram->data, datagram->len);
	atomic_fetch_add_explicit(&to->strays, 1, memory_order_relaxed);
	port_count(&from->strays_sent, 1);
	mailbox_post(&to->box, &stray->letter);
	return DROP_NONE;
}

/* The other worker's socket at the same address and port. */
static int
same_listener(const struct worker *from, const struct worker *to, int fd)
{
	for (unsigned i = 0; i < from->nudp; i++) {
		if (from->udp_fds[i] == fd)
			return to->udp_fds[i];
	}
	return fd;
}

void
worker_stray_take(struct worker *worker, struct letter *letter)
{
	struct stray *stray = container_of(letter, struct stray, letter);

	atomic_fetch_sub_explicit(&worker->strays, 1, memory_order_relaxed);
	receive_datagram(worker, &stray->dgram);
	worker_flush(worker);
	free(stray);
}
