/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * all_traffic: which networks are as good as all traffic of a family.
 *
 * That is what covers, all of it together, more than 1/256 of IPv4, or more
 * than a /32 of IPv6, of the space that is nobody's private one.  Many small
 * networks are as good as a default route.  Pure.
 */
#ifndef ALL_TRAFFIC_H
#define ALL_TRAFFIC_H

#include <stdbool.h>
#include <stddef.h>

#include "base/addr.h"

/* Whether those of that family are, together; for short lists. */
bool all_traffic_is(const struct prefix *list, size_t n, sa_family_t family);

/* What of its family counts, and how much of it is still no such thing. */
double all_traffic_share(const struct prefix *network);
double all_traffic_limit(sa_family_t family);

/* Whether some of it is neither private nor what never leaves a host or link. */
bool all_traffic_has_part(const struct prefix *network);

#endif /* ALL_TRAFFIC_H */
