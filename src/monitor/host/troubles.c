/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "monitor/host/troubles.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <bsd/string.h>

#include "base/log.h"
#include "base/nitems.h"

#define SAY_AFTER (1 * MONO_SEC)

void
troubles_begin(struct troubles *troubles)
{
	for (unsigned i = 0; i < troubles->n; i++)
		troubles->list[i].is_now = false;
}

void
troubles_add(struct troubles *troubles, const char *what, const char *fmt, ...)
{
	struct trouble *trouble = troubles->list;
	struct trouble *end = troubles->list + troubles->n;
	va_list		ap;

	while (trouble < end && strcmp(trouble->row.what, what) != 0)
		trouble++;
	if (trouble == end) {
		/* So many tell enough. */
		if (troubles->n == nitems(troubles->list))
			return;
		troubles->n++;
		*trouble = (struct trouble) { .row.since_us = mono_now().us };
		strlcpy(trouble->row.what, what, sizeof(trouble->row.what));
	}
	va_start(ap, fmt);
	vsnprintf(trouble->row.why, sizeof(trouble->row.why), fmt, ap);
	va_end(ap);
	trouble->is_now = true;
}

bool
troubles_end(struct troubles *troubles, const char *device, bool at_once)
{
	struct mono now = mono_now();
	unsigned    kept = 0;
	bool	    waits = false;

	for (unsigned i = 0; i < troubles->n; i++) {
		struct trouble *trouble = &troubles->list[i];
		struct mono	since = { trouble->row.since_us };

		if (!trouble->is_now) {
			if (trouble->is_said)
				log_info("%s: %s: as configured again", device,
				    trouble->row.what);
			continue;
		}
		if (!trouble->is_said &&
		    (at_once || mono_sub(now, since) >= SAY_AFTER)) {
			log_warnx("%s: %s: %s", device, trouble->row.what,
			    trouble->row.why);
			trouble->is_said = true;
		}
		waits = waits || !trouble->is_said;
		troubles->list[kept++] = *trouble;
	}
	troubles->n = kept;
	return waits;
}

bool
troubles_tell(const struct troubles *troubles, struct request_host *told)
{
	struct request_host now = { .n = troubles->n };

	for (unsigned i = 0; i < troubles->n; i++)
		now.list[i] = troubles->list[i].row;
	if (memcmp(&now, told, sizeof(now)) == 0)
		return false;
	*told = now;
	return true;
}
