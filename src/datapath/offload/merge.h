/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * merge: merges frames of one flow into superframes for the device (GRO).
 *
 * A queue: merge_add() adds a frame; merge_next() says what to write.  The
 * order within a flow is kept.  Frames are merged only if the kernel can cut
 * the result into the same bytes again: consecutive TCP segments, or UDP
 * datagrams of one size, that are equal in all else (including MAC addresses
 * and VLAN tags), unfragmented and with right checksums.  Tunnels over UDP are
 * never merged, because the receiver could not cut them; nor are frames with a
 * flag that asks for immediate delivery.
 *
 * Pure, except for the bytes it points to.
 */
#ifndef MERGE_H
#define MERGE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>

#include "base/frame.h"
#include "datapath/offload/headers.h"

#define MERGE_QUEUE	  256 /* frames in one turn */
#define MERGE_MAX_PIECES  64  /* of one superframe; the limit of older kernels */
#define MERGE_MAX_HEADERS 134 /* Ethernet, tags, IP without options, TCP */
#define MERGE_MAX_OPEN	  8   /* flows that may still grow */

/* One write: a frame, or several that were merged. */
struct merge_run {
	uint16_t first, last; /* in the queue, linked by `next` */
	uint16_t n;
	bool	 verified; /* the checksum of the first one */
	/* while it may still grow: */
	struct headers h;
	uint32_t       hash;
	uint32_t       seq;	/* TCP: of the next segment */
	uint16_t       id;	/* IPv4: of the last */
	uint16_t       payload; /* of each frame but the last */
	size_t	       len;	/* of all, headers counted once */
};

struct merge {
	bool		 ethernet;
	unsigned	 kinds; /* bits of enum frame_gso that are allowed */
	unsigned	 n, nruns, nopen, read;
	struct frame	 frames[MERGE_QUEUE];
	uint16_t	 next[MERGE_QUEUE];
	struct merge_run runs[MERGE_QUEUE];
	uint16_t	 open[MERGE_MAX_OPEN]; /* newest last */
};

/*
 * A superframe for the device: a copy of the headers, and pointers to the
 * payload.
 */
struct merge_super {
	struct frame frame; /* its description; data: `headers` */
	uint8_t	     headers[MERGE_MAX_HEADERS];
	/* [0] is for the caller that writes it. */
	struct iovec iov[1 + 1 + MERGE_MAX_PIECES];
	int	     niov;
};

/* `kinds`: 1 << FRAME_TCP4 and so on. */
void merge_init(struct merge *merge, bool ethernet, unsigned kinds);

/* False if the queue is full: write it out first. */
bool merge_add(struct merge *merge, const struct frame *frame);

/*
 * Gives the next frames to write: `*n` frames, linked from `*i` on (`i =
 * merge->next[i]`). False at the end, and the queue is empty again.
 */
bool merge_next(struct merge *merge, unsigned *i, unsigned *n);

/* Makes a superframe of the latest frames of merge_next() (n > 1). */
void merge_super(const struct merge *merge, struct merge_super *super);

#endif /* MERGE_H */
