/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Real children, in libev's default loop; each test is a process of its own.
 */
#include "monitor/supervise.h"

#include <errno.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include "unit.h"

#define MAX_STARTS 4

struct nursery {
	struct supervise supervise;
	struct ev_loop	*loop;
	unsigned	 starts, deaths;
	unsigned	 wanted; /* starts after which the loop ends */
	unsigned	 failures; /* of the next starts */
	int		 pipe[2]; /* a stubborn child says that it is one */
	struct mono	 at[MAX_STARTS];
};

static pid_t
start_counted(struct supervise *supervise)
{
	struct nursery *nursery = supervise->arg;

	if (nursery->starts < MAX_STARTS)
		nursery->at[nursery->starts] = mono_now();
	nursery->starts++;
	if (nursery->starts == nursery->wanted)
		ev_break(nursery->loop, EVBREAK_ALL);
	if (nursery->failures > 0) {
		nursery->failures--;
		return -EAGAIN;
	}
	return fork();
}

/* Ends at once. */
static pid_t
start_short(struct supervise *supervise)
{
	pid_t pid = start_counted(supervise);

	if (pid == 0)
		_exit(1);
	return pid;
}

/* Ends when it is told to. */
static pid_t
start_long(struct supervise *supervise)
{
	pid_t pid = start_counted(supervise);

	if (pid == 0) {
		for (;;)
			pause();
	}
	return pid;
}

