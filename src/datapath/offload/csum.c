/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "datapath/offload/csum.h"

#include <string.h>

#include "base/wire.h"
#include "datapath/offload/headers.h"

/* Added in host byte order; the ones' complement sum allows it. */
uint32_t
csum_sum(const uint8_t *data, size_t len)
{
	uint64_t sum = 0;
	uint32_t word;
	uint8_t	 bytes[2];
	uint16_t folded;

	for (; len >= sizeof(word); data += sizeof(word), len -= sizeof(word)) {
		memcpy(&word, data, sizeof(word));
		sum += word;
	}
	if (len > 0) {
		word = 0;
		memcpy(&word, data, len);
		sum += word;
	}
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	folded = (uint16_t)((sum & 0xffff) + (sum >> 16));
	memcpy(bytes, &folded, sizeof(bytes));
	return wire_read_u16(bytes);
}

uint32_t
csum_pseudo(const struct headers *h, const uint8_t *frame)
{
	const uint8_t *ip = frame + h->l3;

	if (h->version == 4)
		return csum_sum(ip + 12, 8) + h->protocol;
	return csum_sum(ip + 8, 32) + h->protocol;
}

void
csum_complete(uint8_t *frame, size_t len, size_t start, size_t offset)
{
	uint16_t sum = (uint16_t)~csum_sum(frame + start, len - start);

	wire_write_u16(frame + start + offset, sum != 0 ? sum : 0xffff);
}

bool
csum_is_right(const struct headers *h, const uint8_t *frame, size_t len)
{
	size_t	 l4_len = len - h->l4;
	uint32_t sum = csum_pseudo(h, frame) +
	    csum_sum(frame + h->l4, l4_len) + (uint32_t)l4_len;

	return csum_fold(sum) == 0xffff;
}

void
csum_update(uint8_t *field, uint16_t was, uint16_t is)
{
	uint32_t sum = (uint16_t)~wire_read_u16(field) + (uint16_t)~was + is;

	wire_write_u16(field, (uint16_t)~csum_fold(sum));
}
