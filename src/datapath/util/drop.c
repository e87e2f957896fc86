/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "datapath/util/drop.h"

#include <assert.h>

static const char *const names[DROP_MAX] = {
	[DROP_NONE] = "none",
#define DROP_ROW(id, name, text) [DROP_##id] = name,
	DROP_REASONS(DROP_ROW)
#undef DROP_ROW
};

const char *
drop_name(enum drop reason)
{
	assert(reason < DROP_MAX);
	return names[reason];
}
