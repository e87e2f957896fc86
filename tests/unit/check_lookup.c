/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The monitor's half against a fake resolver over a real socket pair.
 */
#include "monitor/serve/lookup.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "conf/conf.h"
#include "unit.h"

#define FIRST  { AF_INET, { 192, 0, 2, 1 } }
#define SECOND { AF_INET, { 192, 0, 2, 2 } }

static const struct request_list one = { .n = 1, .list = { FIRST } };

struct fixture {
	struct ev_loop *loop;
	struct lookup	lookup;
	int		resolver; /* its end; -1: there is none */
	unsigned	answers, nonsense, n;
	uint32_t	last_id;
	char		text[ENDPOINT_STRLEN];
	uint8_t	       *buf;
};

static void
on_done(void *arg, uint32_t id, const struct endpoint *list, unsigned n)
{
	struct fixture *fixture = arg;

	fixture->answers++;
	fixture->last_id = id;
	fixture->n = n;
	if (n > 0)
		endpoint_print(&list[0], fixture->text, sizeof(fixture->text));
}

static void
on_nonsense(void *arg)
{
	((struct fixture *)arg)->nonsense++;
}

static void
begin(struct fixture *fixture, const char *host)
{
	static char name[64];
	struct conf conf = { .nservers = 1,
		.servers = { { .host = name, .port = 4321 } } };
	int	    fds[2];

	strcpy(name, host);
	*fixture = (struct fixture) {
		.loop = ev_loop_new(0),
		.buf = malloc(CHAN_MAX_PAYLOAD),
	};
	ck_assert_ptr_nonnull(fixture->buf);
	lookup_init(&fixture->lookup, fixture->loop, &conf);
	fixture->lookup.done = on_done;
	fixture->lookup.on_nonsense = on_nonsense;
	fixture->lookup.arg = fixture;
	ck_assert_int_eq(chan_pair(fds), 0);
	lookup_attach(&fixture->lookup, fds[0]);
	fixture->resolver = fds[1];
}

static void
end(struct fixture *fixture)
{
	lookup_fini(&fixture->lookup);
	close(fixture->resolver);
	ev_loop_destroy(fixture->loop);
	free(fixture->buf);
}

static void
turn(struct fixture *fixture)
{
	for (int i = 0; i < 4; i++)
		ev_run(fixture->loop, EVRUN_NOWAIT);
}

/* The id of what the resolver is asked, 0 when it is asked nothing. */
static uint32_t
hear(struct fixture *fixture)
{
	const struct request_lookup vpn = { "vpn" };
	struct chan_msg		    msg;

	if (chan_recv_fd(fixture->resolver, &msg, fixture->buf, 0) < 0)
		return 0;
	ck_assert_uint_eq(msg.type, REQUEST_LOOKUP);
	ck_assert_uint_eq(msg.len, sizeof(vpn));
	ck_assert_mem_eq(msg.data, &vpn, sizeof(vpn));
	return msg.id;
}

static void
say(struct fixture *fixture, uint32_t id, const struct request_list *list,
    int more)
{
	struct {
		struct request_list list;
		char		    behind[4];
	} said = { .list = *list };

	chan_send_fd(fixture->resolver, REQUEST_LOOKUP, id, &said,
	    (size_t)((int)sizeof(*list) + more), NULL, 0);
	turn(fixture);
}

static const struct {
	const char	   *what;
	struct request_list list;
	int		    more; /* bytes than the struct has */
	bool		    nonsense;
	unsigned	    n; /* of the answer: what was known before, else */
	const char	   *text;
} rows[] = {
	{ "a new address", { .n = 1, .list = { SECOND } }, 0, false, 1,
	    "192.0.2.2:4321" },
	{ "two", { .n = 2, .list = { SECOND, FIRST } }, 0, false, 2,
	    "192.0.2.2:4321" },
	{ "none", { .n = 0 }, 0, false, 1, "192.0.2.1:4321" },
	{ "an error", { .error = EAGAIN }, 0, false, 1, "192.0.2.1:4321" },
	{ "an error with an address", { .error = EAGAIN, .n = 1,
	    .list = { SECOND } }, 0, false, 1, "192.0.2.1:4321" },
	{ "a port, which is not its to say", { .port = 22, .n = 1,
	    .list = { SECOND } }, 0, false, 1, "192.0.2.2:4321" },
	{ "a byte less", { .n = 1, .list = { SECOND } }, -1, true, 1,
	    "192.0.2.1:4321" },
	{ "a byte too many", { .n = 1, .list = { SECOND } }, 1, true, 1,
	    "192.0.2.1:4321" },
	{ "more than fit", { .n = REQUEST_MAX_ENDPOINTS + 1 }, 0, true, 1,
	    "192.0.2.1:4321" },
	{ "as many as a number can say", { .n = UINT32_MAX }, 0, true, 1,
	    "192.0.2.1:4321" },
	{ "of no family", { .n = 1 }, 0, true, 1, "192.0.2.1:4321" },
	{ "of another family", { .n = 1, .list = { { AF_UNIX, { 1 } } } }, 0,
	    true, 1, "192.0.2.1:4321" },
};

