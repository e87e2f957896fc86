/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/wire.h"

#include <string.h>

static uint8_t *reserve(struct wire_writer *w, size_t len);

void
wire_reader_init(struct wire_reader *r, const void *data, size_t len)
{
	*r = (struct wire_reader) { .data = data, .len = len };
}

uint8_t
wire_get_u8(struct wire_reader *r)
{
	const uint8_t *p = wire_get_view(r, 1);

	return p != NULL ? p[0] : 0;
}

uint16_t
wire_get_u16(struct wire_reader *r)
{
	const uint8_t *p = wire_get_view(r, 2);

	return p != NULL ? wire_read_u16(p) : 0;
}

uint32_t
wire_get_u32(struct wire_reader *r)
{
	const uint8_t *p = wire_get_view(r, 4);

	return p != NULL ? wire_read_u32(p) : 0;
}

uint64_t
wire_get_u64(struct wire_reader *r)
{
	const uint8_t *p = wire_get_view(r, 8);

	return p != NULL ? wire_read_u64(p) : 0;
}

void
wire_get_bytes(struct wire_reader *r, void *dst, size_t len)
{
	const uint8_t *p = wire_get_view(r, len);

	if (p != NULL)
		memcpy(dst, p, len);
	else
		memset(dst, 0, len);
}

const uint8_t *
wire_get_view(struct wire_reader *r, size_t len)
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

void
wire_get_string(struct wire_reader *r, char *dst, size_t size)
{
	size_t	       len = wire_get_u16(r);
	const uint8_t *p = wire_get_view(r, len);

	dst[0] = '\0';
	if (p == NULL)
		return;
	if (len >= size || memchr(p, '\0', len) != NULL) {
		r->failed = true;
		return;
	}
	memcpy(dst, p, len);
	dst[len] = '\0';
}

size_t
wire_left(const struct wire_reader *r)
{
	return r->failed ? 0 : r->len - r->pos;
}

bool
wire_is_ok(const struct wire_reader *r)
{
	return !r->failed;
}

bool
wire_is_done(const struct wire_reader *r)
{
	return !r->failed && r->pos == r->len;
}

void
wire_writer_init(struct wire_writer *w, void *data, size_t size)
{
	*w = (struct wire_writer) { .data = data, .size = size };
}

void
wire_put_u8(struct wire_writer *w, uint8_t v)
{
	uint8_t *p = reserve(w, 1);

	if (p != NULL)
		p[0] = v;
}

void
wire_put_u16(struct wire_writer *w, uint16_t v)
{
	uint8_t *p = reserve(w, 2);

	if (p != NULL)
		wire_write_u16(p, v);
}

void
wire_put_u24(struct wire_writer *w, uint32_t v)
{
	uint8_t *p = reserve(w, 3);

	if (p != NULL)
		wire_write_u24(p, v);
}

void
wire_put_u32(struct wire_writer *w, uint32_t v)
{
	uint8_t *p = reserve(w, 4);

	if (p != NULL)
		wire_write_u32(p, v);
}

void
wire_put_u64(struct wire_writer *w, uint64_t v)
{
	uint8_t *p = reserve(w, 8);

	if (p != NULL)
		wire_write_u64(p, v);
}

void
wire_put_bytes(struct wire_writer *w, const void *src, size_t len)
{
	uint8_t *p = reserve(w, len);

	if (p != NULL && len > 0)
		memcpy(p, src, len);
}

void
wire_put_string(struct wire_writer *w, const char *s)
{
	size_t len = strlen(s);

	if (len > UINT16_MAX) {
		w->failed = true;
		return;
	}
	wire_put_u16(w, (uint16_t)len);
	wire_put_bytes(w, s, len);
}

bool
wire_writer_is_ok(const struct wire_writer *w)
{
	return !w->failed;
}

static uint8_t *
reserve(struct wire_writer *w, size_t len)
{
	uint8_t *p;

	if (w->failed || len > w->size - w->len) {
		w->failed = true;
		return NULL;
	}
	p = w->data + w->len;
	w->len += len;
	return p;
}
