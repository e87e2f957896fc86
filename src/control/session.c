/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "control/session.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bsd/string.h>

#include "base/log.h"
#include "base/secret.h"
#include "control/conn/conn.h"
#include "dataplane/dataplane.h"

static void set_conn(struct session *session, struct conn *conn);
static void on_message(void *arg, const struct message *msg);
static bool on_rekey(struct session *session, const struct message *msg);
static void on_frames(void *arg, uint8_t *items, size_t len);
static void on_end(void *arg, const char *why);
static bool is_gone(const struct session *session, struct mono now);
static void over(struct session *session, const char *why);
static void start_lanes(struct session *session);
static void attach_lanes(struct session *session, const int *fds);
static void repair_lanes(struct session *session,
    const struct dataplane_peer_health *health, struct mono now);
static void watch(struct session *session,
    const struct dataplane_peer_health *health, struct mono now);
static void on_lanes_up(void *arg);
static void on_lane_failed(void *arg);
static void on_rekey_needed(void *arg);
static void on_renewed(void *arg);
static struct conn *connection(void *arg);

static const struct conn_events conn_events = {
	.on_message = on_message,
	.on_frames = on_frames,
	.on_end = on_end,
};

static const struct dataplane_events lane_events = {
	.on_up = on_lanes_up,
	.on_failed = on_lane_failed,
	.on_rekey_needed = on_rekey_needed,
	.on_renewed = on_renewed,
	.connection = connection,
};

struct session *
session_new(struct dataplane *dataplane, bool leads, const char *site,
    uint16_t port, const struct session_events *events, void *owner)
{
	struct session *session = calloc(1, sizeof(*session));

	if (session == NULL)
		return NULL;
	session->dataplane = dataplane;
	session->events = events;
	session->owner = owner;
	session->leads = leads;
	session->port = port;
	strlcpy(session->site, site, sizeof(session->site));
	return session;
}

void
session_free(struct session *session)
{
	if (session == NULL)
		return;
	dataplane_detach(session->peer);
	conn_free(session->conn);
	free(session->leaf);
	secret_free(session, sizeof(*session));
}

bool
session_begin(struct session *session, struct conn *conn,
    const struct message *welcome, struct lane_share *ours,
    const uint8_t theirs[LANE_KEYS_SHARE], const uint8_t psk[LANE_KEYS_PSK])
{
	uint8_t exporter[32], transcript[32];
	bool	agreed;

	if ((session->features & MESSAGE_CAN_PSK) == 0)
		psk = NULL;
	session->id = welcome->session;
	session->lanes = welcome->lanes;
	session->transport = welcome->transport;
	session->key_limit =
	    (uint64_t)welcome->rekey_mib * DATAPLANE_BLOCKS_MIB;
	session->up_since = mono_now();
	conn_transcript(conn, transcript);
	rekey_begin(&session->rekey, transcript, psk, session->id,
	    welcome->rekey_sec, session->up_since);
	agreed = tls_export(conn->tls, LANE_KEYS_LABEL, exporter,
		     sizeof(exporter)) == 0 &&
	    lane_keys_agree(&session->secret, ours, theirs, psk, exporter,
		transcript, session->id);
	secret_wipe(exporter, sizeof(exporter));
	return agreed;
}

void
session_attach(struct session *session, struct conn *conn,
    const struct endpoint *remote, unsigned keepalive_sec,
    unsigned dead_peer_sec)
{
	if (session->conn != NULL) {
		conn_bye(session->conn,
		    "the session continues on another connection");
		conn_release(session->conn);
	}
	conn_set_owner(conn, &conn_events, session);
	set_conn(session, conn);
	session->remote = remote != NULL ? *remote : (struct endpoint) { 0 };
	session->keepalive_sec = keepalive_sec;
	session->dead_peer_sec = dead_peer_sec;
	conn_go_up(conn, keepalive_sec, dead_peer_sec);
	if (session->transport != CONF_TRANSPORT_UDP)
		conn_allow_frames(conn);
	if (session->peer == NULL) {
		start_lanes(session);
		return;
	}
	dataplane_peer_set_keepalive(session->peer, keepalive_sec);
	/* The previous connection may not have sent it. */
	if (!session->leads && dataplane_peer_wants_keys(session->peer))
		on_rekey_needed(session);
}

