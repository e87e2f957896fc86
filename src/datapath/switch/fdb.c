/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An entry is two words:
 *
 *   key    | 1 | 0 3 | vlan 12 | mac 48 |
 *   value  | port 13 | tag 27 | last seen, in seconds 24 |        0: free
 *
 * The value decides.  It changes only by compare-and-swap, and the thread that
 * succeeds updates the counts of the old and the new port, so the counts are
 * exact.  The key is written after the value.  The tag is a part of the key's
 * hash; if it does not match the key, a thread is between the two writes, and
 * the entry is ignored.
 *
 * After writing a key, a thread reads the value again and frees the entry if
 * they do not match (the thread slept between its two writes and another took
 * the entry). All these accesses are sequentially consistent, so the last
 * thread to write a key sees every earlier value: what stays always matches.
 * The same check finds an address that two threads added at once, and removes
 * the later entry in the bucket.
 */
#include "datapath/switch/fdb.h"

#include <assert.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/eth.h"
#include "base/relaxed.h"
#include "base/secret.h"
#include "base/wire.h"

#define WAYS	   4
#define LINE	   64
#define MAX_TRIES  8
#define KEY_VALID  (UINT64_C(1) << 63)
#define VLAN_SHIFT 48
#define VLAN_MASK  0x0fff
#define SEC_BITS   24
#define TAG_BITS   27
#define SEC_MASK   ((UINT32_C(1) << SEC_BITS) - 1)
#define TAG_MASK   ((UINT32_C(1) << TAG_BITS) - 1)
#define MAX_AGE	   (SEC_MASK / 2) /* seconds wrap; 97 days */

struct entry {
	_Atomic uint64_t key, value;
};

struct bucket {
	struct entry entries[WAYS];
};

_Static_assert(sizeof(struct bucket) == LINE, "a bucket is a cache line");
_Static_assert(FDB_MAX_PORTS <= 1 << (64 - TAG_BITS - SEC_BITS), "a port fits");

struct owned {
	_Atomic unsigned count, limit;
};

struct fdb {
	uint64_t	seeds[4];
	size_t		mask; /* buckets - 1 */
	_Atomic uint32_t max_age;
	void	       *memory; /* holds the buckets, one per cache line */
	struct bucket  *buckets;
	_Atomic size_t	sweep_at; /* the next bucket to sweep */
	char		apart[LINE]; /* not on the line read by every frame */
	_Atomic size_t	total;
	struct owned	ports[FDB_MAX_PORTS];
};

/* An address and its bucket. */
struct place {
	uint64_t       key;
	uint32_t       tag;
	struct bucket *bucket;
};

static struct place place_of(const struct fdb *fdb, uint64_t key);
static uint64_t	    mix(uint64_t a, uint64_t b);
static uint64_t	    key_make(const uint8_t mac[6], uint16_t vlan);
static uint64_t	    value_make(uint16_t port, uint32_t tag, uint32_t sec);
static uint16_t	    value_port(uint64_t value);
static uint32_t	    value_tag(uint64_t value);
static uint32_t	    value_sec(uint64_t value);
static uint32_t	    seconds(struct mono now);
static int32_t	    sec_diff(uint32_t later, uint32_t earlier);
static bool	    is_aged(const struct fdb *fdb, uint64_t value, uint32_t sec);
static struct entry *find(const struct place *place, uint64_t *value);
static bool	     refresh(struct fdb *fdb, struct entry *entry,
	uint64_t seen, uint64_t value, enum fdb_learned *learned);
static bool	     insert(struct fdb *fdb, const struct place *place,
	uint64_t value, enum fdb_learned *learned);
static struct entry *make_room(struct fdb *fdb, const struct place *place,
    uint64_t value, uint64_t *seen);
static void write_key(struct fdb *fdb, struct entry *entry, uint64_t key,
    uint32_t tag);
static void remove_twins(struct fdb *fdb, const struct place *place);
static bool swap(struct fdb *fdb, struct entry *entry, uint64_t seen,
    uint64_t value);
static bool reserve(struct fdb *fdb, uint16_t port);
static void unreserve(struct fdb *fdb, uint16_t port);
static void release(struct fdb *fdb, struct entry *entry, uint64_t seen);
static unsigned owned_by(const struct fdb *fdb, uint16_t port);

