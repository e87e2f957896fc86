/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Two lanes, a client's and a server's, with a wire of memory between them
 * that can lose, repeat and spoil datagrams.
 */
#include <arpa/inet.h>

#include "datapath/lane/lane.h"
#include "datapath/lane/lane_path.h"
#include "unit.h"

#define WIRE_SIZE 256

struct wire {
	struct udp_datagram list[WIRE_SIZE];
	uint8_t		    data[WIRE_SIZE][UDP_MAX_LEN];
	unsigned	    n;
};

struct end {
	struct lane_env env;
	struct lane	lane;
	struct wire	out;
	struct udp_path as; /* what the other end sees as our address */
	uint8_t		in[UDP_MAX_LEN]; /* a datagram, opened in place */
	uint8_t	       *plain;
	size_t		plain_len;
	unsigned	asked;	 /* ECHOs that came */
	struct item	question; /* the last of them */
	size_t		longest; /* datagram it sent */
	struct aead	aead;
};

static struct mailbox control;
static struct ev_loop *loop;

static void
on_letter(void *arg, struct letter *letter)
{
}

/* The wire is the batch: nothing goes to the kernel. */
struct udp_datagram *__wrap_udp_reserve(struct udp_batch *batch);
void __wrap_udp_cancel(struct udp_batch *batch);

struct udp_datagram *
__wrap_udp_reserve(struct udp_batch *batch)
{
	struct wire	    *wire = (struct wire *)(void *)batch;
	struct udp_datagram *dgram = &wire->list[wire->n];

	ck_assert_uint_lt(wire->n, WIRE_SIZE);
	dgram->data = wire->data[wire->n++];
	return dgram;
}

void
__wrap_udp_cancel(struct udp_batch *batch)
{
	((struct wire *)(void *)batch)->n--;
}

static struct end *
end_new(bool client, const struct lane_secret *secret)
{
	struct end *end = calloc(1, sizeof(*end));
	struct addr addr;

	ck_assert_ptr_nonnull(end);
	ck_assert_int_eq(lane_env_init(&end->env), 0);
	aead_init(&end->aead, false);
	end->env.aead = &end->aead;
	end->env.udp = (struct udp_batch *)(void *)&end->out;
	end->env.max_outer = 1500;
	lane_keys_derive(&end->lane.keys, secret, 0, 3);
	end->lane.session_id = secret->session;
	end->lane.number = 3;
	end->lane.leads = client;
	end->lane.keepalive_us = 10 * MONO_SEC;
	end->lane.control = &control;
	end->lane.up.kind = end->lane.failed.kind = 1;
	ck_assert(addr_parse(&addr, client ? "192.0.2.1" : "192.0.2.2"));
	end->as.remote = endpoint_make(&addr, 55555);
	return end;
}

static void
end_free(struct end *end)
{
	lane_stop(&end->lane);
	lane_env_fini(&end->env);
	aead_fini(&end->aead);
	free(end);
}

/* A pair that shares keys; `spoil` is XORed into the server's PSK. */
static void
pair_new(struct end **client, struct end **server, uint8_t spoil)
{
	struct lane_share  a, b;
	struct lane_secret x, y;
	uint8_t		   exporter[32] = { 1 }, transcript[32] = { 2 };
	uint8_t		   psk[LANE_KEYS_PSK] = { 3 };

	loop = ev_loop_new(0);
	mailbox_open(&control, loop, on_letter, NULL);
	lane_keys_share_new(&a);
	lane_keys_share_new(&b);
	uint8_t a_public[32], b_public[32];
	memcpy(a_public, a.public_key, 32);
	memcpy(b_public, b.public_key, 32);
	ck_assert(lane_keys_agree(&x, &a, b_public, psk, exporter, transcript,
	    7));
	ck_assert(lane_keys_agree(&y, &b, a_public, psk, exporter, transcript,
	    7));
	ck_assert_mem_eq(&x, &y, sizeof(x));
	*client = end_new(true, &x);
	*server = end_new(false, &y);
	(*server)->lane.keys.psk[0] ^= spoil;
	(*client)->lane.path.remote = (*server)->as.remote;
}

static void
pair_free(struct end *client, struct end *server)
{
	mailbox_close(&control); /* the letters lie in the lanes */
	end_free(client);
	end_free(server);
	ev_loop_destroy(loop);
}

