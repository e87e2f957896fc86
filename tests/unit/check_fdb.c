/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "datapath/switch/fdb.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "base/wire.h"
#include "unit.h"

#define AGE 300

struct mac {
	uint8_t b[6];
};

static struct mac
mac(uint32_t n)
{
	struct mac m = { { 0x02, 0xab } };

	wire_write_u32(m.b + 2, n);
	return m;
}

static struct mono
at(int64_t sec)
{
	return (struct mono) { (5000 + sec) * MONO_SEC };
}

static enum fdb_learned
learn(struct fdb *fdb, uint32_t n, uint16_t port, int64_t sec)
{
	return fdb_learn(fdb, mac(n).b, 0, port, at(sec));
}

static uint16_t
lookup(struct fdb *fdb, uint32_t n, int64_t sec)
{
	return fdb_lookup(fdb, mac(n).b, 0, at(sec));
}

/* Once round the table. */
static void
sweep(struct fdb *fdb, struct mono now)
{
	for (unsigned i = 0; i < FDB_SWEEPS; i++)
		fdb_sweep(fdb, now);
}

START_TEST(learned_addresses_are_found)
{
	struct fdb *fdb = fdb_new(1024, 100, AGE);

	ck_assert_ptr_nonnull(fdb);
	ck_assert_uint_eq(lookup(fdb, 1, 0), 0);
	ck_assert_int_eq(learn(fdb, 1, 7, 0), FDB_NEW);
	ck_assert_uint_eq(lookup(fdb, 1, 0), 7);
	ck_assert_int_eq(learn(fdb, 1, 7, 0), FDB_KNOWN);
	ck_assert_int_eq(learn(fdb, 1, 7, 1), FDB_KNOWN);
	ck_assert_int_eq(learn(fdb, 1, 8, 1), FDB_MOVED);
	ck_assert_uint_eq(lookup(fdb, 1, 1), 8);
	ck_assert_uint_eq(fdb_count(fdb), 1);
	ck_assert_uint_eq(fdb_port_count(fdb, 7), 0);
	ck_assert_uint_eq(fdb_port_count(fdb, 8), 1);
	fdb_free(fdb);
	fdb_free(NULL);
}
END_TEST

START_TEST(vlans_are_apart)
{
	struct fdb *fdb = fdb_new(1024, 100, AGE);

	ck_assert_ptr_nonnull(fdb);
	for (uint16_t vlan = 0; vlan < 50; vlan++)
		ck_assert_int_eq(fdb_learn(fdb, mac(1).b, vlan, 1 + vlan,
				     at(0)),
		    FDB_NEW);
	for (uint16_t vlan = 0; vlan < 50; vlan++)
		ck_assert_uint_eq(fdb_lookup(fdb, mac(1).b, vlan, at(0)),
		    1 + vlan);
	ck_assert_uint_eq(fdb_lookup(fdb, mac(1).b, 50, at(0)), 0);
	fdb_free(fdb);
}
END_TEST

START_TEST(group_and_zero_addresses_are_refused)
{
	static const struct mac rows[] = {
		{ { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff } },
		{ { 0x01, 0x00, 0x5e, 0x00, 0x00, 0x01 } },
		{ { 0x33, 0x33, 0x00, 0x00, 0x00, 0x01 } },
		{ { 0 } },
	};
	struct fdb *fdb = fdb_new(1024, 100, AGE);

	ck_assert_ptr_nonnull(fdb);
	for (size_t i = 0; i < nitems(rows); i++) {
		ck_assert_int_eq(fdb_learn(fdb, rows[i].b, 0, 1, at(0)),
		    FDB_REFUSED);
		ck_assert_uint_eq(fdb_lookup(fdb, rows[i].b, 0, at(0)), 0);
	}
	ck_assert_uint_eq(fdb_count(fdb), 0);
	fdb_free(fdb);
}
END_TEST