START_TEST(the_last_good_addresses_are_kept)
{
	for (size_t i = 0; i < nitems(rows); i++) {
		struct fixture fixture;

		begin(&fixture, "vpn");
		ck_assert(lookup_ask(&fixture.lookup, 0, 1));
		say(&fixture, hear(&fixture), &one, 0);
		ck_assert_uint_eq(fixture.answers, 1);
		ck_assert(lookup_ask(&fixture.lookup, 0, 2));
		ck_assert_uint_eq(fixture.answers, 1);
		say(&fixture, hear(&fixture), &rows[i].list, rows[i].more);
		ck_assert_msg(fixture.answers == 2 && fixture.last_id == 2 &&
			fixture.n == rows[i].n &&
			strcmp(fixture.text, rows[i].text) == 0 &&
			fixture.nonsense == rows[i].nonsense,
		    "%s: %u answers, %u, %s", rows[i].what, fixture.answers,
		    fixture.n, fixture.text);
		end(&fixture);
	}
}
END_TEST

START_TEST(an_answer_to_nobody_is_nonsense)
{
	struct fixture fixture;

	begin(&fixture, "vpn");
	say(&fixture, 1, &one, 0);
	ck_assert_uint_eq(fixture.nonsense, 1);
	ck_assert_ptr_null(lookup_get(&fixture.lookup, 0, 0));
	end(&fixture);
}
END_TEST

START_TEST(an_address_asks_nobody)
{
	struct fixture fixture;

	begin(&fixture, "2001:db8::1");
	ck_assert(lookup_ask(&fixture.lookup, 0, 5));
	ck_assert_uint_eq(fixture.answers, 1);
	ck_assert_str_eq(fixture.text, "[2001:db8::1]:4321");
	ck_assert_uint_eq(hear(&fixture), 0);
	ck_assert_ptr_nonnull(lookup_get(&fixture.lookup, 0, 0));
	ck_assert_ptr_null(lookup_get(&fixture.lookup, 0, 1));
	end(&fixture);
}
END_TEST

START_TEST(a_resolver_that_dies_is_an_answer)
{
	struct fixture fixture;

	begin(&fixture, "vpn");
	ck_assert(lookup_ask(&fixture.lookup, 0, 5));
	lookup_detach(&fixture.lookup);
	ck_assert_uint_eq(fixture.answers, 1);
	ck_assert_uint_eq(fixture.n, 0);
	/* And without one there is nothing to wait for. */
	ck_assert(lookup_ask(&fixture.lookup, 0, 6));
	ck_assert_uint_eq(fixture.answers, 2);
	end(&fixture);
}
END_TEST

START_TEST(askers_share_one_question)
{
	struct fixture fixture;
	uint32_t       id;

	begin(&fixture, "vpn");
	for (uint32_t i = 0; i < LOOKUP_MAX_WAITING; i++)
		ck_assert(lookup_ask(&fixture.lookup, 0, i));
	ck_assert(!lookup_ask(&fixture.lookup, 0, 99));
	id = hear(&fixture);
	ck_assert_uint_ne(id, 0);
	ck_assert_uint_eq(hear(&fixture), 0);
	say(&fixture, id, &one, 0);
	ck_assert_uint_eq(fixture.answers, LOOKUP_MAX_WAITING);
	end(&fixture);
}
END_TEST

START_TEST(a_slow_answer_is_for_the_next_asker)
{
	struct fixture fixture;
	uint32_t       id;

	begin(&fixture, "vpn");
	ck_assert(lookup_ask(&fixture.lookup, 0, 1));
	id = hear(&fixture);
	ev_feed_event(fixture.loop, &fixture.lookup.timer, EV_TIMER);
	turn(&fixture);
	ck_assert_uint_eq(fixture.answers, 1);
	ck_assert_uint_eq(fixture.n, 0);
	ck_assert(!ev_is_active(&fixture.lookup.timer));
	say(&fixture, id, &one, 0);
	ck_assert_uint_eq(fixture.nonsense, 0);
	ck_assert_ptr_nonnull(lookup_get(&fixture.lookup, 0, 0));
	end(&fixture);
}
END_TEST

START_TEST(askers_that_are_gone_get_no_answer)
{
	struct fixture fixture;

	begin(&fixture, "vpn");
	ck_assert(lookup_ask(&fixture.lookup, 0, 1));
	lookup_forget(&fixture.lookup);
	say(&fixture, hear(&fixture), &one, 0);
	ck_assert_uint_eq(fixture.answers, 0);
	ck_assert_ptr_nonnull(lookup_get(&fixture.lookup, 0, 0));
	end(&fixture);
}
END_TEST

UNIT_MAIN("lookup", the_last_good_addresses_are_kept,
    an_answer_to_nobody_is_nonsense, an_address_asks_nobody,
    a_resolver_that_dies_is_an_answer, askers_share_one_question,
    a_slow_answer_is_for_the_next_asker, askers_that_are_gone_get_no_answer)
