/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * port: what one worker knows of one attachment point of the switch.
 *
 * The local device is a port, each connected site is a port.  A site has one
 * `struct port` a worker, with the lanes that this worker owns: one set of them
 * but while keys are renewed (worker_lanes.h).  The control
 * thread makes them (port_new) and posts them to the workers; from then on only
 * the worker touches one, but for the counters, which anybody may read, until
 * it answers the `detach` letter with `detached`, and control frees it.
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
	_Atomic bool  probing; /* that letter is on its way */
	uint16_t      id;
	uint32_t      session; /* 24 bits; the local port has none */
	struct lane_set *set;  /* the lanes at work; NULL: the local port */
	bool	      leads;   /* as its session does: the hub is there */
	bool	      may_tcp; /* frames may go by the control connection */
	bool	      may_tag; /* a FRAME may have a VLAN tag */
	_Atomic int64_t keepalive_us; /* control may change it */
	void	     *owner; /* control's own */

	/* A source that is none of the site's, for the log. */
	struct letter bad_source;
	struct addr   bad_source_addr;
	_Atomic bool  bad_source_told; /* that letter is on its way */

	struct counters_live counters; /* of what came from it, and went */

	/* the worker's */
	struct lane_set *next, *old; /* worker_lanes.h; NULL: none */
	struct port *next_session; /* session_table.h */
	TAILQ_ENTRY(port) entry;
	TAILQ_ENTRY(port) busy_entry;
	bool is_busy; /* in that list: to be looked at often */
	struct bucket icmp_errors; /* router.c */
	struct mono   bad_source_next;
	struct tcp_batch *batch; /* of this turn (tcp_batch.h) */
	SLIST_ENTRY(port) packed_entry;
	_Atomic unsigned batches_out; /* on their way to control */
};

TAILQ_HEAD(port_list, port);

/* Without lanes; NULL when there is no memory. */
struct port *port_new(uint16_t id, uint32_t session);
/* Its lane sets are the caller's. */
void	     port_free(struct port *port);

/* For counters with one writer: no locked instruction. */
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
