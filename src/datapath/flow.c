/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "datapath/flow.h"

#include "base/eth.h"

static uint32_t fnv(uint32_t hash, const uint8_t *data, size_t len);
static uint32_t hash_ip(uint32_t hash, const uint8_t *ip, size_t len);

uint32_t
flow_hash(const uint8_t *data, size_t len, bool ethernet)
{
	uint32_t hash = UINT32_C(2166136261); /* FNV-1a */
	size_t	 offset = 12;
	uint16_t type;

	if (!ethernet)
		return hash_ip(hash, data, len);
	if (len < ETH_HEADER_LEN)
		return hash;
	type = wire_read_u16(data + offset);
	while ((type == ETH_TYPE_VLAN || type == ETH_TYPE_QINQ) &&
	    offset + ETH_TAG_LEN + 2 <= len) {
		offset += ETH_TAG_LEN;
		type = wire_read_u16(data + offset);
	}
	if (type == ETH_TYPE_IPV4 || type == ETH_TYPE_IPV6)
		return hash_ip(hash, data + offset + 2, len - offset - 2);
	return fnv(hash, data, 2 * ETH_MAC_LEN);
}

static uint32_t
fnv(uint32_t hash, const uint8_t *data, size_t len)
{
	for (size_t i = 0; i < len; i++)
		hash = (hash ^ data[i]) * UINT32_C(16777619);
	return hash;
}

static uint32_t
hash_ip(uint32_t hash, const uint8_t *ip, size_t len)
{
	size_t	ports = 0;
	uint8_t protocol;

	if (len >= 20 && ip[0] >> 4 == 4) {
		protocol = ip[9];
		hash = fnv(hash, ip + 12, 8);
		/* Later fragments have no ports, so the first does not count. */
		if ((wire_read_u16(ip + 6) & 0x3fff) == 0)
			ports = (size_t)(ip[0] & 0x0f) * 4;
	} else if (len >= 40 && ip[0] >> 4 == 6) {
		protocol = ip[6];
		hash = fnv(hash, ip + 8, 32);
		ports = 40;
	} else {
		return hash;
	}
	hash = fnv(hash, &protocol, 1);
	if ((protocol == 6 || protocol == 17) && ports != 0 && ports + 4 <= len)
		hash = fnv(hash, ip + ports, 4);
	return hash;
}
