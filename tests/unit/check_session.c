/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sessions over real connections, without a server or a client that would own
 * them: at either end what begins one, what it outlives, and what ends it.  Each
 * end has a data path of its own; the other end of a connection is a session,
 * too, or says what the test likes.
 */
#define KEY_RECORDS 200

#include <fcntl.h>
#include <sys/mman.h>

#include "control/session.h"
#include "pair.h"

#define KEEPALIVE 10
#define DEAD	  30
#define REKEY	  3600

/* One end of a session, and what it was told. */
struct party {
	struct side	   *side; /* of its connections, until it has them */
	struct conf	    conf;
	struct startup_recv startup;
	struct dataplane   *dataplane;
	struct endpoint	    at; /* its listener */
	int		    device; /* the kernel's end of it */
	uint16_t	    port;
	struct session	   *session; /* NULL: none, or it is over */
	unsigned	    asked;   /* for so many sockets, and not given */
	bool		    has_none; /* nobody can be asked for sockets */
	bool		    understands; /* messages that are not a session's */
	unsigned	    nlost, nover, ntroubles;
	char		    why[TLS_WHY_SIZE], trouble[TLS_WHY_SIZE];
};

static struct party site, hub, second;
static struct message welcome;
static int	      log_fd = -1; /* what was logged */

static int
get_sockets(struct session *session, unsigned count)
{
	struct party *party = session->owner;

	party->asked = count;
	return party->has_none ? -EPIPE : 0;
}

static bool
on_other(struct session *session, const struct message *msg)
{
	(void)msg;
	return ((struct party *)session->owner)->understands;
}

static void
on_trouble(struct session *session, const char *trouble)
{
	struct party *party = session->owner;

	party->ntroubles++;
	strlcpy(party->trouble, trouble != NULL ? trouble : "none",
	    sizeof(party->trouble));
}

static void
on_lost(struct session *session, const char *why)
{
	struct party *party = session->owner;

	ck_assert_ptr_null(session->conn);
	party->nlost++;
	strlcpy(party->why, why, sizeof(party->why));
}

static void
on_over(struct session *session, const char *why)
{
	struct party *party = session->owner;

	ck_assert_ptr_null(session->conn);
	ck_assert_ptr_null(session->peer);
	party->nover++;
	strlcpy(party->why, why, sizeof(party->why));
	session_free(session);
	party->session = NULL;
}

static const struct session_events all_events = { .get_sockets = get_sockets,
	.on_message = on_other, .on_trouble = on_trouble, .on_lost = on_lost,
	.on_over = on_over };
/* As a hub's are. */
static const struct session_events few_events = { .on_over = on_over };

static int
udp_socket(struct endpoint *at)
{
	struct sockaddr_in sin = { .sin_family = AF_INET,
		.sin_addr = { htonl(INADDR_LOOPBACK) } };
	socklen_t   len = sizeof(sin);
	struct addr addr;
	int	    fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);

	ck_assert_int_ne(fd, -1);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&sin, sizeof(sin)), 0);
	ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&sin, &len), 0);
	ck_assert(addr_parse(&addr, "127.0.0.1"));
	*at = endpoint_make(&addr, ntohs(sin.sin_port));
	return fd;
}

static void
on_device_gone(void *arg)
{
	(void)arg;
	ck_abort_msg("the device is gone");
}

static void
party_open(struct party *party, struct side *side)
{
	int fds[2];

	*party = (struct party) { .side = side };
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0,
	    fds), 0);
	party->device = fds[1];
	party->conf = (struct conf) { .path_mtu = 1500, .max_addresses = 64,
		.max_addresses_per_site = 64, .ageing_sec = 300 };
	party->startup = (struct startup_recv) { .conf = &party->conf,
		.device.mtu = 1500, .queues = { fds[0] }, .nqueues = 1,
		.udp = { udp_socket(&party->at) }, .nudp = 1, .nlisteners = 1,
		.totals = memfd_create("totals", MFD_CLOEXEC) };
	ck_assert_int_eq(ftruncate(party->startup.totals, REQUEST_TOTALS_SIZE),
	    0);
	party->dataplane = dataplane_new(loop, &party->startup, on_device_gone,
	    NULL);
	ck_assert_ptr_nonnull(party->dataplane);
	party->port = dataplane_new_port(party->dataplane);
}

static void
party_close(struct party *party)
{
	session_free(party->session);
	dataplane_free(party->dataplane);
	close(party->device);
	close(party->startup.queues[0]);
	close(party->startup.udp[0]);
	close(party->startup.totals);
}

static void
turn(void)
{
	struct timespec pause = { 0, 1000000 };

	ev_run(loop, EVRUN_NOWAIT);
	nanosleep(&pause, NULL);
}

