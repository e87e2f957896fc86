/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Frames from one device to another, with all that is between: worker, control
 * thread, TLS, and lanes over a relay that can block either direction.
 */
#define KEY_RECORDS 200
#include <sys/mman.h>

#include "control/rekey.h"
#include "control/conn/tcp_frames.h"
#include "dataplane/totals.h"
#include "pair.h"

static void
on_nothing(void *arg)
{
}

static uint64_t key_limit = UINT64_MAX; /* of lanes attached from now on */
static unsigned rekey_needed;

static void
on_rekey_needed(void *arg)
{
	rekey_needed++;
}

static struct conn *
connection(void *arg)
{
	struct side *side = arg;

	return side->ended ? NULL : side->conn;
}

/*
 * Stands between the client's lane and the hub's socket, in our loop; lets
 * pass what it is told to.
 */
struct relay {
	int		   front, back; /* to the client, to the server */
	struct ev_io	   front_io, back_io;
	struct sockaddr_in server, client;
	bool		   to_server, to_client;
};

static struct relay relay;
static bool	    no_memory;

/* Of our own objects, and calloc() alone. */
void *__real_calloc(size_t n, size_t size);
void *__wrap_calloc(size_t n, size_t size);

void *
__wrap_calloc(size_t n, size_t size)
{
	return no_memory ? NULL : __real_calloc(n, size);
}

static int
udp_socket(struct sockaddr_in *bound)
{
	struct sockaddr_in sin = { .sin_family = AF_INET,
		.sin_addr = { htonl(INADDR_LOOPBACK) } };
	socklen_t len = sizeof(sin);
	int	  fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);

	ck_assert_int_ne(fd, -1);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&sin, sizeof(sin)), 0);
	ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&sin, &len), 0);
	if (bound != NULL)
		*bound = sin;
	return fd;
}

static void
on_relay(struct ev_loop *l, struct ev_io *io, int what)
{
	bool		   up = io->fd == relay.front;
	struct sockaddr_in from;
	socklen_t	   len = sizeof(from);
	static uint8_t	   data[65536];
	ssize_t		   n;

	while ((n = recvfrom(io->fd, data, sizeof(data), 0,
		    (struct sockaddr *)&from, &len)) > 0) {
		if (up)
			relay.client = from;
		if (up && relay.to_server)
			sendto(relay.back, data, (size_t)n, 0,
			    (struct sockaddr *)&relay.server,
			    sizeof(relay.server));
		if (!up && relay.to_client)
			sendto(relay.front, data, (size_t)n, 0,
			    (struct sockaddr *)&relay.client,
			    sizeof(relay.client));
	}
}

/* The client's server, as it believes. */
static struct endpoint
relay_open(bool open)
{
	struct sockaddr_in front;
	struct addr	   addr;

	relay.to_server = relay.to_client = open;
	relay.front = udp_socket(&front);
	relay.back = udp_socket(NULL);
	ev_io_init(&relay.front_io, on_relay, relay.front, EV_READ);
	ev_io_init(&relay.back_io, on_relay, relay.back, EV_READ);
	ev_io_start(loop, &relay.front_io);
	ev_io_start(loop, &relay.back_io);
	ck_assert(addr_parse(&addr, "127.0.0.1"));
	return endpoint_make(&addr, ntohs(front.sin_port));
}

static void
relay_close(void)
{
	ev_io_stop(loop, &relay.front_io);
	ev_io_stop(loop, &relay.back_io);
	close(relay.front);
	close(relay.back);
}

/*
 * A data path with one worker; its device is one end of a socket pair.  With a
 * `remote` a lane, too.
 */
static void
attach_hub(struct side *side, bool leads,
    enum conf_transport transport, const struct endpoint *remote)
{
	static const struct dataplane_events	dataplane_events = { on_nothing,
	    on_nothing,
		 on_rekey_needed, on_nothing, connection };
	static const struct lane_secret secret = { .session = 7 };
	int lane = -1, fds[2];
	struct dataplane_attachment attachment = { .name = "berlin",
		.session = 7, .transport = transport, .leads = leads,
		.lanes = transport != CONF_TRANSPORT_TCP, .keepalive_sec = 10,
		.key_limit = key_limit,
		.secret = &secret, .remote = remote };
	int udp = -1;

