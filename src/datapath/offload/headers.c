/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "datapath/offload/headers.h"

#include "base/eth.h"
#include "base/wire.h"

#define IPV4_MIN_LEN	20
#define IPV6_LEN	40
#define TCP_MIN_LEN	20
#define UDP_LEN		8
#define MAX_EXTENSIONS	8
#define IPV4_FRAGMENT	0x3fff /* more fragments, or an offset */

/* IPv6 extension headers (RFC 8200 4) with the length in the same place. */
#define NEXT_HOP_BY_HOP	 0
#define NEXT_ROUTING	 43
#define NEXT_FRAGMENT	 44
#define NEXT_DESTINATION 60

static bool read_ethernet(struct headers *h, const uint8_t *data, size_t len);
static bool read_ipv4(struct headers *h, const uint8_t *data, size_t len,
    uint8_t *next);
static bool read_ipv6(struct headers *h, const uint8_t *data, size_t len,
    uint8_t *next);
static void read_transport(struct headers *h, const uint8_t *data, size_t len,
    uint8_t next);

bool
headers_read(struct headers *h, const uint8_t *data, size_t len, bool ethernet)
{
	uint8_t next, version;

	*h = (struct headers) { 0 };
	if (ethernet && !read_ethernet(h, data, len))
		return false;
	if (h->l3 >= len)
		return false;
	version = h->version;
	h->version = data[h->l3] >> 4;
	if (ethernet && h->version != version)
		return false;
	if (h->version == 4) {
		if (!read_ipv4(h, data, len, &next))
			return false;
	} else if (h->version != 6 || !read_ipv6(h, data, len, &next)) {
		return false;
	}
	if (!h->fragment)
		read_transport(h, data, len, next);
	return true;
}

/* The EtherType and the packet must give the same version. */
static bool
read_ethernet(struct headers *h, const uint8_t *data, size_t len)
{
	size_t	 type_at = 2 * ETH_MAC_LEN;
	uint16_t type;

	if (len < ETH_HEADER_LEN)
		return false;
	type = wire_read_u16(data + type_at);
	while (type == ETH_TYPE_VLAN || type == ETH_TYPE_QINQ) {
		type_at += ETH_TAG_LEN;
		if (type_at + 2 > len || type_at > 4 * ETH_TAG_LEN + 12)
			return false;
		type = wire_read_u16(data + type_at);
	}
	h->l3 = (uint16_t)(type_at + 2);
	h->version = type == ETH_TYPE_IPV4 ? 4 : 6;
	return type == ETH_TYPE_IPV4 || type == ETH_TYPE_IPV6;
}

static bool
read_ipv4(struct headers *h, const uint8_t *data, size_t len, uint8_t *next)
{
	const uint8_t *ip = data + h->l3;
	size_t	       header;

	if (len - h->l3 < IPV4_MIN_LEN)
		return false;
	header = (size_t)(ip[0] & 0x0f) * 4;
	if (header < IPV4_MIN_LEN || header > len - h->l3)
		return false;
	h->fragment = (wire_read_u16(ip + 6) & IPV4_FRAGMENT) != 0;
	h->l4 = (uint16_t)(h->l3 + header);
	*next = ip[9];
	return true;
}

static bool
read_ipv6(struct headers *h, const uint8_t *data, size_t len, uint8_t *next)
{
	size_t pos = h->l3 + (size_t)IPV6_LEN;

	if (pos > len)
		return false;
	*next = data[h->l3 + 6];
	for (unsigned n = 0; n < MAX_EXTENSIONS; n++) {
		size_t extension;

		if (*next == NEXT_FRAGMENT) {
			h->fragment = true;
			break;
		}
		if (*next != NEXT_HOP_BY_HOP && *next != NEXT_ROUTING &&
		    *next != NEXT_DESTINATION)
			break;
		if (len - pos < 8)
			return false;
		extension = ((size_t)data[pos + 1] + 1) * 8;
		if (extension > len - pos)
			return false;
		*next = data[pos];
		pos += extension;
	}
	h->l4 = (uint16_t)pos;
	return true;
}

static void
read_transport(struct headers *h, const uint8_t *data, size_t len, uint8_t next)
{
	size_t left = len - h->l4, header;

	if (next == HEADERS_TCP && left >= TCP_MIN_LEN) {
		header = (size_t)(data[h->l4 + 12] >> 4) * 4;
		if (header < TCP_MIN_LEN || header > left)
			return;
	} else if (next == HEADERS_UDP && left >= UDP_LEN) {
		header = UDP_LEN;
	} else {
		return;
	}
	h->protocol = next;
	h->payload = (uint16_t)(h->l4 + header);
}
