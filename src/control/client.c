/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "control/client.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bsd/stdlib.h>
#include <bsd/string.h>

#include "base/log.h"
#include "base/secret.h"
#include "config.h"

#define LANE_LABEL	 "EXPORTER-tombolo-lane"
#define FIRST_PAUSE_SEC	 1.0
#define MAX_PAUSE_SEC	 30.0
#define CONNECT_SEC	 15
#define UDP_PATIENCE_SEC 10
#define ASSIGN_US	 (1 * MONO_SEC)

static void set_state(struct client *client, enum client_state state);
static void resolve(struct client *client);
static void on_resolved(void *arg, const struct endpoint *list, unsigned n);
static void connect_next(struct client *client);
static void on_connected(void *arg, int fd, int error);
static void try_next(struct client *client, const char *why);
static void wait_and_retry(struct client *client);
static void on_pause_over(struct ev_loop *loop, struct ev_timer *timer,
    int events);
static void on_tick(struct ev_loop *loop, struct ev_timer *timer, int events);

static void on_ready(void *arg);
static void fill_hello(void *arg, struct message *msg);
static void on_message(void *arg, const struct message *msg);
static void on_welcome(struct client *client, const struct message *msg);
static void on_refused(struct client *client, const struct message *msg);
static void take_assignment(struct client *client, const struct message *msg);
static void assign(struct client *client, struct mono now);
static struct prefix *copy_prefixes(const struct prefix *list, size_t n);
static void free_assignment(struct client *client);
static void on_assigned(void *arg, int error, const char *why);
static void on_lane_sockets(void *arg, const int *fds, unsigned n, int error);
static void on_end(void *arg, const char *why);
static void drop_session(struct client *client);
static void on_lanes_up(void *arg);
static void on_lane_failed(void *arg);

static const struct session_events session_events = {
	.on_ready = on_ready,
	.on_message = on_message,
	.on_end = on_end,
};

static const struct hub_events hub_events = {
	.on_up = on_lanes_up,
	.on_failed = on_lane_failed,
};

struct client *
client_new(struct ev_loop *loop, const struct conf *conf, struct hub *hub,
    struct keeper_ask *keeper, struct monitor_ask *monitor,
    struct tls_context *tls)
{
	struct client *client = calloc(1, sizeof(*client));

	if (client == NULL) {
		tls_context_put(tls);
		log_warnx("out of memory");
		return NULL;
	}
	client->loop = loop;
	client->conf = conf;
	client->hub = hub;
	client->keeper = keeper;
	client->monitor = monitor;
	client->tls = tls;
	client->pause_sec = FIRST_PAUSE_SEC;
	answer_init(&client->answer, keeper, conf, fill_hello, client);
	ev_timer_init(&client->timer, on_pause_over, 0, 0);
	ev_timer_init(&client->tick, on_tick, 1, 1);
	client->timer.data = client->tick.data = client;
	ev_timer_start(loop, &client->tick);
	resolve(client);
	return client;
}

void
client_bye(struct client *client, const char *why)
{
	client->stopping = true;
	ev_timer_stop(client->loop, &client->timer);
	if (client->has_session && client->state == CLIENT_UP)
		session_bye(&client->session, why);
}

void
client_free(struct client *client)
{
	if (client == NULL)
		return;
	monitor_ask_cancel(client->monitor, client);
	drop_session(client);
	ev_timer_stop(client->loop, &client->timer);
	ev_timer_stop(client->loop, &client->tick);
	answer_fini(&client->answer);
	tls_context_put(client->tls);
	free(client);
}

void
client_network_changed(struct client *client)
{
	if (client->state != CLIENT_WAIT || client->stopping ||
	    client->answer.needs_person)
		return;
	ev_timer_stop(client->loop, &client->timer);
	resolve(client);
}

void
client_login(struct client *client)
{
	answer_person(&client->answer, mono_now());
	if (client->state != CLIENT_WAIT || client->stopping)
		return;
	ev_timer_stop(client->loop, &client->timer);
	client->pause_sec = FIRST_PAUSE_SEC;
	resolve(client);
}

const char *
client_question(const struct client *client, bool *echo)
{
	if (!client->answer.question)
		return NULL;
	*echo = client->answer.echo;
	return client->answer.text;
}

bool
client_answer(struct client *client, const char *text, size_t len)
{
	return answer_typed(&client->answer, text, len);
}

