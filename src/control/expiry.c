/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "control/expiry.h"

#include <stdio.h>

#include <bsd/string.h>

#include "base/log.h"

#define DAY_SEC 86400
#define AGAIN_US (DAY_SEC * MONO_SEC)

static const struct {
	const char *name, *whose, *advice;
} kinds[EXPIRIES] = {
	[EXPIRY_SERVER] = { "certificate", "the certificate of this hub",
	    "renew it with tombolo init --renew" },
	[EXPIRY_SERVER_RSA] = { "certificate-rsa",
	    "the RSA certificate of this hub",
	    "renew it with tombolo init --renew" },
	[EXPIRY_SITE] = { "certificate", "the certificate of this site",
	    "the hub makes another with tombolo site passwd" },
	[EXPIRY_PEER] = { "server", "the certificate of the hub",
	    "the hub renews it with tombolo init --renew" },
	[EXPIRY_CRL] = { "crl", "the list of revoked certificates",
	    "create a new one; this one stays in force" },
};

void
expiry_set(struct expiry *expiry, enum expiry_of which, time_t end,
    time_t soon)
{
	expiry->of[which].soon = soon;
	if (expiry->of[which].end == end)
		return;
	expiry->of[which].end = end;
	expiry->of[which].warned = false;
}

time_t
expiry_soon(time_t life)
{
	if (life <= 7 * DAY_SEC)
		return 0;
	return life / 4 < EXPIRY_SOON_SEC ? life / 4 : EXPIRY_SOON_SEC;
}

void
expiry_warn(struct expiry *expiry, time_t now, struct mono mono)
{
	char text[EXPIRY_TEXT_SIZE];

	for (unsigned i = 0; i < EXPIRIES; i++) {
		if (expiry->of[i].warned &&
		    mono_sub(mono, expiry->of[i].warned_at) < AGAIN_US)
			continue;
		if (expiry_advice(expiry, (enum expiry_of)i, now, text,
			sizeof(text)) == NULL)
			continue;
		expiry->of[i].warned = true;
		expiry->of[i].warned_at = mono;
		log_warnx("%s %s", kinds[i].whose, text);
	}
}

const char *
expiry_name(enum expiry_of which)
{
	return kinds[which].name;
}

const char *
expiry_date(time_t end, char *dst, size_t size)
{
	struct tm tm;

	if (gmtime_r(&end, &tm) == NULL ||
	    strftime(dst, size, "%Y-%m-%d", &tm) == 0)
		strlcpy(dst, "?", size);
	return dst;
}

const char *
expiry_advice(const struct expiry *expiry, enum expiry_of which, time_t now,
    char *dst, size_t size)
{
	time_t end = expiry->of[which].end, left = end - now;
	char   date[16];

	if (expiry->of[which].begin > now) {
		snprintf(dst, size, "is not valid before %s: check this host's "
		    "clock", expiry_date(expiry->of[which].begin, date,
		    sizeof(date)));
		return dst;
	}
	if (end == 0 || left > expiry->of[which].soon)
		return NULL;
	expiry_date(end, date, sizeof(date));
	if (left < 0)
		snprintf(dst, size, "ended on %s: %s", date,
		    kinds[which].advice);
	else
		snprintf(dst, size, "ends on %s, in %lld day%s: %s", date,
		    (long long)(left / DAY_SEC), left / DAY_SEC == 1 ? "" : "s",
		    kinds[which].advice);
	return dst;
}