/* One datagram arrives at `to`. */
static enum drop
arrive(struct end *to, const uint8_t *data, size_t len,
    const struct udp_path *from, struct mono now)
{
	struct lane_header hdr;
	enum drop	   drop;

	if (lane_header_read(&hdr, data, len) < 0)
		return DROP_MALFORMED;
	if (hdr.type != LANE_TYPE_DATA)
		return lane_handshake(&to->lane, data, len, from, now);
	memcpy(to->in, data, len);
	drop = lane_open(&to->lane, &hdr, to->in, len, from, &to->plain,
	    &to->plain_len, now);
	for (size_t pos = 0; drop == DROP_NONE && pos < to->plain_len;) {
		struct item item;

		if (!item_next(to->plain, to->plain_len, &pos, &item))
			break;
		if (item.type == ITEM_ECHO &&
		    (item.flags & ITEM_ECHO_REPLY) == 0)
			to->asked++, to->question = item;
		if (item.type == ITEM_ECHO)
			lane_path_echo(&to->lane, &item, from, now);
	}
	return drop;
}

/* Everything `from` has sent arrives, but for `loss` in 100. */
static void
carry(struct end *from, struct end *to, unsigned loss, uint64_t *seed,
    struct mono now)
{
	struct wire *wire;

	if (from->out.n == 0)
		return;
	wire = malloc(sizeof(*wire));
	ck_assert_ptr_nonnull(wire);
	*wire = from->out;
	from->out.n = 0;
	for (unsigned i = 0; i < wire->n; i++) {
		if (unit_below(seed, 100) >= loss)
			arrive(to, wire->data[i], wire->list[i].len, &from->as,
			    now);
	}
	free(wire);
}

static bool
both_up(const struct end *client, const struct end *server)
{
	return client->lane.state == LANE_UP && server->lane.confirmed;
}

/*
 * Lets the handshake run in the protocol's own time; the real clock stands
 * behind it, because GnuTLS reads that for its retransmission.
 */
static bool
come_up(struct end *client, struct end *server, unsigned loss, uint64_t *seed)
{
	struct mono start = mono_now(), now = start;

	ck_assert_int_eq(lane_start(&server->lane, &server->env, now), 0);
	ck_assert_int_eq(lane_start(&client->lane, &client->env, now), 0);
	while (!both_up(client, server) &&
	    mono_sub(now, start) < 20 * MONO_SEC) {
		carry(client, server, loss, seed, now);
		carry(server, client, loss, seed, now);
		lane_tick(&client->lane, now);
		lane_tick(&server->lane, now);
		if (client->out.n == 0 && server->out.n == 0) {
			struct timespec pause = { 0, 5000000 };

			nanosleep(&pause, NULL);
		}
		now = mono_now();
	}
	return both_up(client, server);
}

static size_t
frame_item(uint8_t *dst, size_t len, uint8_t fill)
{
	size_t header = item_put_frame(dst, &(struct frame) { .len = len });

	memset(dst + header, fill, len);
	return header + len;
}

START_TEST(lanes_come_up_whatever_is_lost)
{
	static const unsigned losses[] = { 0, 10, 30, 50 };
	uint64_t	      seed = 1;

	for (size_t i = 0; i < nitems(losses); i++) {
		struct end *client, *server;

		pair_new(&client, &server, 0);
		ck_assert_msg(come_up(client, server, losses[i], &seed),
		    "%u %% lost each way", losses[i]);
		pair_free(client, server);
	}
}
END_TEST

START_TEST(another_key_never_comes_up)
{
	struct end *client, *server;
	uint64_t    seed = 2;
	struct mono now = mono_now();

	pair_new(&client, &server, 1);
	ck_assert_int_eq(lane_start(&server->lane, &server->env, now), 0);
	ck_assert_int_eq(lane_start(&client->lane, &client->env, now), 0);
	for (int i = 0; i < 20; i++) {
		carry(client, server, 0, &seed, now);
		carry(server, client, 0, &seed, now);
	}
	ck_assert(!server->lane.confirmed);
	ck_assert_int_ne(server->lane.state, LANE_UP);
	pair_free(client, server);
}
END_TEST

START_TEST(a_handshake_record_without_the_seal_is_dropped)
{
	struct end *client, *server;
	struct mono now = mono_now();
	static uint8_t data[UDP_MAX_LEN];
	size_t	    len;

	pair_new(&client, &server, 0);
	ck_assert_int_eq(lane_start(&server->lane, &server->env, now), 0);
	ck_assert_int_eq(lane_start(&client->lane, &client->env, now), 0);
	ck_assert_uint_gt(client->out.n, 0);
	len = client->out.list[0].len;
	for (size_t i = 0; i < len; i++) {
		memcpy(data, client->out.data[0], len);
		data[i] ^= 0x40;
		ck_assert_msg(arrive(server, data, len, &client->as, now) !=
			DROP_NONE,
		    "byte %zu flipped", i);
	}
	ck_assert_uint_eq(server->out.n, 0);
	ck_assert_uint_eq(server->lane.path.remote.len, 0);
	pair_free(client, server);
}
END_TEST

