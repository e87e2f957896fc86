/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * dp: what all workers share.
 *
 * The control thread fills it in before the workers start.  After that it is
 * only read, except for the marked members, which are atomic or do their own
 * locking.  All other data path state belongs to one worker.
 */
#ifndef DP_H
#define DP_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "datapath/record/aead.h"
#include "datapath/switch/fdb.h"
#include "datapath/switch/loop_probe.h"

#define DP_MAX_WORKERS 16
#define DP_PORT_LOCAL  1 /* the device; sites have 2 and up */
#define DP_TURNED      256

struct mailbox;
struct worker;

enum dp_mode { DP_TAP, DP_TUN };

struct dp {
	enum dp_mode	mode;
	unsigned	nworkers;
	struct worker  *workers[DP_MAX_WORKERS];
	struct mailbox *control; /* letters to the control thread */
	struct aead	aead; /* for the records of lanes */
	uint8_t		mac[6];	 /* the device's */
	size_t		max_outer; /* largest outer IP packet to try */
	bool		vnet;	   /* the device's frames have virtio_net_hdr */
	unsigned	merge;	   /* kinds for merge_init() */
	bool		segments;  /* for udp_batch_new() */
	bool		clamp_mss;

	struct fdb *fdb; /* tap; lock-free (fdb.h) */

	/* Loop probes: worker 0 sends, all workers receive. */
	bool		    probing;
	struct loop_probe_id probe_id;
	_Atomic uint64_t    probe_round; /* nonce of the latest probes */

	/* tun: packets addressed to the site they came from (router.c). */
	_Atomic uint64_t turned[DP_TURNED];
	_Atomic int64_t	 turned_us; /* time of the latest */

	/*
	 * By port: 1 while it is blocked because of a loop.  Written by
	 * control.
	 */
	_Atomic uint8_t blocked[FDB_MAX_PORTS];
};

#endif /* DP_H */
