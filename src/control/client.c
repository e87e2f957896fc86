/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "control/client.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bsd/string.h>

#include "base/log.h"
#include "base/secret.h"
#include "config.h"

#define STOOD_US	 (15 * MONO_SEC) /* a session: pauses begin anew */
#define PROBE_SEC	 2.0 /* for a sign of life, when the network changed */
#define HANGS_US	 (3 * MONO_SEC)
#define LOGIN_LEFT_SEC	 3.0 /* for a login under way, then */

static void set_state(struct client *client, enum client_state state);
static void find_server(struct client *client);
static void on_connected(void *arg, int fd, const struct endpoint *server,
    const char *name);
static void on_connect_failed(void *arg, const char *why);
static void try_next(struct client *client, const char *why);
static void wait_and_retry(struct client *client);
static void on_pause_over(struct ev_loop *loop, struct ev_timer *timer,
    int events);
static void on_tick(struct ev_loop *loop, struct ev_timer *timer, int events);
static bool has_ended(const struct client *client);
static void on_wake(struct client *client, int64_t slept_us);

static void fill_hello(void *arg, struct message *msg);
static void on_login_end(void *arg, const char *why);
static const char *on_welcome(void *arg, struct conn *conn,
    const struct message *msg);
static const char *why_not(const struct client *client,
    const struct message *msg, bool same);
static bool begin_session(struct client *client, struct conn *conn,
    const struct message *msg);
static void go_up(struct client *client, struct conn *conn,
    const struct message *msg, bool same);
static void settle(struct client *client);

static int get_sockets(struct session *session, unsigned count);
static bool on_message(struct session *session, const struct message *msg);
static void on_trouble(struct session *session, const char *trouble);
static void on_assignment(void *arg, bool refused, const char *why);
static void on_lost(struct session *session, const char *why);
static void on_over(struct session *session, const char *why);

static const struct auth_client_events login_events = {
	.fill_hello = fill_hello,
	.on_welcome = on_welcome,
	.on_end = on_login_end,
};

static const struct session_events session_events = {
	.get_sockets = get_sockets,
	.on_message = on_message,
	.on_trouble = on_trouble,
	.on_lost = on_lost,
	.on_over = on_over,
};

static const struct connector_events connector_events = {
	.on_connected = on_connected,
	.on_failed = on_connect_failed,
};

struct client *
client_new(struct ev_loop *loop, const struct conf *conf,
    struct dataplane *dataplane, struct keeper_ask *keeper,
    struct monitor_ask *monitor, struct tls_context *tls, unsigned mtu)
{
	struct client *client = calloc(1, sizeof(*client));

	if (client == NULL) {
		tls_context_put(tls);
		log_warnx("out of memory");
		return NULL;
	}
	client->loop = loop;
	client->conf = conf;
	client->dataplane = dataplane;
	client->monitor = monitor;
	client->tls = tls;
	client->mtu = mtu;
	client->port = dataplane_new_port(dataplane);
	retry_pause_reset(&client->pause);
	/* Start now, to detect a suspend before the first tick. */
	(void)mono_slept(&client->sleep, mono_now(), mono_awake());
	client->connector = connector_new(loop, conf, keeper, monitor,
	    &connector_events, client);
	assignment_init(&client->assignment, monitor, conf->mode == CONF_TUN,
	    on_assignment, client);
	auth_client_init(&client->auth, keeper, conf, &login_events, client);
	ev_timer_init(&client->timer, on_pause_over, 0, 0);
	ev_timer_init(&client->tick, on_tick, 1, 1);
	client->timer.data = client->tick.data = client;
	ev_timer_start(loop, &client->tick);
	if (client->connector == NULL) {
		log_warnx("out of memory");
		client_free(client);
		return NULL;
	}
	find_server(client);
	return client;
}

void
client_bye(struct client *client, const char *why)
{
	set_state(client, CLIENT_STOPPED);
	ev_timer_stop(client->loop, &client->timer);
	connector_stop(client->connector);
	auth_client_stop(&client->auth);
	if (client->session != NULL)
		session_end(client->session, why);
}

void
client_free(struct client *client)
{
	if (client == NULL)
		return;
	auth_client_fini(&client->auth);
	secret_wipe(&client->share, sizeof(client->share));
	monitor_ask_cancel(client->monitor, client->session);
	assignment_forget(&client->assignment);
	session_free(client->session);
	dataplane_put_port(client->dataplane, client->port);
	connector_free(client->connector);
	ev_timer_stop(client->loop, &client->timer);
	ev_timer_stop(client->loop, &client->tick);
	tls_context_put(client->tls);
	free(client);
}

