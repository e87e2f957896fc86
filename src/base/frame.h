/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * frame: a frame (tap) or packet (tun) in the clear, while it is forwarded.
 *
 * It is a view: the bytes are in a buffer of the worker and stay there until
 * the end of the turn, so a frame for twenty sites is copied for none.  There
 * are always FRAME_HEADROOM bytes in front of it for the header of an item;
 * whoever creates a frame ensures that.  The last FRAME_HEADROOM_OWN of them
 * may be overwritten.  Those before them may belong to another frame, and
 * whoever needs them, for a VLAN tag, restores them.
 *
 * A superframe represents many frames of one flow: one header, and the payload
 * of all.  Only the device sends and receives those (datapath/offload/).
 */
#ifndef FRAME_H
#define FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/eth.h"

#define FRAME_HEADROOM	10 /* datapath/lane/item.h: a FRAME's header and tag */
#define FRAME_HEADROOM_OWN 6 /* the header alone */
#define FRAME_MAX_LEN	ETH_MAX_LEN
#define FRAME_MAX_SUPER 65557 /* an IP packet of 65535 with Ethernet and two tags */
#define FRAME_BATCH	64 /* frames or datagrams handled by one call */

/* The TCP or UDP checksum is not complete yet; sent as a flag of the item. */
#define FRAME_CSUM 0x1

/* What kind of superframe it is. */
enum frame_gso { FRAME_WHOLE, FRAME_TCP4, FRAME_TCP6, FRAME_UDP };

struct frame {
	uint8_t *data;
	size_t	 len;
	uint8_t	 flags;	     /* FRAME_CSUM */
	uint8_t	 gso;	     /* enum frame_gso */
	uint16_t gso_size;   /* payload of each but the last, in bytes */
	uint16_t csum_start; /* with FRAME_CSUM: what it covers, and */
	uint8_t	 csum_offset; /* where it goes, from there */
	bool	 is_probe; /* created by the switch: not counted if dropped */
};

#endif /* FRAME_H */
