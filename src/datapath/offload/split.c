/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "datapath/offload/split.h"

#include <string.h>

#include "base/wire.h"
#include "datapath/offload/csum.h"

#define TCP_FIN_PSH 0x09
#define TCP_CWR	    0x80

static bool is_of_its_kind(const struct frame *super, const struct headers *h);
static void put_back(struct split *split);
static void write_ip(const struct split *split, uint8_t *headers, size_t len);
static void write_tcp(const struct split *split, uint8_t *tcp, size_t len,
    bool last);
static void write_udp(const struct split *split, uint8_t *udp, size_t len);

bool
split_begin(struct split *split, const struct frame *super, bool ethernet,
    size_t room)
{
	struct headers *h = &split->h;
	const uint8_t  *ip;

	split->super = super;
	split->laid = NULL;
	split->n = 0;
	if (!headers_read(h, super->data, super->len, ethernet) ||
	    !is_of_its_kind(super, h) || h->payload > SPLIT_MAX_HEADERS ||
	    h->payload >= super->len || super->gso_size == 0)
		return false;
	split->payload = super->gso_size;
	if (h->protocol == HEADERS_TCP) {
		if (room <= h->payload)
			return false;
		if (split->payload > room - h->payload)
			split->payload = room - h->payload;
	} else if (h->payload + split->payload > FRAME_MAX_LEN) {
		return false; /* longer than any frame may be */
	}
	split->pos = h->payload;
	memcpy(split->headers, super->data, h->payload);
	split->pseudo = csum_pseudo(h, super->data);
	ip = super->data + h->l3;
	if (h->version == 4) /* without length, id and checksum */
		split->ip_sum = csum_sum(ip, 2) + csum_sum(ip + 6, 4) +
		    csum_sum(ip + 12, (size_t)h->l4 - h->l3 - 12);
	return true;
}

bool
split_next(struct split *split, struct frame *frame)
{
	const struct frame *super = split->super;
	size_t		    left = super->len - split->pos;
	size_t		    payload, headers = split->h.payload;
	uint8_t		   *data;

	put_back(split);
	if (left == 0)
		return false;
	payload = left < split->payload ? left : split->payload;
	data = super->data + split->pos - headers;
	split->laid = data - FRAME_HEADROOM;
	memcpy(split->saved, split->laid, FRAME_HEADROOM + headers);
	memcpy(data, split->headers, headers);
	write_ip(split, data + split->h.l3,
	    headers + payload - split->h.l3);
	if (split->h.protocol == HEADERS_TCP)
		write_tcp(split, data + split->h.l4,
		    headers + payload - split->h.l4, left == payload);
	else
		write_udp(split, data + split->h.l4,
		    headers + payload - split->h.l4);
	*frame = (struct frame) {
		.data = data,
		.len = headers + payload,
		.flags = FRAME_CSUM,
		.csum_start = split->h.l4,
		.csum_offset = headers_csum_offset(&split->h),
	};
	split->pos += payload;
	split->n++;
	return true;
}

unsigned
split_count_super(const struct frame *super, bool ethernet, size_t *bytes)
{
	struct headers h;
	unsigned       n;

	*bytes = super->len;
	if (super->gso_size == 0 ||
	    !headers_read(&h, super->data, super->len, ethernet) ||
	    !is_of_its_kind(super, &h) || h.payload >= super->len)
		return 1;
	n = (unsigned)(super->len - h.payload + super->gso_size - 1) /
	    super->gso_size;
	*bytes += (size_t)(n - 1) * h.payload;
	return n;
}

static bool
is_of_its_kind(const struct frame *super, const struct headers *h)
{
	if ((super->flags & FRAME_CSUM) != 0 && super->csum_start != h->l4)
		return false;
	switch ((enum frame_gso)super->gso) {
	case FRAME_TCP4:
		return h->version == 4 && h->protocol == HEADERS_TCP;
	case FRAME_TCP6:
		return h->version == 6 && h->protocol == HEADERS_TCP;
	case FRAME_UDP:
		return h->protocol == HEADERS_UDP;
	case FRAME_WHOLE:
		break;
	}
	return false;
}

static void
put_back(struct split *split)
{
	if (split->laid != NULL)
		memcpy(split->laid, split->saved,
		    FRAME_HEADROOM + (size_t)split->h.payload);
	split->laid = NULL;
}

/* `len`: the length of the packet. */
static void
write_ip(const struct split *split, uint8_t *ip, size_t len)
{
	uint16_t id;

	if (split->h.version == 6) {
		wire_write_u16(ip + 4, (uint16_t)(len - 40));
		return;
	}
	id = (uint16_t)(wire_read_u16(ip + 4) + split->n);
	wire_write_u16(ip + 2, (uint16_t)len);
	wire_write_u16(ip + 4, id);
	wire_write_u16(ip + 10,
	    (uint16_t)~csum_fold(split->ip_sum + (uint32_t)len + id));
}

/* `len`: the length of the segment with its header. */
static void
write_tcp(const struct split *split, uint8_t *tcp, size_t len, bool last)
{
	uint32_t seq = wire_read_u32(tcp + 4);

	wire_write_u32(tcp + 4,
	    seq + (uint32_t)(split->pos - split->h.payload));
	if (!last)
		tcp[13] &= (uint8_t)~TCP_FIN_PSH;
	if (split->n > 0)
		tcp[13] &= (uint8_t)~TCP_CWR;
	wire_write_u16(tcp + headers_csum_offset(&split->h),
	    csum_fold(split->pseudo + (uint32_t)len));
}

static void
write_udp(const struct split *split, uint8_t *udp, size_t len)
{
	wire_write_u16(udp + 4, (uint16_t)len);
	wire_write_u16(udp + headers_csum_offset(&split->h),
	    csum_fold(split->pseudo + (uint32_t)len));
}
