/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "datapath/record/lane_header.h"

#include <errno.h>

#include "base/wire.h"

#define DTLS10_VERSION 0xfeff /* of a first ClientHello (RFC 6347 4.2.1) */

void
lane_header_write(uint8_t dst[LANE_HEADER_LEN], uint8_t phase, uint8_t lane,
    uint32_t session)
{
	dst[0] = (uint8_t)(phase << 6 | (lane & 0x3f));
	wire_write_u24(dst + 1, session);
}

int
lane_header_read(struct lane_header *hdr, const uint8_t *datagram, size_t len)
{
	const uint8_t *record = datagram + LANE_HEADER_LEN;
	size_t	       rest;
	uint16_t       version;

	if (len < LANE_HEADER_LEN + LANE_RECORD_HEADER_LEN)
		return -EBADMSG;
	hdr->phase = datagram[0] >> 6;
	hdr->lane = datagram[0] & 0x3f;
	hdr->session = wire_read_u24(datagram + 1);
	hdr->type = record[0];
	version = wire_read_u16(record + 1);
	hdr->epoch = wire_read_u16(record + 3);
	hdr->seq = (uint64_t)wire_read_u16(record + 5) << 32 |
	    wire_read_u32(record + 7);

	rest = wire_read_u16(record + 11);
	if (hdr->type != LANE_TYPE_DATA)
		rest += LANE_MAC_LEN;
	if (len != LANE_HEADER_LEN + LANE_RECORD_HEADER_LEN + rest)
		return -EBADMSG;
	switch (hdr->type) {
	case LANE_TYPE_DATA:
		return version == LANE_DTLS12_VERSION ? 0 : -EBADMSG;
	case LANE_TYPE_CCS:
	case LANE_TYPE_HANDSHAKE:
		return version == LANE_DTLS12_VERSION || version == DTLS10_VERSION ?
		    0 :
		    -EBADMSG;
	default: /* alerts too: the control connection ends sessions */
		return -EBADMSG;
	}
}
