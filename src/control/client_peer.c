/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "control/client_peer.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/secret.h"
#include "control/client.h"

static void watch(struct client *client,
    const struct dataplane_peer_health *health, struct mono now);
static void check_adrift(struct client *client,
    const struct dataplane_peer_health *health, struct mono now);
static void on_lane_sockets(void *arg, const int *fds, unsigned n, int error);
static void attach(struct client *client, const int *fds);
static void mend_lanes(struct client *client,
    const struct dataplane_peer_health *health, struct mono now);
static void say_dead(const struct client *client, bool hopeful);
static void on_new_sockets(void *arg, const int *fds, unsigned n, int error);
static unsigned count_bits(uint32_t bits);
static void on_lanes_up(void *arg);
static struct conn *connection(void *arg);
static void on_lane_failed(void *arg);
static void on_worn(void *arg);
static void on_renewed(void *arg);

static const struct dataplane_events dataplane_events = {
	.on_up = on_lanes_up,
	.on_failed = on_lane_failed,
	.on_worn = on_worn,
	.on_renewed = on_renewed,
	.connection = connection,
};

bool
client_peer_agree(struct client *client, const struct message *msg)
{
	uint8_t exporter[32], transcript[32];
	bool	agreed;

	client_peer_drop(client,
	    "the server does not know the session any more");
	client->session_id = msg->session;
	client->repair = (struct lane_repair) { 0 };
	client->rebuilding = false;
	client->lanes = msg->lanes;
	client->transport = msg->transport;
	conn_transcript(client->conn, transcript);
	rekey_begin(&client->rekey, transcript, msg->session, msg->rekey_sec,
	    mono_now());
	client->wears_at = (uint64_t)msg->rekey_mib * DATAPLANE_BLOCKS_MIB;
	agreed = tls_export(client->conn->tls, LANE_KEYS_LABEL, exporter,
		     sizeof(exporter)) == 0 &&
	    lane_secret_agree(&client->secret, &client->share, msg->share,
		exporter, transcript, msg->session);
	secret_wipe(exporter, sizeof(exporter));
	return agreed;
}

void
client_peer_begin(struct client *client)
{
	transport_watch_start(&client->watch, client->since);
	if (client->transport == CONF_TRANSPORT_TCP)
		attach(client, NULL);
	else if (connector_lanes(client->connector, client->lanes,
		on_lane_sockets, client) < 0)
		conn_bye(client->conn, "no sockets for the lanes");
}

void
client_peer_tick(struct client *client, struct mono now)
{
	struct dataplane_peer_health health;
	const char		    *trouble;

	if (client->peer == NULL)
		return;
	dataplane_peer_health(client->peer, &health);
	if (client->state != CLIENT_UP) {
		check_adrift(client, &health, now);
		return;
	}
	mend_lanes(client, &health, now);
	rekey_tick(&client->rekey, client->conn, client->peer, now);
	trouble = dataplane_peer_health_trouble(&health, client->dead_peer_sec,
	    now);
	if (trouble != NULL)
		conn_bye(client->conn, trouble);
	else
		watch(client, &health, now);
}

void
client_peer_drop(struct client *client, const char *why)
{
	if (client->peer == NULL)
		return;
	if (why != NULL)
		log_info("server %s: down: %s",
		    connector_address(client->connector), why);
	dataplane_detach(client->peer);
	client->peer = NULL;
	if (client->state != CLIENT_UP)
		assignment_down(&client->assignment);
	rekey_forget(&client->rekey);
}

static void
watch(struct client *client, const struct dataplane_peer_health *health,
    struct mono now)
{
	switch (transport_watch_tick(&client->watch,
	    dataplane_peer_health_is_blocked(health), now)) {
	case TRANSPORT_BLOCKED:
		snprintf(client->last_error, sizeof(client->last_error),
		    "UDP does not get through to %s: %s; open that UDP port in "
		    "the firewalls between",
		    connector_address(client->connector),
		    client->transport == CONF_TRANSPORT_UDP ?
			"no frame can pass" : "frames go by TCP");
		log_warnx("%s", client->last_error);
		break;
	case TRANSPORT_THROUGH:
		client->last_error[0] = '\0';
		log_info("server %s: UDP gets through: frames go by UDP again",
		    connector_address(client->connector));
		break;
	case TRANSPORT_NO_NEWS:
		break;
	}
}

/*
 * The server waits as long for us, and no longer.  One whose host goes on saying
 * that nothing listens, and that no lane hears either, has ended: what is to
 * happen while the tunnel is down should not wait any longer.
 */
static void
check_adrift(struct client *client, const struct dataplane_peer_health *health,
    struct mono now)
{
	const char *trouble = dataplane_peer_health_trouble(health,
	    client->dead_peer_sec, now);

