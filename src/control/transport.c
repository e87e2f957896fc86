/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "control/transport.h"

#include <stdio.h>

bool
transport_agree(enum conf_transport own, enum conf_transport site,
    enum conf_transport *agreed, char *why, size_t why_size)
{
	*agreed = own == CONF_TRANSPORT_AUTO ? site : own;
	if (site == CONF_TRANSPORT_AUTO || site == *agreed)
		return true;
	snprintf(why, why_size, "this hub carries frames by %s only, and "
	    "this site by %s only: change transport at either end",
	    conf_words_transport.names[own],
	    conf_words_transport.names[site]);
	return false;
}

bool
transport_is_allowed(enum conf_transport own, enum conf_transport agreed,
    unsigned lanes)
{
	if ((agreed == CONF_TRANSPORT_TCP) != (lanes == 0))
		return false;
	return own == CONF_TRANSPORT_AUTO || own == agreed;
}

void
transport_watch_start(struct transport_watch *watch, struct mono now)
{
	*watch = (struct transport_watch) { .since = now,
		.reported_at = mono_add(now, -TRANSPORT_TELL_US) };
}

void
transport_watch_up(struct transport_watch *watch)
{
	watch->reported_blocked = false;
	watch->changed = false;
}

enum transport_news
transport_watch_tick(struct transport_watch *watch, bool blocked,
    struct mono now)
{
	if (blocked == watch->reported_blocked) {
		watch->changed = false;
		return TRANSPORT_NO_NEWS;
	}
	if (!watch->changed) {
		watch->changed = true;
		watch->since = now;
	}
	if (mono_sub(now, watch->since) < TRANSPORT_LASTS_US ||
	    mono_sub(now, watch->reported_at) < TRANSPORT_TELL_US)
		return TRANSPORT_NO_NEWS;
	watch->reported_blocked = blocked;
	watch->changed = false;
	watch->reported_at = now;
	return blocked ? TRANSPORT_BLOCKED : TRANSPORT_THROUGH;
}
