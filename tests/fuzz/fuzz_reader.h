/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fuzz_reader: what a target makes of its input, piece by piece; zeros where
 * there is no more.
 */
#ifndef FUZZ_READER_H
#define FUZZ_READER_H

#include "base/wire.h"

struct fuzz_reader {
	const uint8_t *data; /* borrowed */
	size_t	       len;
	size_t	       pos;
	bool	       failed;
};

static inline void
fuzz_reader_init(struct fuzz_reader *r, const void *data, size_t len)
{
	*r = (struct fuzz_reader) { .data = data, .len = len };
}

static inline const uint8_t *
fuzz_get_view(struct fuzz_reader *r, size_t len)
{
	const uint8_t *p;

	if (r->failed || len > r->len - r->pos) {
		r->failed = true;
		return NULL;
	}
	p = r->data + r->pos;
	r->pos += len;
	return p;
}

static inline uint8_t
fuzz_get_u8(struct fuzz_reader *r)
{
	const uint8_t *p = fuzz_get_view(r, 1);

	return p != NULL ? p[0] : 0;
}

static inline uint16_t
fuzz_get_u16(struct fuzz_reader *r)
{
	const uint8_t *p = fuzz_get_view(r, 2);

	return p != NULL ? wire_read_u16(p) : 0;
}

static inline void
fuzz_get_bytes(struct fuzz_reader *r, void *dst, size_t len)
{
	const uint8_t *p = fuzz_get_view(r, len);

	if (p != NULL)
		memcpy(dst, p, len);
	else
		memset(dst, 0, len);
}

static inline size_t
fuzz_left(const struct fuzz_reader *r)
{
	return r->failed ? 0 : r->len - r->pos;
}

#endif /* FUZZ_READER_H */
