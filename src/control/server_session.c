/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "control/server_session.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bsd/string.h>

#include "base/log.h"
#include "base/secret.h"
#include "control/server.h"
#include "control/throttle.h"

#define LANE_LABEL	  "EXPORTER-tombolo-lane"
#define REFUSED		  "authentication failed" /* whatever it was */
#define BUSY		  "the server is busy"
#define RETRY_AFTER_SEC	  2
#define UDP_PATIENCE_SEC  10
#define EVICT_NETWORKS	  256 /* buckets that crowds are counted in */
#define HELD_OFF	  "too many attempts: wait"

static bool may_evict(const struct server_session *ss);
static unsigned network_of(const struct server *server,
    const struct server_session *ss);
static void on_ready(void *arg);
static void on_message(void *arg, const struct message *msg);
static void on_end(void *arg, const char *why);
static void on_hello(struct server_session *ss, const struct message *msg);
static void note_request(struct server_session *ss, const struct message *msg);
static void on_login(void *arg);
static void refuse(struct server_session *ss);
static void go_up(struct server_session *ss, struct site *site);
static void replace(struct server_session *ss, struct site *site);
static bool welcome(struct server_session *ss, const struct site *site);
static void fill_answer(struct server_session *ss, struct message *msg);
static bool attach(struct server_session *ss, const struct site *site,
    struct lane_share *share, const struct message *msg);
static bool fill_networks(struct server_session *ss, struct message *msg);
static bool fill_addresses(struct server_session *ss, struct message *msg,
    const struct conf_site *cs);
static void add_routes(struct message *msg, const struct conf_prefixes *list);
static void remember_told(struct server_session *ss, const struct message *msg);
static void leave(struct server_session *ss);
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

void
server_session_start(struct server *server, int fd, const struct endpoint *from)
{
	struct server_session *ss = calloc(1, sizeof(*ss));

	if (ss == NULL) {
		close(fd);
		return;
	}
	ss->server = server;
	ss->state = SERVER_HELLO;
	ss->from = endpoint_addr(from);
	ss->is_usual = sites_any_usual(&server->sites, &ss->from);
	endpoint_print(from, ss->address, sizeof(ss->address));
	if (session_init(&ss->session, server->loop, server->tls, fd, NULL,
		server->conf->handshake_time_sec, &session_events, ss) < 0) {
		free(ss);
		return;
	}
	login_init(&ss->login, server, &ss->session, &ss->from, on_login, ss);
	server->nunauth++;
	LIST_INSERT_HEAD(&server->sessions, ss, entry);
}

void
server_session_update(struct server_session *ss)
{
	struct message msg = { .type = MESSAGE_UPDATE };
	char	      *before = ss->told;

	if (ss->server->conf->mode != CONF_TUN)
		return;
	if (!fill_networks(ss, &msg)) {
		message_fini(&msg);
		return;
	}
	ss->told = NULL;
	remember_told(ss, &msg);
	if (before == NULL || ss->told == NULL || strcmp(before, ss->told) != 0)
		(void)session_send(&ss->session, &msg);
	free(before);
	message_fini(&msg);
}

void
server_session_end(struct server_session *ss, const char *why)
{
	if (ss->state == SERVER_UP)
		log_info("site %s: down: %s", ss->site, why);
	session_bye(&ss->session, why);
	leave(ss);
}

bool
server_session_evict(struct server *server)
{
	struct server_session *ss, *victim = NULL;
	unsigned	       crowds[EVICT_NETWORKS] = { 0 };
	unsigned	       worst = 0;

	LIST_FOREACH(ss, &server->sessions, entry) {
		if (may_evict(ss))
			crowds[network_of(server, ss)]++;
	}
	/* New ones stand at the head: of equals the last one is the oldest. */
	LIST_FOREACH(ss, &server->sessions, entry) {
		unsigned weight;

		if (!may_evict(ss))
			continue;
		weight = crowds[network_of(server, ss)] * 4 +
		    (ss->state == SERVER_HELLO ? 2 : 1);
		if (ss->is_usual)
			weight = 1;
		if (weight >= worst) {
			worst = weight;
			victim = ss;
		}
	}
	if (victim == NULL)
		return false;
	server->turned_away++;
	server_log_refusal(server, victim->address, victim->site,
	    "made room for another: too many connections that have not logged "
	    "in (max-handshakes)");
	leave(victim);
	session_end(&victim->session, "made room for another");
	return true;
}

