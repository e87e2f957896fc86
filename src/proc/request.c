/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "proc/request.h"

void
request_put_addr(struct wire_writer *w, const struct addr *addr)
{
	wire_put_u8(w, addr->family == AF_INET ? 4 : 6);
	wire_put_bytes(w, addr->bytes, addr_bits(addr->family) / 8);
}

void
request_get_addr(struct wire_reader *r, struct addr *addr)
{
	uint8_t version = wire_get_u8(r);

	*addr = (struct addr) { 0 };
	if (version != 4 && version != 6) {
		r->failed = true;
		return;
	}
	addr->family = version == 4 ? AF_INET : AF_INET6;
	wire_get_bytes(r, addr->bytes, addr_bits(addr->family) / 8);
}

void
request_put_prefix(struct wire_writer *w, const struct prefix *prefix)
{
	request_put_addr(w, &prefix->addr);
	wire_put_u8(w, prefix->len);
}

void
request_get_prefix(struct wire_reader *r, struct prefix *prefix)
{
	request_get_addr(r, &prefix->addr);
	prefix->len = wire_get_u8(r);
	if (prefix->len > addr_bits(prefix->addr.family))
		r->failed = true;
}

void
request_put_endpoint(struct wire_writer *w, const struct endpoint *ep)
{
	struct addr addr = endpoint_addr(ep);

	request_put_addr(w, &addr);
	wire_put_u16(w, endpoint_port(ep));
}

void
request_get_endpoint(struct wire_reader *r, struct endpoint *ep)
{
	struct addr addr;

	request_get_addr(r, &addr);
	*ep = endpoint_make(&addr, wire_get_u16(r));
}

void
request_put_blob(struct wire_writer *w, const void *data, size_t len)
{
	if (len > UINT16_MAX)
		w->failed = true;
	wire_put_u16(w, (uint16_t)len);
	wire_put_bytes(w, data, len);
}

size_t
request_get_blob(struct wire_reader *r, void *dst, size_t size)
{
	size_t len = wire_get_u16(r);

	if (len <= size) {
		wire_get_bytes(r, dst, len);
		return len;
	}
	r->failed = true;
	return 0;
}

const uint8_t *
request_view_blob(struct wire_reader *r, size_t *len)
{
	*len = wire_get_u16(r);
	return wire_get_view(r, *len);
}
