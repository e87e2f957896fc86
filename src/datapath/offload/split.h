/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * split: cuts a superframe into the frames it stands for (TSO, USO).
 *
 * In place: the headers of each frame are laid over the bytes in front of its
 * payload, which have been used already, and put back afterwards; so no payload
 * is copied, and the superframe is whole again for the next one who cuts it.
 * Checksums stay partial (FRAME_CSUM): no pass over the payload.
 *
 *	struct split split;
 *
 *	if (split_begin(&split, super, ethernet, room))
 *		while (split_next(&split, &frame))
 *			...send `frame`, before the next call...
 */
#ifndef SPLIT_H
#define SPLIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/frame.h"
#include "datapath/offload/headers.h"

#define SPLIT_MAX_HEADERS 256 /* Ethernet to TCP, options and tags */

struct split {
	const struct frame *super;
	struct headers	    h;
	size_t		    payload;  /* of each frame but the last, bytes */
	size_t		    pos;      /* of the next one's */
	uint32_t	    ip_sum;   /* without length, id and checksum */
	uint32_t	    pseudo;   /* without length */
	unsigned	    n;	      /* frames so far */
	uint8_t		   *laid;     /* where the latest headers stand, or NULL */
	uint8_t		    saved[FRAME_HEADROOM + SPLIT_MAX_HEADERS];
	uint8_t		    headers[SPLIT_MAX_HEADERS];
};

/*
 * `super` stays as it is until split_next() has said that there is no more.
 * TCP is cut to frames of at most `room` bytes, even if its own size is larger
 * (the peer's segments are not sacred, RFC 9293 3.7.4); UDP's datagrams stay as
 * they are, and may be longer than that, but not than a frame.  False when its
 * headers are not what its kind says, or leave no room.
 */
bool split_begin(struct split *split, const struct frame *super, bool ethernet,
    size_t room);

/* The next frame; false when there is none (then `super` is whole again). */
bool split_next(struct split *split, struct frame *frame);

/*
 * How many frames it stands for, by its own size, and their bytes together: 1 and
 * its own, of a frame that is none, or that could not be cut.
 */
unsigned split_count_super(const struct frame *super, bool ethernet,
    size_t *bytes);

static inline unsigned
split_count(const struct frame *frame, bool ethernet, size_t *bytes)
{
	if (frame->gso != FRAME_WHOLE)
		return split_count_super(frame, ethernet, bytes);
	*bytes = frame->len;
	return 1;
}

#endif /* SPLIT_H */
