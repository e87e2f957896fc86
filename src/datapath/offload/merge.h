/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * merge: frames for the device, those of one flow joined to superframes (GRO).
 *
 * A queue: merge_add() at one end; merge_next() at the other tells what to
 * write.  Within a flow order stays.  Joined are only frames that the kernel
 * could cut apart again to the same bytes: TCP segments that follow each other,
 * and UDP datagrams of one size; the same in all else, MAC addresses and VLAN
 * tags too; whole, and with right checksums.  Never tunnels over UDP, which the
 * receiver could not cut, and nothing with a flag that means "now".
 *
 * Pure, but for the bytes it points to.
 */
#ifndef MERGE_H
#define MERGE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>

#include "base/frame.h"
#include "datapath/offload/headers.h"

#define MERGE_QUEUE	  256 /* frames in one turn */
#define MERGE_MAX_PIECES  64  /* of one superframe; as older kernels have it */
#define MERGE_MAX_HEADERS 134 /* Ethernet, tags, IP without options, TCP */
#define MERGE_MAX_OPEN	  8   /* flows that still grow */

/* One write: a frame, or several that became one. */
struct merge_run {
	uint16_t first, last; /* in the queue, linked by `next` */
	uint16_t n;
	bool	 verified; /* the first one's checksum */
	/* of what may still grow: */
	struct headers h;
	uint32_t       hash;
	uint32_t       seq;	/* TCP: of what comes next */
	uint16_t       id;	/* IPv4: of the last */
	uint16_t       payload; /* of each but the last */
	size_t	       len;	/* of the whole, headers once */
};

struct merge {
	bool		 ethernet;
	unsigned	 kinds; /* bits of enum frame_gso that may be made */
	unsigned	 n, nruns, nopen, read;
	struct frame	 frames[MERGE_QUEUE];
	uint16_t	 next[MERGE_QUEUE];
	struct merge_run runs[MERGE_QUEUE];
	uint16_t	 open[MERGE_MAX_OPEN]; /* newest last */
};

/* A superframe for the device: its headers are a copy, its payload is not. */
struct merge_super {
	struct frame frame; /* what it is; data: `headers` */
	uint8_t	     headers[MERGE_MAX_HEADERS];
	/* [0] is left to whoever writes it. */
	struct iovec iov[1 + 1 + MERGE_MAX_PIECES];
	int	     niov;
};

/* `kinds`: 1 << FRAME_TCP4 and so on. */
void merge_init(struct merge *merge, bool ethernet, unsigned kinds);

/* False when the queue is full: to be written out, and emptied. */
bool merge_add(struct merge *merge, const struct frame *frame);

/*
 * What is to be written next: the `*n` frames that are linked from `*i` on
 * (`i = merge->next[i]`), one or several; false at the end, when the queue is
 * empty again.
 */
bool merge_next(struct merge *merge, unsigned *i, unsigned *n);

/* The run that merge_next() gave last (n > 1) as one superframe. */
void merge_super(const struct merge *merge, struct merge_super *super);

#endif /* MERGE_H */
