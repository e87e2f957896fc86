/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "monitor/host/repairs.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/nitems.h"

#define SAY_EVERY    (60 * MONO_SEC)
#define FORGET_AFTER (10 * MONO_SEC)
#define FIRST_PAUSE  (100 * MONO_MS)
#define LAST_PAUSE   (800 * MONO_MS)

static struct repair *find(struct repairs *repairs, enum repair_of of,
    const struct prefix *network);

void
repairs_begin(struct repairs *repairs)
{
	repairs->again_us = 0;
}

bool
repairs_may(struct repairs *repairs, enum repair_of of,
    const struct prefix *network, struct mono now)
{
	static const struct prefix none;
	const struct prefix *which = network != NULL ? network : &none;
	struct repair	    *repair = find(repairs, of, which);
	int64_t since;

	if (repair == NULL) {
		repair = &repairs->recent[repairs->next++ %
		    nitems(repairs->recent)];
		*repair = (struct repair) { .of = of, .network = *which };
	}
	since = mono_sub(now, repair->last);
	if (repair->last.us == 0 || since >= FORGET_AFTER) {
		repair->pause_us = FIRST_PAUSE;
	} else if (since < repair->pause_us) {
		int64_t left = repair->pause_us - since;

		if (repairs->again_us == 0 || left < repairs->again_us)
			repairs->again_us = left;
		return false;
	} else if (repair->pause_us < LAST_PAUSE) {
		repair->pause_us *= 2;
	}
	repair->last = now;
	return true;
}

void
repairs_note(struct repairs *repairs, const char *fmt, ...)
{
	size_t	len = strlen(repairs->text);
	va_list ap;
	char	what[96];

	va_start(ap, fmt);
	vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	repairs->n++;
	/* What happens again and again is named once. */
	if (strstr(repairs->text, what) != NULL)
		return;
	repairs->more = len + strlen(what) + 2 >= sizeof(repairs->text);
	if (!repairs->more)
		snprintf(repairs->text + len, sizeof(repairs->text) - len,
		    "%s%s", len > 0 ? ", " : "", what);
}

void
repairs_say(struct repairs *repairs, const char *device)
{
	if (repairs->n == 0 || !repairs_may_say(&repairs->said))
		return;
	log_warnx("%s: fixed: %s%s%s%s%s", device, repairs->text,
	    repairs->more ? " and others" : "",
	    repairs->hint != NULL ? " (" : "",
	    repairs->hint != NULL ? repairs->hint : "",
	    repairs->hint != NULL ? ")" : "");
	repairs->text[0] = '\0';
	repairs->hint = NULL;
	repairs->more = false;
	repairs->n = 0;
}

bool
repairs_may_say(struct mono *said)
{
	struct mono now = mono_now();

	if (said->us != 0 && mono_sub(now, *said) < SAY_EVERY)
		return false;
	*said = now;
	return true;
}

static struct repair *
find(struct repairs *repairs, enum repair_of of, const struct prefix *network)
{
	for (size_t i = 0; i < nitems(repairs->recent); i++) {
		struct repair *repair = &repairs->recent[i];

		if (repair->last.us != 0 && repair->of == of &&
		    prefix_is_equal(&repair->network, network))
			return repair;
	}
	return NULL;
}
