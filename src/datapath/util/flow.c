/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "datapath/util/flow.h"

#include "base/eth.h"
#include "datapath/offload/headers.h"

static uint32_t fnv(uint32_t hash, const uint8_t *data, size_t len);

uint32_t
flow_hash(const uint8_t *data, size_t len, bool ethernet)
{
	uint32_t       hash = UINT32_C(2166136261); /* FNV-1a */
	struct headers h;

	if (!headers_read(&h, data, len, ethernet))
		return ethernet && len >= ETH_HEADER_LEN ?
		    fnv(hash, data, 2 * ETH_MAC_LEN) :
		    hash;
	hash = h.version == 4 ? fnv(hash, data + h.l3 + 12, 8) :
				fnv(hash, data + h.l3 + 8, 32);
	/*
	 * Later fragments have no ports, so the first one's are not used
	 * either.
	 */
	if (h.protocol != 0)
		hash = fnv(hash ^ h.protocol, data + h.l4, 4);
	return hash;
}

static uint32_t
fnv(uint32_t hash, const uint8_t *data, size_t len)
{
	for (size_t i = 0; i < len; i++)
		hash = (hash ^ data[i]) * UINT32_C(16777619);
	return hash;
}
