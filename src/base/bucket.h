/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * bucket: a rate limit (token bucket): `burst` times at once, then once an
 * interval.
 *
 * It is stored as the time at which the bucket will be full again; zeroed
 * storage is a full bucket.  Pure: the caller passes the time.
 */
#ifndef BUCKET_H
#define BUCKET_H

#include "base/mono.h"

struct bucket {
	struct mono full_at;
};

/* Takes one token; false, and no change, if there is none. */
static inline bool
bucket_take(struct bucket *bucket, unsigned burst, int64_t interval_us,
    struct mono now)
{
	struct mono full_at = mono_is_due(bucket->full_at, now) ?
	    now : bucket->full_at;

	if (mono_sub(full_at, now) > (int64_t)(burst - 1) * interval_us)
		return false;
	bucket->full_at = mono_add(full_at, interval_us);
	return true;
}

#endif /* BUCKET_H */
