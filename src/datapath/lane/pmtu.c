/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The search in terms of the members:
 *
 *   low == 0     nothing was answered yet
 *   high == max  max was not refused: it is tried first
 *   suspect      is the path dead, or only too small?  PMTU_BASE must pass
 *                first; until it does, other failures do not count.
 *
 * So after an outage it searches as at the start, instead of staying at
 * PMTU_BASE for ten minutes.
 */
#include "datapath/lane/pmtu.h"

static void   on_lost(struct pmtu *pmtu);
static size_t next_probe(struct pmtu *pmtu, struct mono now);
static size_t next_size(const struct pmtu *pmtu);
static size_t next_while_done(struct pmtu *pmtu, struct mono now);
static void   finish(struct pmtu *pmtu, struct mono now);
static void   rest(struct pmtu *pmtu, struct mono now);
static bool   settle(struct pmtu *pmtu);

void
pmtu_init(struct pmtu *pmtu, size_t max, struct mono now)
{
	if (max < PMTU_BASE)
		max = PMTU_BASE;
	*pmtu = (struct pmtu) {
		.state = PMTU_SEARCHING,
		.max = max,
		.current = PMTU_BASE,
		.high = max,
		.due = now,
	};
}

size_t
pmtu_tick(struct pmtu *pmtu, struct mono now)
{
	if (!pmtu_is_due(pmtu, now))
		return 0;
	if (pmtu->probe != 0 && pmtu->tries >= PMTU_MAX_PROBES)
		on_lost(pmtu);
	if (pmtu->probe == 0) {
		pmtu->tries = 0;
		pmtu->probe = next_probe(pmtu, now);
	}
	if (pmtu->probe == 0)
		return 0;
	pmtu->tries++;
	pmtu->due = mono_add(now,
	    pmtu->low == 0 && !pmtu->suspect ? PMTU_FIRST_US : PMTU_PROBE_US);
	return pmtu->probe;
}

bool
pmtu_answered(struct pmtu *pmtu, size_t size, struct mono now)
{
	if (size < PMTU_BASE || size > pmtu->max)
		return false;
	/* Late replies are valid: the probe's timeout was only an estimate. */
	if (pmtu->low < size)
		pmtu->low = size;
	if (pmtu->high < pmtu->low)
		pmtu->high = pmtu->low;
	pmtu->suspect = false;
	if (pmtu->probe != 0 && size >= pmtu->probe) {
		pmtu->probe = 0;
		pmtu->due = now;
		if (pmtu->state == PMTU_DONE)
			rest(pmtu, now);
	}
	return settle(pmtu);
}

bool
pmtu_refused(struct pmtu *pmtu, size_t size, struct mono now)
{
	if (size <= PMTU_BASE || size > pmtu->high)
		return false;
	pmtu->high = size - 1;
	if (size <= pmtu->low) {
		/* The path has changed. */
		pmtu->low = 0;
		pmtu->state = PMTU_SEARCHING;
	}
	if (pmtu->low == 0)
		pmtu->suspect = true;
	if (pmtu->state == PMTU_SEARCHING) {
		pmtu->probe = 0;
		pmtu->due = now;
	}
	return settle(pmtu);
}

/* The current probe failed after its last try. */
static void
on_lost(struct pmtu *pmtu)
{
	if (pmtu->state == PMTU_DONE || pmtu->suspect) {
		pmtu->state = PMTU_SEARCHING;
		pmtu->low = 0;
		pmtu->high = pmtu->max;
		pmtu->suspect = true;
	} else {
		pmtu->high = pmtu->probe - 1;
		pmtu->suspect = pmtu->low == 0;
	}
	pmtu->probe = 0;
	settle(pmtu);
}

static size_t
next_probe(struct pmtu *pmtu, struct mono now)
{
	size_t size;

	if (pmtu->state == PMTU_DONE)
		return next_while_done(pmtu, now);
	size = next_size(pmtu);
	if (size == 0)
		finish(pmtu, now);
	return size;
}

/* The next size of the search; 0 when it is complete. */
static size_t
next_size(const struct pmtu *pmtu)
{
	if (pmtu->suspect)
		return PMTU_BASE;
	if (pmtu->low == pmtu->high)
		return 0;
	if (pmtu->high == pmtu->max)
		return pmtu->max;
	if (pmtu->high - pmtu->low < PMTU_STEP)
		return 0;
	return pmtu->low + (pmtu->high - pmtu->low + 1) / 2;
}

static size_t
next_while_done(struct pmtu *pmtu, struct mono now)
{
	if (mono_is_due(pmtu->raise_at, now) && pmtu->current < pmtu->max) {
		pmtu->state = PMTU_SEARCHING;
		pmtu->high = pmtu->max;
		return pmtu->max;
	}
	if (pmtu->current > PMTU_BASE)
		return pmtu->current;
	rest(pmtu, now);
	return 0;
}

static void
finish(struct pmtu *pmtu, struct mono now)
{
	pmtu->state = PMTU_DONE;
	pmtu->raise_at = mono_add(now, PMTU_RAISE_US);
	rest(pmtu, now);
}

/* Waits for the next confirmation, or the raise timer. */
static void
rest(struct pmtu *pmtu, struct mono now)
{
	pmtu->sent = false;
	pmtu->due = mono_add(now, PMTU_CONFIRM_US);
	if (pmtu->current < pmtu->max && pmtu->raise_at.us < pmtu->due.us)
		pmtu->due = pmtu->raise_at;
}

/* True if the size that may be sent has changed. */
static bool
settle(struct pmtu *pmtu)
{
	size_t before = pmtu->current;

	pmtu->current = pmtu->low > PMTU_BASE ? pmtu->low : PMTU_BASE;
	return pmtu->current != before;
}