	if (trouble == NULL && connector_is_refused(client->connector) &&
	    health->lanes_up == 0)
		trouble = "the server has ended";
	else if (trouble == NULL && mono_sub(now, client->adrift_since) >
	    client->dead_peer_sec * MONO_SEC)
		trouble = "no connection could be made in time";
	if (trouble != NULL)
		client_peer_drop(client, trouble);
}

static void
on_lane_sockets(void *arg, const int *fds, unsigned n, int error)
{
	struct client *client = arg;

	if (client->state != CLIENT_UP || n != client->lanes) {
		for (unsigned i = 0; i < n; i++)
			close(fds[i]);
		if (client->state == CLIENT_UP)
			conn_bye(client->conn, error != 0 ?
				strerror(error) : "no sockets for the lanes");
		return;
	}
	attach(client, fds);
}

/* `fds`: a socket a lane; consumed. */
static void
attach(struct client *client, const int *fds)
{
	struct dataplane_attachment attachment = {
		.name = client->conf->site,
		.port = DATAPLANE_FIRST_PORT,
		.session = client->session_id,
		.transport = client->transport,
		.lanes = client->lanes,
		.keepalive_sec = client->keepalive_sec,
		.wears_at = client->wears_at,
		.secret = &client->secret,
		.remote = &client->server,
		.fds = fds,
	};

	client->peer = dataplane_attach(client->dataplane, &attachment,
	    &dataplane_events,
	    client);
	secret_wipe(&client->secret, sizeof(client->secret));
	if (client->peer == NULL)
		conn_bye(client->conn, "out of memory");
	else if (client->transport == CONF_TRANSPORT_TCP)
		log_info("server %s: data flows by TCP",
		    connector_address(client->connector));
}

static void
on_lanes_up(void *arg)
{
	struct client *client = arg;

	if (client->settled)
		client->last_error[0] = '\0';
	log_info("server %s: data flows by UDP",
	    connector_address(client->connector));
	transport_watch_up(&client->watch);
}

static struct conn *
connection(void *arg)
{
	struct client *client = arg;

	return client->state == CLIENT_UP ? client->conn : NULL;
}

/* It is dead; mend_lanes() sees to it once there is a connection. */
static void
on_lane_failed(void *arg)
{
	const struct client *client = arg;

	log_warnx("server %s: a data lane failed",
	    connector_address(client->connector));
}

static void
on_worn(void *arg)
{
	struct client *client = arg;

	rekey_want(&client->rekey);
}

static void
on_renewed(void *arg)
{
	struct client *client = arg;

	rekey_done(&client->rekey, mono_now());
	if (client->rebuilding)
		log_info("server %s: all data lanes carry again",
		    connector_address(client->connector));
	else
		log_debug("server %s: new keys",
		    connector_address(client->connector));
	client->rebuilding = false;
}

/*
 * Lanes that died: from other ports, with other keys.  The session may go on with
 * a server at another address than the one that they were made for.
 */
static void
mend_lanes(struct client *client, const struct dataplane_peer_health *health,
    struct mono now)
{
	bool hopeful = health->others_alive ||
	    !dataplane_peer_is_at(client->peer, &client->server);

	if (client->server.len == 0)
		return;
	switch (lane_repair_tick(&client->repair, health->dead, hopeful,
	    now)) {
	case LANE_REPAIR_NOTHING:
		break;
	case LANE_REPAIR_PROBE:
		dataplane_peer_probe(client->peer);
		break;
	case LANE_REPAIR_REBUILD:
		say_dead(client, hopeful);
		/* What fails here is tried again after a pause. */
		(void)connector_lanes(client->connector,
		    count_bits(client->repair.lanes), on_new_sockets, client);
		break;
	}
}

static void
on_new_sockets(void *arg, const int *fds, unsigned n, int error)
{
	struct client *client = arg;

	if (client->state != CLIENT_UP || client->peer == NULL ||
	    n == 0 || n != count_bits(client->repair.lanes)) {
		for (unsigned i = 0; i < n; i++)
			close(fds[i]);
		if (error != 0)
			log_warnx("no sockets for the lanes: %s",
			    strerror(error));
		return;
	}
	dataplane_peer_new_sockets(client->peer, client->repair.lanes, fds,
	    &client->server);
	client->rebuilding = true;
	rekey_repair(&client->rekey);
	rekey_tick(&client->rekey, client->conn, client->peer, mono_now());
}

/* Without hope it may go on for days, and watch() told what there is to know. */
static void
say_dead(const struct client *client, bool hopeful)
{
	(hopeful ? log_warnx : log_debug)("server %s: %u of %u data lanes are "
	    "dead: they are made anew, from other ports",
	    connector_address(client->connector),
	    count_bits(client->repair.lanes), client->lanes);
}

static unsigned
count_bits(uint32_t bits)
{
	return (unsigned)__builtin_popcount(bits);
}