void
client_set_conf(struct client *client, const struct conf *conf)
{
	client->conf = conf;
	client->answer.conf = conf;
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
	static const char *const names[] = {
		[CLIENT_RESOLVE] = "connecting",
		[CLIENT_CONNECT] = "connecting",
		[CLIENT_SESSION] = "connecting",
		[CLIENT_UP] = "up",
		[CLIENT_WAIT] = "waiting",
	};

	return names[client->state];
}

static void
set_state(struct client *client, enum client_state state)
{
	client->state = state;
	client->since = mono_now();
}

static void
resolve(struct client *client)
{
	set_state(client, CLIENT_RESOLVE);
	if (monitor_ask_resolve(client->monitor, 0, on_resolved, client) < 0)
		wait_and_retry(client);
}

static void
on_resolved(void *arg, const struct endpoint *list, unsigned n)
{
	struct client *client = arg;

	client->nservers = n < REQUEST_MAX_ENDPOINTS ? n :
						       REQUEST_MAX_ENDPOINTS;
	memcpy(client->servers, list, client->nservers * sizeof(*list));
	client->current = 0;
	if (n == 0)
		snprintf(client->last_error, sizeof(client->last_error),
		    "no address is known for %.128s", client->conf->servers[0].host);
	connect_next(client);
}

static void
connect_next(struct client *client)
{
	if (client->current >= client->nservers) {
		wait_and_retry(client);
		return;
	}
	set_state(client, CLIENT_CONNECT);
	endpoint_print(&client->servers[client->current], client->address,
	    sizeof(client->address));
	if (monitor_ask_connect(client->monitor, 0, client->current, on_connected,
		client) < 0)
		wait_and_retry(client);
}

static void
on_connected(void *arg, int fd, int error)
{
	struct client *client = arg;

	if (fd == -1) {
		try_next(client, strerror(error));
		return;
	}
	set_state(client, CLIENT_SESSION);
	client->refused = false;
	client->lanes_reported = false;
	if (session_init(&client->session, client->loop, client->tls, fd,
		client->conf->servers[0].name, CONNECT_SEC, &session_events,
		client) < 0) {
		try_next(client, "out of memory");
		return;
	}
	client->has_session = true;
}

/* Said once: the same words again are not news. */
static void
try_next(struct client *client, const char *why)
{
	if (strcmp(client->last_error, why) != 0)
		log_warnx("server %s: %s", client->address, why);
	strlcpy(client->last_error, why, sizeof(client->last_error));
	client->current++;
	connect_next(client);
}

static void
wait_and_retry(struct client *client)
{
	/* Between half and all of it, so that sites do not come in step. */
	double pause = client->pause_sec *
	    (0.5 + arc4random_uniform(1000) / 2000.0);

	if (client->stopping)
		return;
	if (pause < client->retry_after_sec)
		pause = client->retry_after_sec;
	client->retry_after_sec = 0;
	client->pause_sec = client->pause_sec * 2 < MAX_PAUSE_SEC ?
	    client->pause_sec * 2 :
	    MAX_PAUSE_SEC;
	set_state(client, CLIENT_WAIT);
	ev_timer_stop(client->loop, &client->timer);
	if (client->answer.needs_person)
		return;
	client->retry_at = mono_add(client->since,
	    (int64_t)(pause * (double)MONO_SEC));
	ev_timer_set(&client->timer, pause, 0);
	ev_timer_start(client->loop, &client->timer);
}

static void
on_pause_over(struct ev_loop *loop, struct ev_timer *timer, int events)
{
	(void)loop;
	(void)events;
	resolve(timer->data);
}

/* Every second: lanes that died, or never came up. */
static void
on_tick(struct ev_loop *loop, struct ev_timer *timer, int events)
{
	struct client	*client = timer->data;
	struct mono	 now = mono_now();
	struct hub_stats stats;
	const char	*trouble;

	(void)loop;
	(void)events;
	if (client->state == CLIENT_UP)
		assign(client, now);
	if (client->state != CLIENT_UP || client->peer == NULL)
		return;
	hub_peer_stats(client->peer, &stats);
	trouble = hub_peer_trouble(client->peer, client->dead_peer_sec, now);
	if (trouble != NULL) {
		session_bye(&client->session, trouble);
	} else if (stats.lanes_up == 0 && !client->lanes_reported &&
	    mono_sub(now, client->since) > UDP_PATIENCE_SEC * MONO_SEC) {
		client->lanes_reported = true;
		snprintf(client->last_error, sizeof(client->last_error),
		    "UDP does not get through to %s: no frame can pass; open "
		    "that UDP port in the firewalls between",
		    client->address);
		log_warnx("%s", client->last_error);
	}
}