void
session_sockets(void *arg, const int *fds, unsigned n, int error)
{
	struct session *session = arg;
	bool		first = session->peer == NULL;
	unsigned	wanted = first ? session->lanes :
	    (unsigned)__builtin_popcount(session->repair.lanes);
	const char     *why = error != 0 ? strerror(error) :
					   "no sockets for the lanes";

	if (session->conn == NULL || n == 0 || n != wanted) {
		for (unsigned i = 0; i < n; i++)
			close(fds[i]);
		if (first)
			session_end(session, why);
		else if (error != 0)
			log_warnx("%s: no sockets for the lanes: %s",
			    session->label, why);
		return;
	}
	if (first) {
		attach_lanes(session, fds);
		return;
	}
	dataplane_peer_new_sockets(session->peer, session->repair.lanes, fds,
	    &session->remote);
	session->rebuilding = true;
	rekey_repair(&session->rekey);
	rekey_tick(&session->rekey, session->conn, session->peer, mono_now());
}

void
session_set_times(struct session *session, unsigned keepalive_sec,
    unsigned dead_peer_sec)
{
	if (session->conn == NULL || (session->keepalive_sec == keepalive_sec &&
	    session->dead_peer_sec == dead_peer_sec))
		return;
	session->keepalive_sec = keepalive_sec;
	session->dead_peer_sec = dead_peer_sec;
	conn_set_times(session->conn, keepalive_sec, dead_peer_sec);
	if (session->peer != NULL)
		dataplane_peer_set_keepalive(session->peer, keepalive_sec);
}

void
session_tick(struct session *session, struct mono now)
{
	struct dataplane_peer_health health;
	const char		    *trouble;

	if (session->peer == NULL)
		return;
	dataplane_peer_health(session->peer, &health);
	if (session->leads && session->conn != NULL) {
		repair_lanes(session, &health, now);
		rekey_tick(&session->rekey, session->conn, session->peer, now);
	}
	trouble = dataplane_peer_health_trouble(&health, session->dead_peer_sec,
	    now);
	/* The other end waits as long, and no longer. */
	if (trouble == NULL && session->conn == NULL &&
	    mono_sub(now, session->adrift_since) >
		session->dead_peer_sec * MONO_SEC)
		trouble = "it did not come back";
	if (trouble != NULL)
		session_end(session, trouble);
	else if (session->conn != NULL)
		watch(session, &health, now);
}

void
session_woke(struct session *session, struct mono now)
{
	session->adrift_since = now;
	if (session->peer != NULL)
		dataplane_peer_woke(session->peer, now);
}

void
session_probe(struct session *session, double within_sec)
{
	if (session->conn != NULL)
		conn_probe(session->conn, within_sec);
	if (session->peer != NULL)
		dataplane_peer_probe(session->peer);
}

void
session_end(struct session *session, const char *why)
{
	if (session->conn != NULL) {
		conn_bye(session->conn, why);
		conn_release(session->conn);
		set_conn(session, NULL);
	}
	over(session, why);
}

/* What carries it; nobody else writes it. */
static void
set_conn(struct session *session, struct conn *conn)
{
	log_debug("%s: session %06x: %s -> %s", session->label,
	    (unsigned)session->id,
	    session->conn != NULL ? "connected" : "adrift",
	    conn != NULL ? "connected" : "adrift");
	session->conn = conn;
	if (conn == NULL)
		session->adrift_since = mono_now();
	/* A request on the previous connection gets no answer on this one. */
	rekey_forget(&session->rekey);
}

