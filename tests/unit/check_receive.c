/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Datagrams at a worker that has no thread: where each ends that does not come to
 * a lane at work, and where that is counted; and from a lane at work what was in
 * them.
 */
#include "datapath/receive.h"

#include <stdlib.h>

#include "base/wire.h"
#include "datapath/lane/frag.h"
#include "datapath/worker.h"
#include "unit.h"

#define SESSION 7
#define LANE	3 /* the worker's; phase 0 */

static const struct {
	const char *what;
	uint32_t    session;
	uint8_t	    phase, lane;
	size_t	    len;
	enum drop   drop;
	bool	    at_site;
} datagrams[] = {
	{ "cut short", SESSION, 0, LANE, 16, DROP_MALFORMED, false },
	{ "not one record", SESSION, 0, LANE, 41, DROP_MALFORMED, false },
	{ "a lane that cannot be", SESSION, 0, LANE_MAX + 1, 40,
	    DROP_MALFORMED, false },
	{ "nobody's session", SESSION + 1, 0, LANE, 40, DROP_NO_SESSION,
	    false },
	{ "nobody's session, and the other worker's lane", SESSION + 1, 0,
	    LANE - 1, 40, DROP_NO_SESSION, false },
	{ "the other worker's lane", SESSION, 0, LANE - 1, 40,
	    DROP_WRONG_WORKER, true },
	{ "the other worker's lane, and another phase", SESSION, 1, 0, 40,
	    DROP_WRONG_WORKER, true },
	{ "a lane that the session does not have", SESSION, 0, LANE + 2, 40,
	    DROP_NO_KEY, true },
	{ "another phase", SESSION, 1, LANE, 40, DROP_NO_KEY, true },
	{ "before its keys", SESSION, 0, LANE, 40, DROP_NO_KEY, true },
};

static struct worker *worker;
static struct port   *site;

static uint64_t
count(const struct port *port)
{
	uint64_t n = 0;

	for (unsigned i = 0; i < DROP_MAX; i++)
		n += port->counters.drops[i];
	return n;
}

START_TEST(what_is_no_lanes_is_dropped_by_its_name)
{
	static struct dp two = { .nworkers = 2 };
	struct udp_path	 path = { .fd = -1 };

	worker = calloc(1, sizeof(*worker));
	site = port_new(2, SESSION);
	ck_assert(worker != NULL && site != NULL);
	worker->dp = &two;
	worker->index = LANE % 2;
	worker->local = port_new(DP_PORT_LOCAL, 0);
	site->set = lane_set_new(site, 0, 1);
	ck_assert(worker->local != NULL && site->set != NULL);
	site->set->lanes[0].number = LANE;
	session_table_add(&worker->lanes, site);

	for (size_t i = 0; i < nitems(datagrams); i++) {
		uint8_t		    data[64] = { 0 };
		struct udp_datagram dgram = { .data = data,
			.len = datagrams[i].len, .path = &path };
		struct port *at = datagrams[i].at_site ? site : worker->local;
		uint64_t     all = count(site) + count(worker->local);
		uint64_t     one = at->counters.drops[datagrams[i].drop];

		lane_header_write(data, datagrams[i].phase, datagrams[i].lane,
		    datagrams[i].session);
		data[LANE_HEADER_LEN] = LANE_TYPE_DATA;
		wire_write_u16(data + 5, LANE_DTLS12_VERSION);
		wire_write_u16(data + 15, 40 - LANE_HEADER_LEN -
			LANE_RECORD_HEADER_LEN);
		receive_datagram(worker, &dgram);
		ck_assert_msg(at->counters.drops[datagrams[i].drop] == one + 1,
		    "%s: not %s", datagrams[i].what,
		    drop_name(datagrams[i].drop));
		ck_assert_uint_eq(count(site) + count(worker->local), all + 1);
	}
	lane_set_free(site->set);
	port_free(site);
	port_free(worker->local);
	free(worker);
}
END_TEST

/* ---- a lane at work ---- */

#define WIRE 16

/* What either end has sent. */
static struct wire {
	struct udp_datagram list[WIRE];
	uint8_t		    data[WIRE][UDP_MAX_LEN];
	unsigned	    n;
} wires[2];

static struct dp       dp = { .nworkers = 1, .mode = DP_TAP,
	      .max_outer = 1500 };
