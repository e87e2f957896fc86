/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "control/reach/happy_eyeballs.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "control/reach/server_choice.h"

static struct happy_eyeballs_attempt *find_untried(struct happy_eyeballs *race);
static bool is_trying(const struct happy_eyeballs *race);
static void try(struct happy_eyeballs_attempt *attempt);
static void on_socket(void *arg, const int *fds, unsigned n, int error);
static void on_writable(struct ev_loop *loop, struct ev_io *io, int events);
static void on_delay_over(struct ev_loop *loop, struct ev_timer *timer,
    int events);
static void on_patience_over(struct ev_loop *loop, struct ev_timer *timer,
    int events);
static void go_on(struct happy_eyeballs *race);
static void failed(struct happy_eyeballs_attempt *attempt, int error);
static void won(struct happy_eyeballs_attempt *attempt);
static void end_attempt(struct happy_eyeballs_attempt *attempt);
static unsigned place_of(const struct happy_eyeballs_attempt *attempt);

void
happy_eyeballs_init(struct happy_eyeballs *race, struct ev_loop *loop,
    struct monitor_ask *monitor, struct bucket *asks,
    const struct happy_eyeballs_events *events, void *arg)
{
	*race = (struct happy_eyeballs) { .loop = loop,
		.monitor = monitor, .asks = asks, .events = events, .arg = arg };
	for (unsigned i = 0; i < REQUEST_MAX_ENDPOINTS; i++) {
		struct happy_eyeballs_attempt *attempt = &race->attempts[i];

		attempt->race = race;
		attempt->fd = -1;
		ev_init(&attempt->writable, on_writable);
		attempt->writable.data = attempt;
	}
	ev_timer_init(&race->delay, on_delay_over, 0, 0);
	ev_timer_init(&race->patience, on_patience_over, 0, 0);
	race->delay.data = race->patience.data = race;
}

void
happy_eyeballs_begin(struct happy_eyeballs *race, unsigned which,
    const struct endpoint *list,
    unsigned n)
{
	happy_eyeballs_stop(race);
	race->which = which;
	race->n = n;
	server_choice_sort(list, n, race->order);
	for (unsigned i = 0; i < n; i++)
		race->attempts[i].state = HAPPY_EYEBALLS_UNTRIED;
}

bool
happy_eyeballs_go_on(struct happy_eyeballs *race)
{
	struct happy_eyeballs_attempt *attempt = find_untried(race);

	ev_timer_stop(race->loop, &race->delay);
	if (attempt == NULL)
		return is_trying(race);
	ev_timer_set(&race->delay, HAPPY_EYEBALLS_DELAY_SEC, 0);
	ev_timer_start(race->loop, &race->delay);
	if (bucket_take(race->asks, HAPPY_EYEBALLS_ASK_BURST,
	    HAPPY_EYEBALLS_ASK_PAUSE_US,
		mono_now()))
		try(attempt);
	return true;
}

/* Those that were under way may be tried again. */
void
happy_eyeballs_stop(struct happy_eyeballs *race)
{
	ev_timer_stop(race->loop, &race->delay);
	ev_timer_stop(race->loop, &race->patience);
	for (unsigned i = 0; i < REQUEST_MAX_ENDPOINTS; i++)
		end_attempt(&race->attempts[i]);
}

static struct happy_eyeballs_attempt *
find_untried(struct happy_eyeballs *race)
{
	for (unsigned i = 0; i < race->n; i++) {
		struct happy_eyeballs_attempt *attempt =
		    &race->attempts[race->order[i]];

		if (attempt->state == HAPPY_EYEBALLS_UNTRIED)
			return attempt;
	}
	return NULL;
}

static bool
is_trying(const struct happy_eyeballs *race)
{
	for (unsigned i = 0; i < race->n; i++) {
		if (race->attempts[i].state == HAPPY_EYEBALLS_TRYING)
			return true;
	}
	return false;
}

static void
try(struct happy_eyeballs_attempt *attempt)
{
	struct happy_eyeballs *race = attempt->race;

	if (monitor_ask_connect(race->monitor, race->which, place_of(attempt),
		on_socket, attempt) < 0)
		return;
	attempt->state = HAPPY_EYEBALLS_TRYING;
	race->events->on_trying(race->arg, place_of(attempt));
	ev_timer_stop(race->loop, &race->patience);
	ev_timer_set(&race->patience, HAPPY_EYEBALLS_PATIENCE_SEC, 0);
	ev_timer_start(race->loop, &race->patience);
}

/* It is on its way: EINPROGRESS is the monitor's success. */
static void
on_socket(void *arg, const int *fds, unsigned n, int error)
{
	struct happy_eyeballs_attempt *attempt = arg;

	if (n == 0) {
		failed(attempt, error);
		return;
	}
	attempt->fd = fds[0];
	ev_io_set(&attempt->writable, fds[0], EV_WRITE);
	ev_io_start(attempt->race->loop, &attempt->writable);
}

static void
on_writable(struct ev_loop *loop, struct ev_io *io, int events)
{
	struct happy_eyeballs_attempt *attempt = io->data;
	int		     error = 0;
	socklen_t	     len = sizeof(error);

	if (getsockopt(attempt->fd, SOL_SOCKET, SO_ERROR, &error, &len) == -1)
		error = errno;
	if (error != 0)
		failed(attempt, error);
	else
		won(attempt);
}

static void
on_delay_over(struct ev_loop *loop, struct ev_timer *timer, int events)
{
	go_on(timer->data);
}

static void
on_patience_over(struct ev_loop *loop, struct ev_timer *timer, int events)
{
	struct happy_eyeballs *race = timer->data;

	for (unsigned i = 0; i < race->n; i++) {
		if (race->attempts[i].state == HAPPY_EYEBALLS_TRYING)
			race->events->on_came_out(race->arg, i, ETIMEDOUT);
	}
	happy_eyeballs_stop(race);
	race->events->on_lost(race->arg);
}

static void
go_on(struct happy_eyeballs *race)
{
	if (!happy_eyeballs_go_on(race))
		race->events->on_lost(race->arg);
}

static void
failed(struct happy_eyeballs_attempt *attempt, int error)
{
	struct happy_eyeballs *race = attempt->race;

	end_attempt(attempt);
	attempt->state = HAPPY_EYEBALLS_DONE;
	race->events->on_came_out(race->arg, place_of(attempt), error);
	go_on(race);
}

static void
won(struct happy_eyeballs_attempt *attempt)
{
	struct happy_eyeballs *race = attempt->race;
	int	     fd = attempt->fd;

	attempt->fd = -1;
	happy_eyeballs_stop(race);
	attempt->state = HAPPY_EYEBALLS_DONE;
	race->events->on_came_out(race->arg, place_of(attempt), 0);
	race->events->on_won(race->arg, fd, place_of(attempt));
}

static void
end_attempt(struct happy_eyeballs_attempt *attempt)
{
	struct happy_eyeballs *race = attempt->race;

	if (attempt->state == HAPPY_EYEBALLS_TRYING)
		attempt->state = HAPPY_EYEBALLS_UNTRIED;
	monitor_ask_cancel(race->monitor, attempt);
	ev_io_stop(race->loop, &attempt->writable);
	if (attempt->fd != -1)
		close(attempt->fd);
	attempt->fd = -1;
}

static unsigned
place_of(const struct happy_eyeballs_attempt *attempt)
{
	return (unsigned)(attempt - attempt->race->attempts);
}
