/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A real socket pair to an engine that answers or does not, and a real socket
 * where a service manager would listen.
 */
#include "monitor/watchdog.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/mono.h"
#include "proc/request.h"
#include "unit.h"


struct fixture {
	struct ev_loop *loop;
	struct watchdog	pulse;
	struct chan	chan;	/* the monitor's end */
	int		engine; /* the other */
	int		manager;
	struct ev_timer end;
	bool		answers;
	unsigned	pings, silences;
	uint8_t	       *buf;
};

static void
on_silent(void *arg)
{
	struct fixture *fixture = arg;

	fixture->silences++;
	ev_break(fixture->loop, EVBREAK_ALL);
}

static void
on_pong(struct chan *chan, struct chan_msg *msg)
{
	struct fixture *fixture = chan->arg;

	ck_assert_uint_eq(msg->type, REQUEST_PONG);
	watchdog_heard(&fixture->pulse);
}

/* The engine's turn: it takes what there is. */
static void
on_end(struct ev_loop *loop, struct ev_timer *timer, int what)
{
	struct fixture *fixture = timer->data;
	struct chan_msg msg;

	while (chan_recv_fd(fixture->engine, &msg, fixture->buf, 0) == 0) {
		ck_assert_uint_eq(msg.type, REQUEST_PING);
		fixture->pings++;
		if (fixture->answers)
			ck_assert_int_eq(chan_send_fd(fixture->engine,
					     REQUEST_PONG, msg.id, NULL, 0,
					     NULL, 0), 0);
	}
	if (fixture->pings >= 5 && fixture->answers)
		ev_break(loop, EVBREAK_ALL);
}

static void
begin(struct fixture *fixture, bool answers)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	char		   path[64];
	int		   fds[2];

	/* An abstract name leaves no file behind. */
	snprintf(path, sizeof(path), "@check-pulse-%ld", (long)getpid());
	memcpy(sun.sun_path, path, strlen(path));
	sun.sun_path[0] = '\0';
	setenv("NOTIFY_SOCKET", path, 1);
	*fixture = (struct fixture) { .answers = answers };
	fixture->buf = malloc(CHAN_MAX_PAYLOAD);
	ck_assert_ptr_nonnull(fixture->buf);
	fixture->manager = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	ck_assert_int_eq(bind(fixture->manager, (struct sockaddr *)&sun,
			     (socklen_t)(offsetof(struct sockaddr_un,
						sun_path) +
				 strlen(path))), 0);
	fixture->loop = ev_loop_new(0);
	ck_assert_int_eq(chan_pair(fds), 0);
	fixture->engine = fds[1];
	chan_open(&fixture->chan, fixture->loop, fds[0], on_pong, NULL,
	    fixture);
	ev_timer_init(&fixture->end, on_end, 0.01, 0.01);
	fixture->end.data = fixture;
	ev_timer_start(fixture->loop, &fixture->end);
	watchdog_init(&fixture->pulse, fixture->loop);
	fixture->pulse.on_silent = on_silent;
	fixture->pulse.arg = fixture;
	watchdog_start(&fixture->pulse, &fixture->chan);
}

static void
end(struct fixture *fixture)
{
	watchdog_stop(&fixture->pulse);
	ev_timer_stop(fixture->loop, &fixture->end);
	chan_close(&fixture->chan);
	close(fixture->engine);
	close(fixture->manager);
	ev_loop_destroy(fixture->loop);
	free(fixture->buf);
}

/* How many signs of life the service manager got. */
static unsigned
fed(const struct fixture *fixture)
{
	unsigned n = 0;
	char	 text[64];
	ssize_t	 len;

	while ((len = recv(fixture->manager, text, sizeof(text), 0)) > 0) {
		ck_assert_int_eq(len, 10);
		ck_assert_mem_eq(text, "WATCHDOG=1", 10);
		n++;
	}
	return n;
}

static void
watch(const char *usec, const char *pid)
{
	setenv("WATCHDOG_USEC", usec, 1);
	if (pid != NULL)
		setenv("WATCHDOG_PID", pid, 1);
	else
		unsetenv("WATCHDOG_PID");
}

START_TEST(each_answer_feeds_the_watchdog)
{
	struct fixture fixture;

	watch("1200000", NULL);
	begin(&fixture, true);
	ev_run(fixture.loop, 0);
	ck_assert_uint_eq(fixture.silences, 0);
	/* The answer to the last may still be under way. */
	ck_assert_uint_ge(fed(&fixture), fixture.pings - 1);
	end(&fixture);
}
END_TEST

START_TEST(an_engine_that_is_silent_is_noticed_and_feeds_nobody)
{
	struct fixture fixture;

	watch("1200000", NULL);
	begin(&fixture, false);
	ev_run(fixture.loop, 0);
	ck_assert_uint_eq(fixture.silences, 1);
	ck_assert_uint_eq(fixture.pings, 1);
	ck_assert_uint_eq(fed(&fixture), 0);
	/* A late answer, or one to nothing, feeds nobody either. */
	watchdog_stop(&fixture.pulse);
	watchdog_heard(&fixture.pulse);
	ck_assert_uint_eq(fed(&fixture), 0);
	end(&fixture);
}
END_TEST

START_TEST(half_of_its_time_is_enough_to_notice)
{
	static const struct {
		const char *usec;
		double	    every;
	} rows[] = {
		{ "1200000", 0.1 },
		{ "6000000", 0.5 },
		{ "60000000", 5 },
		{ "3600000000", 5 },
		{ "1", 0.1 },
		{ "nonsense", 5 },
		{ "-1", 5 },
	};

	for (size_t i = 0; i < nitems(rows); i++) {
		struct watchdog pulse;

		watch(rows[i].usec, NULL);
		watchdog_init(&pulse, NULL);
		ck_assert_double_eq_tol(pulse.timer.repeat, rows[i].every,
		    1e-9);
		ck_assert_msg(pulse.watched ==
			(rows[i].usec[0] >= '0' && rows[i].usec[0] <= '9'),
		    "%s", rows[i].usec);
	}
}
END_TEST

START_TEST(another_process_watchdog_is_not_ours)
{
	struct watchdog pulse;
	char	     pid[16];

	watch("1200000", "1");
	watchdog_init(&pulse, NULL);
	ck_assert(!pulse.watched);
	snprintf(pid, sizeof(pid), "%ld", (long)getpid());
	watch("1200000", pid);
	watchdog_init(&pulse, NULL);
	ck_assert(pulse.watched);
	unsetenv("WATCHDOG_USEC");
	watchdog_init(&pulse, NULL);
	ck_assert(!pulse.watched);
	ck_assert_double_eq_tol(pulse.timer.repeat, WATCHDOG_SEC, 1e-9);
}
END_TEST

UNIT_MAIN("pulse", each_answer_feeds_the_watchdog,
    an_engine_that_is_silent_is_noticed_and_feeds_nobody,
    half_of_its_time_is_enough_to_notice, another_process_watchdog_is_not_ours)