START_TEST(data_is_delivered_once_and_unchanged)
{
	struct end *client, *server;
	uint64_t    seed = 3;
	static uint8_t item[1500], copy[UDP_MAX_LEN];
	size_t	    len, n;
	struct mono now;

	pair_new(&client, &server, 0);
	ck_assert(come_up(client, server, 0, &seed));
	now = mono_now();
	client->out.n = 0;
	len = frame_item(item, 1000, 0xa5);
	ck_assert_int_eq(lane_seal(&client->lane, item, len), DROP_NONE);
	ck_assert_uint_eq(client->out.n, 1);
	n = client->out.list[0].len;
	ck_assert_uint_eq(n, len + client->lane.overhead);
	for (size_t i = 0; i < n; i++) {
		memcpy(copy, client->out.data[0], n);
		copy[i] ^= 1;
		/* Byte 0: the lane's number is the worker's to look at. */
		if (i < LANE_HEADER_LEN)
			continue;
		ck_assert_msg(arrive(server, copy, n, &client->as, now) !=
			DROP_NONE,
		    "byte %zu flipped", i);
	}
	for (size_t i = 0; i < n; i++)
		ck_assert_int_ne(arrive(server, client->out.data[0], i,
				     &client->as, now), DROP_NONE);
	ck_assert_int_eq(arrive(server, client->out.data[0], n, &client->as,
			     now), DROP_NONE);
	ck_assert_uint_eq(server->plain_len, len);
	ck_assert_mem_eq(server->plain, item, len);
	ck_assert_int_eq(arrive(server, client->out.data[0], n, &client->as,
			     now), DROP_REPLAYED);
	ck_assert_int_ne(arrive(client, client->out.data[0], n, &server->as,
			     now), DROP_NONE);
	pair_free(client, server);
}
END_TEST

START_TEST(the_peer_moves_only_when_the_new_path_answers)
{
	struct end     *client, *server;
	uint64_t	seed = 4;
	uint8_t		item[100];
	struct udp_path thief, home;
	struct addr	addr;
	struct mono	now;

	pair_new(&client, &server, 0);
	ck_assert(come_up(client, server, 0, &seed));
	carry(client, server, 0, &seed, mono_now());
	carry(server, client, 0, &seed, mono_now());
	client->out.n = server->out.n = 0;
	now = mono_now();
	home = server->lane.path;

	/* A thief sends a fresh record of ours from its own address. */
	ck_assert(addr_parse(&addr, "203.0.113.9"));
	thief = client->as;
	thief.remote = endpoint_make(&addr, 4000);
	lane_seal(&client->lane, item, frame_item(item, 50, 1));
	ck_assert_int_eq(arrive(server, client->out.data[0],
			     client->out.list[0].len, &thief, now), DROP_NONE);
	ck_assert(endpoint_is_equal(&server->lane.path.remote, &home.remote));
	ck_assert_uint_eq(server->out.n, 1);
	ck_assert(endpoint_is_equal(&server->out.list[0].path->remote,
	    &thief.remote));
	ck_assert_uint_le(server->out.list[0].len,
	    3 * client->out.list[0].len);

	/* The client really moved: its answer comes from there. */
	client->out.n = 0;
	client->as = thief;
	carry(server, client, 0, &seed, now);
	carry(client, server, 0, &seed, now);
	ck_assert(endpoint_is_equal(&server->lane.path.remote, &thief.remote));
	ck_assert_uint_eq(server->lane.moves, 1);
	pair_free(client, server);
}
END_TEST

START_TEST(the_path_size_is_found)
{
	struct end *client, *server;
	uint64_t    seed = 5;

	pair_new(&client, &server, 0);
	ck_assert(come_up(client, server, 0, &seed));
	for (int i = 0; i < 20; i++) {
		lane_tick(&client->lane, mono_now());
		carry(client, server, 0, &seed, mono_now());
		carry(server, client, 0, &seed, mono_now());
	}
	ck_assert_uint_eq(client->lane.pmtu.current, 1472);
	ck_assert_uint_eq(lane_capacity(&client->lane), 1431);
	ck_assert_int_gt(client->lane.rtt_us, 0);
	pair_free(client, server);
}
END_TEST

static void
send_all(struct end *from, struct end *to, struct mono now)
{
	uint64_t seed = 5;

	for (unsigned i = 0; i < from->out.n; i++) {
		if (from->out.list[i].len > from->longest)
			from->longest = from->out.list[i].len;
	}
	carry(from, to, 0, &seed, now);
}