void
server_session_tick(struct server_session *ss, struct mono now)
{
	struct hub_stats stats;
	const char	*trouble;

	if (ss->state != SERVER_UP || ss->peer == NULL)
		return;
	trouble = hub_peer_trouble(ss->peer,
	    ss->server->conf->dead_peer_sec, now);
	hub_peer_stats(ss->peer, &stats);
	if (trouble != NULL)
		server_session_end(ss, trouble);
	else if (stats.lanes_up == 0 && !ss->lanes_reported &&
	    mono_sub(now, ss->up_since) > UDP_PATIENCE_SEC * MONO_SEC) {
		ss->lanes_reported = true;
		log_warnx("site %s: UDP does not get through from %s: no "
		    "frame can pass; open UDP port %u in the firewalls between",
		    ss->site, ss->address, ss->server->conf->port);
	}
}

int
server_session_srp_user(struct server *server, void *connection,
    const char *name, struct keeper_tls_srp *user)
{
	const struct session	    *session = connection;
	const struct server_session *ss = session->arg;
	const struct conf_site *cs = conf_find_site(server->conf, name);
	const struct site      *site = sites_find(&server->sites, name);
	struct mono		now = mono_now();
	bool usual = site != NULL && sites_is_usual(site, &ss->from);
	bool known = cs != NULL && !cs->disabled &&
	    cs->auth == CONF_AUTH_TLS_SRP &&
	    (server->conf->auths & CONF_AUTH_BIT(CONF_AUTH_TLS_SRP)) != 0;

	if (throttle_wait(server->throttle, name, &ss->from, usual, now) > 0) {
		server->held_off++;
		server_log_refusal(server, ss->address, "",
		    "tls-srp: held off: too many attempts");
		return -EAGAIN;
	}
	throttle_charge(server->throttle, name, &ss->from, now);
	return keeper_ask_tls_srp(server->keeper, name, known, user);
}

void
server_session_free(struct server_session *ss)
{
	leave(ss);
	login_fini(&ss->login);
	session_fini(&ss->session);
	LIST_REMOVE(ss, entry);
	free(ss->told);
	free(ss);
}

/* Not those that the keeper works for: that work would be for nothing. */
static bool
may_evict(const struct server_session *ss)
{
	return ss->state == SERVER_HELLO ||
	    (ss->state == SERVER_LOGIN && ss->login.state != LOGIN_LOOKING &&
		ss->login.state != LOGIN_DONE);
}

/* Which crowd it belongs to; two networks in one bucket do no harm. */
static unsigned
network_of(const struct server *server, const struct server_session *ss)
{
	size_t	 len = ss->from.family == AF_INET6 ? 8 : 4;
	uint32_t hash = server->seed;

	for (size_t i = 0; i < len; i++)
		hash = (hash ^ ss->from.bytes[i]) * 16777619u;
	return (hash ^ hash >> 16) % EVICT_NETWORKS;
}

static void
on_ready(void *arg)
{
	(void)arg; /* the site speaks first */
}