	if (transport != CONF_TRANSPORT_TCP && !leads)
		udp = udp_socket(&relay.server);
	if (transport != CONF_TRANSPORT_TCP && leads) {
		lane = udp_socket(NULL);
		attachment.fds = &lane;
	}

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0,
			     fds), 0);
	side->device = fds[1];
	side->conf = (struct conf) { .path_mtu = 1500,
		.max_addresses = 64, .max_addresses_per_site = 64,
		.ageing_sec = 300 };
	side->startup = (struct startup_recv) { .conf = &side->conf, .device.mtu = 1500,
		.queues = { fds[0] }, .nqueues = 1, .udp = { udp },
		.nlisteners = udp != -1, .nudp = udp != -1,
		.totals = memfd_create("totals", MFD_CLOEXEC) };
	ck_assert_int_eq(ftruncate(side->startup.totals, REQUEST_TOTALS_SIZE), 0);
	side->hub = dataplane_new(loop, &side->startup, on_nothing, NULL);
	ck_assert_ptr_nonnull(side->hub);
	attachment.port = dataplane_new_port(side->hub);
	side->peer = dataplane_attach(side->hub, &attachment, &dataplane_events,
	    side);
	ck_assert_ptr_nonnull(side->peer);
}

static void
detach_hub(struct side *side)
{
	dataplane_detach(side->peer);
	dataplane_free(side->hub);
	close(side->device);
	close(side->startup.queues[0]);
	close(side->startup.totals);
	if (side->startup.udp[0] != -1)
		close(side->startup.udp[0]);
}

static struct dataplane_peer_health
health_of(const struct side *side)
{
	struct dataplane_peer_health health;

	dataplane_peer_health(side->peer, &health);
	return health;
}

/* The next frame at `to`, or 0 after 5 s. */
static size_t
turn_until_frame(struct side *to, uint8_t *dst, size_t size)
{
	struct mono end = mono_add(mono_now(), 5 * MONO_SEC);
	ssize_t	    n = -1;

	while (n == -1 && mono_now().us < end.us) {
		struct timespec pause = { 0, 1000000 };

		ev_run(loop, EVRUN_NOWAIT);
		n = recv(to->device, dst, size, 0);
		if (n == -1)
			nanosleep(&pause, NULL);
	}
	return n > 0 ? (size_t)n : 0;
}

static void
check_total(struct totals *totals, uint64_t frames)
{
	ck_assert_uint_eq(totals_of(totals, "berlin")->tx_frames, frames);
	ck_assert_uint_eq(totals_of(totals, "berlin")->rx_frames, frames);
	ck_assert_uint_eq(totals_of(totals, "")->rx_frames, frames);
}

/* From the device, through worker, control, TLS, and up again; and back. */
START_TEST(frames_cross_by_tcp)
{
	static const size_t lens[] = { 60, 1514, 9014, 61, 1400 };
	static uint8_t	    in[10000], out[10000];
	struct counters stats;
	struct totals  *totals;
	int		fd;

	log_init(NULL, LOG_LEVEL_ERROR);
	both_up(true);
	attach_hub(&server, false, CONF_TRANSPORT_TCP, NULL);
	attach_hub(&client, true, CONF_TRANSPORT_TCP, NULL);
	for (unsigned i = 0; i < 2 * nitems(lens); i++) {
		struct side *from = i % 2 == 0 ? &client : &server;
		struct side *to = i % 2 == 0 ? &server : &client;
		size_t	     len = lens[i / 2];

		memset(in, (int)i + 1, len);
		memcpy(in, "\x02\0\0\0\0\x01\x02\0\0\0\0\x02\x88\xb5", 14);
		in[5] = (uint8_t)(i % 2);
		in[11] = (uint8_t)(1 - i % 2);
		ck_assert_int_eq(send(from->device, in, len, 0), (ssize_t)len);
		ck_assert_uint_eq(turn_until_frame(to, out, sizeof(out)), len);
		ck_assert_mem_eq(in, out, len);
	}
	dataplane_peer_counters(client.peer, &stats);
	ck_assert_uint_eq(stats.tx_frames, nitems(lens));
	ck_assert_uint_eq(stats.rx_frames, nitems(lens));
	ck_assert_str_eq(health_of(&client).carrier, "tcp");
	ck_assert_uint_eq(health_of(&client).lanes, 0);
	check_total(dataplane_totals(client.hub), nitems(lens));
	fd = dup(client.startup.totals);
	detach_hub(&client);
	/* Session and engine are gone. */
	totals = totals_open(fd, client.startup.conf);
	ck_assert_ptr_nonnull(totals);
	check_total(totals, nitems(lens));
	totals_close(totals);
	close(fd);
	detach_hub(&server);
	close_both();
	teardown();
}
END_TEST

