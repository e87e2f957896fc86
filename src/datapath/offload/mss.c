/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "datapath/offload/mss.h"

#include "base/frame.h"
#include "base/wire.h"
#include "datapath/offload/csum.h"
#include "datapath/offload/headers.h"

#define TCP_MIN_LEN 20
#define TCP_CSUM    16
#define TCP_SYN	    0x02
#define OPTION_END  0
#define OPTION_NOP  1
#define OPTION_MSS  2
#define MSS_LEN	    4
#define MSS_MIN	    536 /* the default, and the least (RFC 9293 3.7.1) */

static uint8_t *find_mss(uint8_t *tcp, size_t header);
static uint16_t in_step(size_t offset, uint16_t word);

void
mss_clamp(const struct frame *frame, bool ethernet, size_t room)
{
	struct headers h;
	uint8_t	      *tcp, *field;
	size_t	       mss;
	uint16_t       was;

	if (frame->gso != FRAME_WHOLE ||
	    !headers_read(&h, frame->data, frame->len, ethernet) ||
	    h.protocol != HEADERS_TCP)
		return;
	tcp = frame->data + h.l4;
	if ((tcp[13] & TCP_SYN) == 0 || room < (size_t)h.l4 + TCP_MIN_LEN + MSS_MIN)
		return;
	field = find_mss(tcp, (size_t)h.payload - h.l4);
	if (field == NULL)
		return;
	mss = room - h.l4 - TCP_MIN_LEN;
	was = wire_read_u16(field);
	if (was <= mss)
		return;
	wire_write_u16(field, (uint16_t)mss);
	if ((frame->flags & FRAME_CSUM) == 0)
		csum_update(tcp + TCP_CSUM, in_step((size_t)(field - tcp), was),
		    in_step((size_t)(field - tcp), (uint16_t)mss));
}

/* The value of the option, or NULL. */
static uint8_t *
find_mss(uint8_t *tcp, size_t header)
{
	for (size_t i = TCP_MIN_LEN; i < header;) {
		if (tcp[i] == OPTION_NOP) {
			i++;
			continue;
		}
		if (tcp[i] == OPTION_END || i + 2 > header || tcp[i + 1] < 2)
			break;
		if (tcp[i] == OPTION_MSS)
			return tcp[i + 1] == MSS_LEN && i + MSS_LEN <= header ?
			    tcp + i + 2 :
			    NULL;
		i += tcp[i + 1];
	}
	return NULL;
}

/* A word at an odd offset is part of two words of the checksum. */
static uint16_t
in_step(size_t offset, uint16_t word)
{
	return offset % 2 == 0 ? word : (uint16_t)(word << 8 | word >> 8);
}