static void
on_ready(void *arg)
{
	struct client *client = arg;

	answer_start(&client->answer, &client->session);
}

static void
fill_hello(void *arg, struct message *msg)
{
	struct client	  *client = arg;
	const struct conf *conf = client->conf;

	msg->protocol = MESSAGE_PROTOCOL;
	strlcpy(msg->version, PACKAGE_VERSION, sizeof(msg->version));
	msg->mode = conf->mode;
	strlcpy(msg->site, conf->site, sizeof(msg->site));
	strlcpy(msg->method, conf_auth_name(conf->auth), sizeof(msg->method));
	msg->workers = hub_workers(client->hub);
	msg->transport = CONF_TRANSPORT_UDP;
	msg->subnets = conf->subnets.v;
	msg->nsubnets = conf->subnets.n < MESSAGE_MAX_SUBNETS ?
	    conf->subnets.n :
	    MESSAGE_MAX_SUBNETS;
	lane_share_new(&client->share);
	memcpy(msg->share, client->share.public_key, sizeof(msg->share));
}

static void
on_message(void *arg, const struct message *msg)
{
	struct client *client = arg;
	char	       why[MESSAGE_TEXT_SIZE + 16], text[MESSAGE_TEXT_SIZE];

	if (client->state == CLIENT_SESSION &&
	    msg->type == MESSAGE_CHALLENGE) {
		answer_challenge(&client->answer, msg);
	} else if (client->state == CLIENT_SESSION &&
	    msg->type == MESSAGE_WELCOME) {
		on_welcome(client, msg);
	} else if (client->state == CLIENT_SESSION &&
	    msg->type == MESSAGE_REFUSED) {
		on_refused(client, msg);
	} else if (client->state == CLIENT_UP && msg->type == MESSAGE_UPDATE) {
		take_assignment(client, msg);
	} else if (msg->type == MESSAGE_BYE) {
		log_escape(text, sizeof(text), msg->text, strlen(msg->text));
		snprintf(why, sizeof(why), "the server says: %.200s", text);
		session_end(&client->session, why);
	} else {
		snprintf(why, sizeof(why), "a %s out of turn",
		    message_name(msg->type));
		session_bye(&client->session, why);
	}
}

static void
on_welcome(struct client *client, const struct message *msg)
{
	const char *doubt = answer_welcome(&client->answer, msg);
	uint8_t	    exporter[32], transcript[32];
	bool	    agreed;

	if (doubt != NULL) {
		session_bye(&client->session, doubt);
		return;
	}

	if (msg->dead_peer_sec <= msg->keepalive_sec) {
		session_bye(&client->session, "dead-peer is not more than "
		    "keepalive");
		return;
	}
	session_transcript(&client->session, transcript);
	agreed = tls_export(client->session.tls, LANE_LABEL, exporter,
		     sizeof(exporter)) == 0 &&
	    lane_secret_agree(&client->secret, &client->share, msg->share,
		exporter, transcript, msg->session);
	secret_wipe(exporter, sizeof(exporter));
	if (!agreed) {
		session_bye(&client->session, "the keys could not be agreed");
		return;
	}
	client->retry_after_sec = 0;
	client->session_id = msg->session;
	client->lanes = msg->lanes;
	client->keepalive_sec = msg->keepalive_sec;
	client->dead_peer_sec = msg->dead_peer_sec;
	session_go_up(&client->session, msg->keepalive_sec, msg->dead_peer_sec);
	set_state(client, CLIENT_UP);
	client->sessions++;
	log_info("server %s: up: site %s", client->address,
	    client->conf->site);
	take_assignment(client, msg);
	if (monitor_ask_lanes(client->monitor, 0, client->current, client->lanes,
		on_lane_sockets, client) < 0)
		session_bye(&client->session, "no sockets for the lanes");
}

static void
on_refused(struct client *client, const struct message *msg)
{
	char why[TLS_WHY_SIZE], text[MESSAGE_TEXT_SIZE];

	log_escape(text, sizeof(text), msg->text, strlen(msg->text));
	snprintf(why, sizeof(why), "refused: %.200s", text);
	client->retry_after_sec = msg->retry_after_sec;
	client->refused = true;
	session_end(&client->session, why);
}