START_TEST(entries_age)
{
	struct fdb *fdb = fdb_new(1024, 100, AGE);

	ck_assert_ptr_nonnull(fdb);
	learn(fdb, 1, 7, 0);
	learn(fdb, 2, 7, 0);
	learn(fdb, 2, 7, 10);
	ck_assert_uint_eq(lookup(fdb, 1, AGE), 7);
	ck_assert_uint_eq(lookup(fdb, 1, AGE + 1), 0);
	ck_assert_uint_eq(lookup(fdb, 2, AGE + 1), 7);
	/* A reader whose clock is a little behind. */
	ck_assert_uint_eq(lookup(fdb, 2, 5), 7);

	sweep(fdb, at(AGE));
	ck_assert_uint_eq(fdb_count(fdb), 2);
	sweep(fdb, at(AGE + 1));
	ck_assert_uint_eq(fdb_count(fdb), 1);
	ck_assert_uint_eq(fdb_port_count(fdb, 7), 1);

	/* One that aged and was not swept yet is new again, anywhere. */
	ck_assert_int_eq(learn(fdb, 2, 9, 1000), FDB_NEW);
	ck_assert_uint_eq(fdb_port_count(fdb, 7), 0);
	ck_assert_uint_eq(fdb_port_count(fdb, 9), 1);
	fdb_free(fdb);
}
END_TEST

/* Each call does its share, and no more; so the table's size is no pause. */
START_TEST(a_sweep_goes_round_in_parts)
{
	struct fdb *fdb = fdb_new(65536, 65536, AGE);
	size_t	    left, before;

	ck_assert_ptr_nonnull(fdb);
	for (uint32_t i = 0; i < 8192; i++)
		learn(fdb, i, 7, 0);
	before = fdb_count(fdb);
	for (unsigned i = 0; i < FDB_SWEEPS; i++) {
		ck_assert_uint_gt(before, 0);
		fdb_sweep(fdb, at(AGE + 1));
		left = fdb_count(fdb);
		ck_assert_uint_lt(left, before);
		ck_assert_uint_lt(before - left, 8192 / FDB_SWEEPS * 2);
		before = left;
	}
	ck_assert_uint_eq(before, 0);
	fdb_free(fdb);
}
END_TEST

START_TEST(seconds_may_wrap)
{
	const int64_t wrap = (INT64_C(1) << 24) - 5000;
	struct fdb   *fdb = fdb_new(1024, 100, AGE);

	ck_assert_ptr_nonnull(fdb);
	learn(fdb, 1, 7, wrap - 10);
	ck_assert_uint_eq(lookup(fdb, 1, wrap + 10), 7);
	ck_assert_uint_eq(lookup(fdb, 1, wrap - 10 + AGE + 1), 0);
	ck_assert_int_eq(learn(fdb, 1, 7, wrap + 10), FDB_KNOWN);
	ck_assert_uint_eq(lookup(fdb, 1, wrap + 10 + AGE), 7);
	sweep(fdb, at(wrap + 10 + AGE + 1));
	ck_assert_uint_eq(fdb_count(fdb), 0);
	fdb_free(fdb);
}
END_TEST

START_TEST(a_port_has_a_limit)
{
	struct fdb *fdb = fdb_new(4096, 10, AGE);

	ck_assert_ptr_nonnull(fdb);
	for (uint32_t i = 0; i < 10; i++)
		ck_assert_int_eq(learn(fdb, i, 1, 0), FDB_NEW);
	ck_assert_int_eq(learn(fdb, 10, 1, 0), FDB_REFUSED);
	ck_assert_int_eq(learn(fdb, 9, 1, 1), FDB_KNOWN);
	ck_assert_int_eq(learn(fdb, 10, 2, 0), FDB_NEW);
	/* Moving there is refused as well, and the entry stays. */
	ck_assert_int_eq(learn(fdb, 10, 1, 0), FDB_REFUSED);
	ck_assert_uint_eq(lookup(fdb, 10, 0), 2);
	fdb_set_limit(fdb, 1, 11);
	ck_assert_int_eq(learn(fdb, 10, 1, 0), FDB_MOVED);
	ck_assert_uint_eq(fdb_port_count(fdb, 1), 11);
	ck_assert_uint_eq(fdb_port_count(fdb, 2), 0);
	fdb_set_limit(fdb, 3, 0);
	ck_assert_int_eq(learn(fdb, 11, 3, 0), FDB_REFUSED);
	fdb_free(fdb);
}
END_TEST

