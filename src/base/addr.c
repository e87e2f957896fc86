/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/addr.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bsd/stdlib.h>
#include <bsd/string.h>

#include "base/nitems.h"

bool
addr_parse(struct addr *addr, const char *text)
{
	*addr = (struct addr) { 0 };
	if (inet_pton(AF_INET, text, addr->bytes) == 1)
		addr->family = AF_INET;
	else if (inet_pton(AF_INET6, text, addr->bytes) == 1)
		addr->family = AF_INET6;
	return addr->family != 0;
}

const char *
addr_print(const struct addr *addr, char *dst, size_t size)
{
	if (addr->family == 0 ||
	    inet_ntop(addr->family, addr->bytes, dst, (socklen_t)size) == NULL)
		strlcpy(dst, "none", size);
	return dst;
}

bool
addr_is_equal(const struct addr *a, const struct addr *b)
{
	return a->family == b->family &&
	    memcmp(a->bytes, b->bytes, addr_bits(a->family) / 8) == 0;
}

unsigned
addr_bits(sa_family_t family)
{
	return family == AF_INET ? 32 : 128;
}

bool
addr_next(struct addr *addr)
{
	for (unsigned i = addr_bits(addr->family) / 8; i-- > 0;) {
		if (++addr->bytes[i] != 0)
			return true;
	}
	return false;
}

struct addr
addr_network(const struct addr *addr)
{
	struct addr network = { .family = addr->family };

	memcpy(network.bytes, addr->bytes, addr->family == AF_INET6 ? 8 : 4);
	return network;
}

const struct prefix *
addr_reserved(size_t i)
{
	static const struct prefix reserved[] = {
		{ { AF_INET, { 0 } }, 8 },
		{ { AF_INET, { 127 } }, 8 },
		{ { AF_INET, { 169, 254 } }, 16 },
		{ { AF_INET, { 224 } }, 4 },
		{ { AF_INET, { 240 } }, 4 },
		{ { AF_INET6, { 0 } }, 127 }, /* :: and ::1 */
		{ { AF_INET6, { [10] = 0xff, 0xff } }, 96 }, /* IPv4-mapped */
		{ { AF_INET6, { 0xfe, 0x80 } }, 10 },
		{ { AF_INET6, { 0xff } }, 8 },
	};

	return i < nitems(reserved) ? &reserved[i] : NULL;
}

bool
addr_is_global(const struct addr *addr)
{
	const struct prefix *reserved;

	for (size_t i = 0; (reserved = addr_reserved(i)) != NULL; i++) {
		if (prefix_contains(reserved, addr))
			return false;
	}
	return addr->family != 0;
}

bool
prefix_parse(struct prefix *prefix, const char *text)
{
	char	    host[ADDR_STRLEN];
	const char *slash = strchr(text, '/');
	const char *error;
	size_t	    len = slash != NULL ? (size_t)(slash - text) : strlen(text);

	if (len >= sizeof(host))
		return false;
	memcpy(host, text, len);
	host[len] = '\0';
	if (!addr_parse(&prefix->addr, host))
		return false;
	prefix->len = (uint8_t)addr_bits(prefix->addr.family);
	if (slash == NULL)
		return true;
	if (slash[1] < '0' || slash[1] > '9')
		return false;
	prefix->len = (uint8_t)strtonum(slash + 1, 0, prefix->len, &error);
	return error == NULL;
}

const char *
prefix_print(const struct prefix *prefix, char *dst, size_t size)
{
	char host[ADDR_STRLEN];

	snprintf(dst, size, "%s/%u",
	    addr_print(&prefix->addr, host, sizeof(host)), prefix->len);
	return dst;
}

bool
prefix_is_equal(const struct prefix *a, const struct prefix *b)
{
	return a->len == b->len && addr_is_equal(&a->addr, &b->addr);
}

bool
prefix_list_has(const struct prefix *list, size_t n, const struct prefix *prefix)
{
	for (size_t i = 0; i < n; i++) {
		if (prefix_is_equal(&list[i], prefix))
			return true;
	}
	return false;
}

bool
prefix_list_has_family(const struct prefix *list, size_t n, sa_family_t family)
{
	for (size_t i = 0; i < n; i++) {
		if (list[i].addr.family == family)
			return true;
	}
	return false;
}

bool
prefix_list_is_equal(const struct prefix *a, size_t na, const struct prefix *b,
    size_t nb)
{
	size_t i = 0;

	while (na == nb && i < na && prefix_is_equal(&a[i], &b[i]))
		i++;
	return na == nb && i == na;
}