void
client_login(struct client *client)
{
	auth_client_person(&client->auth, mono_now());
	if (client->state != CLIENT_WAIT)
		return;
	ev_timer_stop(client->loop, &client->timer);
	retry_pause_reset(&client->pause);
	find_server(client);
}

void
client_network_changed(struct client *client)
{
	struct mono now = mono_now();

	switch (client->state) {
	case CLIENT_WAIT:
		if (client->auth.needs_person)
			break;
		ev_timer_stop(client->loop, &client->timer);
		find_server(client);
		break;
	case CLIENT_CONNECT:
		if (mono_sub(now, client->since) > HANGS_US &&
		    connector_again(client->connector))
			set_state(client, CLIENT_CONNECT);
		break;
	case CLIENT_LOGIN:
		auth_client_shorten_deadline(&client->auth, LOGIN_LEFT_SEC);
		break;
	case CLIENT_UP:
		session_probe(client->session, PROBE_SEC);
		break;
	case CLIENT_STOPPED:
		break;
	}
}

void
client_reconfigure(struct client *client, const struct conf *conf)
{
	client->conf = conf;
	client->auth.conf = conf;
	connector_reconfigure(client->connector, conf);
}

void
client_set_tls(struct client *client, struct tls_context *tls)
{
	tls_context_put(client->tls);
	client->tls = tls;
}

const char *
client_state_name(const struct client *client)
{
	if (client->state != CLIENT_UP && client->session != NULL)
		return "adrift";
	if (client->state == CLIENT_UP && client->settled)
		return "up";
	return client->state == CLIENT_WAIT ? "waiting" : "connecting";
}

const char *
client_waits_for(const struct client *client)
{
	switch (client->state) {
	case CLIENT_CONNECT:
		return connector_doing(client->connector);
	case CLIENT_LOGIN:
		return client->auth.question ? "an answer to tombolo login" :
						 "the hub to let it in";
	case CLIENT_WAIT:
		if (client->auth.needs_person)
			return "tombolo login";
		return client->pause.is_asked ? "the time that the hub set" :
					  "the next attempt";
	case CLIENT_UP:
		if (!client->settled)
			return "what the hub assigned to be set";
		break;
	case CLIENT_STOPPED:
		break;
	}
	return "";
}

static void
set_state(struct client *client, enum client_state state)
{
	static const char *const names[] = { [CLIENT_CONNECT] = "connect",
		[CLIENT_LOGIN] = "login", [CLIENT_UP] = "up",
		[CLIENT_WAIT] = "wait", [CLIENT_STOPPED] = "stopped" };

	log_debug("site %s: %s -> %s", client->conf->site,
	    names[client->state], names[state]);
	client->state = state;
	client->since = mono_now();
}

static void
find_server(struct client *client)
{
	set_state(client, CLIENT_CONNECT);
	connector_start(client->connector);
}

static void
on_connected(void *arg, int fd, const struct endpoint *server, const char *name)
{
	struct client *client = arg;

	set_state(client, CLIENT_LOGIN);
	client->auth.refused = false;
	client->server = *server;
	if (server->len == 0 && client->conf->transport == CONF_TRANSPORT_UDP) {
		close(fd);
		try_next(client, "only the proxy can look up the hub's name, "
		    "so no frame can pass by UDP: change transport, or "
		    "configure the hub's address");
		return;
	}
	if (!auth_client_start(&client->auth, client->loop, client->tls, fd,
		name, connector_address(client->connector)))
		try_next(client, "out of memory");
}

static void
on_connect_failed(void *arg, const char *why)
{
	struct client *client = arg;

	strlcpy(client->last_error, why, sizeof(client->last_error));
	wait_and_retry(client);
}

static void
try_next(struct client *client, const char *why)
{
	set_state(client, CLIENT_CONNECT);
	strlcpy(client->last_error, why, sizeof(client->last_error));
	/* A refusal, the server's or ours, applies to all of its addresses. */
	if (client->auth.refused || client->auth.needs_person)
		connector_next_server(client->connector, why);
	else
		connector_next(client->connector, why);
}

static void
wait_and_retry(struct client *client)
{
	double pause = retry_pause_next(&client->pause);

	set_state(client, CLIENT_WAIT);
	ev_timer_stop(client->loop, &client->timer);
	if (client->auth.needs_person)
		return;
	client->retry_at = mono_add(client->since,
	    (int64_t)(pause * (double)MONO_SEC));
	ev_timer_set(&client->timer, pause, 0);
	ev_timer_start(client->loop, &client->timer);
}

static void
on_pause_over(struct ev_loop *loop, struct ev_timer *timer, int events)
{
	find_server(timer->data);
}

