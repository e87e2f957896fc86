/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * unit: what every unit test would otherwise repeat.
 *
 * UNIT_MAIN(name, test, test, ...) is the main() of a program with one case.
 * unit_random() is a small generator with a fixed seed: the random tests do
 * the same on every run, and a failure can be looked at again.
 */
#ifndef UNIT_H
#define UNIT_H

#include <check.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/nitems.h"

#define UNIT_MAIN(name, ...)                                                   \
	int main(void)                                                         \
	{                                                                      \
		const TTest *const unit_tests[] = { __VA_ARGS__ };             \
                                                                               \
		return unit_run(name, unit_tests, nitems(unit_tests));         \
	}

static inline int
unit_run(const char *name, const TTest *const *tests, size_t n)
{
	Suite	*suite = suite_create(name);
	TCase	*tcase = tcase_create(name);
	SRunner *runner = srunner_create(suite);
	int	 failed;

	for (size_t i = 0; i < n; i++)
		tcase_add_test(tcase, tests[i]);
	tcase_set_timeout(tcase, 60);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* splitmix64; `*state` is the seed to begin with. */
static inline uint64_t
unit_random(uint64_t *state)
{
	uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

/* 0..n-1 */
static inline uint64_t
unit_below(uint64_t *state, uint64_t n)
{
	return unit_random(state) % n;
}

#endif /* UNIT_H */
