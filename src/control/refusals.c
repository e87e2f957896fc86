/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "control/refusals.h"

#include <errno.h>

void
refusals_begin(struct refusals *refusals, const struct endpoint *by)
{
	*refusals = (struct refusals) { .by = *by };
}

void
refusals_note(struct refusals *refusals, const struct endpoint *at, int error,
    struct mono now)
{
	if (refusals->by.len == 0 || !endpoint_is_equal(&refusals->by, at))
		return;
	if (error != ECONNREFUSED) {
		refusals->n = 0;
		return;
	}
	if (refusals->n++ == 0)
		refusals->first = now;
	refusals->newest = now;
}

bool
refusals_last(const struct refusals *refusals)
{
	return refusals->n >= REFUSALS_LEAST &&
	    mono_sub(refusals->newest, refusals->first) >= REFUSALS_LAST_US;
}