struct fdb *
fdb_new(size_t max_entries, unsigned max_per_port, unsigned max_age_sec)
{
	struct fdb *fdb;
	size_t	    nbuckets = 1;

	/* At most half full, or many buckets would overflow. */
	while (nbuckets < (max_entries + 1) / 2 && nbuckets < SIZE_MAX / LINE / 2)
		nbuckets *= 2;
	fdb = calloc(1, sizeof(*fdb));
	if (fdb == NULL)
		return NULL;
	/* calloc() touches no page until it is used. */
	fdb->memory = calloc(nbuckets + 1, LINE);
	if (fdb->memory == NULL) {
		free(fdb);
		return NULL;
	}
	fdb->buckets = (struct bucket *)((uintptr_t)fdb->memory +
	    (LINE - (uintptr_t)fdb->memory % LINE) % LINE);
	fdb->mask = nbuckets - 1;
	fdb_set_ageing(fdb, max_age_sec);
	secret_random(fdb->seeds, sizeof(fdb->seeds));
	for (unsigned i = 0; i < FDB_MAX_PORTS; i++)
		atomic_init(&fdb->ports[i].limit, max_per_port);
	return fdb;
}

void
fdb_free(struct fdb *fdb)
{
	if (fdb == NULL)
		return;
	free(fdb->memory);
	secret_free(fdb, sizeof(*fdb));
}

void
fdb_set_ageing(struct fdb *fdb, unsigned max_age_sec)
{
	relaxed_store(&fdb->max_age,
	    max_age_sec < MAX_AGE ? max_age_sec : MAX_AGE);
}

void
fdb_set_limit(struct fdb *fdb, uint16_t port, unsigned max)
{
	assert(port > 0 && port < FDB_MAX_PORTS);
	fdb->ports[port].limit = max;
}

enum fdb_learned
fdb_learn(struct fdb *fdb, const uint8_t mac[6], uint16_t vlan, uint16_t port,
    struct mono now)
{
	enum fdb_learned learned = FDB_KNOWN;
	struct place	 place;
	struct entry	*entry;
	uint64_t	 seen, value;

	assert(port > 0 && port < FDB_MAX_PORTS);
	if (eth_is_group(mac) || eth_is_zero(mac))
		return FDB_REFUSED;
	place = place_of(fdb, key_make(mac, vlan));
	value = value_make(port, place.tag, seconds(now));
	/*
	 * A thread that loses the race tries again.  After MAX_TRIES it gives
	 * up; the next frame will do it.
	 */
	for (unsigned i = 0; i < MAX_TRIES; i++) {
		entry = find(&place, &seen);
		if (entry != NULL ?
			refresh(fdb, entry, seen, value, &learned) :
			insert(fdb, &place, value, &learned))
			break;
	}
	return learned;
}

uint16_t
fdb_lookup(const struct fdb *fdb, const uint8_t mac[6], uint16_t vlan,
    struct mono now)
{
	struct place place = place_of(fdb, key_make(mac, vlan));
	uint64_t     value;

	if (find(&place, &value) == NULL || is_aged(fdb, value, seconds(now)))
		return 0;
	return value_port(value);
}

void
fdb_forget_port(struct fdb *fdb, uint16_t port)
{
	assert(port > 0 && port < FDB_MAX_PORTS);
	if (owned_by(fdb, port) == 0)
		return;
	for (size_t i = 0; i <= fdb->mask; i++) {
		for (unsigned j = 0; j < WAYS; j++) {
			struct entry *entry = &fdb->buckets[i].entries[j];
			uint64_t      value = entry->value;

			/* The entry may be refreshed meanwhile: try again. */
			while (value_port(value) == port) {
				release(fdb, entry, value);
				value = entry->value;
			}
		}
	}
}

void
fdb_sweep(struct fdb *fdb, struct mono now)
{
	uint32_t sec = seconds(now);

	if (fdb->total == 0)
		return;
	for (size_t n = fdb->mask / FDB_SWEEPS + 1; n > 0; n--) {
		size_t at = relaxed_add(&fdb->sweep_at, 1);
		struct bucket *bucket = &fdb->buckets[at & fdb->mask];

		for (unsigned j = 0; j < WAYS; j++) {
			struct entry *entry = &bucket->entries[j];
			uint64_t      value = entry->value;

			if (value != 0 && is_aged(fdb, value, sec))
				release(fdb, entry, value);
		}
	}
}

size_t
fdb_count(const struct fdb *fdb)
{
	return fdb->total;
}

unsigned
fdb_port_count(const struct fdb *fdb, uint16_t port)
{
	return port < FDB_MAX_PORTS ? owned_by(fdb, port) : 0;
}

