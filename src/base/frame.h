/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * frame: a frame (tap) or packet (tun) in the clear, on its way through us.
 *
 * A view: the bytes lie in a buffer of the worker's and stay there until the
 * end of the turn, so a frame for twenty sites is one frame, seen twenty times.
 * In front of the bytes there is always room for the header of an item: whoever
 * makes a frame sees to FRAME_HEADROOM bytes that may be overwritten.
 */
#ifndef FRAME_H
#define FRAME_H

#include <stddef.h>
#include <stdint.h>

#include "base/eth.h"

#define FRAME_HEADROOM 6 /* datapath/item.h: a FRAME's header */
#define FRAME_MAX_LEN  ETH_MAX_LEN
#define FRAME_BATCH    64 /* frames or datagrams handled by one call */

struct frame {
	uint8_t *data;
	size_t	 len;
	uint8_t	 flags; /* of its item, datapath/item.h */
	uint16_t csum_start;
	uint8_t	 csum_offset;
};

#endif /* FRAME_H */
