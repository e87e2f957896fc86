/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Totals of sites in memory that outlives who counts: each `engine` here opens it
 * anew, as the one after a crash does.
 */
#include "dataplane/totals.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "conf/conf.h"
#include "datapath/util/counters.h"
#include "unit.h"

static int
make_memory(void)
{
	int fd = memfd_create("totals", MFD_CLOEXEC);

	ck_assert_int_ne(fd, -1);
	ck_assert_int_eq(ftruncate(fd, TOTALS_SIZE), 0);
	return fd;
}

static const char *
name_of(unsigned i)
{
	static char name[CONF_NAME_MAX + 1];

	/* As long as one may be, and alike but for their ends. */
	snprintf(name, sizeof(name), "%0*u", CONF_NAME_MAX, i);
	return name;
}

START_TEST(what_was_counted_is_there_in_the_next_engine)
{
	int	       fd = make_memory();
	struct totals *engine;

	for (unsigned n = 0; n < 3; n++) {
		engine = totals_open(fd);
		ck_assert_ptr_nonnull(engine);
		ck_assert_uint_eq(totals_of(engine, "")->rx_frames, n);
		totals_of(engine, "")->rx_frames++;
		for (unsigned i = 0; i < CONF_MAX_SITES; i++) {
			struct counters *site = totals_of(engine, name_of(i));

			ck_assert_uint_eq(site->tx_bytes, n * i);
			ck_assert_uint_eq(site->drops[DROP_MAX - 1], n);
			site->tx_bytes += i;
			site->drops[DROP_MAX - 1]++;
		}
		totals_close(engine);
	}
	close(fd);
}
END_TEST

START_TEST(the_sum_is_of_all_sites_and_not_the_device)
{
	int		fd = make_memory();
	struct totals  *totals = totals_open(fd);
	struct counters sum;

	totals_sum(totals, &sum);
	ck_assert_uint_eq(sum.rx_frames, 0);
	totals_of(totals, "")->rx_frames = 1000;
	totals_of(totals, "berlin")->rx_frames = 1;
	totals_of(totals, "paris")->rx_frames = 20;
	totals_of(totals, "paris")->drops[DROP_NO_KEY] = 3;
	totals_sum(totals, &sum);
	ck_assert_uint_eq(sum.rx_frames, 21);
	ck_assert_uint_eq(sum.drops[DROP_NO_KEY], 3);
	totals_close(totals);
	close(fd);
}
END_TEST

/* What counts has the whole of a session; what it told before is there already. */
START_TEST(only_what_is_new_is_added)
{
	struct counters total = { .rx_frames = 100 }, before = { 0 };
	struct counters now = { .rx_frames = 5, .unlearned = 1 };

	counters_advance(&total, &before, &now);
	ck_assert_uint_eq(total.rx_frames, 105);
	counters_advance(&total, &before, &now);
	ck_assert_uint_eq(total.rx_frames, 105);
	now.rx_frames = 7;
	/* Taken back: a frame that was no more sent than queued. */
	before.tx_frames = 3;
	total.tx_frames = 3;
	now.tx_frames = 2;
	counters_advance(&total, &before, &now);
	ck_assert_uint_eq(total.rx_frames, 107);
	ck_assert_uint_eq(total.tx_frames, 2);
	ck_assert_uint_eq(total.unlearned, 1);
}
END_TEST

/* More names than a daemon ever has sites: renamed ones. */
START_TEST(names_without_end_are_survived)
{
	int	       fd = make_memory();
	struct totals *totals = totals_open(fd);

	for (unsigned i = 0; i < 5 * CONF_MAX_SITES; i++) {
		struct counters *site = totals_of(totals, name_of(i));

		ck_assert_uint_eq(site->rx_frames, 0);
		site->rx_frames = i + 1;
		ck_assert_uint_eq(totals_of(totals, name_of(i))->rx_frames,
		    i + 1);
	}
	totals_close(totals);
	close(fd);
}
END_TEST

/* An engine that was broken into leaves what it likes. */
START_TEST(whatever_an_engine_left_is_survived)
{
	static uint8_t bytes[TOTALS_SIZE];
	uint64_t       seed = 3;

	for (unsigned round = 0; round < 20; round++) {
		int	       fd = make_memory();
		struct totals *totals;
		uint32_t       n = (uint32_t)unit_below(&seed, 6000);

		for (size_t i = 0; i < sizeof(bytes); i++)
			bytes[i] = round % 2 == 0 ? 'x' :
			    (uint8_t)unit_random(&seed);
		if (round >= 2)
			memcpy(bytes, &n, sizeof(n));
		ck_assert_int_eq(write(fd, bytes, sizeof(bytes)),
		    (ssize_t)sizeof(bytes));
		totals = totals_open(fd);
		ck_assert_ptr_nonnull(totals);
		for (unsigned i = 0; i < 2 * CONF_MAX_SITES; i++) {
			totals_of(totals, name_of(i))->rx_frames = i;
			ck_assert_uint_eq(
			    totals_of(totals, name_of(i))->rx_frames, i);
		}
		totals_close(totals);
		close(fd);
	}
}
END_TEST

UNIT_MAIN("totals", what_was_counted_is_there_in_the_next_engine,
    the_sum_is_of_all_sites_and_not_the_device, only_what_is_new_is_added,
    names_without_end_are_survived, whatever_an_engine_left_is_survived)