/* Time passes; counts questions and finds the longest datagram of each. */
static struct mono
pass(struct end *client, struct end *server, int sec, struct mono now)
{
	struct mono end = mono_add(now, sec * MONO_SEC);

	client->asked = server->asked = 0;
	client->longest = server->longest = 0;
	while (now.us < end.us) {
		struct mono at = now = mono_add(now, 250 * MONO_MS);

		lane_tick(&client->lane, now);
		lane_tick(&server->lane, now);
		/* Questions, then answers to them. */
		for (int i = 0; i < 2; i++) {
			at = mono_add(at, 5 * MONO_MS);
			send_all(client, server, at);
			send_all(server, client, at);
		}
	}
	return now;
}

START_TEST(a_lane_that_nobody_uses_carries_little)
{
	struct end *client, *server;
	uint64_t    seed = 5;
	struct mono now;

	pair_new(&client, &server, 0);
	ck_assert(come_up(client, server, 0, &seed));
	now = pass(client, server, 1, mono_now());
	ck_assert_int_gt(server->lane.rtt_us, 0);
	now = pass(client, server, 19, now);
	ck_assert_uint_eq(server->lane.pmtu.current, 1472);
	now = pass(client, server, 400, now);
	ck_assert_uint_ge(server->asked, 38);
	ck_assert_uint_le(server->asked, 40);
	ck_assert_uint_ge(client->asked, 9);
	ck_assert_uint_le(client->asked, 10);
	ck_assert_uint_lt(client->longest, 100);
	ck_assert_uint_lt(server->longest, 100);
	/* Who sends by it confirms its size. */
	lane_use(&server->lane);
	pass(client, server, 1, now);
	ck_assert_uint_eq(server->longest, 1472);
	ck_assert_uint_lt(client->longest, 100);
	pair_free(client, server);
}
END_TEST

static void
server_up_client_waits(struct end *client, struct end *server, uint64_t *seed,
    struct mono now)
{
	ck_assert_int_eq(lane_start(&server->lane, &server->env, now), 0);
	ck_assert_int_eq(lane_start(&client->lane, &client->env, now), 0);
	for (int i = 0; i < 20 && server->lane.state != LANE_UP; i++) {
		carry(client, server, 0, seed, now);
		if (server->lane.state != LANE_UP)
			carry(server, client, 0, seed, now);
	}
	ck_assert_int_eq(server->lane.state, LANE_UP);
	ck_assert(!server->lane.confirmed);
}

/*
 * A key has one user: the session is gone as soon as it is taken, what is
 * repeated of the handshake are copies, and our numbers come behind theirs.
 * Until a server is confirmed it seals nothing.
 */
START_TEST(no_number_is_used_twice)
{
	struct end	  *client, *server;
	uint64_t	   seed = 7, last = 0;
	uint8_t		   item[100];
	size_t		   len = frame_item(item, 50, 1);
	struct lane_header hdr;
	struct mono	   now = mono_now();
	unsigned	   repeated = 0;

	pair_new(&client, &server, 0);
	server_up_client_waits(client, server, &seed, now);
	ck_assert_ptr_null(server->lane.session);
	ck_assert_int_eq(lane_seal(&server->lane, item, len), DROP_NO_LANE);
	for (int i = 0; i < 5; i++) {
		for (unsigned d = 0; d < server->out.n; d++) {
			ck_assert_int_eq(lane_header_read(&hdr,
					     server->out.data[d],
					     server->out.list[d].len), 0);
			if (hdr.epoch != 1)
				continue;
			ck_assert(repeated == 0 || hdr.seq == last);
			last = hdr.seq;
			repeated++;
		}
		server->out.n = 0;
		now = mono_add(now, MONO_SEC);
		lane_tick(&client->lane, now);
		carry(client, server, 0, &seed, now);
		lane_tick(&server->lane, now);
	}
	ck_assert_uint_gt(repeated, 1);
	carry(server, client, 0, &seed, now);
	ck_assert_int_eq(client->lane.state, LANE_UP);
	ck_assert_ptr_null(client->lane.session);
	ck_assert_int_eq(lane_seal(&client->lane, item, len), DROP_NONE);
	carry(client, server, 0, &seed, now);
	ck_assert(server->lane.confirmed);
	server->out.n = 0;
	ck_assert_int_eq(lane_seal(&server->lane, item, len), DROP_NONE);
	ck_assert_int_eq(lane_header_read(&hdr, server->out.data[0],
			     server->out.list[0].len), 0);
	ck_assert_uint_gt(hdr.seq, last);
	pair_free(client, server);
}
END_TEST

