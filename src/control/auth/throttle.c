/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A table of sets: an entry has eight places, chosen by a keyed hash, so a
 * stranger cannot aim at somebody's; of eight that are taken the one that would
 * be forgotten soonest goes.
 */
#include "control/auth/throttle.h"

#include <stdlib.h>
#include <string.h>

#include <bsd/stdlib.h>
#include <bsd/string.h>

#define WAYS 8
#define SETS (THROTTLE_ENTRIES / WAYS)

enum kind { PAIR, NETWORK, SITE, KINDS };

/* One address at one site; a network's many names; a name from everywhere. */
static const struct rule {
	unsigned free;	  /* attempts before the first delay */
	unsigned max_sec; /* the longest delay, and what an attempt is kept */
} rules[KINDS] = {
	[PAIR] = { THROTTLE_FREE, THROTTLE_MAX_SEC },
	[NETWORK] = { 20, THROTTLE_MAX_SEC },
	[SITE] = { 50, 30 },
};

struct entry {
	bool	    used;
	enum kind   kind;
	char	    site[CONF_NAME_MAX + 1]; /* not of NETWORK */
	struct addr network;		     /* not of SITE */
	unsigned    attempts;		     /* at `last` */
	struct mono last, until;
};

struct throttle {
	uint64_t     seed;
	struct entry sets[SETS][WAYS];
};

static struct entry make_key(enum kind kind, const char *site,
    const struct addr *from);
static struct entry *set_of(const struct throttle *throttle,
    const struct entry *key);
static uint64_t mix(uint64_t hash, const void *data, size_t len);
static struct entry *find(const struct throttle *throttle,
    const struct entry *key);
static struct entry *take_place(struct throttle *throttle,
    const struct entry *key);
static bool is_same(const struct entry *a, const struct entry *b);
static unsigned attempts_now(const struct entry *entry, struct mono now);
static struct mono forgotten_at(const struct entry *entry);
static unsigned wait_sec(const struct entry *entry, struct mono now);
static unsigned delay_sec(const struct rule *rule, unsigned attempts);
static int compare_rows(const void *a, const void *b);

struct throttle *
throttle_new(void)
{
	struct throttle *throttle = calloc(1, sizeof(*throttle));

	if (throttle != NULL)
		arc4random_buf(&throttle->seed, sizeof(throttle->seed));
	return throttle;
}

void
throttle_free(struct throttle *throttle)
{
	free(throttle);
}

unsigned
throttle_wait(const struct throttle *throttle, const char *site,
    const struct addr *from, bool usual, struct mono now)
{
	unsigned longest = 0;

	for (enum kind kind = PAIR; kind < KINDS; kind++) {
		struct entry	    key = make_key(kind, site, from);
		const struct entry *entry = find(throttle, &key);
		unsigned	    sec;

		if (entry == NULL || (kind != PAIR && usual))
			continue;
		sec = wait_sec(entry, now);
		if (sec > longest)
			longest = sec;
	}
	return longest;
}

void
throttle_charge(struct throttle *throttle, const char *site,
    const struct addr *from, struct mono now)
{
	for (enum kind kind = PAIR; kind < KINDS; kind++) {
		struct entry  key = make_key(kind, site, from);
		struct entry *entry = find(throttle, &key);

		if (entry == NULL)
			entry = take_place(throttle, &key);
		entry->attempts = attempts_now(entry, now) + 1;
		entry->last = now;
		entry->until = mono_add(now, MONO_SEC *
		    (int64_t)delay_sec(&rules[kind], entry->attempts));
	}
}

void
throttle_forgive(struct throttle *throttle, const char *site,
    const struct addr *from, struct mono now)
{
	struct entry  key = make_key(PAIR, site, from);
	struct entry *entry = find(throttle, &key);

	throttle_undo(throttle, site, from, now);
	if (entry != NULL)
		entry->used = false;
}

void
throttle_undo(struct throttle *throttle, const char *site,
    const struct addr *from, struct mono now)
{
	for (enum kind kind = PAIR; kind < KINDS; kind++) {
		struct entry  key = make_key(kind, site, from);
		struct entry *entry = find(throttle, &key);
		unsigned      left;

		if (entry == NULL)
			continue;
		left = attempts_now(entry, now);
		if (left <= 1) {
			entry->used = false;
			continue;
		}
		entry->attempts = left - 1;
		entry->last = now;
		if (entry->attempts <= rules[kind].free)
			entry->until = now;
	}
}