static void
on_tick(struct ev_loop *loop, struct ev_timer *timer, int events)
{
	struct client	*client = timer->data;
	struct mono	 now = mono_now();
	int64_t		 slept;

	slept = mono_slept(&client->sleep, now, mono_awake());
	if (slept > 0)
		on_wake(client, slept);
	if (client->state == CLIENT_UP)
		assignment_tick(&client->assignment, now);
	if (client->session == NULL)
		return;
	if (client->state != CLIENT_UP && has_ended(client))
		session_end(client->session, "the hub has ended");
	else
		session_tick(client->session, now);
}

/*
 * A server whose host goes on saying that nothing listens, and that no lane hears
 * either: what is to happen while the tunnel is down should not wait any longer.
 */
static bool
has_ended(const struct client *client)
{
	struct dataplane_peer_health health;

	if (!connector_is_refused(client->connector))
		return false;
	dataplane_peer_health(client->session->peer, &health);
	return health.lanes_up == 0;
}

/* Timers stood still during the suspend, and the network may have changed. */
static void
on_wake(struct client *client, int64_t slept_us)
{
	log_info("this host was suspended for %lld s",
	    (long long)(slept_us / MONO_SEC));
	retry_pause_reset(&client->pause);
	client_network_changed(client);
}

static void
fill_hello(void *arg, struct message *msg)
{
	struct client	  *client = arg;
	const struct conf *conf = client->conf;

	msg->protocol = MESSAGE_PROTOCOL_MIN;
	msg->protocol_max = MESSAGE_PROTOCOL_MAX;
	client->offered = message_offers(conf->mode);
	if (client->auth.psk.generation != 0)
		client->offered |= MESSAGE_CAN_PSK;
	msg->features = client->offered;
	memcpy(msg->psk_id, client->auth.psk.id, sizeof(msg->psk_id));
	msg->psk_generation = client->auth.psk.generation;
	msg->mtu = client->mtu;
	strlcpy(msg->version, PACKAGE_VERSION, sizeof(msg->version));
	msg->mode = conf->mode;
	strlcpy(msg->site, conf->site, sizeof(msg->site));
	strlcpy(msg->method, conf_auth_name(conf->auth), sizeof(msg->method));
	msg->workers = dataplane_workers(client->dataplane);
	msg->session = client->session != NULL ? client->session->id : 0;
	/* With a proxy, only the proxy may know the address. */
	msg->transport = client->server.len == 0 &&
		conf->transport == CONF_TRANSPORT_AUTO ?
	    CONF_TRANSPORT_TCP :
	    conf->transport;
	msg->subnets = conf->subnets.v;
	msg->nsubnets = conf->subnets.n < MESSAGE_MAX_SUBNETS ?
	    conf->subnets.n :
	    MESSAGE_MAX_SUBNETS;
	lane_keys_share_new(&client->share);
	memcpy(msg->share, client->share.public_key, sizeof(msg->share));
}

static void
on_login_end(void *arg, const char *why)
{
	struct client	   *client = arg;
	struct auth_client *auth = &client->auth;

	secret_wipe(&client->share, sizeof(client->share));
	if (auth->refused)
		retry_pause_ask(&client->pause, auth->retry_after_sec);
	/* A session that the server refuses is over. */
	if (client->session != NULL && (auth->refused || auth->needs_person))
		session_end(client->session, why);
	try_next(client, why);
}

static const char *
on_welcome(void *arg, struct conn *conn, const struct message *msg)
{
	struct client *client = arg;
	bool	       same = client->session != NULL &&
	    msg->session == client->session->id;
	const char *why = why_not(client, msg, same);

	if (why != NULL)
		return why;
	if (!same && !begin_session(client, conn, msg))
		return "the keys could not be agreed";
	secret_wipe(&client->share, sizeof(client->share));
	go_up(client, conn, msg, same);
	return NULL;
}

static const char *
why_not(const struct client *client, const struct message *msg, bool same)
{
	if (msg->protocol != 0 && (msg->protocol < MESSAGE_PROTOCOL_MIN ||
		msg->protocol > MESSAGE_PROTOCOL_MAX))
		return "the hub speaks another protocol than was offered";
	if (same && (msg->features & client->offered) !=
		client->session->features)
		return "the hub's features are not the session's";
	if (msg->dead_peer_sec <= msg->keepalive_sec)
		return "dead-peer is not more than keepalive";
	if (!transport_is_allowed(client->conf->transport, msg->transport,
		msg->lanes) ||
	    (client->server.len == 0 &&
		msg->transport != CONF_TRANSPORT_TCP) ||
	    (same && msg->transport != client->session->transport))
		return "the hub's transport is not what was asked for";
	return NULL;
}