/* PROTOCOL 5.4. */
START_TEST(a_key_has_its_limit)
{
	struct end *client, *server;
	uint64_t    seed = 8;
	static uint8_t item[UDP_MAX_LEN];
	size_t	    len;

	pair_new(&client, &server, 0);
	ck_assert(come_up(client, server, 0, &seed));
	client->out.n = 0;
	len = UDP_MAX_LEN - client->lane.overhead + 1;
	ck_assert_int_eq(lane_seal(&client->lane, item, len), DROP_SEAL);
	ck_assert_uint_eq(client->out.n, 0);
	ck_assert_int_eq(lane_seal(&client->lane, item, len - 1), DROP_NONE);
	ck_assert_uint_eq(client->out.n, 1);

	len = frame_item(item, 50, 1);
	/* Two bytes of header and 50 more: five blocks, and one a record. */
	client->lane.blocks = (UINT64_C(1) << LANE_MAX_PACKET_EXP) - 7;
	ck_assert_int_eq(lane_seal(&client->lane, item, len), DROP_NONE);
	ck_assert_uint_eq(client->out.n, 2);
	ck_assert_int_eq(lane_seal(&client->lane, item, len), DROP_KEY_LIMIT);
	ck_assert_int_eq(client->lane.state, LANE_FAILED);
	ck_assert_int_eq(lane_seal(&client->lane, item, len), DROP_NO_LANE);
	ck_assert_uint_eq(client->out.n, 2);
	pair_free(client, server);
}
END_TEST

/* A server's last flight is kept until it is confirmed. */
START_TEST(one_that_failed_sends_nothing_again)
{
	struct end *client, *server;
	uint64_t    seed = 6;
	uint8_t	    item[100];
	size_t	    len = frame_item(item, 50, 1);
	struct mono now = mono_now();

	pair_new(&client, &server, 0);
	server_up_client_waits(client, server, &seed, now);
	server->out.n = 0;
	for (int ms = 0; ms <= 1000; ms += 20)
		lane_tick(&server->lane, mono_add(now, ms * MONO_MS));
	ck_assert_uint_gt(server->out.n, 0);
	/* One forgery more than a key may see. */
	server->lane.forgeries = (UINT64_C(1) << LANE_MAX_PACKET_EXP) - 1;
	carry(server, client, 0, &seed, now);
	client->out.n = 0;
	ck_assert_int_eq(lane_seal(&client->lane, item, len), DROP_NONE);
	client->out.data[0][client->out.list[0].len - 1] ^= 1;
	carry(client, server, 0, &seed, now);
	ck_assert_int_eq(server->lane.state, LANE_FAILED);
	server->out.n = 0;
	for (int ms = 1000; ms <= 3000; ms += 20)
		lane_tick(&server->lane, mono_add(now, ms * MONO_MS));
	ck_assert_uint_eq(server->out.n, 0);
	pair_free(client, server);
}
END_TEST

/* ------------------------------------------- where a server thinks it is */

static struct udp_path
path_at(const char *text, uint16_t port)
{
	struct udp_path path = { .fd = 0 };
	struct addr	addr;

	ck_assert(addr_parse(&addr, text));
	path.remote = endpoint_make(&addr, port);
	return path;
}

static bool
is_at(const struct udp_path *path, const struct udp_path *where)
{
	return endpoint_is_equal(&path->remote, &where->remote);
}

/* How many bytes `end` has queued for `where`, all of them without it. */
static size_t
bytes_for(const struct end *end, const struct udp_path *where)
{
	size_t bytes = 0;

	for (unsigned i = 0; i < end->out.n; i++) {
		if (where == NULL || is_at(end->out.list[i].path, where))
			bytes += end->out.list[i].len;
	}
	return bytes;
}

/* What the hub has sent arrives, but for what goes to `except`. */
static void
carry_back(struct end *server, struct end *client,
    const struct udp_path *except, struct mono now)
{
	static struct wire wire;

	if (server->out.n == 0)
		return;
	wire = server->out;
	server->out.n = 0;
	for (unsigned i = 0; i < wire.n; i++) {
		if (except == NULL || !is_at(wire.list[i].path, except))
			arrive(client, wire.data[i], wire.list[i].len,
			    &server->as, now);
	}
}