START_TEST(forgetting_a_port_leaves_the_others)
{
	struct fdb *fdb = fdb_new(4096, 1000, AGE);

	ck_assert_ptr_nonnull(fdb);
	for (uint32_t i = 0; i < 300; i++)
		learn(fdb, i, (uint16_t)(1 + i % 3), 0);
	fdb_forget_port(fdb, 2);
	for (uint32_t i = 0; i < 300; i++)
		ck_assert_uint_eq(lookup(fdb, i, 0),
		    i % 3 == 1 ? 0 : 1 + i % 3);
	ck_assert_uint_eq(fdb_port_count(fdb, 2), 0);
	ck_assert_uint_eq(fdb_count(fdb), 200);
	fdb_free(fdb);
}
END_TEST

/* The smallest table is one bucket: four entries. */
START_TEST(who_has_most_loses_its_oldest)
{
	struct fdb *fdb = fdb_new(1, 100, AGE);

	ck_assert_ptr_nonnull(fdb);
	learn(fdb, 1, 1, 0);
	learn(fdb, 2, 2, 1);
	learn(fdb, 3, 2, 2);
	learn(fdb, 4, 2, 3);
	ck_assert_int_eq(learn(fdb, 5, 3, 4), FDB_NEW);
	ck_assert_uint_eq(lookup(fdb, 2, 4), 0);
	ck_assert_uint_eq(lookup(fdb, 1, 4), 1);
	ck_assert_uint_eq(lookup(fdb, 3, 4), 2);
	ck_assert_uint_eq(fdb_count(fdb), 4);
	ck_assert_uint_eq(fdb_port_count(fdb, 2), 2);
	fdb_free(fdb);
}
END_TEST

static unsigned
found_behind(struct fdb *fdb, uint32_t from, uint32_t to, uint16_t port,
    int64_t sec)
{
	unsigned n = 0;

	for (uint32_t i = from; i < to; i++)
		n += lookup(fdb, i, sec) == port;
	return n;
}

START_TEST(a_flood_evicts_only_its_own)
{
	struct fdb *fdb = fdb_new(64, 60, AGE);
	unsigned    kept;

	ck_assert_ptr_nonnull(fdb);
	/* Port 1 has more than port 2, and then wants all. */
	for (uint32_t i = 1000; i < 1020; i++)
		learn(fdb, i, 1, 0);
	for (uint32_t i = 0; i < 8; i++)
		learn(fdb, i, 2, 0);
	kept = found_behind(fdb, 0, 8, 2, 0);
	ck_assert_uint_ge(kept, 4);
	for (uint32_t i = 2000; i < 100000; i++)
		learn(fdb, i, 1, i / 10000);
	ck_assert_uint_eq(found_behind(fdb, 0, 8, 2, 10), kept);
	ck_assert_uint_le(fdb_port_count(fdb, 1), 60);

	/* Without a limit of its own, too. */
	fdb_set_limit(fdb, 1, 1000000);
	for (uint32_t i = 2000; i < 100000; i++)
		learn(fdb, i, 1, 10 + i / 10000);
	ck_assert_uint_eq(found_behind(fdb, 0, 8, 2, 20), kept);
	ck_assert_uint_gt(fdb_port_count(fdb, 1), 60);
	ck_assert_uint_le(fdb_count(fdb), 128);
	/* And the little one still finds room. */
	ck_assert_int_eq(learn(fdb, 99, 2, 20), FDB_NEW);
	ck_assert_uint_eq(lookup(fdb, 99, 20), 2);
	fdb_free(fdb);
}
END_TEST