/* What is more than the connection sends in time is dropped, and counted. */
START_TEST(frames_that_would_wait_are_dropped_and_counted)
{
	uint8_t		 frame[1514] = "\x02\0\0\0\0\x01\x02\0\0\0\0\x02\x88\xb5";
	struct counters stats;
	struct mono	 end;
	unsigned	 sent = 0;

	log_init(NULL, LOG_LEVEL_ERROR);
	both_up(true);
	attach_hub(&client, true, CONF_TRANSPORT_TCP, NULL);
	/* The hub stops reading; a socket pair tells no rate. */
	ev_io_stop(loop, &server.conn->tls->reader);
	end = mono_add(mono_now(), 5 * MONO_SEC);
	do {
		if (send(client.device, frame, sizeof(frame), 0) > 0)
			sent++;
		ev_run(loop, EVRUN_NOWAIT);
		dataplane_peer_counters(client.peer, &stats);
	} while (stats.drops[DROP_TCP_QUEUE] < 100 && mono_now().us < end.us);
	ck_assert_uint_ge(stats.drops[DROP_TCP_QUEUE], 100);
	ck_assert_uint_le(client.conn->tls->queue_len,
	    TCP_FRAMES_FLOOR + MESSAGE_MAX_FRAMES);
	for (end = mono_add(mono_now(), 5 * MONO_SEC); mono_now().us < end.us;) {
		uint64_t total;

		ev_run(loop, EVRUN_NOWAIT);
		dataplane_peer_counters(client.peer, &stats);
		total = stats.tx_frames;
		for (unsigned i = 0; i < DROP_MAX; i++)
			total += stats.drops[i];
		stats = *totals_of(dataplane_totals(client.hub), "");
		if (total + stats.drops[DROP_QUEUE] == sent)
			break;
	}
	ck_assert_int_lt(mono_now().us, end.us);
	ck_assert(!client.ended);
	detach_hub(&client);
	close_both();
	teardown();
}
END_TEST

/* Frames in both directions, each with a number; how often each came. */
#define MAX_NUMBER 20000

static uint8_t	came[2][MAX_NUMBER]; /* by where they go: client, server */
static unsigned next_number;

static void
pump(void)
{
	struct timespec pause = { 0, 4000000 };
	uint8_t		frame[600] = { 2, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0,
			0x88, 0xb5 };
	unsigned	number = next_number++;

	ck_assert_uint_lt(number, MAX_NUMBER);
	for (unsigned to = 0; to < 2; to++) {
		struct side *from = to == 0 ? &server : &client;
		struct side *into = to == 0 ? &client : &server;

		frame[5] = (uint8_t)to;
		frame[11] = (uint8_t)(1 - to);
		wire_write_u32(frame + 14, number);
		ck_assert_int_eq(send(from->device, frame,
				     60 + number % 541, 0),
		    60 + number % 541);
		while (recv(into->device, frame, sizeof(frame), 0) > 0)
			came[to][wire_read_u32(frame + 14)]++;
	}
	ev_run(loop, EVRUN_NOWAIT);
	nanosleep(&pause, NULL);
}

static void
pump_until(const char *carrier, int sec)
{
	struct mono end = mono_add(mono_now(), sec * MONO_SEC);

	while (strcmp(health_of(&client).carrier, carrier) != 0 ||
	    strcmp(health_of(&server).carrier, carrier) != 0) {
		ck_assert_msg(mono_now().us < end.us, "not by %s within %d s: "
		    "client %s, server %s", carrier, sec,
		    health_of(&client).carrier,
		    health_of(&server).carrier);
		pump();
	}
}

static void
pump_for(unsigned n)
{
	while (n-- > 0)
		pump();
}

/* All that were sent from `first` on to here came; none came twice. */
static void
check_numbers(unsigned first, unsigned last)
{
	for (unsigned to = 0; to < 2; to++) {
		for (unsigned i = 0; i < next_number; i++) {
			ck_assert_uint_le(came[to][i], 1);
			if (i >= first && i < last)
				ck_assert_msg(came[to][i] == 1,
				    "%u to %s, of %u to %u", i,
				    to == 0 ? "the client" : "the server",
				    first, last);
		}
	}
}

static void
open_all(bool open)
{
	struct endpoint remote;

	log_init(NULL, LOG_LEVEL_ERROR);
	both_up(true);
	remote = relay_open(open);
	attach_hub(&server, false, CONF_TRANSPORT_AUTO, NULL);
	attach_hub(&client, true, CONF_TRANSPORT_AUTO, &remote);
}