/* An end that answers nobody there is sent three times what came from there. */
static void
aim(bool flight_1, bool flight_2, bool heard)
{
	struct end     *client, *server;
	struct udp_path home, victim = path_at("198.51.100.66", 53);
	struct mono	now = mono_now();
	size_t		from = 0, to = 0;
	uint64_t	seed = 1;
	uint8_t		item[1400];

	pair_new(&client, &server, 0);
	home = client->as;
	ck_assert_int_eq(lane_start(&server->lane, &server->env, now), 0);
	ck_assert_int_eq(lane_start(&client->lane, &client->env, now), 0);
	for (unsigned ms = 0; ms < 15000; ms += 20) {
		bool up = client->lane.state == LANE_UP;

		if (ms % 1000 == 0 && up)
			lane_seal(&client->lane, item, frame_item(item,
			    200 + ms / 100, 1));
		client->as = (up ? !heard :
				     ms == 0 ? !flight_1 :
					       !flight_2) ? home : victim;
		if (is_at(&client->as, &victim))
			from += bytes_for(client, NULL);
		carry(client, server, 0, &seed, now);
		/* The site may well hear what went to its true address. */
		to += bytes_for(server, &victim);
		ck_assert_uint_le(to, 3 * from);
		carry_back(server, client, up ? &victim : NULL, now);
		now = mono_add(now, 20 * MONO_MS);
		lane_tick(&server->lane, now);
		if (!up)
			lane_tick(&client->lane, now);
	}
	if (heard) {
		ck_assert(server->lane.confirmed);
		ck_assert(!lane_is_ready(&server->lane));
		ck_assert(SLIST_EMPTY(&server->env.fresh));
		ck_assert(!server->lane.is_up);
	}
	/* As soon as the site is where it can answer it is used. */
	client->as = home;
	for (unsigned i = 0; i < 3; i++) {
		lane_seal(&client->lane, item, frame_item(item, 50, 1));
		carry(client, server, 0, &seed, now);
		carry_back(server, client, &victim, now);
	}
	ck_assert(lane_is_ready(&server->lane));
	ck_assert_ptr_eq(SLIST_FIRST(&server->env.fresh), &server->lane);
	ck_assert(is_at(&server->lane.path, &home));
	pair_free(client, server);
}

START_TEST(a_first_path_is_proven_before_it_is_used)
{
	for (unsigned way = 1; way < 8; way++)
		aim((way & 1) != 0, (way & 2) != 0, (way & 4) != 0);
}
END_TEST

/* New keys go on where the old ones were; but not if they came from elsewhere. */
START_TEST(new_keys_do_not_make_another_path_proven)
{
	for (unsigned elsewhere = 0; elsewhere < 2; elsewhere++) {
		struct end     *client, *server;
		struct udp_path home;
		struct mono	now = mono_now();
		uint64_t	seed = 1;
		uint8_t		item[100];

		pair_new(&client, &server, 0);
		home = server->lane.path = client->as;
		pmtu_init(&server->lane.pmtu, 1472, now);
		server->lane.inherits = true;
		if (elsewhere)
			client->as = path_at("198.51.100.66", 53);
		server_up_client_waits(client, server, &seed, now);
		carry_back(server, client, NULL, now);
		lane_seal(&client->lane, item, frame_item(item, 50, 1));
		carry(client, server, 0, &seed, now);
		ck_assert(server->lane.confirmed);
		ck_assert_uint_eq(lane_is_ready(&server->lane), !elsewhere);
		ck_assert_uint_eq(is_at(&server->lane.path, &home), !elsewhere);
		pair_free(client, server);
	}
}
END_TEST

START_TEST(a_record_has_one_answer)
{
	struct end *client, *server;
	struct mono now;
	uint64_t    seed = 1;
	uint8_t	    items[1400];
	size_t	    len = 0;

	pair_new(&client, &server, 0);
	ck_assert(come_up(client, server, 0, &seed));
	now = mono_now();
	carry(client, server, 0, &seed, now);
	carry(server, client, 0, &seed, now);
	carry(client, server, 0, &seed, now);
	server->out.n = 0;
	for (uint64_t id = 0; len + ITEM_ECHO_LEN <= sizeof(items); id++)
		len += item_put_echo(items + len, ITEM_ECHO_LEN,
		    id % 2 != 0 ? ITEM_ECHO_PATH : 0, id, 0);
	lane_seal(&client->lane, items, len);
	carry(client, server, 0, &seed, now);
	ck_assert_uint_eq(server->out.n, 1);
	/* And the next one again. */
	lane_seal(&client->lane, items, ITEM_ECHO_LEN);
	carry(client, server, 0, &seed, now);
	ck_assert_uint_eq(server->out.n, 2);
	pair_free(client, server);
}
END_TEST

/* ------------------------------------------------- copies, and other ports */

enum happy_eyeballs { FIRST_AHEAD, ALL_AHEAD, ALL_BEHIND, FIRST_BEHIND,
    REBOUND };