static void
on_message(void *arg, const struct message *msg)
{
	struct server_session *ss = arg;

	if (ss->state == SERVER_HELLO && msg->type == MESSAGE_HELLO) {
		on_hello(ss, msg);
	} else if (ss->state == SERVER_LOGIN &&
	    msg->type == MESSAGE_RESPONSE) {
		if (!login_response(&ss->login, msg))
			session_bye(&ss->session,
			    "a response that was not asked for");
	} else if (ss->state != SERVER_CLOSED && msg->type == MESSAGE_BYE) {
		char why[MESSAGE_TEXT_SIZE + 16];

		snprintf(why, sizeof(why), "it says: %s", msg->text);
		session_end(&ss->session, why);
	} else if (ss->state != SERVER_CLOSED) {
		char why[64];

		snprintf(why, sizeof(why), "a %s out of turn",
		    message_name(msg->type));
		session_bye(&ss->session, why);
	}
}

static void
on_end(void *arg, const char *why)
{
	struct server_session *ss = arg;

	/* A log-in that was refused has been logged with its true reason. */
	if (ss->state == SERVER_UP)
		log_info("site %s: down: %s", ss->site, why);
	else if (ss->state != SERVER_CLOSED)
		server_log_refusal(ss->server, ss->address, ss->site, why);
	server_session_free(ss);
}

static void
on_hello(struct server_session *ss, const struct message *msg)
{
	const struct conf *conf = ss->server->conf;
	char why[MESSAGE_TEXT_SIZE];

	if (msg->protocol != MESSAGE_PROTOCOL) {
		snprintf(why, sizeof(why), "this server speaks protocol %d, "
		    "not %u: use versions that fit", MESSAGE_PROTOCOL,
		    msg->protocol);
		session_refuse(&ss->session, why, 60);
		return;
	}
	if (msg->mode != conf->mode) {
		snprintf(why, sizeof(why), "this server's mode is %s: join "
		    "again with its invitation", conf_mode_name(conf->mode));
		session_refuse(&ss->session, why, 60);
		return;
	}
	strlcpy(ss->site, msg->site, sizeof(ss->site));
	ss->workers = msg->workers;
	memcpy(ss->share, msg->share, sizeof(ss->share));
	note_request(ss, msg);
	ss->state = SERVER_LOGIN;
	login_hello(&ss->login, msg);
}

/* What a site asks for is a wish: its entry here decides. */
static void
note_request(struct server_session *ss, const struct message *msg)
{
	const struct conf_site *cs = conf_find_site(ss->server->conf, ss->site);

	for (size_t i = 0; cs != NULL && i < msg->nsubnets; i++) {
		bool granted = false;

		for (size_t j = 0; j < cs->subnets.n; j++)
			granted = granted ||
			    prefix_is_equal(&cs->subnets.v[j],
				&msg->subnets[i]);
		if (!granted)
			prefix_print(&msg->subnets[i], ss->asked,
			    sizeof(ss->asked));
	}
}

static void
on_login(void *arg)
{
	struct server_session *ss = arg;
	struct site	      *site = sites_find(&ss->server->sites, ss->site);

	if (ss->state != SERVER_LOGIN)
		return;
	if (ss->login.answer.verdict == KEEPER_FAILED)
		session_refuse(&ss->session, BUSY, RETRY_AFTER_SEC);
	else if (ss->login.answer.verdict == KEEPER_YES && site != NULL)
		go_up(ss, site);
	else
		refuse(ss);
}

static void
refuse(struct server_session *ss)
{
	const struct login *login = &ss->login;
	struct site	   *site = sites_find(&ss->server->sites, ss->site);
	const char *why = login->why != NULL ? login->why :
					       "the site is not known yet";

	server_log_refusal(ss->server, ss->address, ss->site, why);
	if (site != NULL && login->wait_sec == 0)
		snprintf(site->last_error, sizeof(site->last_error),
		    "%s from %s", why, ss->address);
	if (login->wait_sec > 0)
		session_refuse(&ss->session, HELD_OFF, login->wait_sec);
	else
		session_refuse(&ss->session, REFUSED, RETRY_AFTER_SEC);
	leave(ss);
}

