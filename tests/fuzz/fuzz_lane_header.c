/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A datagram that is taken is exactly one record, and the flow hash and VLAN
 * reader stay inside of whatever they are given.
 */
#include "base/eth.h"
#include "datapath/util/flow.h"
#include "datapath/record/lane_header.h"
#include "fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct lane_header hdr;

	(void)flow_hash(data, size, true);
	(void)flow_hash(data, size, false);
	if (size >= ETH_MIN_LEN)
		FUZZ_CHECK(eth_vlan(data, size) < 4096);
	if (lane_header_read(&hdr, data, size) < 0)
		return 0;
	FUZZ_CHECK(size >= LANE_HEADER_LEN + LANE_RECORD_HEADER_LEN);
	FUZZ_CHECK(hdr.session <= 0xffffff && hdr.lane < 64 && hdr.phase < 4);
	FUZZ_CHECK(hdr.type != LANE_TYPE_ALERT);
	return 0;
}