#define TURN_UNTIL(condition)                                                  \
	do {                                                                   \
		struct mono turn_end = mono_add(mono_now(), 10 * MONO_SEC);    \
                                                                               \
		while (!(condition)) {                                         \
			ck_assert_msg(mono_now().us < turn_end.us,             \
			    "not within 10 s: %s", #condition);                \
			turn();                                                \
		}                                                              \
	} while (0)

static void
turn_for(int ms)
{
	struct mono end = mono_add(mono_now(), ms * MONO_MS);

	while (mono_now().us < end.us)
		turn();
}

/* ---- a login, as far as a session is concerned ---- */

static struct lane_share site_share, hub_share;
static uint8_t		 site_public[LANE_KEYS_SHARE],
    hub_public[LANE_KEYS_SHARE];

/* Another connection, on which the two have just said hello and welcome. */
static void
meet(void)
{
	struct message hello = { .type = MESSAGE_HELLO,
		.protocol = MESSAGE_PROTOCOL_MIN, .mode = CONF_TAP,
		.workers = 1, .transport = welcome.transport };

	if (client.conn != NULL && !client.ended)
		conn_free(client.conn);
	if (server.conn != NULL && !server.ended)
		conn_free(server.conn);
	connect_pair();
	turn_until(&client.ready);
	turn_until(&server.ready);
	lane_keys_share_new(&site_share);
	lane_keys_share_new(&hub_share);
	memcpy(site_public, site_share.public_key, sizeof(site_public));
	memcpy(hub_public, hub_share.public_key, sizeof(hub_public));
	strcpy(hello.site, "berlin");
	strcpy(hello.method, "srp");
	strcpy(hello.version, "test");
	memcpy(hello.share, site_public, sizeof(hello.share));
	memcpy(welcome.share, hub_public, sizeof(welcome.share));
	ck_assert_int_eq(conn_send(client.conn, &hello), 0);
	TURN_UNTIL(server.said == MESSAGE_HELLO && server.nmessages == 1);
	ck_assert_int_eq(conn_send(server.conn, &welcome), 0);
	TURN_UNTIL(client.said == MESSAGE_WELCOME);
}

/* The connection is the session's from now on. */
static struct conn *
handed_over(struct party *party)
{
	struct conn *conn = party->side->conn;

	party->side->conn = NULL;
	return conn;
}

static void
begin(struct party *party)
{
	bool leads = party->side == &client;

	party->session = session_new(party->dataplane, leads, "berlin",
	    party->port, leads ? &all_events : &few_events, party);
	ck_assert_ptr_nonnull(party->session);
	ck_assert(session_begin(party->session, party->side->conn, &welcome,
	    leads ? &site_share : &hub_share, leads ? hub_public : site_public,
	    NULL));
}

static void
attach(struct party *party, const struct endpoint *remote)
{
	session_attach(party->session, handed_over(party), remote, KEEPALIVE,
	    DEAD);
}

static void
give_sockets(struct party *party)
{
	struct endpoint at;
	int		fds[LANE_MAX];
	unsigned	n = party->asked;

	for (unsigned i = 0; i < n; i++)
		fds[i] = udp_socket(&at);
	party->asked = 0;
	session_sockets(party->session, fds, n, 0);
}

/* Both are sessions, and their lanes up. */
static void
both_begin(void)
{
	meet();
	begin(&hub);
	begin(&site);
	attach(&hub, NULL);
	attach(&site, &hub.at);
	if (welcome.lanes > 0)
		give_sockets(&site);
}

static void
start(enum conf_transport transport)
{
	struct looks looks = { NAME, true, ca_now() - DAY, ca_now() + DAY };

	log_init(NULL, LOG_LEVEL_ERROR);
	setup();
	connect_both(&looks, &ca_cert);
	party_open(&site, &client);
	party_open(&hub, &server);
	welcome = (struct message) { .type = MESSAGE_WELCOME, .session = 77,
		.transport = transport,
		.lanes = transport == CONF_TRANSPORT_TCP ? 0 : 2,
		.keepalive_sec = KEEPALIVE, .dead_peer_sec = DEAD,
		.rekey_sec = REKEY, .rekey_mib = 1024, .mtu = 1500 };
}

static void
finish(void)
{
	party_close(&site);
	party_close(&hub);
	close_both();
	teardown();
}

static struct dataplane_peer_health
health_of(const struct party *party)
{
	struct dataplane_peer_health health;

	dataplane_peer_health(party->session->peer, &health);
	return health;
}

static bool
lanes_are_up(const struct party *party)
{
	return health_of(party).lanes_up == welcome.lanes &&
	    party->session->peer->was_up;
}

/* From the host behind one to that behind another. */
static bool
crosses(struct party *from, struct party *to)
{
	uint8_t frame[60] = { 2, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0x88, 0xb5 };
	uint8_t got[2048];

	frame[5] = (uint8_t)to->device;
	frame[11] = (uint8_t)from->device;
	ck_assert_int_eq(send(from->device, frame, sizeof(frame), 0), 60);
	for (unsigned i = 0; i < 300; i++) {
		turn();
		if (recv(to->device, got, sizeof(got), 0) == 60 &&
		    memcmp(got, frame, 60) == 0)
			return true;
	}
	return false;
}

/* The connection of these two breaks, and nobody says so. */
static void
cut(struct party *party)
{
	ck_assert_int_eq(shutdown(party->session->conn->tls->fd, SHUT_RDWR), 0);
}

static struct mono
in(int sec)
{
	return mono_add(mono_now(), sec * MONO_SEC);
}

/* ---- it outlives its connection ---- */

static void
check_adrift(struct party *party, struct dataplane_peer *peer)
{
	ck_assert_ptr_null(party->session->conn);
	ck_assert_ptr_eq(party->session->peer, peer);
	ck_assert_uint_eq(party->nover, 0);
}

/* Frames go on by the lanes meanwhile, and nothing of them is made anew. */
START_TEST(it_is_adrift_and_goes_on_by_another_connection)
{
	struct dataplane_peer *at_site, *at_hub;
	struct endpoint	       remote;

	start(CONF_TRANSPORT_AUTO);
	both_begin();
	TURN_UNTIL(lanes_are_up(&site) && lanes_are_up(&hub));
	at_site = site.session->peer;
	at_hub = hub.session->peer;
	ck_assert(dataplane_peer_is_at(at_site, &hub.at));
	for (unsigned i = 1; i <= 2; i++) {
		cut(&site);
		TURN_UNTIL(site.nlost == i && hub.session->conn == NULL);
		check_adrift(&site, at_site);
		check_adrift(&hub, at_hub);
		session_tick(site.session, mono_now());
		session_tick(hub.session, mono_now());
		session_probe(site.session, 1);
		session_set_times(site.session, 1, 2);
		ck_assert_uint_eq(site.session->keepalive_sec,
		    KEEPALIVE + i - 1);
		ck_assert(crosses(&site, &hub) && crosses(&hub, &site));
		meet();
		attach(&hub, NULL);
		remote = hub.at;
		session_attach(site.session, handed_over(&site), &remote,
		    KEEPALIVE + i, DEAD + i);
		ck_assert_ptr_nonnull(site.session->conn);
		ck_assert_ptr_eq(site.session->peer, at_site);
		ck_assert_ptr_eq(hub.session->peer, at_hub);
		ck_assert_uint_eq(site.session->id, 77);
		ck_assert_uint_eq(site.session->dead_peer_sec, DEAD + i);
		ck_assert_uint_eq(at_site->keepalive_sec, KEEPALIVE + i);
		ck_assert(crosses(&site, &hub) && crosses(&hub, &site));
	}
	/* No lane was asked for, or made, a second time. */
	ck_assert_uint_eq(site.asked, 0);
	ck_assert_uint_eq(health_of(&site).renewals, 0);
	ck_assert_uint_eq(site.nover + hub.nover, 0);
	finish();
}
END_TEST

/* By TCP: with the connection there is a way, and without there is none. */
START_TEST(frames_go_by_the_connection_that_it_has)
{
	start(CONF_TRANSPORT_TCP);
	both_begin();
	ck_assert(crosses(&site, &hub) && crosses(&hub, &site));
	cut(&hub);
	TURN_UNTIL(site.session->conn == NULL && hub.session->conn == NULL);
	ck_assert(!crosses(&site, &hub));
	meet();
	attach(&hub, NULL);
	attach(&site, &hub.at);
	ck_assert(crosses(&site, &hub) && crosses(&hub, &site));
	finish();
}
END_TEST

/* Not by TCP where it was not agreed on. */
START_TEST(with_udp_alone_the_connection_takes_no_frames)
{
	start(CONF_TRANSPORT_UDP);
	both_begin();
	ck_assert(!conn_takes_frames(site.session->conn));
	ck_assert(!conn_takes_frames(hub.session->conn));
	TURN_UNTIL(lanes_are_up(&site) && lanes_are_up(&hub));
	ck_assert(crosses(&site, &hub));
	finish();
}
END_TEST

/* The one before is told, and that is not the end of the session. */
START_TEST(a_connection_that_is_replaced_gets_bye)
{
	struct side *far;

	start(CONF_TRANSPORT_TCP);
	for (unsigned i = 0; i < 2; i++) {
		struct party *party = i == 0 ? &hub : &site;
		struct conn  *first;

		meet();
		begin(party);
		attach(party, &hub.at);
		/* Its other end is still there when the next one comes. */
		far = i == 0 ? &client : &server;
		first = far->conn;
		far->conn = NULL;
		meet();
		conn_set_owner(first, &events, far);
		far->nmessages = 0;
		attach(party, &hub.at);
		TURN_UNTIL(far->nmessages == 1);
		ck_assert_int_eq(far->said, MESSAGE_BYE);
		ck_assert(strstr(far->text, "another connection") != NULL);
		TURN_UNTIL(far->ended);
		far->ended = false;
		turn_for(20);
		ck_assert_uint_eq(party->nover + party->nlost, 0);
		ck_assert_ptr_nonnull(party->session->conn);
	}
	finish();
}
END_TEST

/* ---- who does not come back ---- */

START_TEST(adrift_it_has_its_time_and_no_more)
{
	struct mono since;

	start(CONF_TRANSPORT_TCP);
	both_begin();
	/* Connected, a tick that comes late is nothing. */
	session_tick(site.session, in(10 * DEAD));
	session_tick(hub.session, in(10 * DEAD));
	since = mono_now();
	cut(&site);
	TURN_UNTIL(site.session->conn == NULL && hub.session->conn == NULL);
	ck_assert_int_ge(mono_sub(site.session->adrift_since, since), 0);
	ck_assert_int_ge(mono_sub(hub.session->adrift_since, since), 0);
	/* Of a host that slept it is not asked. */
	since = in(100);
	session_woke(site.session, since);
	session_tick(site.session, mono_add(since, DEAD * MONO_SEC));
	session_tick(hub.session, mono_add(hub.session->adrift_since,
	    DEAD * MONO_SEC));
	ck_assert_uint_eq(site.nover + hub.nover, 0);
	session_tick(site.session, mono_add(since, DEAD * MONO_SEC + 1));
	ck_assert_uint_eq(site.nover, 1);
	ck_assert_str_eq(site.why, "it did not come back");
	session_tick(hub.session, mono_add(hub.session->adrift_since,
	    DEAD * MONO_SEC + 1));
	ck_assert_uint_eq(hub.nover, 1);
	ck_assert_str_eq(hub.why, "it did not come back");
	finish();
}
END_TEST

/* Neither by the connection nor by a lane: it is not only that which is gone. */
START_TEST(who_was_silent_for_long_is_gone_with_the_connection)
{
	start(CONF_TRANSPORT_AUTO);
	both_begin();
	TURN_UNTIL(lanes_are_up(&site) && lanes_are_up(&hub));
	/* A lane has heard something: adrift; then by TCP, without one. */
	hub.session->conn->last_heard = in(-DEAD - 1);
	cut(&hub);
	TURN_UNTIL(hub.session == NULL || hub.session->conn == NULL);
	ck_assert_uint_eq(hub.nover, 0);
	finish();

	start(CONF_TRANSPORT_TCP);
	both_begin();
	hub.session->conn->last_heard = in(-DEAD - 1);
	cut(&hub);
	TURN_UNTIL(hub.session == NULL || hub.session->conn == NULL);
	ck_assert_uint_eq(hub.nover, 1);
	ck_assert_uint_eq(site.nover, 0);
	finish();
}
END_TEST

/* With UDP alone there is no other way to go on by. */
START_TEST(dead_lanes_end_it_where_there_is_nothing_else)
{
	start(CONF_TRANSPORT_UDP);
	both_begin();
	TURN_UNTIL(lanes_are_up(&site) && lanes_are_up(&hub));
	session_tick(hub.session, in(DEAD / 2));
	session_tick(site.session, in(DEAD / 2));
	ck_assert_uint_eq(site.nover + hub.nover, 0);
	session_tick(hub.session, in(DEAD + 1));
	ck_assert_uint_eq(hub.nover, 1);
	ck_assert(strstr(hub.why, "data lane hears nothing") != NULL);
	/* The other end is told why. */
	TURN_UNTIL(site.nover == 1);
	ck_assert(strstr(site.why, "the hub says: dead") != NULL);
	finish();
}
END_TEST

/* ---- what ends it ---- */

START_TEST(a_goodbye_ends_it)
{
	start(CONF_TRANSPORT_TCP);
	for (unsigned i = 0; i < 2; i++) {
		struct party *party = i == 0 ? &hub : &site;

		meet();
		begin(party);
		attach(party, &hub.at);
		conn_go_up(i == 0 ? client.conn : server.conn, KEEPALIVE, DEAD);
		conn_bye(i == 0 ? client.conn : server.conn, "enough \xc2\x9b");
		TURN_UNTIL(party->nover == 1);
		ck_assert_str_eq(party->why, i == 0 ?
			"it says: enough \\xc2\\x9b" :
			"the hub says: enough \\xc2\\x9b");
		ck_assert_uint_eq(party->nlost, 0);
	}
	finish();
}
END_TEST

/* And so does its owner, adrift or not. */
START_TEST(its_end_is_told_to_the_other_one)
{
	start(CONF_TRANSPORT_AUTO);
	both_begin();
	session_end(hub.session, "it is late");
	ck_assert_uint_eq(hub.nover, 1);
	ck_assert_str_eq(hub.why, "it is late");
	TURN_UNTIL(site.nover == 1);
	ck_assert_str_eq(site.why, "the hub says: it is late");
	ck_assert_uint_eq(site.nlost, 0);

	both_begin();
	TURN_UNTIL(lanes_are_up(&site) && lanes_are_up(&hub));
	cut(&site);
	TURN_UNTIL(site.session->conn == NULL && hub.session->conn == NULL);
	ck_assert(crosses(&hub, &site));
	session_end(site.session, "it is late");
	ck_assert_uint_eq(site.nover, 2);
	/* The other one cannot know, and its frames go nowhere. */
	ck_assert(!crosses(&hub, &site));
	ck_assert_uint_eq(hub.nover, 1);
	finish();
}
END_TEST

/* What the owner does not understand; and new keys that are asked for by the
 * end that does not lead, or wanted by the one that does. */
START_TEST(a_message_out_of_turn_ends_it)
{
	static const struct {
		bool		  at_site, understands;
		enum message_type type;
		bool		  ends;
	} cases[] = {
		{ true, false, MESSAGE_UPDATE, true },
		{ true, true, MESSAGE_UPDATE, false },
		{ true, false, MESSAGE_REKEY_WANTED, false },
		{ true, false, MESSAGE_REKEY, true }, /* not asked for */
		{ true, false, MESSAGE_MTU, true },
		{ false, false, MESSAGE_UPDATE, true },
		{ false, false, MESSAGE_REKEY_WANTED, true },
		{ false, false, MESSAGE_WELCOME, true },
	};

	start(CONF_TRANSPORT_TCP);
	for (size_t i = 0; i < nitems(cases); i++) {
		struct party *party = cases[i].at_site ? &site : &hub;
		struct side  *far = cases[i].at_site ? &server : &client;
		struct message msg = welcome;

		meet();
		begin(party);
		party->understands = cases[i].understands;
		party->nover = 0;
		attach(party, &hub.at);
		conn_go_up(far->conn, KEEPALIVE, DEAD);
		msg.type = cases[i].type;
		msg.phase = 1;
		msg.mtu = 1400;
		far->nmessages = 0;
		ck_assert_int_eq(conn_send(far->conn, &msg), 0);
		if (cases[i].ends) {
			TURN_UNTIL(far->nmessages > 0);
			ck_assert_int_eq(far->said, MESSAGE_BYE);
			ck_assert(strstr(far->text, "out of turn") != NULL);
			TURN_UNTIL(party->nover == 1);
			ck_assert_uint_eq(party->nlost, 0);
			continue;
		}
		turn_for(50);
		ck_assert_msg(party->nover == 0, "%s: %s",
		    message_name(cases[i].type), party->why);
		ck_assert_uint_eq(far->nmessages, 0);
		session_end(party->session, "next");
	}
	finish();
}
END_TEST

START_TEST(of_a_feature_it_takes_what_was_agreed)
{
	struct message msg = { .type = MESSAGE_MTU, .mtu = 1400 };

	start(CONF_TRANSPORT_TCP);
	meet();
	begin(&hub);
	hub.session->features = MESSAGE_CAN_MTU;
	attach(&hub, NULL);
	conn_go_up(client.conn, KEEPALIVE, DEAD);
	ck_assert_int_eq(conn_send(client.conn, &msg), 0);
	TURN_UNTIL(hub.session == NULL || hub.session->mtu == 1400);
	ck_assert_uint_eq(hub.nover, 0);
	finish();
}
END_TEST

/* ---- sockets of lanes, which come later ---- */

/* As many as were asked for, or none is taken. */
START_TEST(without_sockets_for_its_lanes_it_is_over)
{
	static const struct {
		unsigned    give;
		int	    error;
		const char *why;
	} cases[] = {
		{ 0, EMFILE, "Too many open files" },
		{ 1, 0, "no sockets for the lanes" },
		{ 3, 0, "no sockets for the lanes" },
	};
	struct endpoint at;

	start(CONF_TRANSPORT_AUTO);
	for (size_t i = 0; i < nitems(cases); i++) {
		int fds[3];

		meet();
		begin(&site);
		attach(&site, &hub.at);
		ck_assert_uint_eq(site.asked, welcome.lanes);
		ck_assert_ptr_null(site.session->peer);
		/* Nothing is due of it before. */
		session_tick(site.session, in(10 * DEAD));
		for (unsigned j = 0; j < cases[i].give; j++)
			fds[j] = udp_socket(&at);
		session_sockets(site.session, fds, cases[i].give,
		    cases[i].error);
		ck_assert_uint_eq(site.nover, i + 1);
		ck_assert_str_eq(site.why, cases[i].why);
		for (unsigned j = 0; j < cases[i].give; j++)
			ck_assert_int_eq(fcntl(fds[j], F_GETFD), -1);
	}
	/* Nobody can be asked at all. */
	meet();
	begin(&site);
	site.has_none = true;
	attach(&site, &hub.at);
	ck_assert_uint_eq(site.nover, nitems(cases) + 1);
	/* The connection breaks before they come: there is nothing to go on. */
	site.has_none = false;
	meet();
	begin(&site);
	attach(&site, &hub.at);
	cut(&site);
	TURN_UNTIL(site.nover == nitems(cases) + 2);
	ck_assert_uint_eq(site.nlost, 0);
	finish();
}
END_TEST

/* ---- new keys ---- */

/* Each end of it does its part: one asks, the other never does. */
static void
renew(uint64_t renewals)
{
	struct mono later = in(10);

	session_tick(hub.session, later);
	ck_assert_int_ne(hub.session->rekey.state, REKEY_ASKED);
	session_tick(site.session, later);
	TURN_UNTIL(health_of(&site).renewals == renewals &&
	    health_of(&hub).renewals == renewals);
	ck_assert_int_eq(site.session->rekey.state, REKEY_IDLE);
	ck_assert(crosses(&site, &hub) && crosses(&hub, &site));
}

START_TEST(who_leads_asks_for_new_keys)
{
	start(CONF_TRANSPORT_AUTO);
	both_begin();
	TURN_UNTIL(lanes_are_up(&site) && lanes_are_up(&hub));
	/* Not before their time, */
	session_tick(site.session, in(10));
	turn_for(50);
	ck_assert_int_eq(site.session->rekey.state, REKEY_IDLE);
	ck_assert_uint_eq(health_of(&hub).renewals, 0);
	/* but when that has come, or it is wished for. */
	session_tick(hub.session, in(REKEY + 1));
	ck_assert_int_eq(hub.session->rekey.state, REKEY_IDLE);
	session_tick(site.session, in(REKEY + 1));
	TURN_UNTIL(health_of(&site).renewals == 1 &&
	    health_of(&hub).renewals == 1);
	rekey_want(&site.session->rekey);
	renew(2);
	finish();
}
END_TEST

/* A key of the other end has done much: that says so, once it can. */
START_TEST(who_does_not_lead_says_that_it_wants_them)
{
	start(CONF_TRANSPORT_AUTO);
	meet();
	begin(&hub);
	begin(&site);
	hub.session->key_limit = 200; /* AES blocks */
	attach(&hub, NULL);
	attach(&site, &hub.at);
	give_sockets(&site);
	TURN_UNTIL(lanes_are_up(&site) && lanes_are_up(&hub));
	ck_assert(!site.session->rekey.wanted);
	/* It cannot, while it is adrift. */
	cut(&hub);
	TURN_UNTIL(hub.session->conn == NULL && site.session->conn == NULL);
	for (unsigned i = 0; i < 100 &&
	    !dataplane_peer_wants_keys(hub.session->peer); i++)
		ck_assert(crosses(&hub, &site));
	ck_assert(dataplane_peer_wants_keys(hub.session->peer));
	ck_assert(!site.session->rekey.wanted);
	meet();
	attach(&site, &hub.at);
	attach(&hub, NULL);
	TURN_UNTIL(site.session->rekey.wanted);
	renew(1);
	/* And connected, at once. */
	ck_assert(!dataplane_peer_wants_keys(hub.session->peer));
	ck_assert(!site.session->rekey.wanted);
	for (unsigned i = 0; i < 100 && !site.session->rekey.wanted; i++)
		ck_assert(crosses(&hub, &site));
	ck_assert(site.session->rekey.wanted);
	finish();
}
END_TEST

/* What was asked by a connection is not answered by the next one. */
START_TEST(a_question_is_forgotten_with_its_connection)
{
	start(CONF_TRANSPORT_AUTO);
	both_begin();
	TURN_UNTIL(lanes_are_up(&site) && lanes_are_up(&hub));
	rekey_want(&site.session->rekey);
	session_tick(site.session, in(10));
	ck_assert_int_eq(site.session->rekey.state, REKEY_ASKED);
	cut(&site);
	TURN_UNTIL(site.session->conn == NULL && hub.session->conn == NULL);
	ck_assert_int_eq(site.session->rekey.state, REKEY_IDLE);
	/* Adrift it asks nobody. */
	session_tick(site.session, in(20));
	ck_assert_int_eq(site.session->rekey.state, REKEY_IDLE);
	finish();
}
END_TEST

/* ---- lanes that carry nothing ---- */

/* The hub is elsewhere, by another connection: lanes follow, where it leads. */
START_TEST(who_leads_makes_dead_lanes_anew)
{
	struct endpoint nowhere;
	int		hole, fds[2];
	struct mono	now;

	start(CONF_TRANSPORT_AUTO);
	hole = udp_socket(&nowhere);
	meet();
	begin(&hub);
	begin(&site);
	attach(&hub, NULL);
	attach(&site, &nowhere);
	give_sockets(&site);
	/* For people, when it has lasted; at both ends. */
	now = in(1);
	for (unsigned i = 0; i < 15; i++, now = mono_add(now, MONO_SEC)) {
		session_tick(site.session, now);
		session_tick(hub.session, now);
	}
	ck_assert_uint_eq(site.ntroubles, 1);
	ck_assert(strstr(site.trouble, "UDP does not get through to") != NULL);
	ck_assert_uint_eq(site.asked, 0);
	ck_assert(crosses(&site, &hub)); /* by TCP */

	cut(&site);
	TURN_UNTIL(site.session->conn == NULL && hub.session->conn == NULL);
	meet();
	attach(&hub, NULL);
	attach(&site, &hub.at);
	session_tick(site.session, now);
	session_tick(hub.session, now);
	ck_assert_uint_eq(site.asked, 0);
	now = mono_add(now, LANE_REPAIR_AFTER_US);
	session_tick(hub.session, now);
	session_tick(site.session, now);
	ck_assert_uint_eq(site.asked, 2);
	/* Too few: it stays as it is, and asks again. */
	fds[0] = udp_socket(&nowhere);
	session_sockets(site.session, fds, 1, 0);
	ck_assert_int_eq(fcntl(fds[0], F_GETFD), -1);
	ck_assert_uint_eq(site.nover, 0);
	ck_assert(!site.session->rebuilding);
	site.asked = 0;
	for (unsigned i = 0; i < 20 && site.asked == 0; i++) {
		now = mono_add(now, MONO_SEC);
		session_tick(site.session, now);
	}
	give_sockets(&site);
	ck_assert(site.session->rebuilding);
	session_tick(site.session, now);
	TURN_UNTIL(lanes_are_up(&site) && lanes_are_up(&hub));
	TURN_UNTIL(!site.session->rebuilding);
	ck_assert_uint_eq(health_of(&site).rebuilt, 2);
	ck_assert(dataplane_peer_is_at(site.session->peer, &hub.at));
	ck_assert_str_eq(site.trouble, "none");
	close(hole);
	finish();
}
END_TEST

/* By the lanes, also adrift; and by the connection, which has not long. */
START_TEST(a_probe_goes_by_all_that_there_is)
{
	int64_t before;

	start(CONF_TRANSPORT_AUTO);
	both_begin();
	TURN_UNTIL(lanes_are_up(&site) && lanes_are_up(&hub));
	turn_for(1500); /* the paths' sizes are found */
	before = health_of(&site).heard_us;
	turn_for(300);
	ck_assert_int_eq(health_of(&site).heard_us, before);
	/* The hub does not read: to it the line is dead. */
	ev_io_stop(loop, &hub.session->conn->tls->reader);
	session_probe(site.session, 0.2);
	TURN_UNTIL(health_of(&site).heard_us > before);
	TURN_UNTIL(site.nlost == 1);
	ck_assert_str_eq(site.why, "lost: no answer to a probe");
	before = health_of(&site).heard_us;
	session_probe(site.session, 0.2);
	TURN_UNTIL(health_of(&site).heard_us > before);
	ck_assert_uint_eq(site.nover, 0);
	finish();
}
END_TEST

START_TEST(other_times_hold_for_connection_and_lanes)
{
	start(CONF_TRANSPORT_AUTO);
	both_begin();
	TURN_UNTIL(lanes_are_up(&site) && lanes_are_up(&hub));
	session_set_times(site.session, 1, 2);
	ck_assert_uint_eq(site.session->peer->keepalive_sec, 1);
	/* The hub stops reading. */
	ev_io_stop(loop, &hub.session->conn->tls->reader);
	TURN_UNTIL(site.nlost == 1);
	/* By its lanes it was heard: with the old times it would be so yet. */
	session_tick(site.session, mono_add(site.session->adrift_since,
	    2 * MONO_SEC + 1));
	ck_assert_uint_eq(site.nover, 1);
	finish();
}
END_TEST

/* ---- two at once ---- */

/* A site's, of two hubs: what becomes of one is nothing to the other. */
START_TEST(a_site_can_have_two)
{
	struct session *first;
	uint16_t	other;

	start(CONF_TRANSPORT_AUTO);
	party_open(&second, &server);
	both_begin();
	TURN_UNTIL(lanes_are_up(&site) && lanes_are_up(&hub));
	first = site.session;
	other = site.port;
	site.port = dataplane_new_port(site.dataplane);
	ck_assert_uint_ne(site.port, other);
	welcome.session = 78;
	meet();
	begin(&second);
	begin(&site);
	attach(&second, NULL);
	attach(&site, &second.at);
	give_sockets(&site);
	TURN_UNTIL(lanes_are_up(&site) && lanes_are_up(&second));
	ck_assert(crosses(&second, &site));
	ck_assert(crosses(&site, &second));
	ck_assert(crosses(&hub, &site));
	ck_assert(crosses(&site, &hub));
	/* New keys of one, the end of the other. */
	rekey_want(&first->rekey);
	session_tick(first, in(10));
	TURN_UNTIL(health_of(&hub).renewals == 1);
	ck_assert_uint_eq(health_of(&second).renewals, 0);
	session_end(second.session, "it is late");
	TURN_UNTIL(site.nover == 1);
	ck_assert_ptr_null(site.session);
	site.session = first;
	ck_assert(crosses(&hub, &site));
	ck_assert(crosses(&site, &hub));
	party_close(&second);
	finish();
}
END_TEST

/* ---- states ---- */

static void
expect_log(const char *expected)
{
	static char text[8192];
	char	    found[1024] = "", *line, *save = NULL, *state;
	ssize_t	    n = pread(log_fd, text, sizeof(text) - 1, 0);

	ck_assert_int_ge(n, 0);
	text[n] = '\0';
	for (line = strtok_r(text, "\n", &save); line != NULL;
	    line = strtok_r(NULL, "\n", &save)) {
		state = strstr(line, "session 00004d: ");
		if (state == NULL || strstr(line, "keys") != NULL ||
		    strstr(line, "this one") == NULL)
			continue;
		strlcat(found, state + strlen("session 00004d: "),
		    sizeof(found));
		strlcat(found, "; ", sizeof(found));
	}
	ck_assert_str_eq(found, expected);
}

/* Whatever changes what it goes by is logged, and by one place. */
START_TEST(each_change_of_its_state_is_logged)
{
	int own = dup(STDERR_FILENO);

	start(CONF_TRANSPORT_TCP);
	log_fd = memfd_create("log", MFD_CLOEXEC);
	ck_assert_int_eq(dup2(log_fd, STDERR_FILENO), STDERR_FILENO);
	log_init(NULL, LOG_LEVEL_DEBUG);
	meet();
	begin(&hub);
	begin(&site);
	strcpy(site.session->label, "this one");
	attach(&hub, NULL);
	attach(&site, &hub.at);
	expect_log("adrift -> connected; ");
	cut(&site);
	TURN_UNTIL(site.session->conn == NULL && hub.session->conn == NULL);
	meet();
	attach(&hub, NULL);
	attach(&site, &hub.at);
	meet();
	attach(&hub, NULL);
	attach(&site, &hub.at);
	session_end(site.session, "it is late");
	expect_log("adrift -> connected; connected -> adrift; "
	    "adrift -> connected; connected -> connected; "
	    "connected -> adrift; ");
	ck_assert_int_eq(dup2(own, STDERR_FILENO), STDERR_FILENO);
	log_init(NULL, LOG_LEVEL_ERROR);
	close(own);
	close(log_fd);
	finish();
}
END_TEST

UNIT_MAIN("session", it_is_adrift_and_goes_on_by_another_connection,
    frames_go_by_the_connection_that_it_has,
    with_udp_alone_the_connection_takes_no_frames,
    a_connection_that_is_replaced_gets_bye, adrift_it_has_its_time_and_no_more,
    who_was_silent_for_long_is_gone_with_the_connection,
    dead_lanes_end_it_where_there_is_nothing_else, a_goodbye_ends_it,
    its_end_is_told_to_the_other_one, a_message_out_of_turn_ends_it,
    of_a_feature_it_takes_what_was_agreed,
    without_sockets_for_its_lanes_it_is_over, who_leads_asks_for_new_keys,
    who_does_not_lead_says_that_it_wants_them,
    a_question_is_forgotten_with_its_connection,
    who_leads_makes_dead_lanes_anew, a_probe_goes_by_all_that_there_is,
    other_times_hold_for_connection_and_lanes, a_site_can_have_two,
    each_change_of_its_state_is_logged)
