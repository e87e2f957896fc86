/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Several data paths in one process, each with one worker and a device that is
 * one end of a socket pair, tied to each other by lanes: one that is a hub for one
 * peer and a site of another, and one that is a site of two hubs.
 */
#include "dataplane/dataplane.h"

#include <arpa/inet.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "dataplane/totals.h"
#include "datapath/util/lpm.h"
#include "engine/ask/startup_recv.h"
#include "unit.h"

struct node {
	struct conf	    conf;
	struct startup_recv startup;
	struct dataplane   *dataplane;
	struct endpoint	    at;	    /* its listener */
	int		    device; /* the kernel's end of it */
};

/* A session: the peers of its two ends, at its site and its hub. */
struct tie {
	struct dataplane_peer *site, *hub;
	bool		       site_up, hub_up;
};

static struct ev_loop *loop;
static struct node     middle, left, right;
static struct tie      ties[2];
static bool	       probes; /* of nodes opened from now on */

static void
on_nothing(void *arg)
{
	(void)arg;
}

static void
on_up(void *arg)
{
	*(bool *)arg = true;
}

static struct conn *
no_connection(void *arg)
{
	(void)arg;
	return NULL;
}

static int
udp_socket(void)
{
	struct sockaddr_in sin = { .sin_family = AF_INET,
		.sin_addr = { htonl(INADDR_LOOPBACK) } };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);

	ck_assert_int_ne(fd, -1);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&sin, sizeof(sin)), 0);
	return fd;
}

static void
node_open(struct node *node, enum conf_mode mode, uint8_t number)
{
	struct sockaddr_in sin;
	socklen_t	   len = sizeof(sin);
	struct addr	   addr;
	int		   fds[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0,
	    fds), 0);
	node->device = fds[1];
	node->conf = (struct conf) { .mode = mode, .path_mtu = 1500,
		.max_addresses = 64, .max_addresses_per_site = 64,
		.ageing_sec = 300, .loop_probe = probes };
	node->startup = (struct startup_recv) { .conf = &node->conf,
		.device = { .mtu = 1500, .mac = { 2, 0, 0, 0, 0, number } },
		.queues = { fds[0] }, .nqueues = 1, .udp = { udp_socket() },
		.nudp = 1, .nlisteners = 1,
		.totals = memfd_create("totals", MFD_CLOEXEC) };
	ck_assert_int_eq(ftruncate(node->startup.totals, REQUEST_TOTALS_SIZE), 0);
	ck_assert_int_eq(getsockname(node->startup.udp[0],
	    (struct sockaddr *)&sin, &len), 0);
	ck_assert(addr_parse(&addr, "127.0.0.1"));
	node->at = endpoint_make(&addr, ntohs(sin.sin_port));
	node->dataplane = dataplane_new(loop, &node->startup, on_nothing, NULL);
	ck_assert_ptr_nonnull(node->dataplane);
}

static void
node_close(struct node *node)
{
	dataplane_free(node->dataplane);
	close(node->device);
	close(node->startup.queues[0]);
	close(node->startup.totals);
	close(node->startup.udp[0]);
}

/* A session of these two: by UDP alone, with one lane. */
static void
tie_open(struct tie *tie, struct node *site, struct node *hub, uint32_t session)
{
	static const struct dataplane_events events = { on_up, on_nothing,
		on_nothing, on_nothing, no_connection };
	const struct lane_secret secret = { .session = session };
	int lane = udp_socket();
	struct dataplane_attachment attachment = { .name = "berlin",
		.port = dataplane_new_port(hub->dataplane),
		.session = session, .transport = CONF_TRANSPORT_UDP,
		.lanes = 1, .keepalive_sec = 10, .key_limit = UINT64_MAX,
		.secret = &secret };

	tie->hub = dataplane_attach(hub->dataplane, &attachment, &events,
	    &tie->hub_up);
	attachment.port = dataplane_new_port(site->dataplane);
	attachment.leads = true;
	attachment.remote = &hub->at;
	attachment.fds = &lane;
	tie->site = dataplane_attach(site->dataplane, &attachment, &events,
	    &tie->site_up);
	ck_assert(tie->site != NULL && tie->hub != NULL);
}

static void
turn(void)
{
	struct timespec pause = { 0, 1000000 };

	ev_run(loop, EVRUN_NOWAIT);
	nanosleep(&pause, NULL);
}

static void
setup(enum conf_mode mode)
{
	log_init(NULL, LOG_LEVEL_ERROR);
	loop = ev_loop_new(0);
	memset(ties, 0, sizeof(ties));
	node_open(&left, mode, 0);
	node_open(&middle, mode, 1);
	node_open(&right, mode, 2);
}

static void
until_up(void)
{
	struct mono end = mono_add(mono_now(), 10 * MONO_SEC);

	while (!ties[0].site_up || !ties[0].hub_up || !ties[1].site_up ||
	    !ties[1].hub_up) {
		ck_assert_int_lt(mono_now().us, end.us);
		turn();
	}
}

