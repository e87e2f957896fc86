/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "dataplane/loop_guard.h"

#include "datapath/loop_watch.h"
#include "unit.h"

#define PORTS 8

static _Atomic uint8_t blocked[PORTS];

static struct mono
at(int sec)
{
	return (struct mono) { (1000 + sec) * MONO_SEC };
}

static struct loop_guard *
three_ports(void)
{
	struct loop_guard *loops = loop_guard_new(blocked, PORTS);

	ck_assert_ptr_nonnull(loops);
	loop_guard_port_up(loops, 1, "local", at(0));
	loop_guard_port_up(loops, 2, "berlin", at(1));
	loop_guard_port_up(loops, 3, "paris", at(2));
	return loops;
}

START_TEST(the_younger_port_is_blocked)
{
	struct loop_guard *loops = three_ports();

	ck_assert_uint_eq(loop_guard_heard(loops, 2, 3, at(3)), 3);
	ck_assert_uint_eq(blocked[3], 1);
	ck_assert_uint_eq(blocked[2], 0);
	ck_assert_ptr_nonnull(loop_guard_why(loops, 3));
	ck_assert_ptr_null(loop_guard_why(loops, 2));
	/* From the other end it is the same loop, and closed already. */
	ck_assert_uint_eq(loop_guard_heard(loops, 3, 2, at(3)), 0);
	ck_assert_uint_eq(blocked[2], 0);
	loop_guard_free(loops);
}
END_TEST

START_TEST(the_device_is_never_blocked)
{
	struct loop_guard *loops = three_ports();

	ck_assert_uint_eq(loop_guard_heard(loops, 1, 2, at(3)), 2);
	ck_assert_uint_eq(loop_guard_heard(loops, 3, 1, at(3)), 3);
	ck_assert_uint_eq(blocked[1], 0);
	loop_guard_free(loops);
}
END_TEST

START_TEST(a_port_opens_when_the_loop_is_gone)
{
	struct loop_guard *loops = three_ports();

	loop_guard_heard(loops, 2, 3, at(3));
	loop_guard_tick(loops, at(62));
	ck_assert_uint_eq(blocked[3], 1);
	loop_guard_tick(loops, at(64));
	ck_assert_uint_eq(blocked[3], 0);
	loop_guard_free(loops);
}
END_TEST

START_TEST(a_port_stays_blocked_while_probes_come_round)
{
	struct loop_guard *loops = three_ports();

	loop_guard_heard(loops, 2, 3, at(3));
	/* Of the longest rounds, the last one's is lost. */
	loop_guard_heard(loops, 2, 3, at(64 - 2 * LOOP_WATCH_ROUND_MAX_SEC));
	loop_guard_tick(loops, at(64));
	ck_assert_uint_eq(blocked[3], 1);
	loop_guard_tick(loops, at(123));
	ck_assert_uint_eq(blocked[3], 1);
	loop_guard_tick(loops, at(125));
	ck_assert_uint_eq(blocked[3], 0);
	loop_guard_free(loops);
}
END_TEST

START_TEST(a_port_that_is_gone_is_not_blocked)
{
	struct loop_guard *loops = three_ports();

	loop_guard_port_down(loops, 3);
	ck_assert_uint_eq(loop_guard_heard(loops, 2, 3, at(3)), 0);
	ck_assert_uint_eq(blocked[3], 0);
	ck_assert_uint_eq(loop_guard_heard(loops, 2, 7, at(3)), 0);
	ck_assert_uint_eq(loop_guard_heard(loops, 2, 4000, at(3)), 0);
	ck_assert_uint_eq(loop_guard_heard(loops, 2, 2, at(3)), 0);
	loop_guard_free(loops);
}
END_TEST

UNIT_MAIN("loops", the_younger_port_is_blocked, the_device_is_never_blocked,
    a_port_opens_when_the_loop_is_gone,
    a_port_stays_blocked_while_probes_come_round,
    a_port_that_is_gone_is_not_blocked)
