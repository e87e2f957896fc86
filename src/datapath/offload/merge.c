/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "datapath/offload/merge.h"

#include <string.h>

#include "base/nitems.h"
#include "base/wire.h"
#include "datapath/offload/csum.h"

#define IPV4_LEN       20
#define IPV6_LEN       40
#define MAX_PACKET     65535
#define TCP_ACK	       0x10
#define TCP_PSH	       0x08
#define TCP_ECE	       0x40
#define TCP_MAY_HAVE   (TCP_ACK | TCP_PSH | TCP_ECE)

/* VXLAN, VXLAN of old Linux, Geneve, WireGuard. */
static const uint16_t tunnels[] = { 4789, 8472, 6081, 51820 };

static bool is_open_to_growth(const struct merge *merge,
    const struct frame *frame, const struct headers *h);
static bool is_whole_ip(const struct frame *frame, const struct headers *h);
static bool is_plain_tcp(const uint8_t *tcp);
static bool is_plain_udp(const uint8_t *udp, size_t len);
static enum frame_gso kind_of(const struct headers *h);
static uint32_t hash_flow(const struct frame *frame, const struct headers *h);
static int find_open(const struct merge *merge, const struct frame *frame,
    const struct headers *h, uint32_t hash);
static bool is_same_flow(const struct frame *a, const struct frame *b,
    const struct headers *h);
static bool append(struct merge *merge, struct merge_run *run, unsigned i,
    const struct headers *h);
static bool continues(struct merge *merge, struct merge_run *run,
    const struct frame *frame, const struct headers *h, size_t payload);
static bool continues_ip(const struct merge_run *run, const uint8_t *first,
    const uint8_t *next, unsigned version);
static bool continues_tcp(const struct merge_run *run, const uint8_t *first,
    const uint8_t *next, size_t header);
static bool checksum_is_right(const struct frame *frame,
    const struct headers *h);
static void start(struct merge *merge, unsigned i, const struct headers *h,
    uint32_t hash);
static void start_single(struct merge *merge, unsigned i);
static void close_open(struct merge *merge, unsigned place);

void
merge_init(struct merge *merge, bool ethernet, unsigned kinds)
{
	merge->ethernet = ethernet;
	merge->kinds = kinds;
	merge->n = merge->nruns = merge->nopen = merge->read = 0;
}

bool
merge_add(struct merge *merge, const struct frame *frame)
{
	struct headers h;
	unsigned       i = merge->n;
	uint32_t       hash;
	int	       place;
	bool	       grows;

	if (merge->n == MERGE_QUEUE)
		return false;
	merge->frames[i] = *frame;
	merge->n++;
	if (merge->kinds == 0 || frame->gso != FRAME_WHOLE ||
	    !headers_read(&h, frame->data, frame->len, merge->ethernet)) {
		start_single(merge, i);
		return true;
	}
	if (h.protocol == 0) {
		/* Fragments have no ports: keep the order of all flows. */
		if (h.fragment)
			merge->nopen = 0;
		start_single(merge, i);
		return true;
	}
	grows = is_open_to_growth(merge, frame, &h);
	hash = hash_flow(frame, &h);
	place = find_open(merge, frame, &h, hash);
	if (place >= 0) {
		struct merge_run *run = &merge->runs[merge->open[place]];

		if (grows && append(merge, run, i, &h)) {
			if (run->n == MERGE_MAX_PIECES ||
			    frame->len - h.payload < run->payload ||
			    (h.protocol == HEADERS_TCP &&
				(frame->data[h.l4 + 13] & TCP_PSH) != 0))
				close_open(merge, (unsigned)place);
			return true;
		}
		close_open(merge, (unsigned)place);
	}
	if (grows)
		start(merge, i, &h, hash);
	else
		start_single(merge, i);
	return true;
}

bool
merge_next(struct merge *merge, unsigned *i, unsigned *n)
{
	if (merge->read == merge->nruns) {
		merge->n = merge->nruns = merge->nopen = merge->read = 0;
		return false;
	}
	*i = merge->runs[merge->read].first;
	*n = merge->runs[merge->read].n;
	merge->read++;
	return true;
}

