/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "datapath/device.h"

#include <errno.h>
#include <string.h>

#include "base/wire.h"
#include "datapath/offload/csum.h"
#include "datapath/worker.h"

#define UDP_CSUM 6
#define AGAIN_US (60 * MONO_SEC) /* a refused kind is tried again */

static bool write_super(struct worker *worker, unsigned first, unsigned n);
static void write_one(struct worker *worker, const struct frame *frame);
static int write_completed(struct worker *worker, const struct frame *frame);
static bool is_dhcp(const struct worker *worker, const struct frame *frame);
static void count(struct worker *worker, const struct frame *frame, int r);

void
device_queue(struct worker *worker, const struct frame *frame)
{
	if (merge_add(&worker->device_out, frame))
		return;
	device_flush(worker);
	(void)merge_add(&worker->device_out, frame);
}

void
device_flush(struct worker *worker)
{
	struct merge *merge = &worker->device_out;
	unsigned      i, n;

	if (merge->kinds != worker->dp->merge &&
	    mono_is_due(worker->merge_again, worker->now))
		merge->kinds = worker->dp->merge;
	while (merge_next(merge, &i, &n)) {
		if (n > 1 && write_super(worker, i, n))
			continue;
		for (; n > 0; n--, i = merge->next[i])
			write_one(worker, &merge->frames[i]);
	}
}

/*
 * Returns false if the kernel refuses the superframe.  A kind of which none was
 * ever accepted is not tried again for a while; but not for ever, because it
 * may have been the fault of what a site sent.
 */
static bool
write_super(struct worker *worker, unsigned first, unsigned n)
{
	struct merge	  *merge = &worker->device_out;
	struct merge_super super;
	unsigned	   kind;
	int		   r;

	merge_super(merge, &super);
	kind = 1u << super.frame.gso;
	/* Merged in a turn in which others of its kind were refused. */
	if ((merge->kinds & kind) == 0)
		return false;
	r = tap_write(worker->tap, &super.frame, super.iov, super.niov);
	if (r == -EINVAL) {
		if ((worker->merge_proven & kind) == 0) {
			merge->kinds &= ~kind;
			worker->merge_again = mono_add(worker->now, AGAIN_US);
		}
		return false;
	}
	worker->merge_proven |= kind;
	for (unsigned i = first; n > 0; n--, i = merge->next[i])
		count(worker, &merge->frames[i], r);
	return true;
}

static void
write_one(struct worker *worker, const struct frame *frame)
{
	struct iovec iov[2] = { [1] = { frame->data, frame->len } };
	int	     r;

	if ((frame->flags & FRAME_CSUM) != 0 &&
	    (!worker->dp->vnet || is_dhcp(worker, frame)))
		r = write_completed(worker, frame);
	else
		r = tap_write(worker->tap, frame, iov, 2);
	count(worker, frame, r);
}

/* The checksum is restored, because others may still send the same bytes. */
static int
write_completed(struct worker *worker, const struct frame *frame)
{
	struct frame plain = { .data = frame->data, .len = frame->len };
	struct iovec iov[2] = { [1] = { frame->data, frame->len } };
	uint8_t	    *field = frame->data + frame->csum_start +
	    frame->csum_offset;
	uint16_t was = wire_read_u16(field);
	int	 r;

	csum_complete(frame->data, frame->len, frame->csum_start,
	    frame->csum_offset);
	r = tap_write(worker->tap, &plain, iov, 2);
	wire_write_u16(field, was);
	return r;
}

/* RFC 2131, RFC 8415. */
static bool
is_dhcp(const struct worker *worker, const struct frame *frame)
{
	struct headers h;
	uint16_t       port;

	if (frame->csum_offset != UDP_CSUM ||
	    !headers_read(&h, frame->data, frame->len,
		worker->dp->mode == DP_TAP) ||
	    h.protocol != HEADERS_UDP)
		return false;
	port = wire_read_u16(frame->data + h.l4 + 2);
	return port == 67 || port == 68 || port == 546 || port == 547;
}

static void
count(struct worker *worker, const struct frame *frame, int r)
{
	if (r < 0)
		port_drop(worker->local, DROP_DEVICE);
	else
		port_sent(worker->local, frame);
}
