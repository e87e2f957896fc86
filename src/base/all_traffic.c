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

static bool   is_in_another(const struct prefix *list, size_t n, size_t i);
static double part(unsigned len);

bool
all_traffic_is(const struct prefix *list, size_t n, sa_family_t family)
{
	double sum = 0;

	for (size_t i = 0; i < n; i++) {
		if (list[i].addr.family == family && !is_in_another(list, n, i))
			sum += all_traffic_share(&list[i]);
	}
	return sum > all_traffic_limit(family);
}

double
all_traffic_limit(sa_family_t family)
{
	return part(family == AF_INET ? 8 : 32);
}

bool
all_traffic_has_part(const struct prefix *network)
{
	return all_traffic_share(network) > 0;
}

double
all_traffic_share(const struct prefix *network)
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

/* Prefixes nest or are apart; of equal ones the first counts. */
static bool
is_in_another(const struct prefix *list, size_t n, size_t i)
{
	for (size_t j = 0; j < n; j++) {
		if ((list[j].len < list[i].len ||
			(list[j].len == list[i].len && j < i)) &&
		    prefix_contains(&list[j], &list[i].addr))
			return true;
	}
	return false;
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
