/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * lane_header: the four bytes in front of every record (PROTOCOL 5.1).
 *
 *    0               1               2               3
 *   | phase 2 | lane 6 |            session id 24            |
 *
 * A classic BPF filter can read the lane from byte 0. The session id identifies
 * the session, whatever the source address is.
 */
#ifndef LANE_HEADER_H
#define LANE_HEADER_H

#include <stddef.h>
#include <stdint.h>

#define LANE_HEADER_LEN 4
#define LANE_MAX	16 /* lanes of a session */

/* A DTLS 1.2 record header (RFC 6347 4.1) that follows it. */
#define LANE_RECORD_HEADER_LEN 13
#define LANE_MAC_LEN	       16 /* handshake MAC behind a handshake record */
#define LANE_TYPE_CCS	       20
#define LANE_TYPE_ALERT	       21
#define LANE_TYPE_HANDSHAKE    22
#define LANE_TYPE_DATA	       23
#define LANE_DTLS12_VERSION    0xfefd

struct lane_header {
	uint8_t	 phase;	  /* 0..3 */
	uint8_t	 lane;	  /* 0..63; ours are 0..15 */
	uint32_t session; /* 24 bits */
	/* of the record behind it */
	uint8_t	 type;
	uint16_t epoch;
	uint64_t seq; /* 48 bits */
};

void lane_header_write(uint8_t dst[LANE_HEADER_LEN], uint8_t phase,
    uint8_t lane, uint32_t session);

/*
 * Reads both headers and checks that the datagram is exactly one record:
 * version fefd; for data, length = datagram - 4 - 13; for a handshake record,
 * LANE_MAC_LEN bytes more.  (After a handshake record of the wrong length
 * GnuTLS would drop the next good one.) Returns 0 or -EBADMSG.
 */
int lane_header_read(struct lane_header *hdr, const uint8_t *datagram,
    size_t len);

#endif /* LANE_HEADER_H */