bool
fdb_next(const struct fdb *fdb, size_t *cursor, struct fdb_entry *out,
    struct mono now)
{
	uint32_t sec = seconds(now);

	while (*cursor < (fdb->mask + 1) * WAYS) {
		struct bucket *bucket = &fdb->buckets[*cursor / WAYS];
		struct entry  *entry = &bucket->entries[(*cursor)++ % WAYS];
		uint64_t       key = entry->key, value = entry->value;
		int32_t	       age = sec_diff(sec, value_sec(value));

		if (value == 0 || is_aged(fdb, value, sec) ||
		    place_of(fdb, key).tag != value_tag(value))
			continue;
		*out = (struct fdb_entry) {
			.vlan = key >> VLAN_SHIFT & VLAN_MASK,
			.port = value_port(value),
			.age_sec = age > 0 ? (unsigned)age : 0,
		};
		wire_write_u16(out->mac, (uint16_t)(key >> 32));
		wire_write_u32(out->mac + 2, (uint32_t)key);
		return true;
	}
	return false;
}

/*
 * The seeds are secret and random, so nobody can choose addresses that collide
 * in a bucket.
 */
static struct place
place_of(const struct fdb *fdb, uint64_t key)
{
	uint64_t hash = mix(key ^ fdb->seeds[0], fdb->seeds[1]);

	hash = mix(hash ^ fdb->seeds[2], fdb->seeds[3]);
	return (struct place) {
		.key = key,
		.tag = (uint32_t)(hash >> (64 - TAG_BITS)),
		.bucket = &fdb->buckets[hash & fdb->mask],
	};
}