static struct lane    *near, far; /* the worker's, and the site's own */
static struct lane_env far_env;
static struct mailbox  control;
static struct ev_loop *loop;

static void
on_letter(void *arg, struct letter *letter)
{
	(void)arg;
	(void)letter;
}

/* The wire is the batch: nothing goes to the kernel. */
struct udp_datagram *__wrap_udp_reserve(struct udp_batch *batch);
void __wrap_udp_cancel(struct udp_batch *batch);

struct udp_datagram *
__wrap_udp_reserve(struct udp_batch *batch)
{
	struct wire *wire = (struct wire *)(void *)batch;

	ck_assert_uint_lt(wire->n, WIRE);
	wire->list[wire->n].data = wire->data[wire->n];
	return &wire->list[wire->n++];
}

void
__wrap_udp_cancel(struct udp_batch *batch)
{
	((struct wire *)(void *)batch)->n--;
}

static void
env_open(struct lane_env *env, struct wire *wire)
{
	ck_assert_int_eq(lane_env_init(env), 0);
	env->aead = &dp.aead;
	env->max_outer = dp.max_outer;
	env->udp = (struct udp_batch *)(void *)wire;
}

static void
lane_open_at(struct lane *lane, struct lane_env *env, bool leads)
{
	static const struct lane_secret secret = { .session = SESSION };

	lane->session_id = SESSION;
	lane->leads = leads;
	lane->keepalive_us = 10 * MONO_SEC;
	lane->key_limit = UINT64_MAX;
	lane->control = &control;
	lane->up.kind = lane->failed.kind = 1;
	lane_keys_derive(&lane->keys, &secret, 0, 0);
	ck_assert_int_eq(lane_start(lane, env, worker->now), 0);
}

/* All that the site has sent, as if it came from there. */
static void
arrive(const struct udp_path *from)
{
	for (unsigned i = 0; i < wires[1].n; i++) {
		struct udp_datagram dgram = wires[1].list[i];

		dgram.path = from;
		receive_datagram(worker, &dgram);
	}
	wires[1].n = 0;
}

static void
come_up(const struct udp_path *from)
{
	for (unsigned i = 0; i < 10 && far.state != LANE_UP; i++) {
		arrive(from);
		for (unsigned j = 0; j < wires[0].n; j++)
			(void)lane_handshake(&far, wires[0].list[j].data,
			    wires[0].list[j].len, from, worker->now);
		wires[0].n = 0;
	}
	ck_assert_int_eq(far.state, LANE_UP);
	ck_assert_int_eq(near->state, LANE_UP);
	wires[1].n = 0;
}

static void
setup(bool may_tag)
{
	struct addr addr;

	loop = ev_loop_new(0);
	mailbox_open(&control, loop, on_letter, NULL);
	worker = calloc(1, sizeof(*worker));
	site = port_new(2, SESSION);
	ck_assert(worker != NULL && site != NULL);
	aead_init(&dp.aead, false);
	dp.fdb = fdb_new(64, 64, 300);
	worker->dp = &dp;
	worker->now = mono_now();
	worker->local = port_new(DP_PORT_LOCAL, 0);
	worker->frags = frag_pool_new();
	worker->ports[DP_PORT_LOCAL] = worker->local;
	worker->ports[2] = site;
	TAILQ_INIT(&worker->sites);
	TAILQ_INSERT_TAIL(&worker->sites, site, entry);
	merge_init(&worker->device_out, true, 0);
	bridge_init(&worker->bridge, dp.fdb, worker->ports, dp.blocked);
	site->may_tag = may_tag;
	site->set = lane_set_new(site, 0, 1);
	ck_assert(dp.fdb != NULL && worker->local != NULL &&
	    worker->frags != NULL && site->set != NULL);
	session_table_add(&worker->lanes, site);
	env_open(&worker->env, &wires[0]);
	env_open(&far_env, &wires[1]);
	near = &site->set->lanes[0];
	near->frag_owner = FRAG_OWNER(2, 1);
	far = (struct lane) { .fd = -1 };
	ck_assert(addr_parse(&addr, "192.0.2.1"));
	far.path.remote = endpoint_make(&addr, 55555);
	lane_open_at(near, &worker->env, false);
	lane_open_at(&far, &far_env, true);
	come_up(&far.path);
}

