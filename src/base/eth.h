/* SPDX-License-Identifier: GPL-2.0-or-later */
/* eth: the layout of Ethernet frames and IP headers. */
#ifndef ETH_H
#define ETH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/wire.h"

#define ETH_MAC_LEN	6
#define ETH_HEADER_LEN	14
#define ETH_TAG_LEN	4
#define ETH_MIN_LEN	14 /* what we accept; Ethernet pads to 60 */
#define ETH_MAX_LEN	9728 /* fits jumbo frames of 9216 with two tags */

#define ETH_TYPE_IPV4	0x0800
#define ETH_TYPE_IPV6	0x86dd
#define ETH_TYPE_VLAN	0x8100
#define ETH_TYPE_QINQ	0x88a8
#define ETH_TYPE_LOCAL2 0x88b6 /* IEEE 802 local experimental 2 */

static inline const uint8_t *
eth_dst(const uint8_t *frame)
{
	return frame;
}

static inline const uint8_t *
eth_src(const uint8_t *frame)
{
	return frame + ETH_MAC_LEN;
}

/* Broadcast is a group address too. */
static inline bool
eth_is_group(const uint8_t *mac)
{
	return (mac[0] & 1) != 0;
}

static inline bool
eth_is_zero(const uint8_t *mac)
{
	static const uint8_t zero[ETH_MAC_LEN];

	return memcmp(mac, zero, ETH_MAC_LEN) == 0;
}

/* 01:80:c2:00:00:00 to 0f: link-local, no bridge forwards it (802.1Q 8.6.3). */
static inline bool
eth_is_link_local(const uint8_t *mac)
{
	static const uint8_t base[5] = { 0x01, 0x80, 0xc2, 0x00, 0x00 };

	return memcmp(mac, base, sizeof(base)) == 0 && mac[5] <= 0x0f;
}

/*
 * The VLAN id of the outer tag, or 0 for an untagged or priority-tagged frame.
 * `len` is at least ETH_MIN_LEN.
 */
static inline uint16_t
eth_vlan(const uint8_t *frame, size_t len)
{
	uint16_t type = wire_read_u16(frame + 12);

	if ((type != ETH_TYPE_VLAN && type != ETH_TYPE_QINQ) ||
	    len < ETH_HEADER_LEN + ETH_TAG_LEN)
		return 0;
	return wire_read_u16(frame + 14) & 0x0fff;
}

#endif /* ETH_H */