static void
on_message(void *arg, const struct message *msg)
{
	struct session *session = arg;
	char		why[MESSAGE_TEXT_SIZE + 32], text[MESSAGE_TEXT_SIZE];

	if (msg->type == MESSAGE_BYE) {
		log_escape(text, sizeof(text), msg->text, strlen(msg->text));
		snprintf(why, sizeof(why), "%s: %.200s", session->leads ?
			"the hub says" : "it says", text);
		conn_end(session->conn, why);
	} else if (msg->type == MESSAGE_MTU &&
	    (session->features & MESSAGE_CAN_MTU) != 0) {
		session->mtu = msg->mtu;
	} else if (!on_rekey(session, msg) &&
	    (session->events->on_message == NULL ||
		!session->events->on_message(session, msg))) {
		snprintf(why, sizeof(why), "a %s out of turn",
		    message_name(msg->type));
		session_end(session, why);
	}
}

static bool
on_rekey(struct session *session, const struct message *msg)
{
	if (session->leads && msg->type == MESSAGE_REKEY_WANTED)
		rekey_want(&session->rekey);
	else if (session->peer == NULL || msg->type != MESSAGE_REKEY)
		return false;
	else if (session->leads)
		rekey_answer(&session->rekey, session->conn, session->peer,
		    msg);
	else
		rekey_serve(&session->rekey, session->conn, session->peer,
		    msg);
	return true;
}

static void
on_frames(void *arg, uint8_t *items, size_t len)
{
	struct session *session = arg;

	dataplane_frames(session->dataplane, session->peer, items, len);
}

static void
on_end(void *arg, const char *why)
{
	struct session *session = arg;
	bool drifts = session->conn->lost && !is_gone(session, mono_now());

	set_conn(session, NULL);
	if (!drifts) {
		over(session, why);
		return;
	}
	log_info("%s: its connection broke: %s: it has %u s to come back, "
	    "frames still pass", session->label, why, session->dead_peer_sec);
	if (session->events->on_lost != NULL)
		session->events->on_lost(session, why);
}

/*
 * Neither the connection nor a lane receives anything: the other end is gone.
 */
static bool
is_gone(const struct session *session, struct mono now)
{
	unsigned lanes_sec = session->dead_peer_sec / 2;

	/* An idle lane receives something once a keepalive. */
	if (lanes_sec <= session->keepalive_sec)
		lanes_sec = session->keepalive_sec + 1;
	return session->peer == NULL ||
	    (conn_is_silent(session->conn, session->dead_peer_sec, now) &&
		dataplane_peer_is_silent(session->peer, lanes_sec, now));
}

static void
over(struct session *session, const char *why)
{
	log_info("%s: down: %s", session->label, why);
	dataplane_detach(session->peer);
	session->peer = NULL;
	session->events->on_over(session, why);
}

/* Where the other end makes them, or there are none, no socket is needed. */
static void
start_lanes(struct session *session)
{
	transport_watch_start(&session->watch, session->up_since);
	if (!session->leads || session->lanes == 0)
		attach_lanes(session, NULL);
	else if (session->events->get_sockets(session, session->lanes) < 0)
		session_end(session, "no sockets for the lanes");
}

/* `fds`: a socket for each lane; consumed. */
static void
attach_lanes(struct session *session, const int *fds)
{
	struct dataplane_attachment attachment = {
		.name = session->site,
		.port = session->port,
		.session = session->id,
		.transport = session->transport,
		.may_tag = (session->features & MESSAGE_CAN_TAG) != 0,
		.leads = session->leads,
		.lanes = session->lanes,
		.keepalive_sec = session->keepalive_sec,
		.key_limit = session->key_limit,
		.secret = &session->secret,
		.remote = &session->remote,
		.fds = fds,
	};

	session->peer = dataplane_attach(session->dataplane, &attachment,
	    &lane_events, session);
	secret_wipe(&session->secret, sizeof(session->secret));
	if (session->peer == NULL)
		session_end(session, "out of memory");
	else if (session->transport == CONF_TRANSPORT_TCP)
		log_info("%s: data flows by TCP", session->label);
}