static void
teardown(void)
{
	mailbox_close(&control);
	lane_stop(near);
	lane_stop(&far);
	lane_env_fini(&worker->env);
	lane_env_fini(&far_env);
	lane_set_free(site->set);
	frag_pool_free(worker->frags);
	fdb_free(dp.fdb);
	aead_fini(&dp.aead);
	port_free(site);
	port_free(worker->local);
	free(worker);
	ev_loop_destroy(loop);
}

#define ADDRESSES "\x02\0\0\0\0\x01\x02\0\0\0\0\x02"

/* An item of a frame of 60 bytes, and its length. */
static size_t
put_frame(uint8_t *dst, uint32_t tag)
{
	struct frame frame = { .len = 60 };
	size_t n = tag != 0 ? item_put_tagged(dst, &frame, tag) :
			      item_put_frame(dst, &frame);

	memset(dst + n, 0x5a, 60);
	memcpy(dst + n, ADDRESSES "\x88\xb5", 14);
	return n + 60;
}

static void
record_arrives(const uint8_t *plain, size_t len)
{
	ck_assert_int_eq(lane_seal(&far, plain, len), DROP_NONE);
	arrive(&far.path);
}

/* The next one on its way to the device. */
static void
expect_frame(unsigned i, const void *head, size_t head_len, size_t len)
{
	const struct frame *frame = &worker->device_out.frames[i];

	ck_assert_uint_gt(worker->device_out.n, i);
	ck_assert_uint_eq(frame->len, len);
	ck_assert_mem_eq(frame->data, head, head_len);
	for (size_t j = head_len; j < len; j++)
		ck_assert_uint_eq(frame->data[j], 0x5a);
}

START_TEST(a_tag_beside_a_frame_goes_where_frames_have_it)
{
	uint8_t plain[256] = { 0x80, 0, 1, 7 }; /* an item of the future */
	size_t	len = 4;

	setup(true);
	len += put_frame(plain + len, 0x8100000a);
	len += put_frame(plain + len, 0);
	len += put_frame(plain + len, 0x88a80fff);
	record_arrives(plain, len);
	expect_frame(0, ADDRESSES "\x81\0\0\x0a\x88\xb5", 18, 64);
	expect_frame(1, ADDRESSES "\x88\xb5", 14, 60);
	expect_frame(2, ADDRESSES "\x88\xa8\x0f\xff\x88\xb5", 18, 64);
	ck_assert_uint_eq(worker->device_out.n, 3);
	ck_assert_uint_eq(site->counters.rx_frames, 3);
	/* But for that of the future. */
	ck_assert_uint_eq(count(site), 1);
	ck_assert_uint_eq(site->counters.drops[DROP_BAD_ITEM], 1);
	teardown();
}
END_TEST

START_TEST(in_pieces_it_keeps_its_tag)
{
	uint8_t whole[128], plain[128];
	size_t	len, at = 30, n;

	setup(true);
	len = put_frame(whole, 0x8100000a);
	n = item_put_fragment(plain, 0, 1, 0, (uint16_t)at);
	memcpy(plain + n, whole, at);
	record_arrives(plain, n + at);
	ck_assert_uint_eq(worker->device_out.n, 0);
	n = item_put_fragment(plain, ITEM_FRAGMENT_LAST, 1, (uint16_t)at,
	    (uint16_t)(len - at));
	memcpy(plain + n, whole + at, len - at);
	record_arrives(plain, n + len - at);
	expect_frame(0, ADDRESSES "\x81\0\0\x0a\x88\xb5", 18, 64);
	ck_assert_uint_eq(count(site), 0);
	teardown();
}
END_TEST

START_TEST(a_tag_that_was_not_agreed_on_is_dropped_alone)
{
	uint8_t plain[256];
	size_t	len;

	setup(false);
	len = put_frame(plain, 0x8100000a);
	len += put_frame(plain + len, 0);
	record_arrives(plain, len);
	expect_frame(0, ADDRESSES "\x88\xb5", 14, 60);
	ck_assert_uint_eq(worker->device_out.n, 1);
	ck_assert_uint_eq(site->counters.drops[DROP_BAD_ITEM], 1);
	ck_assert_uint_eq(count(site), 1);
	teardown();
}
END_TEST

UNIT_MAIN("receive", what_is_no_lanes_is_dropped_by_its_name,
    a_tag_beside_a_frame_goes_where_frames_have_it, in_pieces_it_keeps_its_tag,
    a_tag_that_was_not_agreed_on_is_dropped_alone)