size_t
throttle_list(const struct throttle *throttle, struct throttle_row *rows,
    size_t max, struct mono now)
{
	struct throttle_row *all = calloc(THROTTLE_ENTRIES, sizeof(*all));
	size_t		     n = 0;

	if (all == NULL)
		return 0;
	for (size_t i = 0; i < THROTTLE_ENTRIES; i++) {
		const struct entry *entry = &throttle->sets[i / WAYS][i % WAYS];
		unsigned sec = entry->used ? wait_sec(entry, now) : 0;

		if (sec == 0)
			continue;
		strlcpy(all[n].site, entry->site, sizeof(all[n].site));
		all[n].from = entry->network;
		all[n].attempts = attempts_now(entry, now);
		all[n++].wait_sec = sec;
	}
	qsort(all, n, sizeof(*all), compare_rows);
	if (n > max)
		n = max;
	if (n > 0)
		memcpy(rows, all, n * sizeof(*rows));
	free(all);
	return n;
}

static struct entry
make_key(enum kind kind, const char *site, const struct addr *from)
{
	struct entry key = { .used = true, .kind = kind };

	if (kind != NETWORK)
		strlcpy(key.site, site, sizeof(key.site));
	if (kind != SITE)
		key.network = addr_network(from);
	return key;
}

static struct entry *
set_of(const struct throttle *throttle, const struct entry *key)
{
	uint64_t hash = mix(throttle->seed, &key->kind, sizeof(key->kind));

	hash = mix(hash, key->site, strlen(key->site) + 1);
	hash = mix(hash, key->network.bytes, sizeof(key->network.bytes));
	return (struct entry *)(uintptr_t)throttle->sets[hash % SETS];
}

/* FNV-1a over a secret start, and a last stir (splitmix64). */
static uint64_t
mix(uint64_t hash, const void *data, size_t len)
{
	const uint8_t *bytes = data;

	for (size_t i = 0; i < len; i++)
		hash = (hash ^ bytes[i]) * UINT64_C(0x100000001b3);
	hash = (hash ^ hash >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	hash = (hash ^ hash >> 27) * UINT64_C(0x94d049bb133111eb);
	return hash ^ hash >> 31;
}

static struct entry *
find(const struct throttle *throttle, const struct entry *key)
{
	struct entry *set = set_of(throttle, key);

	for (unsigned i = 0; i < WAYS; i++) {
		if (set[i].used && is_same(&set[i], key))
			return &set[i];
	}
	return NULL;
}

static struct entry *
take_place(struct throttle *throttle, const struct entry *key)
{
	struct entry *set = set_of(throttle, key), *place = &set[0];

	for (unsigned i = 0; i < WAYS; i++) {
		if (!set[i].used) {
			place = &set[i];
			break;
		}
		if (mono_sub(forgotten_at(&set[i]), forgotten_at(place)) < 0)
			place = &set[i];
	}
	*place = *key;
	return place;
}

static bool
is_same(const struct entry *a, const struct entry *b)
{
	return a->kind == b->kind && strcmp(a->site, b->site) == 0 &&
	    addr_is_equal(&a->network, &b->network);
}

/* One is forgotten for each of the rule's longest delays that were quiet. */
static unsigned
attempts_now(const struct entry *entry, struct mono now)
{
	int64_t quiet = mono_sub(now, entry->last) /
	    (MONO_SEC * (int64_t)rules[entry->kind].max_sec);

	if (quiet <= 0)
		return entry->attempts;
	return quiet >= entry->attempts ? 0 :
					  entry->attempts - (unsigned)quiet;
}

static struct mono
forgotten_at(const struct entry *entry)
{
	return mono_add(entry->last, MONO_SEC * (int64_t)entry->attempts *
		(int64_t)rules[entry->kind].max_sec);
}

static unsigned
wait_sec(const struct entry *entry, struct mono now)
{
	int64_t left = mono_sub(entry->until, now);

	return left <= 0 ? 0 : (unsigned)((left + MONO_SEC - 1) / MONO_SEC);
}

static unsigned
delay_sec(const struct rule *rule, unsigned attempts)
{
	unsigned over = attempts > rule->free ? attempts - rule->free : 0;

	if (over == 0)
		return 0;
	return over > 16 || 1u << (over - 1) > rule->max_sec ?
	    rule->max_sec :
	    1u << (over - 1);
}

static int
compare_rows(const void *a, const void *b)
{
	const struct throttle_row *x = a, *y = b;

	return x->wait_sec > y->wait_sec ? -1 : x->wait_sec < y->wait_sec;
}
