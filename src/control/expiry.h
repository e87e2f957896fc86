/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * expiry: warns before certificates expire and before lists of revoked ones are
 * due.
 *
 * Starting some time before its end, each is logged once a day, with what to
 * do; status shows all of them.
 */
#ifndef EXPIRY_H
#define EXPIRY_H

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

#include "base/mono.h"

#define EXPIRY_SOON_SEC	 (30 * 86400)
#define EXPIRY_TEXT_SIZE 160

enum expiry_of {
	EXPIRY_SERVER,	   /* a server's own */
	EXPIRY_SERVER_RSA, /* the same for tls-srp */
	EXPIRY_SITE,	   /* a client's own */
	EXPIRY_PEER,	   /* the server's, as its client sees it */
	EXPIRY_CRL,	   /* a server's list of sites' revoked ones */
	EXPIRIES
};

/* Zeroed storage knows of none. */
struct expiry {
	struct {
		time_t	    end; /* 0: there is none, or nobody can read it */
		time_t	    soon; /* seconds before it */
		time_t	    begin; /* of a certificate of this end; or 0 */
		bool	    warned;
		struct mono warned_at;
	} of[EXPIRIES];
};

/* It ends then; another end is news. */
void expiry_set(struct expiry *expiry, enum expiry_of which, time_t end,
    time_t soon);
/*
 * How long before its end a list is reported: lists are renewed regularly, a
 * weekly one hours before it is due.
 */
time_t expiry_soon(time_t life);

/*
 * Logs the warnings that are due: `now` is the clock, `mono` limits the rate.
 */
void expiry_warn(struct expiry *expiry, time_t now, struct mono mono);

/* "certificate" and the like: the key of the configuration; or "server". */
const char *expiry_name(enum expiry_of which);

/* "2031-11-24" */
const char *expiry_date(time_t end, char *dst, size_t size);

/*
 * "ends on 2026-12-20, in 25 days: ADVICE", or NULL when that is far off; or that
 * it is not valid yet.
 */
const char *expiry_advice(const struct expiry *expiry, enum expiry_of which,
    time_t now, char *dst, size_t size);

#endif /* EXPIRY_H */
