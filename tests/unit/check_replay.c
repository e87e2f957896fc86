/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "datapath/record/replay.h"

#include <stdbool.h>

#include "unit.h"

#define W REPLAY_WINDOW

static const struct {
	const char	   *what;
	uint64_t	    seq;
	enum replay_verdict verdict;
} steps[] = {
	{ "the first record", 0, REPLAY_FRESH },
	{ "the same again", 0, REPLAY_DUPLICATE },
	{ "the second", 1, REPLAY_FRESH },
	{ "a jump forward", 9, REPLAY_FRESH },
	{ "an older one, inside the window", 8, REPLAY_FRESH },
	{ "one older still", 7, REPLAY_FRESH },
	{ "that one again", 7, REPLAY_DUPLICATE },
	{ "the first once more", 0, REPLAY_DUPLICATE },
	{ "the last bit of a block", 63, REPLAY_FRESH },
	{ "the first of the next", 64, REPLAY_FRESH },
	{ "as far as the window reaches", W, REPLAY_FRESH },
	{ "the one that just fell out, though seen", 0, REPLAY_OLD },
	{ "the oldest within, seen before the jump", 1, REPLAY_DUPLICATE },
	{ "the next one, not seen", 2, REPLAY_FRESH },
	{ "that one again", 2, REPLAY_DUPLICATE },
	{ "one more", W + 1, REPLAY_FRESH },
	{ "so the oldest fell out", 1, REPLAY_OLD },
	{ "and this is the oldest", 2, REPLAY_DUPLICATE },
	{ "a jump over the whole ring", 10 * W, REPLAY_FRESH },
	{ "everything before is old", W + 1, REPLAY_OLD },
	{ "just out of the window", 9 * W, REPLAY_OLD },
	{ "just inside", 9 * W + 1, REPLAY_FRESH },
	{ "that one again", 9 * W + 1, REPLAY_DUPLICATE },
	{ "the middle is empty", 9 * W + W / 2, REPLAY_FRESH },
	{ "the newest again", 10 * W, REPLAY_DUPLICATE },
	{ "a jump of one ring exactly", 10 * W + 128 * 64, REPLAY_FRESH },
	{ "leaves nothing behind", 10 * W + 128, REPLAY_FRESH },
	{ "the largest there is", (UINT64_C(1) << 48) - 1, REPLAY_FRESH },
	{ "again", (UINT64_C(1) << 48) - 1, REPLAY_DUPLICATE },
	{ "one before it", (UINT64_C(1) << 48) - 2, REPLAY_FRESH },
};

START_TEST(window_steps)
{
	struct replay window = { 0 };

	for (size_t i = 0; i < nitems(steps); i++) {
		enum replay_verdict v = replay_seen(&window, steps[i].seq);

		ck_assert_msg(v == steps[i].verdict, "%zu: %s: %d", i,
		    steps[i].what, v);
		if (v == REPLAY_FRESH)
			replay_commit(&window, steps[i].seq);
	}
}
END_TEST

START_TEST(looking_changes_nothing)
{
	struct replay window = { 0 };

	replay_commit(&window, 5);
	/* A forged record of the far future... */
	ck_assert_int_eq(replay_seen(&window, 1000000), REPLAY_FRESH);
	/* ...does not push out a genuine one that is still on its way. */
	ck_assert_int_eq(replay_seen(&window, 4), REPLAY_FRESH);
	ck_assert_int_eq(replay_seen(&window, 5), REPLAY_DUPLICATE);
	ck_assert_uint_eq(window.next, 6);
}
END_TEST

START_TEST(newest_is_newer_than_all)
{
	struct replay window = { 0 };

	ck_assert(replay_is_newest(&window, 0));
	replay_commit(&window, 100);
	ck_assert(!replay_is_newest(&window, 99));
	ck_assert(!replay_is_newest(&window, 100));
	ck_assert(replay_is_newest(&window, 101));
	replay_commit(&window, 50);
	ck_assert(replay_is_newest(&window, 101));
}
END_TEST

/* The stupid model: a byte for every number there is. */
START_TEST(agrees_with_a_plain_array)
{
	enum { TOP = 200000 };
	struct replay window = { 0 };
	bool	     *seen = calloc(TOP, sizeof(*seen));
	uint64_t      seed = 1, next = 0;

	ck_assert_ptr_nonnull(seen);
	for (unsigned i = 0; i < 400000; i++) {
		uint64_t	    seq, spread = unit_below(&seed, 8) == 0 ?
			       2 * W :
			       300;
		enum replay_verdict want;

		seq = next + unit_below(&seed, spread / 16 + 1);
		seq = seq > spread ? seq - unit_below(&seed, spread) : seq;
		if (unit_below(&seed, 20000) == 0)
			seq = next + unit_below(&seed, 3 * W);
		if (seq >= TOP)
			break;
		if (seq >= next)
			want = REPLAY_FRESH;
		else if (next - 1 - seq >= W)
			want = REPLAY_OLD;
		else
			want = seen[seq] ? REPLAY_DUPLICATE : REPLAY_FRESH;
		ck_assert_msg(replay_seen(&window, seq) == want,
		    "step %u: %llu, next %llu", i, (unsigned long long)seq,
		    (unsigned long long)next);
		if (want != REPLAY_FRESH)
			continue;
		replay_commit(&window, seq);
		seen[seq] = true;
		if (seq >= next)
			next = seq + 1;
	}
	ck_assert_uint_gt(next, 10 * W);
	free(seen);
}
END_TEST

UNIT_MAIN("replay", window_steps, looking_changes_nothing,
    newest_is_newer_than_all, agrees_with_a_plain_array)
