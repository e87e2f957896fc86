/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "datapath/drop.h"

#include <assert.h>

static const struct {
	const char *name;
	const char *text;
} reasons[DROP_MAX] = {
	[DROP_NONE] = { "none", "not dropped" },
#define DROP_ROW(id, name, text) [DROP_##id] = { name, text },
	DROP_REASONS(DROP_ROW)
#undef DROP_ROW
};

const char *
drop_name(enum drop reason)
{
	assert(reason < DROP_MAX);
	return reasons[reason].name;
}

const char *
drop_text(enum drop reason)
{
	assert(reason < DROP_MAX);
	return reasons[reason].text;
}
