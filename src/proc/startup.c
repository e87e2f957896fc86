/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "proc/startup.h"

#include "base/nitems.h"

/* Behind a struct: nothing, text, or more of the same. */
enum behind { NOTHING, TEXT, THE_SAME };

#define BEFORE	    STARTUP_BEFORE
#define AGAIN	    STARTUP_AGAIN
#define LATER	    STARTUP_LATER
#define SIZE(name)  sizeof(struct request_##name)

static const struct row {
	unsigned    when;
	size_t	    size; /* of its struct */
	enum behind behind;
	unsigned    min_fds, max_fds;
} rows[] = {
	[REQUEST_CONF] = { BEFORE | AGAIN | LATER, SIZE(piece), TEXT, 0, 0 },
	[REQUEST_CERTS] = { BEFORE | AGAIN | LATER, SIZE(piece), TEXT, 0, 0 },
	[REQUEST_DEVICE] = { BEFORE, SIZE(device), NOTHING, 1,
	    REQUEST_MAX_QUEUES },
	[REQUEST_LISTEN] = { BEFORE, 0, NOTHING, 1, REQUEST_MAX_LISTENERS },
	[REQUEST_UDP] = { BEFORE | AGAIN, 0, NOTHING, 1, REQUEST_MAX_QUEUES },
	[REQUEST_ADMIN] = { BEFORE, 0, NOTHING, 1, 1 },
	[REQUEST_KEEPER] = { BEFORE | LATER, 0, NOTHING, 2, 2 },
	[REQUEST_START] = { BEFORE, SIZE(start), NOTHING, 1, 1 },
	[REQUEST_CREDENTIALS] = { LATER, SIZE(site), THE_SAME, 0, 0 },
	[REQUEST_NETCHANGE] = { LATER, 0, NOTHING, 0, 0 },
	[REQUEST_PING] = { LATER, 0, NOTHING, 0, 0 },
	[REQUEST_EGRESS] = { LATER, SIZE(egress), NOTHING, 0, 0 },
	[REQUEST_HOST] = { LATER, SIZE(host), NOTHING, 0, 0 },
};

bool
startup_fits(unsigned when, uint16_t type, size_t len, unsigned nfds)
{
	const struct row *row = type < nitems(rows) ? &rows[type] : &rows[0];

	return row->when != 0 && (row->when & when) == when && len >= row->size &&
	    nfds >= row->min_fds && nfds <= row->max_fds &&
	    (len == row->size || row->behind == TEXT ||
		(row->behind == THE_SAME && len % row->size == 0));
}

bool
startup_text_is_same(const struct startup_text *a, const struct startup_text *b)
{
	return a->text != NULL && b->text != NULL && a->len == b->len &&
	    memcmp(a->text, b->text, a->len) == 0;
}
