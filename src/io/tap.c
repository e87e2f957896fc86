/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "io/tap.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

struct tap_batch {
	struct frame frames[FRAME_BATCH];
	/* One byte more, so that what is too long is not taken for whole. */
	uint8_t	     buffers[FRAME_BATCH][FRAME_HEADROOM + FRAME_MAX_LEN + 1];
};

struct tap_batch *
tap_batch_new(void)
{
	return calloc(1, sizeof(struct tap_batch));
}

void
tap_batch_free(struct tap_batch *batch)
{
	free(batch);
}

int
tap_read(struct tap_batch *batch, int fd, struct frame **frames)
{
	int n = 0;

	*frames = batch->frames;
	while (n < FRAME_BATCH) {
		uint8_t *data = batch->buffers[n] + FRAME_HEADROOM;
		ssize_t	 len = read(fd, data, FRAME_MAX_LEN + 1);

		if (len == -1 && errno == EINTR)
			continue;
		if (len == -1 && errno == EAGAIN)
			break;
		if (len == -1)
			return n > 0 ? n : -errno;
		batch->frames[n++] = (struct frame) { .data = data,
			.len = (size_t)len };
	}
	return n;
}

int
tap_write(int fd, const struct frame *frame)
{
	ssize_t n;

	do
		n = write(fd, frame->data, frame->len);
	while (n == -1 && errno == EINTR);
	return n == -1 ? -errno : 0;
}