/* The client's handshake, and what somebody on its way makes of it. */
static void
race(enum happy_eyeballs how)
{
	struct end     *client, *server;
	struct udp_path thief = path_at("203.0.113.9", 4000), home;
	struct mono	now = mono_now();
	static struct wire wire;

	pair_new(&client, &server, 0);
	home = client->as;
	ck_assert_int_eq(lane_start(&server->lane, &server->env, now), 0);
	ck_assert_int_eq(lane_start(&client->lane, &client->env, now), 0);
	for (unsigned round = 0; round < 50 && !both_up(client, server);
	    round++) {
		bool first = round == 0;

		wire = client->out;
		client->out.n = 0;
		for (unsigned i = 0; i < wire.n; i++) {
			if (how == ALL_AHEAD || (how == FIRST_AHEAD && first))
				arrive(server, wire.data[i], wire.list[i].len,
				    &thief, now);
			arrive(server, wire.data[i], wire.list[i].len, &home,
			    now);
			if (how == ALL_BEHIND || (how == FIRST_BEHIND && first))
				arrive(server, wire.data[i], wire.list[i].len,
				    &thief, now);
		}
		/* The flight went out by a port that its NAT has forgotten. */
		if (how == REBOUND && server->lane.state == LANE_UP &&
		    endpoint_port(&home.remote) == 55555)
			home = path_at("192.0.2.1", 7);
		wire = server->out;
		server->out.n = 0;
		for (unsigned i = 0; i < wire.n; i++) {
			if (is_at(wire.list[i].path, &home))
				arrive(client, wire.data[i], wire.list[i].len,
				    &server->as, now);
		}
		now = mono_add(now, 100 * MONO_MS);
		lane_tick(&client->lane, now);
		lane_tick(&server->lane, now);
	}
	ck_assert_msg(both_up(client, server), "race %u", how);
	pair_free(client, server);
}

START_TEST(a_copy_of_a_handshake_does_not_stop_it)
{
	for (enum happy_eyeballs how = FIRST_AHEAD; how <= REBOUND; how++)
		race(how);
}
END_TEST

/*
 * A client that moved, and a thief who is faster with every second record, and
 * with the first of each quarter of a second.
 */
START_TEST(copies_of_data_do_not_keep_a_move_waiting)
{
	struct end     *client, *server;
	struct udp_path thief = path_at("203.0.113.9", 4000);
	struct mono	now;
	uint64_t	seed = 1;
	uint8_t		item[100];
	static struct wire wire;

	pair_new(&client, &server, 0);
	ck_assert(come_up(client, server, 0, &seed));
	now = mono_now();
	for (unsigned i = 0; i < 3; i++) {
		carry(client, server, 0, &seed, now);
		carry(server, client, 0, &seed, now);
	}
	client->out.n = server->out.n = 0;
	client->as = path_at("192.0.2.99", 7);
	for (unsigned n = 0; n < 100; n++) {
		bool raced = n % 2 == 0 || n % 12 == 1;

		now = mono_add(now, 20 * MONO_MS);
		thief.remote = endpoint_make(&(struct addr) { AF_INET,
		    { 203, 0, 113, (uint8_t)n } }, 4000);
		lane_seal(&client->lane, item, frame_item(item, 50, 1));
		wire = client->out;
		client->out.n = 0;
		for (unsigned i = 0; i < wire.n; i++) {
			if (raced)
				arrive(server, wire.data[i], wire.list[i].len,
				    &thief, now);
			arrive(server, wire.data[i], wire.list[i].len,
			    &client->as, now);
		}
		carry_back(server, client, &thief, now);
		carry(client, server, 0, &seed, now);
		if (is_at(&server->lane.path, &client->as))
			break;
	}
	ck_assert(is_at(&server->lane.path, &client->as));
	pair_free(client, server);
}
END_TEST

/* What one address was asked is no answer from another. */
START_TEST(an_answer_from_elsewhere_moves_nothing)
{
	struct end     *client, *server;
	struct udp_path thief = path_at("203.0.113.9", 4000);
	struct mono	now;
	uint64_t	seed = 1;
	uint8_t		item[100];

	pair_new(&client, &server, 0);
	ck_assert(come_up(client, server, 0, &seed));
	now = mono_now();
	for (unsigned i = 0; i < 3; i++) {
		carry(client, server, 0, &seed, now);
		carry(server, client, 0, &seed, now);
	}
	client->out.n = server->out.n = 0;
	client->as = path_at("192.0.2.99", 7);
	lane_seal(&client->lane, item, frame_item(item, 50, 1));
	carry(client, server, 0, &seed, now);
	carry(server, client, 0, &seed, now);
	/* The client's answer, by the thief; and then what is left of it. */
	ck_assert_uint_gt(client->out.n, 0);
	client->as = thief;
	carry(client, server, 0, &seed, now);
	ck_assert(!is_at(&server->lane.path, &thief));
	ck_assert_uint_eq(server->lane.moves, 0);
	pair_free(client, server);
}
END_TEST