START_TEST(a_large_port_evicts_no_small_ones)
{
	struct fdb *fdb = fdb_new(64, 1000, AGE);
	unsigned    before = 0, after = 0;

	ck_assert_ptr_nonnull(fdb);
	/* Full of ports that have one address each. */
	for (uint32_t i = 2; i < 2000; i++)
		learn(fdb, i, (uint16_t)i, 0);
	for (uint32_t i = 2; i < 2000; i++)
		before += lookup(fdb, i, 0) == i;
	ck_assert_uint_gt(before, 100);
	/* Who has nothing yet may have one of theirs, and no more. */
	for (uint32_t i = 10000; i < 20000; i++)
		learn(fdb, i, 1, 1);
	for (uint32_t i = 2; i < 2000; i++)
		after += lookup(fdb, i, 0) == i;
	ck_assert_uint_ge(after + 1, before);
	fdb_free(fdb);
}
END_TEST

START_TEST(as_many_fit_as_were_asked_for)
{
	struct fdb *fdb = fdb_new(10000, 20000, AGE);
	unsigned    found = 0;

	ck_assert_ptr_nonnull(fdb);
	for (uint32_t i = 0; i < 10000; i++)
		learn(fdb, i, 1, 0);
	for (uint32_t i = 0; i < 10000; i++)
		found += lookup(fdb, i, 0) == 1;
	/* A bucket of four runs over now and then. */
	ck_assert_uint_gt(found, 9500);
	ck_assert_uint_eq(found, fdb_count(fdb));
	fdb_free(fdb);
}
END_TEST

START_TEST(the_list_shows_every_entry_once)
{
	struct fdb	*fdb = fdb_new(1024, 100, AGE);
	struct fdb_entry entry;
	size_t		 cursor = 0;
	unsigned	 seen[50] = { 0 };

	ck_assert_ptr_nonnull(fdb);
	for (uint32_t i = 0; i < 50; i++)
		fdb_learn(fdb, mac(i).b, (uint16_t)(i * 80),
		    (uint16_t)(1 + i), at(i));
	while (fdb_next(fdb, &cursor, &entry, at(50))) {
		uint32_t i = wire_read_u32(entry.mac + 2);

		ck_assert_uint_lt(i, 50);
		ck_assert_mem_eq(entry.mac, mac(i).b, 6);
		ck_assert_uint_eq(entry.vlan, i * 80);
		ck_assert_uint_eq(entry.port, 1 + i);
		ck_assert_uint_eq(entry.age_sec, 50 - i);
		seen[i]++;
	}
	for (unsigned i = 0; i < 50; i++)
		ck_assert_uint_eq(seen[i], 1);
	cursor = 0;
	ck_assert(!fdb_next(fdb, &cursor, &entry, at(1000)));
	fdb_free(fdb);
}
END_TEST

/* The stupid model: a list of all addresses there are. */
enum { ADDRS = 64, PORTS = 6, LIMIT = 16 };

static struct {
	uint16_t port;
	int64_t	 seen;
} model[ADDRS];

static unsigned
model_count(uint16_t port)
{
	unsigned n = 0;

	for (unsigned i = 0; i < ADDRS; i++)
		n += model[i].port == port;
	return n;
}

static enum fdb_learned
model_learn(uint32_t i, uint16_t port, int64_t now)
{
	bool aged = now - model[i].seen > AGE;

	if (model[i].port != port) {
		enum fdb_learned learned = model[i].port == 0 || aged ?
		    FDB_NEW :
		    FDB_MOVED;

		if (model_count(port) >= LIMIT)
			return FDB_REFUSED;
		model[i].port = port;
		model[i].seen = now;
		return learned;
	}
	model[i].seen = now;
	return aged ? FDB_NEW : FDB_KNOWN;
}