static void
close_all_but_relay(void)
{
	detach_hub(&client);
	detach_hub(&server);
	close_both();
	teardown();
}

static void
close_all(void)
{
	relay_close();
	close_all_but_relay();
}

START_TEST(blocked_from_the_start_nothing_is_lost)
{
	struct dataplane_peer_health health;
	unsigned		     last;

	open_all(false);
	ck_assert_str_eq(health_of(&client).carrier, "tcp");
	pump_for(200);
	ck_assert_str_eq(health_of(&client).carrier, "tcp");
	health = health_of(&client);
	ck_assert(dataplane_peer_health_is_blocked(&health));
	relay.to_server = relay.to_client = true;
	pump_until("udp", 10);
	last = next_number;
	pump_for(100);
	check_numbers(0, last);
	close_all();
}
END_TEST

/* Either direction alone is as bad as both. */
START_TEST(a_black_hole_is_left_and_entered_again)
{
	static const struct {
		bool to_server, to_client;
	} rows[] = { { false, false }, { true, false }, { false, true } };

	open_all(true);
	for (size_t i = 0; i < nitems(rows); i++) {
		struct counters stats;
		unsigned	 before, first, last;

		pump_until("udp", 10);
		before = next_number;
		pump_for(50);
		relay.to_server = rows[i].to_server;
		relay.to_client = rows[i].to_client;
		pump_until("tcp", 10);
		first = next_number;
		pump_for(200);
		relay.to_server = relay.to_client = true;
		pump_until("udp", 10);
		last = next_number;
		pump_for(100);
		check_numbers(before, before + 40);
		check_numbers(first, last);
		dataplane_peer_counters(client.peer, &stats);
		ck_assert_uint_eq(health_of(&client).lanes_up, 1);
		ck_assert_uint_eq(stats.drops[DROP_TCP_QUEUE], 0);
	}
	close_all();
}
END_TEST

/* As long as one end may not use TCP, its frames stay with the lane. */
START_TEST(udp_alone_does_not_fall_back)
{
	struct dataplane_peer_health health;
	struct endpoint		     remote;

	log_init(NULL, LOG_LEVEL_ERROR);
	both_up(false);
	remote = relay_open(true);
	attach_hub(&server, false, CONF_TRANSPORT_UDP, NULL);
	attach_hub(&client, true, CONF_TRANSPORT_UDP, &remote);
	pump_until("udp", 10);
	relay.to_server = relay.to_client = false;
	pump_until("none", 10);
	pump_for(50);
	health = health_of(&client);
	ck_assert(!server.ended);
	ck_assert_uint_eq(server.nframes_bytes, 0);
	ck_assert_ptr_null(dataplane_peer_health_trouble(&health, 30,
	    mono_now()));
	ck_assert_ptr_nonnull(dataplane_peer_health_trouble(&health, 30,
	    mono_add(mono_now(), 31 * MONO_SEC)));
	relay.to_server = relay.to_client = true;
	pump_until("udp", 10);
	close_all();
}
END_TEST

/* As many batches as may be on their way, again and again. */
START_TEST(a_flood_is_survived)
{
	static uint8_t frame[9014] = "\x02\0\0\0\0\x01\x02\0\0\0\0\x02\x88\xb5";
	struct mono	 end;
	struct counters stats;

	log_init(NULL, LOG_LEVEL_ERROR);
	both_up(true);
	attach_hub(&server, false, CONF_TRANSPORT_TCP, NULL);
	attach_hub(&client, true, CONF_TRANSPORT_TCP, NULL);
	for (unsigned round = 0; round < 20; round++) {
		end = mono_add(mono_now(), 50 * MONO_MS);
		while (mono_now().us < end.us) {
			(void)send(client.device, frame, sizeof(frame), 0);
			(void)send(server.device, frame, sizeof(frame), 0);
		}
		while (recv(server.device, frame, sizeof(frame), 0) > 0 ||
		    recv(client.device, frame, sizeof(frame), 0) > 0)
			ev_run(loop, EVRUN_NOWAIT);
		ev_run(loop, EVRUN_NOWAIT);
	}
	dataplane_peer_counters(client.peer, &stats);
	ck_assert_uint_ge(stats.tx_frames, 100);
	ck_assert_uint_ge(stats.rx_frames, 1);
	close_all_but_relay();
}
END_TEST

