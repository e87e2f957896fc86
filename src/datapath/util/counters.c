/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "datapath/util/counters.h"

#include "base/relaxed.h"

void
counters_add(struct counters *sum, const struct counters *one)
{
	struct counters none = { 0 };

	counters_advance(sum, &none, one);
}

void
counters_add_live(struct counters *sum, const struct counters_live *live)
{
	const _Atomic uint64_t *from = (const void *)live;
	uint64_t	       *to = (void *)sum;

	for (size_t i = 0; i < COUNTERS_ALL; i++)
		to[i] += relaxed_load(&from[i]);
}

void
counters_advance(struct counters *sum, struct counters *before,
    const struct counters *now)
{
	uint64_t *to = (void *)sum;

	for (size_t i = 0; i < COUNTERS_ALL; i++)
		to[i] += counters_get(now, i) - counters_get(before, i);
	*before = *now;
}

uint64_t
counters_get(const struct counters *counters, size_t i)
{
	return ((const uint64_t *)(const void *)counters)[i];
}
