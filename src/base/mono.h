/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * mono: points in time, as a type that cannot be confused with durations.
 *
 * The clock is CLOCK_BOOTTIME, which continues while the host is suspended, so
 * a peer that was silent meanwhile counts as dead.  Only event loops read the
 * clock, once a turn, and pass the value to functions.
 */
#ifndef MONO_H
#define MONO_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

struct mono {
	int64_t us;
};

#define MONO_SEC ((int64_t)1000000)
#define MONO_MS ((int64_t)1000)

static inline struct mono
mono_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_BOOTTIME, &ts);
	return (struct mono) { ts.tv_sec * MONO_SEC + ts.tv_nsec / 1000 };
}

/* `t` plus `us` microseconds. */
static inline struct mono
mono_add(struct mono t, int64_t us)
{
	return (struct mono) { t.us + us };
}

/* The time from `earlier` to `later`, in microseconds. */
static inline int64_t
mono_sub(struct mono later, struct mono earlier)
{
	return later.us - earlier.us;
}

/* Whether `now` has reached `t`. */
static inline bool
mono_is_due(struct mono t, struct mono now)
{
	return now.us >= t.us;
}

/*
 * CLOCK_MONOTONIC, which stops while the host is suspended: for mono_slept()
 * and nothing else.
 */
static inline struct mono
mono_awake(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (struct mono) { ts.tv_sec * MONO_SEC + ts.tv_nsec / 1000 };
}

/* Zeroed storage: no clock was read yet. */
struct mono_sleep {
	int64_t ahead_us; /* mono_now() of mono_awake() */
	bool	known;
};

/*
 * How long the host was suspended since the last call with this `sleep`, in
 * microseconds. 0 for the first call, and for less than a second, since the two
 * clocks cannot be read at the same moment.  `now` is from mono_now(), `awake`
 * from mono_awake().
 */
static inline int64_t
mono_slept(struct mono_sleep *sleep, struct mono now, struct mono awake)
{
	int64_t ahead = mono_sub(now, awake);
	int64_t slept = sleep->known ? ahead - sleep->ahead_us : 0;

	if (sleep->known && slept < MONO_SEC)
		return 0;
	*sleep = (struct mono_sleep) { .ahead_us = ahead, .known = true };
	return slept;
}

#endif /* MONO_H */