/* Ends when it is killed. */
static pid_t
start_stubborn(struct supervise *supervise)
{
	struct nursery *nursery = supervise->arg;
	pid_t		pid = start_counted(supervise);

	if (pid == 0) {
		signal(SIGTERM, SIG_IGN);
		if (write(nursery->pipe[1], "", 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	return pid;
}

static void
on_death(struct supervise *supervise)
{
	struct nursery *nursery = supervise->arg;

	ck_assert_int_eq(supervise->pid, -1);
	nursery->deaths++;
}

static void
begin(struct nursery *nursery, pid_t (*start)(struct supervise *),
    unsigned wanted)
{
	*nursery = (struct nursery) {
		.loop = ev_default_loop(0),
		.wanted = wanted,
		.supervise = {
			.role = PROC_ENGINE,
			.start = start,
			.on_death = on_death,
			.arg = nursery,
		},
	};
	/* Check's own handler, which the children inherit, ends the test. */
	signal(SIGTERM, SIG_DFL);
	ck_assert_int_eq(pipe(nursery->pipe), 0);
	ck_assert_int_eq(supervise_start(&nursery->supervise, nursery->loop),
	    0);
}

static void
end(struct nursery *nursery)
{
	supervise_stop(&nursery->supervise, 1000);
	ck_assert_int_eq(nursery->supervise.pid, -1);
	/* Nobody is left, not even a zombie. */
	ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1);
	ck_assert_int_eq(errno, ECHILD);
	close(nursery->pipe[0]);
	close(nursery->pipe[1]);
	ev_loop_destroy(nursery->loop);
}

START_TEST(who_keeps_dying_young_waits_longer_each_time)
{
	static const int64_t pauses_ms[] = { 100, 200, 400 };
	struct nursery	     nursery;

	begin(&nursery, start_short, 4);
	ev_run(nursery.loop, 0);
	ck_assert_uint_eq(nursery.starts, 4);
	ck_assert_uint_eq(nursery.deaths, 3);
	ck_assert_uint_eq(nursery.supervise.deaths, 3);
	for (size_t i = 0; i < nitems(pauses_ms); i++) {
		int64_t ms = mono_sub(nursery.at[i + 1], nursery.at[i]) /
		    MONO_MS;

		ck_assert_msg(ms >= pauses_ms[i] - 5 &&
			ms < pauses_ms[i] + 2000, "start %zu after %ld ms", i + 1,
		    (long)ms);
	}
	end(&nursery);
}
END_TEST

START_TEST(the_pause_has_a_limit)
{
	struct nursery nursery;

	begin(&nursery, start_long, 0);
	nursery.supervise.pause_us = 20 * MONO_SEC;
	supervise_kill(&nursery.supervise);
	while (nursery.deaths == 0)
		ev_run(nursery.loop, EVRUN_ONCE);
	ck_assert_int_eq(nursery.supervise.pause_us, SUPERVISE_MAX_PAUSE_US);
	ck_assert_uint_eq(nursery.starts, 1);
	end(&nursery);
}
END_TEST

START_TEST(who_lived_long_is_started_soon)
{
	struct nursery nursery;

	begin(&nursery, start_long, 2);
	nursery.supervise.pause_us = 20 * MONO_SEC;
	nursery.supervise.started_at = mono_add(mono_now(),
	    -SUPERVISE_YOUNG_US);
	supervise_kill(&nursery.supervise);
	ev_run(nursery.loop, 0);
	ck_assert_int_eq(nursery.supervise.pause_us, SUPERVISE_MIN_PAUSE_US);
	end(&nursery);
}
END_TEST

START_TEST(a_start_that_fails_is_tried_again)
{
	struct nursery nursery;

	begin(&nursery, start_long, 4);
	nursery.failures = 2;
	supervise_kill(&nursery.supervise);
	ev_run(nursery.loop, 0);
	ck_assert_uint_eq(nursery.starts, 4);
	ck_assert_uint_eq(nursery.deaths, 1);
	ck_assert_int_gt(nursery.supervise.pid, 0);
	end(&nursery);
}
END_TEST

START_TEST(a_first_start_that_fails_is_reported)
{
	struct nursery nursery = { .failures = 1 };

	nursery.supervise = (struct supervise) {
		.start = start_long,
		.arg = &nursery,
	};
	nursery.loop = ev_default_loop(0);
	ck_assert_int_eq(supervise_start(&nursery.supervise, nursery.loop),
	    -EAGAIN);
	supervise_stop(&nursery.supervise, 100);
	ev_loop_destroy(nursery.loop);
}
END_TEST

/* A tracer that holds its end back stands for a disk that hangs. */
static pid_t
trace(pid_t pid, int ready)
{
	pid_t tracer = fork();

	if (tracer != 0)
		return tracer;
	if (ptrace(PTRACE_SEIZE, pid, NULL, NULL) == 0)
		(void)!write(ready, "", 1);
	for (;;)
		pause();
}

START_TEST(one_that_no_signal_ends_is_left_behind)
{
	struct nursery nursery;
	pid_t	       pid, tracer;
	char	       c;

	begin(&nursery, start_long, 0);
	pid = nursery.supervise.pid;
	tracer = trace(pid, nursery.pipe[1]);
	ck_assert_int_eq(read(nursery.pipe[0], &c, 1), 1);
	supervise_stop(&nursery.supervise, 10);
	ck_assert_int_eq(nursery.supervise.pid, -1);
	kill(tracer, SIGKILL);
	ck_assert_int_eq(waitpid(tracer, NULL, 0), tracer);
	ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
	end(&nursery);
}
END_TEST

START_TEST(a_restart_is_at_once_and_no_death)
{
	struct nursery nursery;
	pid_t	       first;

	begin(&nursery, start_long, 0);
	first = nursery.supervise.pid;
	ck_assert_int_eq(supervise_restart(&nursery.supervise), 0);
	ck_assert_uint_eq(nursery.starts, 2);
	ck_assert_int_ne(nursery.supervise.pid, first);
	ck_assert_int_eq(kill(first, 0), -1);
	ck_assert_int_eq(errno, ESRCH);
	for (int i = 0; i < 4; i++)
		ev_run(nursery.loop, EVRUN_NOWAIT);
	ck_assert_uint_eq(nursery.deaths, 0);
	end(&nursery);
}
END_TEST

START_TEST(a_restart_takes_the_place_of_the_one_due)
{
	struct nursery nursery;

	begin(&nursery, start_long, 0);
	supervise_kill(&nursery.supervise);
	while (nursery.deaths == 0)
		ev_run(nursery.loop, EVRUN_ONCE);
	ck_assert_int_eq(supervise_restart(&nursery.supervise), 0);
	ck_assert_uint_eq(nursery.starts, 2);
	ck_assert(!ev_is_active(&nursery.supervise.timer));
	end(&nursery);
}
END_TEST

START_TEST(a_stubborn_child_is_killed)
{
	struct nursery nursery;
	struct mono    before;
	int64_t	       ms;
	char	       byte;

	begin(&nursery, start_stubborn, 0);
	ck_assert_int_eq(read(nursery.pipe[0], &byte, 1), 1);
	before = mono_now();
	supervise_stop(&nursery.supervise, 200);
	ms = mono_sub(mono_now(), before) / MONO_MS;
	ck_assert_int_ge(ms, 195);
	ck_assert_int_lt(ms, 1000);
	end(&nursery);
}
END_TEST

START_TEST(one_that_was_never_started_can_be_stopped)
{
	struct supervise supervise = { 0 };

	supervise_stop(&supervise, 100);
	ck_assert_int_eq(supervise.pid, 0);
}
END_TEST

UNIT_MAIN("supervise", who_keeps_dying_young_waits_longer_each_time,
    the_pause_has_a_limit, who_lived_long_is_started_soon,
    a_start_that_fails_is_tried_again, a_first_start_that_fails_is_reported,
    a_restart_is_at_once_and_no_death,
    a_restart_takes_the_place_of_the_one_due, a_stubborn_child_is_killed,
    one_that_no_signal_ends_is_left_behind,
    one_that_was_never_started_can_be_stopped)