void
merge_super(const struct merge *merge, struct merge_super *super)
{
	const struct merge_run *run = &merge->runs[merge->read - 1];
	const struct headers   *h = &run->h;
	const struct frame     *first = &merge->frames[run->first];
	const struct frame     *last = &merge->frames[run->last];
	uint8_t		       *ip = super->headers + h->l3;
	uint8_t		       *l4 = super->headers + h->l4;
	bool			tcp = h->protocol == HEADERS_TCP;
	size_t			l4_len = run->len - h->l4;
	unsigned		i = run->first;

	memcpy(super->headers, first->data, h->payload);
	if (h->version == 4) {
		wire_write_u16(ip + 2, (uint16_t)(run->len - h->l3));
		wire_write_u16(ip + 10, 0);
		wire_write_u16(ip + 10, (uint16_t)~csum_sum(ip, IPV4_LEN));
	} else {
		wire_write_u16(ip + 4, (uint16_t)l4_len);
	}
	if (tcp)
		l4[13] |= last->data[h->l4 + 13] & TCP_PSH;
	else
		wire_write_u16(l4 + 4, (uint16_t)l4_len);
	super->frame = (struct frame) {
		.data = super->headers,
		.len = run->len,
		.flags = FRAME_CSUM,
		.gso = (uint8_t)kind_of(h),
		.gso_size = run->payload,
		.csum_start = h->l4,
		.csum_offset = headers_csum_offset(h),
	};
	wire_write_u16(l4 + super->frame.csum_offset,
	    csum_fold(csum_pseudo(h, super->headers) + (uint32_t)l4_len));

	super->iov[1] = (struct iovec) { super->headers, h->payload };
	super->niov = 2;
	for (unsigned n = 0; n < run->n; n++, i = merge->next[i])
		super->iov[super->niov++] = (struct iovec) {
			merge->frames[i].data + h->payload,
			merge->frames[i].len - h->payload
		};
}

/* Whether it may be merged, as the first frame or a later one. */
static bool
is_open_to_growth(const struct merge *merge, const struct frame *frame,
    const struct headers *h)
{
	return (merge->kinds >> kind_of(h) & 1) != 0 &&
	    h->payload <= MERGE_MAX_HEADERS && h->payload < frame->len &&
	    is_whole_ip(frame, h) &&
	    (h->protocol == HEADERS_TCP ?
		    is_plain_tcp(frame->data + h->l4) :
		    is_plain_udp(frame->data + h->l4, frame->len - h->l4));
}

/* No options, no padding after it, and a right IPv4 header checksum. */
static bool
is_whole_ip(const struct frame *frame, const struct headers *h)
{
	const uint8_t *ip = frame->data + h->l3;
	size_t	       len = frame->len - h->l3;

	if (h->version == 4)
		return h->l4 - h->l3 == IPV4_LEN &&
		    wire_read_u16(ip + 2) == len &&
		    csum_sum(ip, IPV4_LEN) == 0xffff;
	return h->l4 - h->l3 == IPV6_LEN &&
	    wire_read_u16(ip + 4) == len - IPV6_LEN;
}

static bool
is_plain_tcp(const uint8_t *tcp)
{
	return (tcp[13] & TCP_ACK) != 0 && (tcp[13] & ~TCP_MAY_HAVE) == 0;
}

static bool
is_plain_udp(const uint8_t *udp, size_t len)
{
	for (size_t i = 0; i < nitems(tunnels); i++) {
		if (wire_read_u16(udp) == tunnels[i] ||
		    wire_read_u16(udp + 2) == tunnels[i])
			return false;
	}
	return wire_read_u16(udp + 4) == len && wire_read_u16(udp + 6) != 0;
}

static enum frame_gso
kind_of(const struct headers *h)
{
	if (h->protocol == HEADERS_UDP)
		return FRAME_UDP;
	return h->version == 4 ? FRAME_TCP4 : FRAME_TCP6;
}

/* A hash of the ports and the last bytes of the addresses. */
static uint32_t
hash_flow(const struct frame *frame, const struct headers *h)
{
	const uint8_t *ip = frame->data + h->l3;
	uint32_t       hash = wire_read_u32(frame->data + h->l4);

	ip += h->version == 4 ? 12 : 8 + 12;
	hash = hash * 31 + wire_read_u32(ip);
	ip += h->version == 4 ? 4 : 16;
	return hash * 31 + wire_read_u32(ip) + h->protocol;
}

/* Its place in `open`, or -1. */
static int
find_open(const struct merge *merge, const struct frame *frame,
    const struct headers *h, uint32_t hash)
{
	for (unsigned place = merge->nopen; place-- > 0;) {
		const struct merge_run *run =
		    &merge->runs[merge->open[place]];

		if (run->hash == hash && run->h.l3 == h->l3 &&
		    run->h.version == h->version &&
		    run->h.protocol == h->protocol &&
		    is_same_flow(&merge->frames[run->first], frame, h) &&
		    memcmp(merge->frames[run->first].data + run->h.l4,
			frame->data + h->l4, 4) == 0)
			return (int)place;
	}
	return -1;
}