/* Folds both halves of the product. */
static uint64_t
mix(uint64_t a, uint64_t b)
{
	unsigned __int128 product = (unsigned __int128)a * (b | 1);

	return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static uint64_t
key_make(const uint8_t mac[6], uint16_t vlan)
{
	return KEY_VALID | (uint64_t)(vlan & VLAN_MASK) << VLAN_SHIFT |
	    (uint64_t)wire_read_u16(mac) << 32 | wire_read_u32(mac + 2);
}

static uint64_t
value_make(uint16_t port, uint32_t tag, uint32_t sec)
{
	return (uint64_t)port << (TAG_BITS + SEC_BITS) |
	    (uint64_t)tag << SEC_BITS | sec;
}

static uint16_t
value_port(uint64_t value)
{
	return (uint16_t)(value >> (TAG_BITS + SEC_BITS));
}

static uint32_t
value_tag(uint64_t value)
{
	return (uint32_t)(value >> SEC_BITS) & TAG_MASK;
}

static uint32_t
value_sec(uint64_t value)
{
	return (uint32_t)value & SEC_MASK;
}

static uint32_t
seconds(struct mono now)
{
	return (uint32_t)(now.us / MONO_SEC) & SEC_MASK;
}

/* Signed: another thread's turn may have begun a second later. */
static int32_t
sec_diff(uint32_t later, uint32_t earlier)
{
	uint32_t diff = (later - earlier) & SEC_MASK;

	return diff > MAX_AGE ? (int32_t)diff - (int32_t)SEC_MASK - 1 :
				(int32_t)diff;
}

static bool
is_aged(const struct fdb *fdb, uint64_t value, uint32_t sec)
{
	int32_t age = sec_diff(sec, value_sec(value));

	return age > 0 && (uint32_t)age > relaxed_load(&fdb->max_age);
}

/* The entry of the address and its value, if they match; or NULL. */
static struct entry *
find(const struct place *place, uint64_t *value)
{
	for (unsigned i = 0; i < WAYS; i++) {
		struct entry *entry = &place->bucket->entries[i];

		if (atomic_load_explicit(&entry->key, memory_order_acquire) !=
		    place->key)
			continue;
		*value = atomic_load_explicit(&entry->value,
		    memory_order_acquire);
		if (*value != 0 && value_tag(*value) == place->tag)
			return entry;
	}
	return NULL;
}

/*
 * Refreshes an entry.  It is only written if the port or the second changed, or
 * the cache line would move between CPUs at every frame.  False if another
 * thread changed the entry meanwhile.
 */
static bool
refresh(struct fdb *fdb, struct entry *entry, uint64_t seen, uint64_t value,
    enum fdb_learned *learned)
{
	uint16_t port = value_port(value);
	uint32_t sec = value_sec(value);

	if (value_port(seen) == port) {
		*learned = is_aged(fdb, seen, sec) ? FDB_NEW : FDB_KNOWN;
		if (sec_diff(sec, value_sec(seen)) <= 0)
			return true;
		return atomic_compare_exchange_strong(&entry->value, &seen,
		    value);
	}
	*learned = FDB_REFUSED;
	if (!reserve(fdb, port))
		return true;
	*learned = is_aged(fdb, seen, sec) ? FDB_NEW : FDB_MOVED;
	return swap(fdb, entry, seen, value);
}

/* Adds an entry.  False if another thread was quicker. */
static bool
insert(struct fdb *fdb, const struct place *place, uint64_t value,
    enum fdb_learned *learned)
{
	struct entry *entry;
	uint64_t      seen;

	*learned = FDB_REFUSED;
	entry = make_room(fdb, place, value, &seen);
	if (entry == NULL || !reserve(fdb, value_port(value)))
		return true;
	*learned = FDB_NEW;
	if (!swap(fdb, entry, seen, value))
		return false;
	write_key(fdb, entry, place->key, place->tag);
	remove_twins(fdb, place);
	return true;
}

/*
 * Chooses the entry that a new one may replace: a free one, an expired one, or
 * the oldest entry of the port with the most entries in the whole table.  A
 * port never evicts an entry of a port that has no more entries than itself,
 * except its own.
 */
static struct entry *
make_room(struct fdb *fdb, const struct place *place, uint64_t value,
    uint64_t *seen)
{
	struct entry *best = NULL;
	uint16_t      port = value_port(value);
	uint32_t      sec = value_sec(value);
	unsigned      own = owned_by(fdb, port), most = 0;

	for (unsigned i = 0; i < WAYS; i++) {
		struct entry *entry = &place->bucket->entries[i];
		uint64_t      here = entry->value;
		unsigned      count;

		if (here == 0) {
			*seen = here;
			return entry;
		}
		count = is_aged(fdb, here, sec) ?
		    UINT_MAX :
		    owned_by(fdb, value_port(here));
		if (count <= own && value_port(here) != port)
			continue;
		if (best != NULL && (count < most ||
			(count == most &&
			    sec_diff(value_sec(here), value_sec(*seen)) >= 0)))
			continue;
		best = entry;
		most = count;
		*seen = here;
	}
	return best;
}

/* The check after an insertion; see the top. */
static void
write_key(struct fdb *fdb, struct entry *entry, uint64_t key, uint32_t tag)
{
	uint64_t value;

	entry->key = key;
	value = entry->value;
	while (value != 0 && value_tag(value) != tag) {
		release(fdb, entry, value);
		value = entry->value;
	}
}

/* Keeps the first entry of an address and frees the others. */
static void
remove_twins(struct fdb *fdb, const struct place *place)
{
	bool found = false;

	for (unsigned i = 0; i < WAYS; i++) {
		struct entry *entry = &place->bucket->entries[i];
		uint64_t      value;

		if (entry->key != place->key)
			continue;
		value = entry->value;
		if (value == 0 || value_tag(value) != place->tag)
			continue;
		if (found)
			release(fdb, entry, value);
		found = true;
	}
}

/*
 * Changes the value from `seen`, after a place was reserved for the new port.
 * If it is no longer `seen`, releases the place and returns false.
 */
static bool
swap(struct fdb *fdb, struct entry *entry, uint64_t seen, uint64_t value)
{
	uint16_t before = value_port(seen);

	if (!atomic_compare_exchange_strong(&entry->value, &seen, value)) {
		unreserve(fdb, value_port(value));
		return false;
	}
	if (before != 0)
		unreserve(fdb, before);
	return true;
}

/* Counts one more entry of `port`; false if it is at its limit. */
static bool
reserve(struct fdb *fdb, uint16_t port)
{
	struct owned *owned = &fdb->ports[port];

	if (atomic_fetch_add(&owned->count, 1) >= owned->limit) {
		atomic_fetch_sub(&owned->count, 1);
		return false;
	}
	atomic_fetch_add(&fdb->total, 1);
	return true;
}

static void
unreserve(struct fdb *fdb, uint16_t port)
{
	atomic_fetch_sub(&fdb->ports[port].count, 1);
	atomic_fetch_sub(&fdb->total, 1);
}

/* Frees the entry if its value is still `seen`. */
static void
release(struct fdb *fdb, struct entry *entry, uint64_t seen)
{
	uint16_t port = value_port(seen);

	if (atomic_compare_exchange_strong(&entry->value, &seen, 0))
		unreserve(fdb, port);
}

static unsigned
owned_by(const struct fdb *fdb, uint16_t port)
{
	return relaxed_load(&fdb->ports[port].count);
}