/* A new session: the previous one is over. */
static bool
begin_session(struct client *client, struct conn *conn,
    const struct message *msg)
{
	struct session *session;

	if (client->session != NULL)
		session_end(client->session,
		    "the hub does not know the session any more");
	session = session_new(client->dataplane, true, client->conf->site,
	    client->port, &session_events, client);
	if (session != NULL)
		session->features = msg->features & client->offered;
	if (session == NULL || !session_begin(session, conn, msg,
		&client->share, msg->share, client->auth.psk.key)) {
		session_free(session);
		return false;
	}
	if ((client->offered & ~session->features & MESSAGE_CAN_PSK) != 0)
		log_warnx("hub %s: it does not have this site's pre-shared "
		    "key: the session has none; ask for a new invitation",
		    connector_address(client->connector));
	client->session = session;
	return true;
}

static void
go_up(struct client *client, struct conn *conn, const struct message *msg,
    bool same)
{
	struct session *session = client->session;
	const char     *address;

	session->mtu = msg->mtu;
	retry_pause_ask(&client->pause, 0);
	set_state(client, CLIENT_UP);
	connector_good(client->connector);
	address = connector_address(client->connector);
	log_info("hub %s: %s: site %s", address,
	    same ? "the session goes on" : "up", client->conf->site);
	client->settled = client->settled && same;
	/* Until then the reason stays why it was refused before. */
	if (client->settled || !client->assignment.is_tun)
		settle(client);
	if (same)
		client->reconnects++;
	else
		client->sessions++;
	snprintf(session->label, sizeof(session->label), "hub %s", address);
	strlcpy(session->address, address, sizeof(session->address));
	session->udp_port = endpoint_port(&client->server);
	session_attach(session, conn, &client->server, msg->keepalive_sec,
	    msg->dead_peer_sec);
	if (client->session != NULL)
		assignment_take(&client->assignment, msg, mono_now());
}

static void
settle(struct client *client)
{
	client->settled = true;
	client->last_error[0] = '\0';
}

static int
get_sockets(struct session *session, unsigned count)
{
	struct client *client = session->owner;

	return connector_lanes(client->connector, count, session_sockets,
	    session);
}

static bool
on_message(struct session *session, const struct message *msg)
{
	struct client *client = session->owner;
	unsigned keepalive = msg->keepalive_sec, dead = msg->dead_peer_sec;

	if (msg->type != MESSAGE_UPDATE)
		return false;
	/* PROTOCOL 4.6: both may be omitted. */
	if ((keepalive != 0 || dead != 0) &&
	    (keepalive == 0 || dead <= keepalive)) {
		session_end(session, "dead-peer is not more than keepalive");
		return true;
	}
	if (keepalive != 0)
		session_set_times(session, keepalive, dead);
	assignment_take(&client->assignment, msg, mono_now());
	return true;
}

static void
on_trouble(struct session *session, const char *trouble)
{
	struct client *client = session->owner;

	if (trouble != NULL || client->settled)
		strlcpy(client->last_error, trouble != NULL ? trouble : "",
		    sizeof(client->last_error));
}

static void
on_assignment(void *arg, bool refused, const char *why)
{
	struct client *client = arg;
	char	       text[TLS_WHY_SIZE];

	if (why == NULL) {
		if (!client->settled)
			settle(client);
		return;
	}
	if (refused) {
		snprintf(text, sizeof(text),
		    "what the hub assigns is refused: %s", why);
		retry_pause_ask(&client->pause, RETRY_PAUSE_MAX_SEC);
		why = text;
	}
	session_end(client->session, why);
}

/* Frames still use the lanes, and another connection is made at once. */
static void
on_lost(struct session *session, const char *why)
{
	struct client *client = session->owner;

	monitor_ask_cancel(client->monitor, session);
	assignment_forget(&client->assignment);
	strlcpy(client->last_error, why, sizeof(client->last_error));
	connector_miss(client->connector, &client->server);
	retry_pause_reset(&client->pause);
	find_server(client);
}

static void
on_over(struct session *session, const char *why)
{
	struct client *client = session->owner;
	int64_t	       stood = mono_sub(mono_now(), client->since);

	monitor_ask_cancel(client->monitor, session);
	assignment_forget(&client->assignment);
	session_free(session);
	client->session = NULL;
	if (client->state == CLIENT_STOPPED)
		return;
	assignment_down(&client->assignment);
	/* It was adrift: another connection is being made. */
	if (client->state != CLIENT_UP)
		return;
	strlcpy(client->last_error, why, sizeof(client->last_error));
	if (stood > STOOD_US)
		retry_pause_reset(&client->pause);
	wait_and_retry(client);
}
