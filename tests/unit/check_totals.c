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

#include "base/log.h"
#include "conf/conf.h"
#include "datapath/util/counters.h"
#include "unit.h"

/* Of which no site is left, so that any may have been its own. */
static const struct conf hub = { .role = CONF_SERVER };

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
		engine = totals_open(fd, &hub);
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
	struct totals  *totals = totals_open(fd, &hub);
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
	struct totals *totals = totals_open(fd, &hub);

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
		totals = totals_open(fd, &hub);
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

/* Where things stand in the memory: a text, a number, rows. */
struct place {
	size_t n, rows, row_len;
};

static struct place
place_of(const uint8_t *bytes)
{
	struct place at = { .n = (strlen((const char *)bytes) + 4) & ~3u };

	at.rows = (at.n + sizeof(uint32_t) + 7) & ~7u;
	at.row_len = CONF_NAME_MAX + 1 + sizeof(struct counters);
	return at;
}

/* A memory in which the device has 5, and `sites` have 7 frames each. */
static int
make_counted(const char *const *sites, unsigned n)
{
	int	       fd = make_memory();
	struct totals *totals = totals_open(fd, &hub);

	ck_assert_ptr_nonnull(totals);
	totals_of(totals, "")->rx_frames = 5;
	for (unsigned i = 0; i < n; i++)
		totals_of(totals, sites[i])->rx_frames = 7;
	totals_close(totals);
	return fd;
}

static void
check_found(int fd, const struct conf *conf, bool kept, const char *what)
{
	struct totals *totals = totals_open(fd, conf);

	ck_assert_ptr_nonnull(totals);
	ck_assert_msg(totals_of(totals, "")->rx_frames == (kept ? 5 : 0) &&
		totals_of(totals, "berlin")->rx_frames == (kept ? 7 : 0),
	    "%s", what);
	totals_close(totals);
	close(fd);
}

/* All of it or nothing: half a truth would be believed. */
START_TEST(what_makes_no_sense_is_forgotten_as_a_whole)
{
	static const char *const sites[] = { "berlin", "paris" };
	static const struct {
		const char *what;
		bool	    kept;
		unsigned    row; /* 1: the text, 2: the number, else row - 3 */
		size_t	    at;
		uint8_t	    byte;
	} cases[] = {
		{ "as it was", true, 1, 0, 't' },
		{ "a row that is nobody's any more", true, 5, 0, 'q' },
		{ "a number", true, 4, CONF_NAME_MAX + 9, 0xff },
		{ "another text", false, 1, 20, 'X' },
		{ "a longer text", false, 1, 400, 'X' },
		{ "more rows than there are", false, 2, 3, 0x7f },
		{ "a name of blanks", false, 5, 0, ' ' },
		{ "a name that leads elsewhere", false, 5, 0, '.' },
		{ "a name of bytes", false, 5, 2, 0xc3 },
		{ "a name that does not end", false, 5, CONF_NAME_MAX, 'x' },
	};

	log_init("check", LOG_LEVEL_ERROR);
	for (size_t i = 0; i < nitems(cases); i++) {
		static uint8_t bytes[TOTALS_SIZE];
		int	       fd = make_counted(sites, 2);
		struct place   place;
		size_t	       at;

		ck_assert_int_eq(pread(fd, bytes, sizeof(bytes), 0),
		    sizeof(bytes));
		place = place_of(bytes);
		ck_assert_int_eq(bytes[place.n], 3);
		ck_assert_str_eq((const char *)bytes + place.rows +
			2 * place.row_len, "paris");
		at = cases[i].at;
		if (cases[i].row == 1 && at >= place.n)
			at = strlen((const char *)bytes);
		if (cases[i].row == 2)
			at += place.n;
		else if (cases[i].row > 2)
			at += place.rows + (cases[i].row - 3) * place.row_len;
		ck_assert_int_eq(pwrite(fd, &cases[i].byte, 1, (off_t)at), 1);
		check_found(fd, &hub, cases[i].kept, cases[i].what);
	}
}
END_TEST

START_TEST(those_of_another_configuration_are_not_taken)
{
	static const char *const sites[] = { "berlin", "paris" };
	struct conf_site one = { .name = "berlin" }, other = { .name = "rome" };
	struct conf	 same = { .role = CONF_SERVER, .sites = &one, .nsites = 1 };
	struct conf another = { .role = CONF_SERVER, .sites = &other, .nsites = 1 };
	struct conf	 site = { .role = CONF_CLIENT, .site = "berlin" };
	struct conf	 renamed = { .role = CONF_CLIENT, .site = "rome" };

	log_init("check", LOG_LEVEL_ERROR);
	check_found(make_counted(sites, 2), &same, true, "one is left");
	check_found(make_counted(sites, 2), &another, false, "none is known");
	check_found(make_counted(sites, 1), &site, true, "the site's own");
	check_found(make_counted(sites, 1), &renamed, false, "another site's");
}
END_TEST

UNIT_MAIN("totals", what_was_counted_is_there_in_the_next_engine,
    the_sum_is_of_all_sites_and_not_the_device, only_what_is_new_is_added,
    names_without_end_are_survived, whatever_an_engine_left_is_survived,
    what_makes_no_sense_is_forgotten_as_a_whole,
    those_of_another_configuration_are_not_taken)