/* `from` seems to have heard that question just now. */
static void
answer_again(struct end *from, struct end *to, const struct item *question,
    uint64_t timestamp, struct mono now)
{
	uint8_t	 item[ITEM_ECHO_LEN];
	uint64_t seed = 1;

	from->out.n = 0;
	lane_seal(&from->lane, item, item_put_echo(item, ITEM_ECHO_LEN,
	    question->flags | ITEM_ECHO_REPLY, question->id, timestamp));
	carry(from, to, 0, &seed, now);
}

/* The client goes there, and proves it. */
static void
move(struct end *client, struct end *server, const struct udp_path *there,
    struct mono now)
{
	uint64_t seed = 1;
	uint8_t	 item[100];

	client->as = *there;
	client->out.n = server->out.n = 0;
	lane_seal(&client->lane, item, frame_item(item, 50, 1));
	carry(client, server, 0, &seed, now);
	carry(server, client, 0, &seed, now);
	ck_assert_uint_ne(client->question.flags & ITEM_ECHO_PATH, 0);
	carry(client, server, 0, &seed, now);
	server->out.n = 0;
	ck_assert(is_at(&server->lane.path, there));
}

/* Who was there once cannot say that he is there again, with any time. */
START_TEST(an_answer_is_worth_nothing_later)
{
	struct udp_path there = path_at("192.0.2.99", 7), home;
	uint64_t	seed = 1;

	for (int sec = 10; sec <= 1000; sec *= 10) {
		struct end *client, *server;
		struct item old;
		struct mono now, then;

		pair_new(&client, &server, 0);
		ck_assert(come_up(client, server, 0, &seed));
		then = now = mono_now();
		home = client->as;
		move(client, server, &there, now);
		old = client->question;
		/* At once it is an answer like any other. */
		now = mono_add(now, 2 * MONO_SEC);
		move(client, server, &home, now);
		client->as = there;
		answer_again(client, server, &old, old.timestamp, now);
		ck_assert(is_at(&server->lane.path, &there));
		now = mono_add(now, 2 * MONO_SEC);
		move(client, server, &home, now);

		now = mono_add(then, sec * MONO_SEC);
		client->as = there;
		answer_again(client, server, &old, old.timestamp, now);
		answer_again(client, server, &old, (uint64_t)now.us, now);
		answer_again(client, server, &old, (uint64_t)now.us - 9, now);
		answer_again(client, server, &old, UINT64_MAX, now);
		answer_again(client, server, &old, UINT64_C(1) << 63, now);
		ck_assert(is_at(&server->lane.path, &home));
		pair_free(client, server);
	}
}
END_TEST

/* Nor does a lane carry because it did. */
START_TEST(an_old_answer_does_not_keep_a_lane)
{
	struct end *client, *server;
	struct item old;
	struct mono now;
	uint64_t    seed = 1;

	pair_new(&client, &server, 0);
	ck_assert(come_up(client, server, 0, &seed));
	lane_use(&server->lane);
	now = pass(client, server, 20, mono_now());
	old = client->question;
	ck_assert_uint_gt(client->asked, 0);
	ck_assert(lane_is_usable(&server->lane));
	for (unsigned i = 0; i < 400; i++) {
		now = mono_add(now, 50 * MONO_MS);
		lane_use(&server->lane);
		lane_tick(&server->lane, now);
		server->out.n = 0; /* nobody hears it there */
		answer_again(client, server, &old, old.timestamp, now);
		answer_again(client, server, &old, (uint64_t)now.us, now);
	}
	ck_assert(!lane_is_usable(&server->lane));
	pair_free(client, server);
}
END_TEST

UNIT_MAIN("lane", lanes_come_up_whatever_is_lost, another_key_never_comes_up,
    a_handshake_record_without_the_seal_is_dropped,
    data_is_delivered_once_and_unchanged,
    the_peer_moves_only_when_the_new_path_answers, the_path_size_is_found,
    a_lane_that_nobody_uses_carries_little, no_number_is_used_twice,
    a_key_has_its_limit, one_that_failed_sends_nothing_again,
    a_first_path_is_proven_before_it_is_used,
    new_keys_do_not_make_another_path_proven, a_record_has_one_answer,
    a_copy_of_a_handshake_does_not_stop_it,
    copies_of_data_do_not_keep_a_move_waiting,
    an_answer_from_elsewhere_moves_nothing, an_answer_is_worth_nothing_later,
    an_old_answer_does_not_keep_a_lane)
