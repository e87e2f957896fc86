/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * wire: numbers in and out of bytes, big-endian, never past the end.
 *
 * A cursor remembers its first failure, so a decoder reads all its fields and
 * asks once, wire_is_ok(), at the end; reads after a failure give zeros.
 * Nothing here allocates, and no pointer into a buffer is ever cast.
 */
#ifndef WIRE_H
#define WIRE_H

#include <endian.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct wire_reader {
	const uint8_t *data; /* borrowed */
	size_t	       len;
	size_t	       pos;
	bool	       failed;
};

struct wire_writer {
	uint8_t *data; /* borrowed */
	size_t	 size;
	size_t	 len;
	bool	 failed;
};

void	 wire_reader_init(struct wire_reader *r, const void *data, size_t len);
uint8_t	 wire_get_u8(struct wire_reader *r);
uint16_t wire_get_u16(struct wire_reader *r);
uint32_t wire_get_u32(struct wire_reader *r);
uint64_t wire_get_u64(struct wire_reader *r);
/* Copies `len` bytes to `dst` (zeros when they are not there). */
void wire_get_bytes(struct wire_reader *r, void *dst, size_t len);
/* The next `len` bytes in place, or NULL; borrowed from the reader's data. */
const uint8_t *wire_get_view(struct wire_reader *r, size_t len);
/*
 * A string with a 16-bit length before it, into `dst` with a terminator.
 * Fails when it does not fit or has a NUL inside.
 */
void   wire_get_string(struct wire_reader *r, char *dst, size_t size);
size_t wire_left(const struct wire_reader *r);
/* Nothing failed so far. */
bool wire_is_ok(const struct wire_reader *r);
/* Nothing failed, and nothing is left over. */
bool wire_is_done(const struct wire_reader *r);

void wire_writer_init(struct wire_writer *w, void *data, size_t size);
void wire_put_u8(struct wire_writer *w, uint8_t v);
void wire_put_u16(struct wire_writer *w, uint16_t v);
void wire_put_u24(struct wire_writer *w, uint32_t v);
void wire_put_u32(struct wire_writer *w, uint32_t v);
void wire_put_u64(struct wire_writer *w, uint64_t v);
void wire_put_bytes(struct wire_writer *w, const void *src, size_t len);
/* With a 16-bit length before it. */
void wire_put_string(struct wire_writer *w, const char *s);
/* Everything fitted. */
bool wire_writer_is_ok(const struct wire_writer *w);

/* The same for fields at a known place; the caller has checked the bounds. */
static inline uint16_t
wire_read_u16(const uint8_t *p)
{
	uint16_t v;

	memcpy(&v, p, sizeof(v));
	return be16toh(v);
}

static inline uint32_t
wire_read_u24(const uint8_t *p)
{
	return (uint32_t)p[0] << 16 | (uint32_t)p[1] << 8 | p[2];
}

static inline uint32_t
wire_read_u32(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return be32toh(v);
}

static inline uint64_t
wire_read_u64(const uint8_t *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	return be64toh(v);
}

static inline void
wire_write_u16(uint8_t *p, uint16_t v)
{
	v = htobe16(v);
	memcpy(p, &v, sizeof(v));
}

static inline void
wire_write_u24(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 16);
	p[1] = (uint8_t)(v >> 8);
	p[2] = (uint8_t)v;
}

static inline void
wire_write_u32(uint8_t *p, uint32_t v)
{
	v = htobe32(v);
	memcpy(p, &v, sizeof(v));
}

static inline void
wire_write_u64(uint8_t *p, uint64_t v)
{
	v = htobe64(v);
	memcpy(p, &v, sizeof(v));
}

#endif /* WIRE_H */