/* Compares MAC addresses, tags and IP addresses. */
static bool
is_same_flow(const struct frame *a, const struct frame *b,
    const struct headers *h)
{
	size_t at = (size_t)h->l3 + (h->version == 4 ? 12 : 8);

	return memcmp(a->data, b->data, h->l3) == 0 &&
	    memcmp(a->data + at, b->data + at, h->version == 4 ? 8 : 32) == 0;
}

static bool
append(struct merge *merge, struct merge_run *run, unsigned i,
    const struct headers *h)
{
	const struct frame *frame = &merge->frames[i];
	size_t		    payload = frame->len - h->payload;

	if (!continues(merge, run, frame, h, payload))
		return false;
	merge->next[run->last] = (uint16_t)i;
	run->last = (uint16_t)i;
	run->n++;
	run->len += payload;
	run->seq += (uint32_t)payload;
	if (h->version == 4)
		run->id = wire_read_u16(frame->data + h->l3 + 4);
	return true;
}

static bool
continues(struct merge *merge, struct merge_run *run, const struct frame *frame,
    const struct headers *h, size_t payload)
{
	const struct frame *first = &merge->frames[run->first];

	if (h->payload != run->h.payload || h->l4 != run->h.l4 ||
	    payload > run->payload ||
	    run->len - run->h.l3 + payload > MAX_PACKET ||
	    !continues_ip(run, first->data + h->l3, frame->data + h->l3,
		h->version) ||
	    (h->protocol == HEADERS_TCP &&
		!continues_tcp(run, first->data + h->l4, frame->data + h->l4,
		    (size_t)h->payload - h->l4)) ||
	    !checksum_is_right(frame, h))
		return false;
	if (!run->verified)
		run->verified = checksum_is_right(first, &run->h);
	return run->verified;
}

/* Equal except for length and id; ids must increase as the kernel's will. */
static bool
continues_ip(const struct merge_run *run, const uint8_t *first,
    const uint8_t *next, unsigned version)
{
	if (version == 6)
		return memcmp(first, next, 4) == 0 &&
		    memcmp(first + 6, next + 6, 2) == 0;
	return memcmp(first, next, 2) == 0 &&
	    memcmp(first + 6, next + 6, 4) == 0 &&
	    wire_read_u16(next + 4) == (uint16_t)(run->id + 1);
}

/* The next bytes in sequence; equal except for PSH and the checksum. */
static bool
continues_tcp(const struct merge_run *run, const uint8_t *first,
    const uint8_t *next, size_t header)
{
	return wire_read_u32(next + 4) == run->seq &&
	    memcmp(first + 8, next + 8, 5) == 0 &&
	    ((first[13] ^ next[13]) & ~TCP_PSH) == 0 &&
	    memcmp(first + 14, next + 14, 2) == 0 &&
	    memcmp(first + 18, next + 18, header - 18) == 0;
}

/*
 * A partial checksum is right: the AEAD protected it, the receiver completes
 * it.
 */
static bool
checksum_is_right(const struct frame *frame, const struct headers *h)
{
	if ((frame->flags & FRAME_CSUM) != 0)
		return frame->csum_start == h->l4 &&
		    frame->csum_offset == headers_csum_offset(h);
	return csum_is_right(h, frame->data, frame->len);
}

static void
start(struct merge *merge, unsigned i, const struct headers *h, uint32_t hash)
{
	const struct frame *frame = &merge->frames[i];
	struct merge_run   *run = &merge->runs[merge->nruns];
	bool		    tcp = h->protocol == HEADERS_TCP;

	start_single(merge, i);
	/* A segment with PSH does not grow. */
	if (tcp && (frame->data[h->l4 + 13] & TCP_PSH) != 0)
		return;
	run->h = *h;
	run->hash = hash;
	run->payload = (uint16_t)(frame->len - h->payload);
	run->len = frame->len;
	run->verified = false;
	if (tcp)
		run->seq = wire_read_u32(frame->data + h->l4 + 4) +
		    run->payload;
	if (h->version == 4)
		run->id = wire_read_u16(frame->data + h->l3 + 4);
	if (merge->nopen == MERGE_MAX_OPEN)
		close_open(merge, 0);
	merge->open[merge->nopen++] = (uint16_t)(run - merge->runs);
}

static void
start_single(struct merge *merge, unsigned i)
{
	struct merge_run *run = &merge->runs[merge->nruns++];

	run->first = run->last = (uint16_t)i;
	run->n = 1;
}

static void
close_open(struct merge *merge, unsigned place)
{
	merge->nopen--;
	memmove(&merge->open[place], &merge->open[place + 1],
	    (merge->nopen - place) * sizeof(merge->open[0]));
}
