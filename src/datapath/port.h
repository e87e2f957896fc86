/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * port: one worker's state of one port of the switch.
 *
 * The local device is a port, and each connected site is a port.  Each worker
 * has a `struct port` of its own for a site, with the lanes that this worker
 * owns: one set of them, and more only while keys are renewed (worker_lanes.h).
 * The control thread creates a port (port_new()) and posts it to the worker.
 * From then on only the worker uses it, except for the counters, which any
 * thread may read.  To remove it, control posts `detach`, waits for `detached`,
 * and frees it.
 */
#ifndef PORT_H
#define PORT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "base/addr.h"
#include "base/bucket.h"
#include "base/frame.h"
#include "base/relaxed.h"
#include "datapath/util/counters.h"
#include "datapath/lane/lane_set.h"
#include "datapath/util/mailbox.h"

struct port {
	struct letter attach, detach, detached, probe;
	_Atomic bool  probing; /* its letter is posted */
	uint16_t      id;
	uint32_t      session; /* 24 bits; the local port has none */
	struct lane_set *set;  /* the lanes in use; NULL: the local port */
	bool	      leads;   /* as its session: a hub is there, we are the site */
	bool	      may_tcp; /* frames may use the control connection */
	bool	      may_tag; /* a FRAME may have a VLAN tag */
	_Atomic int64_t keepalive_us; /* changed by control */
	void	     *owner; /* used by control only */

	/* A source address that is not the site's, for the log. */
	struct letter bad_source;
	struct addr   bad_source_addr;
	_Atomic bool  bad_source_posted; /* its letter is posted */

	struct counters_live counters; /* frames from this port, and to it */

	/* used by the worker only */
	struct lane_set *next, *old; /* worker_lanes.h; NULL: none */
	struct port *next_session; /* session_table.h */
	TAILQ_ENTRY(port) entry;
	TAILQ_ENTRY(port) busy_entry;
	bool is_busy; /* is in `busy`: ticked often */
	struct bucket icmp_errors; /* router.c */
	struct mono   bad_source_next;
	struct tcp_batch *batch; /* of this turn (tcp_batch.h) */
	SLIST_ENTRY(port) packed_entry;
	_Atomic unsigned batches_out; /* posted to control, not yet done */
};

TAILQ_HEAD(port_list, port);

/* A port without lanes.  NULL: out of memory. */
struct port *port_new(uint16_t id, uint32_t session);
/* Does not free its lane sets. */
void	     port_free(struct port *port);

/* For counters with one writer: needs no locked instruction. */
static inline void
port_count(_Atomic uint64_t *counter, uint64_t n)
{
	relaxed_store(counter, relaxed_load(counter) + n);
}

static inline void
port_sent(struct port *port, const struct frame *frame)
{
	port_count(&port->counters.tx_frames, 1);
	port_count(&port->counters.tx_bytes, frame->len);
}

static inline void
port_drop(struct port *port, enum drop reason)
{
	port_count(&port->counters.drops[reason], 1);
}

#endif /* PORT_H */