/*
 * Replaces dead lanes, with new ports and keys.  The hub's address may be
 * another one than when they were made.
 */
static void
repair_lanes(struct session *session,
    const struct dataplane_peer_health *health, struct mono now)
{
	bool others_alive = health->others_alive ||
	    !dataplane_peer_is_at(session->peer, &session->remote);
	unsigned n;

	if (session->remote.len == 0)
		return;
	switch (lane_repair_tick(&session->repair, health->dead, others_alive,
	    now)) {
	case LANE_REPAIR_NOTHING:
		break;
	case LANE_REPAIR_PROBE:
		dataplane_peer_probe(session->peer);
		break;
	case LANE_REPAIR_REBUILD:
		n = (unsigned)__builtin_popcount(session->repair.lanes);
		/*
		 * If all are dead, this may last for days; watch() logged it.
		 */
		(others_alive ? log_warnx : log_debug)("%s: %u of %u data "
		    "lanes are dead: they are replaced, from other ports",
		    session->label, n, session->lanes);
		/* What fails here is tried again after a pause. */
		(void)session->events->get_sockets(session, n);
		break;
	}
}

static void
watch(struct session *session, const struct dataplane_peer_health *health,
    struct mono now)
{
	char text[TLS_WHY_SIZE];

	switch (transport_watch_tick(&session->watch,
	    dataplane_peer_health_is_blocked(health), now)) {
	case TRANSPORT_BLOCKED:
		snprintf(text, sizeof(text), "UDP does not get through %s %s: "
		    "%s; open UDP port %u in the firewalls between",
		    session->leads ? "to" : "from", session->address,
		    session->transport == CONF_TRANSPORT_UDP ?
			"no frame can pass" : "frames go by TCP",
		    session->udp_port);
		log_warnx("%s: %s", session->label, text);
		if (session->events->on_trouble != NULL)
			session->events->on_trouble(session, text);
		break;
	case TRANSPORT_THROUGH:
		log_info("%s: UDP gets through: frames go by UDP again",
		    session->label);
		if (session->events->on_trouble != NULL)
			session->events->on_trouble(session, NULL);
		break;
	case TRANSPORT_NO_NEWS:
		break;
	}
}

static void
on_lanes_up(void *arg)
{
	struct session *session = arg;

	log_info("%s: data flows by UDP", session->label);
	transport_watch_up(&session->watch);
	if (session->events->on_trouble != NULL)
		session->events->on_trouble(session, NULL);
}

/*
 * The leading end replaces it in repair_lanes().  The other end may not notice
 * that it failed, if it sends nothing on that lane.
 */
static void
on_lane_failed(void *arg)
{
	struct session *session = arg;

	log_warnx("%s: a data lane failed%s", session->label, session->leads ?
		"" : ": new keys are asked for");
	if (!session->leads)
		on_rekey_needed(session);
}

/* The leading end renews keys; the other end asks for it. */
static void
on_rekey_needed(void *arg)
{
	struct session *session = arg;
	struct message	msg = { .type = MESSAGE_REKEY_WANTED };

	if (session->leads)
		rekey_want(&session->rekey);
	else if (session->conn != NULL)
		(void)conn_send(session->conn, &msg);
}

static void
on_renewed(void *arg)
{
	struct session *session = arg;

	rekey_done(&session->rekey, mono_now());
	if (session->rebuilding)
		log_info("%s: all data lanes work again", session->label);
	else
		log_debug("%s: new keys", session->label);
	session->rebuilding = false;
}

static struct conn *
connection(void *arg)
{
	return ((struct session *)arg)->conn;
}