static void
teardown(void)
{
	for (unsigned i = 0; i < nitems(ties); i++) {
		dataplane_detach(ties[i].site);
		dataplane_detach(ties[i].hub);
	}
	node_close(&left);
	node_close(&middle);
	node_close(&right);
	ev_loop_destroy(loop);
}

/* What comes out of a device within `sec`: false, nothing does. */
static bool
gets(struct node *node, const void *bytes, size_t len, double sec)
{
	struct mono end = mono_add(mono_now(), (int64_t)(sec * MONO_SEC));
	uint8_t	    got[2048];
	ssize_t	    n = -1;

	while (n == -1 && mono_now().us < end.us) {
		turn();
		n = recv(node->device, got, sizeof(got), 0);
	}
	if (n == -1)
		return false;
	ck_assert_int_eq(n, (ssize_t)len);
	ck_assert_mem_eq(got, bytes, len);
	return true;
}

/* Into the device of one: out of these, and of no other. */
static void
passes(struct node *from, const void *bytes, size_t len, struct node *to,
    struct node *also)
{
	struct node *all[] = { &left, &middle, &right };

	ck_assert_int_eq(send(from->device, bytes, len, 0), (ssize_t)len);
	if (to != NULL)
		ck_assert(gets(to, bytes, len, 5));
	if (also != NULL)
		ck_assert(gets(also, bytes, len, 5));
	for (unsigned i = 0; i < nitems(all); i++)
		ck_assert_msg(!gets(all[i], bytes, len, 0.05), "node %u", i);
}

/* ---- tap ---- */

/* From the host behind one to that behind another, or to all. */
static void
frame(uint8_t out[60], struct node *from, struct node *to)
{
	memset(out, 0, 60);
	memset(out, 0xff, 6);
	if (to != NULL)
		memcpy(out, (uint8_t[]) { 2, 0, 0, 0, 0, (uint8_t)(1 +
		    (to == &middle) + 2 * (to == &right)) }, 6);
	memcpy(out + 6, (uint8_t[]) { 2, 0, 0, 0, 0, (uint8_t)(1 +
	    (from == &middle) + 2 * (from == &right)) }, 6);
	out[12] = 0x88;
	out[13] = 0xb5;
}

static void
crosses(struct node *from, struct node *to)
{
	uint8_t bytes[60];

	frame(bytes, from, to);
	passes(from, bytes, sizeof(bytes), to, NULL);
}

/* Who speaks to all is known from then on. */
static void
says_hello(struct node *from, struct node *to, struct node *also)
{
	uint8_t bytes[60];

	frame(bytes, from, NULL);
	passes(from, bytes, sizeof(bytes), to, also);
}

/* In the middle a site of the left one, and the hub of the right one. */
START_TEST(one_can_be_site_and_hub_at_once)
{
	setup(CONF_TAP);
	tie_open(&ties[0], &middle, &left, 7);
	tie_open(&ties[1], &right, &middle, 8);
	until_up();
	says_hello(&left, &middle, &right);
	says_hello(&middle, &left, &right);
	says_hello(&right, &middle, &left);
	crosses(&middle, &left);
	crosses(&left, &middle);
	crosses(&middle, &right);
	crosses(&right, &middle);
	/* Switched by the one between them. */
	crosses(&left, &right);
	crosses(&right, &left);
	teardown();
}
END_TEST

START_TEST(one_can_be_a_site_of_two_hubs)
{
	setup(CONF_TAP);
	tie_open(&ties[0], &middle, &left, 7);
	tie_open(&ties[1], &middle, &right, 8);
	until_up();
	says_hello(&left, &middle, &right);
	says_hello(&right, &middle, &left);
	says_hello(&middle, &left, &right);
	crosses(&middle, &left);
	crosses(&left, &middle);
	crosses(&middle, &right);
	crosses(&right, &middle);
	/* One ends, the other goes on. */
	dataplane_detach(ties[0].site);
	ties[0].site = NULL;
	crosses(&middle, &right);
	crosses(&right, &middle);
	teardown();
}
END_TEST

/* New keys, on both sides of the middle: each end knows which one it is. */
START_TEST(both_kinds_get_new_keys)
{
	setup(CONF_TAP);
	tie_open(&ties[0], &middle, &left, 7);
	tie_open(&ties[1], &right, &middle, 8);
	until_up();
	for (unsigned i = 0; i < nitems(ties); i++) {
		const struct lane_secret secret = { .session = 7 + i,
			.secret = { 1 } };
		struct dataplane_peer_health health;
		struct mono end = mono_add(mono_now(), 10 * MONO_SEC);

		ck_assert_int_eq(dataplane_peer_renew(ties[i].hub, &secret, 1),
		    0);
		ck_assert_int_eq(dataplane_peer_renew(ties[i].site, &secret, 1),
		    0);
		do {
			ck_assert_int_lt(mono_now().us, end.us);
			turn();
			dataplane_peer_health(ties[i].site, &health);
		} while (health.renewals == 0);
	}
	says_hello(&right, &middle, &left);
	says_hello(&left, &middle, &right);
	crosses(&right, &left);
	teardown();
}
END_TEST

