/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * all_traffic: decides whether networks together amount to all traffic of a
 * family.
 *
 * They do if together they cover more than 1/256 of IPv4, or more than a /32 of
 * IPv6, not counting private networks.  Many small networks are equivalent to a
 * default route.  Pure.
 */
#ifndef ALL_TRAFFIC_H
#define ALL_TRAFFIC_H

#include <stdbool.h>
#include <stddef.h>

#include "base/addr.h"

/* Whether the networks of that family are, together; for short lists. */
bool all_traffic_is(const struct prefix *list, size_t n, sa_family_t family);

/* The space of a family that counts, and how much of it is allowed. */
double all_traffic_share(const struct prefix *network);
double all_traffic_limit(sa_family_t family);

/* Whether a part of it is neither private nor local to a host or link. */
bool all_traffic_has_part(const struct prefix *network);

#endif /* ALL_TRAFFIC_H */