START_TEST(agrees_with_a_plain_list)
{
	/* Large, so that no bucket overflows and the list need not know it. */
	struct fdb *fdb = fdb_new(200000, LIMIT, AGE);
	uint64_t    seed = 8;
	int64_t	    now = 0;

	ck_assert_ptr_nonnull(fdb);
	memset(model, 0, sizeof(model));
	for (unsigned step = 0; step < 200000; step++) {
		uint32_t i = (uint32_t)unit_below(&seed, ADDRS);
		uint16_t port = (uint16_t)(1 + unit_below(&seed, PORTS));
		uint16_t want;

		now += (int64_t)unit_below(&seed, 12);
		if (unit_below(&seed, 500) == 0) {
			fdb_forget_port(fdb, port);
			for (unsigned j = 0; j < ADDRS; j++)
				if (model[j].port == port)
					model[j].port = 0;
		}
		if (unit_below(&seed, 2000) == 0) {
			sweep(fdb, at(now));
			for (unsigned j = 0; j < ADDRS; j++)
				if (now - model[j].seen > AGE)
					model[j].port = 0;
		}
		if (unit_below(&seed, 2) == 0)
			ck_assert_int_eq(learn(fdb, i, port, now),
			    model_learn(i, port, now));
		i = (uint32_t)unit_below(&seed, ADDRS);
		want = now - model[i].seen > AGE ? 0 : model[i].port;
		ck_assert_uint_eq(lookup(fdb, i, now), want);
		ck_assert_uint_eq(fdb_port_count(fdb, port), model_count(port));
		ck_assert_uint_eq(fdb_count(fdb), ADDRS - model_count(0));
	}
	fdb_free(fdb);
}
END_TEST

/* Each address of the list once, and the counts are those of the list. */
static void
assert_consistent(const struct fdb *fdb, uint32_t addresses, struct mono now)
{
	struct fdb_entry entry;
	unsigned	*listed = calloc(addresses, sizeof(*listed));
	unsigned	 counts[6] = { 0 }, total = 0;
	size_t		 cursor = 0;

	ck_assert_ptr_nonnull(listed);
	while (fdb_next(fdb, &cursor, &entry, now)) {
		uint32_t n = wire_read_u32(entry.mac + 2);

		ck_assert_uint_lt(n, addresses);
		ck_assert_uint_eq(entry.port, 1 + n % 5);
		ck_assert_msg(listed[n]++ == 0, "%u is there twice", n);
		counts[entry.port]++;
		total++;
	}
	for (uint16_t port = 1; port <= 5; port++)
		ck_assert_uint_eq(fdb_port_count(fdb, port), counts[port]);
	ck_assert_uint_eq(fdb_count(fdb), total);
	free(listed);
}

/* Several threads at once, in few buckets, so that they meet. */
struct crowd {
	struct fdb	*fdb;
	_Atomic unsigned next;
	_Atomic unsigned wrong;
	uint32_t	 addresses;
};

static void *
be_busy(void *arg)
{
	struct crowd *crowd = arg;
	uint64_t      seed = 100 + crowd->next++;

	for (unsigned step = 0; step < 150000; step++) {
		uint32_t n = (uint32_t)unit_below(&seed, crowd->addresses);
		uint16_t home = (uint16_t)(1 + n % 5), port;
		int64_t	 now = step / 1000;

		switch (unit_below(&seed, 2000)) {
		case 0:
			fdb_forget_port(crowd->fdb, home);
			break;
		case 1:
			sweep(crowd->fdb, at(now));
			break;
		default:
			if (unit_below(&seed, 2) == 0) {
				learn(crowd->fdb, n, home, now);
				break;
			}
			/* Never another's port: an address has one home. */
			port = lookup(crowd->fdb, n, now);
			if (port != 0 && port != home)
				crowd->wrong++;
		}
	}
	return NULL;
}