bool
prefix_contains(const struct prefix *prefix, const struct addr *addr)
{
	unsigned whole = prefix->len / 8, rest = prefix->len % 8;

	if (prefix->addr.family != addr->family)
		return false;
	if (memcmp(prefix->addr.bytes, addr->bytes, whole) != 0)
		return false;
	return rest == 0 ||
	    ((prefix->addr.bytes[whole] ^ addr->bytes[whole]) >> (8 - rest)) ==
	    0;
}

bool
prefix_overlaps(const struct prefix *a, const struct prefix *b)
{
	return a->len <= b->len ? prefix_contains(a, &b->addr) :
				  prefix_contains(b, &a->addr);
}

bool
prefix_has_host_bits(const struct prefix *prefix)
{
	struct prefix network = prefix_network(prefix);

	return !addr_is_equal(&network.addr, &prefix->addr);
}

struct prefix
prefix_network(const struct prefix *prefix)
{
	struct prefix out = *prefix;

	for (unsigned i = 0; i < sizeof(out.addr.bytes); i++) {
		unsigned kept = prefix->len > i * 8 ? prefix->len - i * 8 : 0;

		if (kept < 8)
			out.addr.bytes[i] &= (uint8_t)(0xff00u >> kept);
	}
	return out;
}

struct endpoint
endpoint_make(const struct addr *addr, uint16_t port)
{
	struct endpoint ep = { 0 };

	if (addr->family == AF_INET) {
		ep.in.sin_family = AF_INET;
		ep.in.sin_port = htons(port);
		memcpy(&ep.in.sin_addr, addr->bytes, 4);
		ep.len = sizeof(ep.in);
	} else if (addr->family == AF_INET6) {
		ep.in6.sin6_family = AF_INET6;
		ep.in6.sin6_port = htons(port);
		memcpy(&ep.in6.sin6_addr, addr->bytes, 16);
		ep.len = sizeof(ep.in6);
	}
	return ep;
}

struct addr
endpoint_addr(const struct endpoint *ep)
{
	struct addr addr = { 0 };

	if (ep->len == 0)
		return addr;
	addr.family = ep->sa.sa_family;
	if (addr.family == AF_INET) {
		memcpy(addr.bytes, &ep->in.sin_addr, 4);
	} else if (IN6_IS_ADDR_V4MAPPED(&ep->in6.sin6_addr)) {
		addr.family = AF_INET;
		memcpy(addr.bytes, &ep->in6.sin6_addr.s6_addr[12], 4);
	} else {
		memcpy(addr.bytes, &ep->in6.sin6_addr, 16);
	}
	return addr;
}

uint16_t
endpoint_port(const struct endpoint *ep)
{
	if (ep->len == 0)
		return 0;
	return ntohs(ep->sa.sa_family == AF_INET ? ep->in.sin_port :
						   ep->in6.sin6_port);
}

const char *
endpoint_print(const struct endpoint *ep, char *dst, size_t size)
{
	struct addr addr = endpoint_addr(ep);
	char	    host[ADDR_STRLEN];

	addr_print(&addr, host, sizeof(host));
	snprintf(dst, size, addr.family == AF_INET6 ? "[%s]:%u" : "%s:%u", host,
	    endpoint_port(ep));
	return dst;
}

bool
endpoint_is_equal(const struct endpoint *a, const struct endpoint *b)
{
	struct addr x, y;

	/* Once a datagram, and nearly always so. */
	if (a->len == b->len && memcmp(&a->sa, &b->sa, a->len) == 0)
		return true;
	x = endpoint_addr(a);
	y = endpoint_addr(b);
	return endpoint_port(a) == endpoint_port(b) && addr_is_equal(&x, &y);
}

bool
endpoint_split(const char *text, char *host, size_t host_size, uint16_t *port)
{
	const char *colon = strchr(text, ':');
	const char *end;
	struct addr addr;

	if (text[0] == '[') {
		text++;
		end = strchr(text, ']');
		if (end == NULL || (end[1] != '\0' && end[1] != ':'))
			return false;
		colon = end[1] == ':' ? end + 1 : NULL;
	} else if (addr_parse(&addr, text)) {
		colon = NULL;
		end = text + strlen(text);
	} else {
		end = colon != NULL ? colon : text + strlen(text);
	}
	if (end == text || (size_t)(end - text) >= host_size)
		return false;
	memcpy(host, text, (size_t)(end - text));
	host[end - text] = '\0';
	return colon == NULL || endpoint_parse_port(port, colon + 1);
}

bool
endpoint_parse_port(uint16_t *port, const char *text)
{
	const char *error;
	long long   n = strtonum(text, 1, UINT16_MAX, &error);

	if (error != NULL || text[0] < '0' || text[0] > '9')
		return false;
	*port = (uint16_t)n;
	return true;
}
