/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * flow: a number that is the same for all packets of one flow.
 *
 * Over addresses and, for unfragmented TCP and UDP, ports; for other frames
 * over the MAC addresses.  Pure.
 */
#ifndef FLOW_H
#define FLOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* `ethernet`: the bytes begin with an Ethernet header, else with an IP one. */
uint32_t flow_hash(const uint8_t *data, size_t len, bool ethernet);

#endif /* FLOW_H */