/* A probe has its hub's address; each node's ends with its number. */
static void
note_probes(bool seen[3][3])
{
	struct node *all[] = { &left, &middle, &right };
	uint8_t	     got[2048];

	turn();
	for (unsigned i = 0; i < 3; i++) {
		while (recv(all[i]->device, got, sizeof(got), 0) > 0) {
			ck_assert(loop_probe_is(got, LOOP_PROBE_LEN));
			ck_assert_uint_lt(got[11], 3);
			seen[got[11]][i] = true;
		}
	}
}

/* A site leaves it to its hub, which looks at its own LAN, too. */
START_TEST(probes_go_to_ones_own_sites)
{
	static const bool expected[3][3] = { { true, true, true },
		{ false, true, true }, { false, false, false } };
	bool	    seen[3][3] = { { false } };
	struct mono end;

	probes = true;
	setup(CONF_TAP);
	tie_open(&ties[0], &middle, &left, 7);
	tie_open(&ties[1], &right, &middle, 8);
	until_up();
	for (end = mono_add(mono_now(), 5 * MONO_SEC); mono_now().us < end.us;)
		note_probes(seen);
	ck_assert_mem_eq(seen, expected, sizeof(seen));
	teardown();
}
END_TEST

/* Letters of the one before may be under way. */
START_TEST(a_port_rests_before_it_is_given_again)
{
	uint16_t first, second, third;

	setup(CONF_TAP);
	tie_open(&ties[0], &middle, &left, 7);
	tie_open(&ties[1], &right, &middle, 8);
	first = dataplane_new_port(left.dataplane);
	second = dataplane_new_port(left.dataplane);
	ck_assert_uint_gt(first, DP_PORT_LOCAL);
	ck_assert_uint_ne(first, second);
	dataplane_put_port(left.dataplane, first);
	third = dataplane_new_port(left.dataplane);
	ck_assert_uint_ne(third, first);
	ck_assert_uint_ne(third, second);
	/* In the end it is, and no other one is left. */
	for (unsigned i = FDB_MAX_PORTS - DP_PORT_LOCAL - 5; i > 0; i--)
		(void)dataplane_new_port(left.dataplane);
	ck_assert_uint_eq(dataplane_new_port(left.dataplane), first);
	teardown();
}
END_TEST

/* ---- tun ---- */

static void
packet(uint8_t out[20], uint8_t from, uint8_t to)
{
	static const uint8_t header[20] = { 0x45, 0, 0, 20, 0, 0, 0, 0, 64, 253,
		0, 0, 10, 0, 0, 9, 10, 0, 0, 9 };

	memcpy(out, header, sizeof(header));
	out[14] = from;
	out[18] = to;
}

static void
carries(struct node *from, uint8_t source, uint8_t to, struct node *out)
{
	uint8_t bytes[20];

	packet(bytes, source, to);
	passes(from, bytes, sizeof(bytes), out, NULL);
}

/* 10.0.NET.0/24 is behind that hub's site. */
static void
set_route(struct node *hub, const struct tie *tie, const char *network)
{
	struct lpm   *lpm = lpm_new();
	struct prefix prefix;

	ck_assert(prefix_parse(&prefix, network));
	ck_assert_ptr_nonnull(lpm);
	ck_assert(lpm_add(lpm, &prefix, tie->hub->port));
	dataplane_set_routes(hub->dataplane, lpm);
}

/* 10.0.2.0/23 is behind the middle, of which 10.0.3.0/24 behind the right. */
START_TEST(it_routes_for_its_sites_and_asks_its_hub_for_all_else)
{
	setup(CONF_TUN);
	tie_open(&ties[1], &right, &middle, 8);
	tie_open(&ties[0], &middle, &left, 7);
	set_route(&left, &ties[0], "10.0.2.0/23");
	set_route(&middle, &ties[1], "10.0.3.0/24");
	until_up();
	carries(&left, 1, 2, &middle);
	carries(&middle, 2, 1, &left);
	carries(&middle, 2, 3, &right);
	carries(&right, 3, 2, &middle);
	/* Through the middle, whose table has the one, */
	carries(&left, 1, 3, &right);
	/* and whose kernel has the other's word: it forwards, or not. */
	carries(&right, 3, 1, &middle);
	carries(&middle, 3, 1, &left);
	/* A hub may say any source, a site its own. */
	carries(&left, 99, 2, &middle);
	carries(&right, 99, 2, NULL);
	/* Who has no hub has nowhere else to send it. */
	carries(&left, 1, 77, NULL);
	teardown();
}
END_TEST

UNIT_MAIN("dataplane", one_can_be_site_and_hub_at_once,
    one_can_be_a_site_of_two_hubs, both_kinds_get_new_keys,
    probes_go_to_ones_own_sites, a_port_rests_before_it_is_given_again,
    it_routes_for_its_sites_and_asks_its_hub_for_all_else)
