/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "control/reach/connect_refusals.h"

#include <errno.h>

void
connect_refusals_begin(struct connect_refusals *refusals,
    const struct endpoint *by)
{
	*refusals = (struct connect_refusals) { .by = *by };
}

void
connect_refusals_note(struct connect_refusals *refusals,
    const struct endpoint *at, int error,
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
connect_refusals_last(const struct connect_refusals *refusals)
{
	return refusals->n >= CONNECT_REFUSALS_LEAST &&
	    mono_sub(refusals->newest,
	    refusals->first) >= CONNECT_REFUSALS_LAST_US;
}