static void
crowd_runs(size_t entries, uint32_t addresses)
{
	enum { THREADS = 4 };
	struct crowd	 crowd = { .fdb = fdb_new(entries, 1000, AGE),
		    .addresses = addresses };
	pthread_t	 threads[THREADS];

	ck_assert_ptr_nonnull(crowd.fdb);
	for (unsigned i = 0; i < THREADS; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, be_busy,
				     &crowd),
		    0);
	for (unsigned i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);

	ck_assert_uint_eq(crowd.wrong, 0);
	assert_consistent(crowd.fdb, addresses, at(150));
	sweep(crowd.fdb, at(1000));
	ck_assert_uint_eq(fdb_count(crowd.fdb), 0);
	fdb_free(crowd.fdb);
}

START_TEST(threads_in_few_buckets_agree_afterwards)
{
	crowd_runs(8, 40);
}
END_TEST

START_TEST(threads_in_a_large_table_agree_afterwards)
{
	crowd_runs(4096, 1000);
}
END_TEST

/*
 * Many short fights for one bucket, with a look after each: what two threads
 * leave behind when they meet in the middle of an insertion would else be
 * mended by the next one before anybody sees it.
 */
enum { ROUNDS = 4000, FIGHTERS = 3, BLOWS = 12 };

struct fight {
	struct fdb	 *fdb;
	pthread_barrier_t line;
	_Atomic unsigned  next;
	uint32_t	  addresses;
};

static void *
fight(void *arg)
{
	struct fight *f = arg;
	uint64_t      seed = 200 + f->next++;

	for (unsigned round = 0; round < ROUNDS; round++) {
		pthread_barrier_wait(&f->line);
		for (unsigned i = 0; i < BLOWS; i++) {
			uint32_t n = (uint32_t)unit_below(&seed, f->addresses);

			learn(f->fdb, 5 * n, 1, round / 100);
		}
		pthread_barrier_wait(&f->line);
	}
	return NULL;
}

static void
fights_for_a_bucket(uint32_t addresses, bool begin_empty)
{
	struct fight f = { .fdb = fdb_new(1, 1000, AGE),
		.addresses = addresses };
	pthread_t    threads[FIGHTERS];

	ck_assert_ptr_nonnull(f.fdb);
	pthread_barrier_init(&f.line, NULL, FIGHTERS + 1);
	for (unsigned i = 0; i < FIGHTERS; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, fight, &f),
		    0);
	for (unsigned round = 0; round < ROUNDS; round++) {
		if (begin_empty)
			fdb_forget_port(f.fdb, 1);
		pthread_barrier_wait(&f.line);
		pthread_barrier_wait(&f.line);
		assert_consistent(f.fdb, 5 * addresses, at(round / 100));
	}
	for (unsigned i = 0; i < FIGHTERS; i++)
		pthread_join(threads[i], NULL);
	pthread_barrier_destroy(&f.line);
	fdb_free(f.fdb);
}

START_TEST(an_address_that_threads_add_at_once_is_there_once)
{
	fights_for_a_bucket(2, true);
}
END_TEST

START_TEST(threads_that_evict_each_other_leave_nothing_torn)
{
	fights_for_a_bucket(12, false);
}
END_TEST

UNIT_MAIN("fdb", learned_addresses_are_found, vlans_are_apart,
    group_and_zero_addresses_are_refused, entries_age,
    a_sweep_goes_round_in_parts, seconds_may_wrap,
    a_port_has_a_limit, forgetting_a_port_leaves_the_others,
    who_has_most_loses_its_oldest, a_flood_evicts_only_its_own,
    a_large_port_evicts_no_small_ones, as_many_fit_as_were_asked_for,
    the_list_shows_every_entry_once, agrees_with_a_plain_list,
    threads_in_few_buckets_agree_afterwards,
    threads_in_a_large_table_agree_afterwards,
    an_address_that_threads_add_at_once_is_there_once,
    threads_that_evict_each_other_leave_nothing_torn)
