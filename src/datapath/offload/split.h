/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * split: cuts a superframe into its frames (TSO, USO).
 *
 * In place: the headers of each frame overwrite the bytes in front of its
 * payload, which have been sent already, and these are restored afterwards.  So
 * no payload is copied, and the superframe can be cut again.  Checksums stay
 * partial (FRAME_CSUM), which saves a pass over the payload.
 *
 * 	struct split split;
 *
 * 	if (split_begin(&split, super, ethernet, room))
 * 		while (split_next(&split, &frame))
 * 			...send `frame`, before the next call...
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
	size_t		    payload;  /* of each frame but the last, in bytes */
	size_t		    pos;      /* of the next payload */
	uint32_t	    ip_sum;   /* without length, id and checksum */
	uint32_t	    pseudo;   /* without length */
	unsigned	    n;	      /* frames so far */
	uint8_t		   *laid;     /* the latest headers, or NULL */
	uint8_t		    saved[FRAME_HEADROOM + SPLIT_MAX_HEADERS];
	uint8_t		    headers[SPLIT_MAX_HEADERS];
};

/*
 * `super` must not change until split_next() has returned false.  TCP is cut to
 * frames of at most `room` bytes, even if its own segment size is larger (which
 * RFC 9293 3.7.4 allows). UDP datagrams keep their size; they may exceed
 * `room`, but not the size of a frame.  False if the headers do not match the
 * kind, or leave no room.
 */
bool split_begin(struct split *split, const struct frame *super, bool ethernet,
    size_t room);

/* Gives the next frame; false after the last (then `super` is restored). */
bool split_next(struct split *split, struct frame *frame);

/*
 * The number of frames in a superframe, by its own segment size, and `*bytes`
 * of them in all.  1 and its length if it is not a superframe or cannot be cut.
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
