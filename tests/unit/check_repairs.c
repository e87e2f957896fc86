/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How often a thing is put back that others change again and again. */
#include "unit.h"

#include <string.h>

#include "monitor/host/repairs.h"

#define AT(ms) ((struct mono) { 1000 * MONO_SEC + (ms) * MONO_MS })

static const struct prefix net_a = { { AF_INET, { 10, 1 } }, 16 };
static const struct prefix net_b = { { AF_INET, { 10, 2 } }, 16 };

static const struct {
	const char *what;
	int	    at; /* ms */
	bool	    may;
} looks[] = {
	{ "the first time, at once", 0, true },
	{ "again, at once: not yet", 50, false },
	{ "after 100 ms", 100, true },
	{ "then after 200", 250, false },
	{ "then after 200, indeed", 300, true },
	{ "then after 400", 650, false },
	{ "then after 400, indeed", 700, true },
	{ "then after 800", 1499, false },
	{ "then after 800, indeed", 1500, true },
	{ "never more than 800", 2299, false },
	{ "never more than 800, indeed", 2300, true },
	{ "after 10 s of peace it is the first time again", 12300, true },
	{ "and the second", 12400, true },
};

START_TEST(pauses_double_up_to_800_ms)
{
	struct repairs repairs = { 0 };

	for (size_t i = 0; i < nitems(looks); i++) {
		repairs_begin(&repairs);
		ck_assert_msg(repairs_may(&repairs, REPAIR_ROUTE, &net_a,
				  AT(looks[i].at)) == looks[i].may,
		    "%s", looks[i].what);
		ck_assert((repairs.again_us != 0) == !looks[i].may);
		ck_assert_int_le(repairs.again_us, 800 * MONO_MS);
	}
}
END_TEST

START_TEST(each_thing_has_pauses_of_its_own)
{
	struct repairs repairs = { 0 };

	ck_assert(repairs_may(&repairs, REPAIR_ROUTE, &net_a, AT(0)));
	ck_assert(repairs_may(&repairs, REPAIR_ROUTE, &net_b, AT(0)));
	ck_assert(repairs_may(&repairs, REPAIR_ADDRESS, &net_a, AT(0)));
	ck_assert(repairs_may(&repairs, REPAIR_MTU, NULL, AT(0)));
	ck_assert(!repairs_may(&repairs, REPAIR_ROUTE, &net_a, AT(1)));
	ck_assert(!repairs_may(&repairs, REPAIR_MTU, NULL, AT(1)));
}
END_TEST

/* However many there are, what is kept of them is bounded. */
START_TEST(a_thousand_things_are_put_back_at_once)
{
	struct repairs repairs = { 0 };
	struct prefix  net = net_a;

	for (int i = 0; i < 1000; i++) {
		net.addr.bytes[1] = (uint8_t)(i / 256);
		net.addr.bytes[2] = (uint8_t)i;
		net.len = 24;
		ck_assert(repairs_may(&repairs, REPAIR_ROUTE, &net, AT(i)));
		repairs_note(&repairs, "route 10.%d.%d.0/24", i / 256, i % 256);
	}
	ck_assert_uint_eq(repairs.n, 1000);
	ck_assert_uint_lt(strlen(repairs.text), sizeof(repairs.text));
	ck_assert_int_eq(strncmp(repairs.text, "route 10.0.0.0/24, ", 19), 0);
}
END_TEST

UNIT_MAIN("repairs", pauses_double_up_to_800_ms,
    each_thing_has_pauses_of_its_own, a_thousand_things_are_put_back_at_once)