static void
go_up(struct server_session *ss, struct site *site)
{
	if (site->session != NULL)
		replace(ss, site);
	ss->server->nunauth--;
	ss->state = SERVER_UP;
	ss->up_since = mono_now();
	site->session = ss;
	strlcpy(site->last_address, ss->address, sizeof(site->last_address));
	site->last_from = ss->from;
	if (ss->login.resumed)
		ss->server->resumed++;
	session_go_up(&ss->session, ss->server->conf->keepalive_sec,
	    ss->server->conf->dead_peer_sec);
	if (!welcome(ss, site)) {
		server_session_end(ss, "the session could not be set up");
		return;
	}
	log_info("site %s: up: from %s, by %s%s", ss->site, ss->address,
	    conf_auth_name(ss->login.method),
	    ss->login.resumed ? ", resumed" : "");
	if (ss->asked[0] != '\0')
		log_warnx("site %s: it asks for the subnet %s, which its entry "
		    "here does not have: it is not routed", ss->site,
		    ss->asked);
}

/* The newer log-in wins, the older is told. */
static void
replace(struct server_session *ss, struct site *site)
{
	struct server_session *old = site->session;
	char		       why[MESSAGE_TEXT_SIZE];

	snprintf(why, sizeof(why), "the same site logged in from %s",
	    ss->address);
	if (!addr_is_equal(&old->from, &ss->from) &&
	    sites_contest(site, mono_now())) {
		snprintf(site->last_error, sizeof(site->last_error),
		    "two places log in in turn, %s and %s: is one invitation "
		    "used twice?", old->address, ss->address);
		log_warnx("site %s: %s", ss->site, site->last_error);
	}
	server_session_end(old, why);
}

static bool
welcome(struct server_session *ss, const struct site *site)
{
	const struct conf *conf = ss->server->conf;
	struct lane_share  share;
	struct message	   msg = { .type = MESSAGE_WELCOME };
	bool		   ok;

	lane_share_new(&share);
	memcpy(msg.share, share.public_key, sizeof(msg.share));
	msg.session = hub_new_session(ss->server->hub);
	msg.lanes = hub_workers(ss->server->hub);
	if (ss->workers > msg.lanes)
		msg.lanes = ss->workers;
	msg.keepalive_sec = conf->keepalive_sec;
	msg.dead_peer_sec = conf->dead_peer_sec;
	msg.transport = CONF_TRANSPORT_UDP;
	msg.rekey_sec = conf->rekey_sec;
	msg.rekey_mib = conf->rekey_mib;
	msg.mtu = ss->server->mtu;
	fill_answer(ss, &msg);
	ok = fill_networks(ss, &msg) &&
	    session_send(&ss->session, &msg) == 0 &&
	    attach(ss, site, &share, &msg);
	remember_told(ss, &msg);
	secret_wipe(&share, sizeof(share));
	message_fini(&msg);
	return ok;
}

/* Our own proof, and what the site can come back with. */
static void
fill_answer(struct server_session *ss, struct message *msg)
{
	struct keeper_answer *answer = &ss->login.answer;

	msg->has_proof = answer->has_proof;
	memcpy(msg->proof, answer->proof, sizeof(msg->proof));
	memcpy(msg->token, answer->grant.token, answer->grant.token_len);
	msg->token_len = answer->grant.token_len;
	memcpy(msg->secret, answer->grant.secret, sizeof(msg->secret));
	secret_wipe(answer, sizeof(*answer));
	answer->verdict = KEEPER_YES;
}

static bool
attach(struct server_session *ss, const struct site *site,
    struct lane_share *share, const struct message *msg)
{
	struct lane_secret    secret;
	struct hub_attachment attachment = {
		.name = ss->site,
		.port = site->port,
		.session = msg->session,
		.lanes = msg->lanes,
		.transport = CONF_TRANSPORT_UDP,
		.keepalive_sec = msg->keepalive_sec,
		.wears_at = UINT64_MAX,
		.secret = &secret,
	};
	uint8_t exporter[32], transcript[32];

