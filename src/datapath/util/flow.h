/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * flow: a hash that is equal for all packets of a flow.
 *
 * It covers the addresses and, for unfragmented TCP and UDP, the ports; for
 * other frames the MAC addresses.  Pure.
 */
#ifndef FLOW_H
#define FLOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * `ethernet`: the data begin with an Ethernet header, else with an IP header.
 */
uint32_t flow_hash(const uint8_t *data, size_t len, bool ethernet);

#endif /* FLOW_H */