/* Both ends begin the next phase, as by a `rekey` and its answer. */
static void
renew_both(uint8_t phase)
{
	struct lane_secret secret = { .session = 7 };

	secret.secret[0] = phase;
	ck_assert_int_eq(dataplane_peer_renew(server.peer, &secret, phase), 0);
	ck_assert_int_eq(dataplane_peer_renew(client.peer, &secret, phase), 0);
}

static void
pump_until_renewed(uint64_t renewals)
{
	struct mono	 end = mono_add(mono_now(), 10 * MONO_SEC);
	do {
		ck_assert_int_lt(mono_now().us, end.us);
		pump();
	} while (health_of(&client).renewals < renewals ||
	    health_of(&server).renewals < renewals);
}

/* What could not be made leaves all as it was: the same phase is next. */
START_TEST(a_renewal_without_memory_changes_nothing)
{
	static const struct lane_secret secret = { .session = 7 };

	open_all(true);
	pump_until("udp", 10);
	no_memory = true;
	ck_assert_int_eq(dataplane_peer_renew(client.peer, &secret, 1),
	    -ENOMEM);
	ck_assert_int_eq(dataplane_peer_renew(server.peer, &secret, 1),
	    -ENOMEM);
	no_memory = false;
	ck_assert_uint_eq(dataplane_peer_next_phase(client.peer), 1);
	ck_assert_int_eq(dataplane_peer_renew(client.peer, &secret, 2),
	    -EPROTO);
	renew_both(1);
	pump_until_renewed(1);
	ck_assert_uint_eq(health_of(&client).renewals, 1);
	ck_assert_uint_eq(health_of(&client).rebuilt, 0);
	close_all();
}
END_TEST

/* Until they are begun: who could not be told may be told again. */
START_TEST(new_keys_are_wanted_until_they_are_begun)
{
	key_limit = 2000;
	rekey_needed = 0;
	open_all(true);
	pump_until("udp", 10);
	ck_assert(!dataplane_peer_wants_keys(server.peer));
	for (struct mono end = mono_add(mono_now(), 20 * MONO_SEC);
	    rekey_needed < 2;) {
		ck_assert_int_lt(mono_now().us, end.us);
		pump();
	}
	ck_assert(dataplane_peer_wants_keys(server.peer));
	ck_assert(dataplane_peer_wants_keys(client.peer));
	relay.to_server = relay.to_client = false;
	renew_both(1);
	ck_assert(!dataplane_peer_wants_keys(server.peer));
	ck_assert(!dataplane_peer_wants_keys(client.peer));
	relay.to_server = relay.to_client = true;
	pump_until_renewed(1);
	/* The new keys wear, too. */
	for (struct mono end = mono_add(mono_now(), 20 * MONO_SEC);
	    rekey_needed < 4;) {
		ck_assert_int_lt(mono_now().us, end.us);
		pump();
	}
	key_limit = UINT64_MAX;
	close_all();
}
END_TEST

static unsigned
asked(struct rekey *rekey, struct mono now)
{
	unsigned before = server.nmessages;

	rekey_tick(rekey, client.conn, client.peer, now);
	for (int i = 0; i < 20; i++)
		pump();
	return server.nmessages - before;
}

/* One asked for by time, whose answer is lost; then a lane dies. */
START_TEST(a_repair_does_not_wait_for_an_answer_that_does_not_come)
{
	static const uint8_t transcript[32] = { 1 };
	struct rekey	     rekey = { 0 };
	struct mono	     now;

	open_all(true);
	pump_until("udp", 10);
	for (int repair = 0; repair < 2; repair++) {
		now = mono_now();
		rekey_begin(&rekey, transcript, NULL, 7, 3600, now);
		rekey_want(&rekey);
		now = mono_add(now, REKEY_PAUSE_US);
		ck_assert_uint_eq(asked(&rekey, now), 1);
		if (repair)
			rekey_repair(&rekey);
		ck_assert_uint_eq(asked(&rekey, mono_add(now,
				      REKEY_PAUSE_US)), 0);
		ck_assert_uint_eq(asked(&rekey, mono_add(now,
				      REKEY_REPAIR_US)), repair);
		rekey_forget(&rekey);
	}
	close_all();
}
END_TEST

UNIT_MAIN("carry", blocked_from_the_start_nothing_is_lost,
    a_black_hole_is_left_and_entered_again, udp_alone_does_not_fall_back,
    a_flood_is_survived, frames_cross_by_tcp,
    a_renewal_without_memory_changes_nothing,
    new_keys_are_wanted_until_they_are_begun,
    a_repair_does_not_wait_for_an_answer_that_does_not_come,
    frames_that_would_wait_are_dropped_and_counted)