	session_transcript(&ss->session, transcript);
	if (tls_export(ss->session.tls, LANE_LABEL, exporter,
		sizeof(exporter)) == 0 &&
	    lane_secret_agree(&secret, share, ss->share, exporter, transcript,
		msg->session))
		ss->peer = hub_attach(ss->server->hub, &attachment, &hub_events,
		    ss);
	secret_wipe(exporter, sizeof(exporter));
	secret_wipe(&secret, sizeof(secret));
	return ss->peer != NULL;
}

/* tun: this site's addresses, and every network that is not its own. */
static bool
fill_networks(struct server_session *ss, struct message *msg)
{
	const struct conf      *conf = ss->server->conf;
	const struct conf_site *cs = conf_find_site(conf, ss->site);
	size_t			n = conf->networks.n;

	if (conf->mode != CONF_TUN)
		return true;
	if (cs == NULL || !fill_addresses(ss, msg, cs))
		return false;
	for (size_t i = 0; i < conf->nsites; i++)
		n += conf->sites[i].subnets.n;
	msg->routes = calloc(n > 0 ? n : 1, sizeof(*msg->routes));
	if (msg->routes == NULL)
		return false;
	add_routes(msg, &conf->networks);
	for (size_t i = 0; i < conf->nsites; i++) {
		if (&conf->sites[i] != cs && !conf->sites[i].disabled)
			add_routes(msg, &conf->sites[i].subnets);
	}
	if (msg->nroutes > MESSAGE_MAX_ROUTES) {
		log_warnx("site %s: only the first %d routes are told",
		    ss->site, MESSAGE_MAX_ROUTES);
		msg->nroutes = MESSAGE_MAX_ROUTES;
	}
	return true;
}

/* A host address takes the length of its tunnel network. */
static bool
fill_addresses(struct server_session *ss, struct message *msg,
    const struct conf_site *cs)
{
	const struct conf_prefixes *networks =
	    &ss->server->conf->tunnel_networks;

	msg->addresses = calloc(cs->addresses.n + 1, sizeof(*msg->addresses));
	if (msg->addresses == NULL)
		return false;
	for (size_t i = 0; i < cs->addresses.n &&
	    i < MESSAGE_MAX_ADDRESSES; i++) {
		struct prefix *to = &msg->addresses[msg->naddresses++];

		*to = cs->addresses.v[i];
		for (size_t j = 0; j < networks->n; j++) {
			if (prefix_contains(&networks->v[j], &to->addr))
				to->len = networks->v[j].len;
		}
	}
	return true;
}

static void
add_routes(struct message *msg, const struct conf_prefixes *list)
{
	for (size_t i = 0; i < list->n; i++)
		msg->routes[msg->nroutes++] = list->v[i];
}

/* As text, to compare the next one with. */
static void
remember_told(struct server_session *ss, const struct message *msg)
{
	struct message update = { .type = MESSAGE_UPDATE,
		.addresses = msg->addresses, .naddresses = msg->naddresses,
		.routes = msg->routes, .nroutes = msg->nroutes };
	size_t len;

	free(ss->told);
	ss->told = message_encode(&update, &len);
}

/* Off the data path and out of the tables; on_end frees the rest. */
static void
leave(struct server_session *ss)
{
	struct site *site = sites_find(&ss->server->sites, ss->site);

	if (ss->state == SERVER_CLOSED)
		return;
	if (ss->state == SERVER_UP) {
		if (site != NULL && site->session == ss)
			site->session = NULL;
		hub_detach(ss->peer);
		ss->peer = NULL;
	} else {
		ss->server->nunauth--;
	}
	ss->state = SERVER_CLOSED;
}

static void
on_lanes_up(void *arg)
{
	struct server_session *ss = arg;

	log_info("site %s: data flows by UDP", ss->site);
	ss->lanes_reported = false;
}

static void
on_lane_failed(void *arg)
{
	server_session_end(arg, "a data lane failed");
}
