/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/all_traffic.h"

#include "base/nitems.h"

/* Who uses these pays for it himself: they are no part of "all traffic". */
static const struct prefix private[] = {
	{ { AF_INET, { 10 } }, 8 },
	{ { AF_INET, { 100, 64 } }, 10 }, /* CGN */
	{ { AF_INET, { 172, 16 } }, 12 },
	{ { AF_INET, { 192, 168 } }, 16 },
	{ { AF_INET6, { 0xfc } }, 7 },
};

static bool   is_in_another(const struct prefix *list, size_t n, size_t i,
      unsigned len);
static double share_of(const struct prefix *network);
static double part(unsigned len);

bool
all_traffic_is(const struct prefix *list, size_t n, sa_family_t family,
    unsigned len)
{
	double sum = 0;

	for (size_t i = 0; i < n; i++) {
		double share = list[i].addr.family == family &&
			list[i].len >= len ? share_of(&list[i]) : 0;

		if (share > 0 && !is_in_another(list, n, i, len))
			sum += share;
	}
	return sum > part(family == AF_INET ? 8 : 32);
}

bool
all_traffic_has_part(const struct prefix *network)
{
	return share_of(network) > 0;
}

/* Prefixes nest or are apart; of equal ones the first counts. */
static bool
is_in_another(const struct prefix *list, size_t n, size_t i, unsigned len)
{
	for (size_t j = 0; j < n; j++) {
		if (list[j].len >= len && (list[j].len < list[i].len ||
			(list[j].len == list[i].len && j < i)) &&
		    prefix_contains(&list[j], &list[i].addr))
			return true;
	}
	return false;
}

/* Of its family, without what is private in it, or never leaves a host. */
static double
share_of(const struct prefix *network)
{
	double		     share = part(network->len);
	const struct prefix *other = private;

	for (size_t i = 0; other != NULL; i++) {
		if (prefix_overlaps(other, network)) {
			if (other->len <= network->len)
				return 0;
			share -= part(other->len);
		}
		other = i + 1 < nitems(private) ?
		    &private[i + 1] :
		    addr_reserved(i + 1 - nitems(private));
	}
	return share;
}

/* What a prefix of that length is of its family. */
static double
part(unsigned len)
{
	double share = 1;

	while (len-- > 0)
		share /= 2;
	return share;
}
