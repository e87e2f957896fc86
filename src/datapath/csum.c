/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "datapath/csum.h"

#include "base/wire.h"

void
csum_complete(uint8_t *frame, size_t len, size_t start, size_t offset)
{
	uint32_t sum = 0;
	size_t	 i;

	for (i = start; i + 1 < len; i += 2)
		sum += wire_read_u16(frame + i);
	if (i < len)
		sum += (uint32_t)frame[i] << 8;
	while (sum >> 16 != 0)
		sum = (sum & 0xffff) + (sum >> 16);
	sum = ~sum & 0xffff;
	wire_write_u16(frame + start + offset,
	    sum != 0 ? (uint16_t)sum : 0xffff);
}
