/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "control/auth/patience.h"

void
patience_start(struct patience *patience, struct mono now)
{
	patience->until = mono_add(now, PATIENCE_START_US);
}

void
patience_came_in(struct patience *patience, struct mono *next, struct mono now)
{
	struct mono most = mono_add(now, PATIENCE_MAX_US), more;

	if (!mono_is_due(*next, now))
		return;
	*next = mono_add(now, PATIENCE_AGAIN_US);
	more = mono_add(patience_has(patience, now) ? patience->until : now,
	    PATIENCE_EACH_US);
	if (mono_is_due(most, more))
		more = most;
	/* What there was from the beginning stays. */
	if (mono_is_due(patience->until, more))
		patience->until = more;
}

bool
patience_has(const struct patience *patience, struct mono now)
{
	return !mono_is_due(patience->until, now);
}