static void
take_assignment(struct client *client, const struct message *msg)
{
	if (client->conf->mode != CONF_TUN)
		return;
	free_assignment(client);
	client->addresses = copy_prefixes(msg->addresses, msg->naddresses);
	client->routes = copy_prefixes(msg->routes, msg->nroutes);
	if (client->addresses == NULL || client->routes == NULL) {
		session_bye(&client->session, "out of memory");
		return;
	}
	client->naddresses = msg->naddresses;
	client->nroutes = msg->nroutes;
	client->assignment_is_new = true;
	assign(client, mono_now());
}

static struct prefix *
copy_prefixes(const struct prefix *list, size_t n)
{
	struct prefix *copy = calloc(n + 1, sizeof(*copy));

	if (copy != NULL && n > 0)
		memcpy(copy, list, n * sizeof(*copy));
	return copy;
}

static void
free_assignment(struct client *client)
{
	free(client->addresses);
	free(client->routes);
	client->addresses = client->routes = NULL;
	client->naddresses = client->nroutes = 0;
	client->assignment_is_new = false;
}

/* tun: addresses and routes; the monitor looks at them with its own eyes. */
static void
assign(struct client *client, struct mono now)
{
	if (!client->assignment_is_new || client->assigning ||
	    !mono_is_due(client->assign_next, now))
		return;
	client->assignment_is_new = false;
	client->assigning = true;
	client->assign_next = mono_add(now, ASSIGN_US);
	if (monitor_ask_network(client->monitor, client->addresses,
		client->naddresses, client->routes, client->nroutes,
		on_assigned, client) < 0)
		session_bye(&client->session, "the network could not be set");
}

static void
on_assigned(void *arg, int error, const char *why)
{
	struct client *client = arg;
	char	       text[TLS_WHY_SIZE];

	client->assigning = false;
	if (error == 0 || !client->has_session)
		return;
	snprintf(text, sizeof(text), "what the server assigns is refused: %s",
	    why);
	client->retry_after_sec = (unsigned)MAX_PAUSE_SEC;
	session_bye(&client->session, text);
}

static void
on_lane_sockets(void *arg, const int *fds, unsigned n, int error)
{
	struct client	     *client = arg;
	struct hub_attachment attachment = {
		.name = client->conf->site,
		.port = HUB_FIRST_PORT,
		.session = client->session_id,
		.lanes = client->lanes,
		.transport = CONF_TRANSPORT_UDP,
		.keepalive_sec = client->keepalive_sec,
		.wears_at = UINT64_MAX,
		.secret = &client->secret,
		.remote = &client->servers[client->current],
		.fds = fds,
	};

	if (client->state != CLIENT_UP || n != client->lanes) {
		for (unsigned i = 0; i < n; i++)
			close(fds[i]);
		if (client->state == CLIENT_UP)
			session_bye(&client->session, error != 0 ?
				strerror(error) : "no sockets for the lanes");
		return;
	}
	client->peer = hub_attach(client->hub, &attachment, &hub_events,
	    client);
	secret_wipe(&client->secret, sizeof(client->secret));
	if (client->peer == NULL)
		session_bye(&client->session, "out of memory");
}

static void
on_end(void *arg, const char *why)
{
	struct client *client = arg;
	bool	       was_up = client->state == CLIENT_UP;
	double	       stood = (double)mono_sub(mono_now(), client->since) /
	    (double)MONO_SEC;

	drop_session(client);
	if (client->stopping)
		return;
	/* The server's no holds for all of its addresses, and so does ours. */
	if (!was_up && (client->refused || client->answer.needs_person))
		client->current = client->nservers;
	if (!was_up) {
		try_next(client, why);
		return;
	}
	log_info("server %s: down: %s", client->address, why);
	strlcpy(client->last_error, why, sizeof(client->last_error));
	if (stood > MAX_PAUSE_SEC / 2)
		client->pause_sec = FIRST_PAUSE_SEC;
	wait_and_retry(client);
}

static void
drop_session(struct client *client)
{
	monitor_ask_cancel(client->monitor, client);
	answer_stop(&client->answer);
	hub_detach(client->peer);
	client->peer = NULL;
	if (client->has_session)
		session_fini(&client->session);
	client->has_session = false;
	client->assigning = false;
	free_assignment(client);
	secret_wipe(&client->share, sizeof(client->share));
	secret_wipe(&client->secret, sizeof(client->secret));
}

static void
on_lanes_up(void *arg)
{
	struct client *client = arg;

	client->last_error[0] = '\0';
	log_info("server %s: data flows by UDP", client->address);
}

static void
on_lane_failed(void *arg)
{
	struct client *client = arg;

	session_bye(&client->session, "a data lane failed");
}
