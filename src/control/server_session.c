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
#include "control/server_peer.h"
#include "control/site_networks.h"
#include "control/auth/throttle.h"

#define REFUSED		  "authentication failed" /* whatever it was */
#define BUSY		  "the server is busy"
#define RETRY_AFTER_SEC	  2
#define EVICT_NETWORKS	  256 /* buckets that crowds are counted in */
#define HELD_OFF	  "too many attempts: wait"

static void take_times(struct server_session *ss);
static bool may_evict(const struct server_session *ss);
static unsigned network_of(const struct server *server,
    const struct server_session *ss);
static void on_message(void *arg, const struct message *msg);
static void on_frames(void *arg, uint8_t *items, size_t len);
static void on_end(void *arg, const char *why);
static void drift(struct server_session *ss, const char *why);
static void on_hello(struct server_session *ss, const struct message *msg);
static void judge_request(struct server_session *ss);
static void on_login(void *arg);
static void refuse(struct server_session *ss);
static void go_up(struct server_session *ss, struct site *site);
static void take_over(struct server_session *ss, struct server_session *old);
static void replace(struct server_session *ss, struct site *site);
static bool welcome(struct server_session *ss, const struct site *site);
static void fill_answer(struct server_session *ss, struct message *msg);
static void leave(struct server_session *ss);

static const struct conn_events conn_events = {
	.on_message = on_message,
	.on_frames = on_frames,
	.on_end = on_end,
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
	ss->conn = conn_new(server->loop, server->tls, fd, NULL,
	    server->conf->handshake_time_sec, &conn_events, ss);
	if (ss->conn == NULL) {
		free(ss);
		return;
	}
	strlcpy(ss->conn->label, ss->address, sizeof(ss->conn->label));
	auth_server_init(&ss->auth, server, ss->conn, &ss->from, on_login, ss);
	server->nunauth++;
	LIST_INSERT_HEAD(&server->sessions, ss, entry);
}

void
server_session_update(struct server_session *ss)
{
	struct message msg = { .type = MESSAGE_UPDATE,
		.keepalive_sec = ss->server->conf->keepalive_sec,
		.dead_peer_sec = ss->server->conf->dead_peer_sec };

	ss->stale = false;
	if (!site_networks_fill(ss->server->conf, ss->site, &msg)) {
		message_fini(&msg);
		return;
	}
	take_times(ss);
	(void)conn_send(ss->conn, &msg);
	message_fini(&msg);
}

/*
 * Of the configuration, as the site is told.  A site that is adrift cannot be:
 * it has the time that it knows, and is told when it comes back.
 */
static void
take_times(struct server_session *ss)
{
	const struct conf *conf = ss->server->conf;

	if (server_session_is_adrift(ss) ||
	    (ss->keepalive_sec == conf->keepalive_sec &&
		ss->dead_peer_sec == conf->dead_peer_sec))
		return;
	ss->keepalive_sec = conf->keepalive_sec;
	ss->dead_peer_sec = conf->dead_peer_sec;
	conn_set_times(ss->conn, ss->keepalive_sec, ss->dead_peer_sec);
	if (ss->peer != NULL)
		dataplane_peer_set_keepalive(ss->peer, ss->keepalive_sec);
}

void
server_session_end(struct server_session *ss, const char *why)
{
	if (ss->state == SERVER_UP)
		log_info("site %s: down: %s", ss->site, why);
	if (server_session_is_adrift(ss)) {
		server_session_free(ss);
		return;
	}
	conn_bye(ss->conn, why);
	leave(ss);
}

void
server_session_overtaken(struct server_session *ss, const char *why)
{
	if (ss->state == SERVER_UP) {
		server_session_end(ss, why);
	} else if (ss->state == SERVER_LOGIN || ss->srp_user[0] != '\0') {
		/* What is about to be found right was so by the old one. */
		server_log_refusal(ss->server, ss->address,
		    ss->site[0] != '\0' ? ss->site : ss->srp_user, why);
		leave(ss);
		conn_refuse(ss->conn, REFUSED, RETRY_AFTER_SEC);
	}
}

bool
server_session_is_revoked(const struct server_session *ss,
    const struct tls_context *tls)
{
	return ss->state != SERVER_HELLO &&
	    ss->auth.method == CONF_AUTH_CERTIFICATE &&
	    tls_leaf_is_revoked(ss->leaf, tls);
}

bool
server_session_is_adrift(const struct server_session *ss)
{
	return ss->state == SERVER_UP && ss->conn == NULL;
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
	conn_end(victim->conn, "made room for another");
	return true;
}

int
server_session_srp_user(struct server *server, void *connection,
    const char *name, bool *known)
{
	const struct conn  *conn = connection;
	struct server_session *ss = conn->arg;
	const struct conf_site *cs = conf_find_site(server->conf, name);
	const struct site      *site = sites_find(&server->sites, name);
	struct mono		now = mono_now();
	bool usual = site != NULL && sites_is_usual(site, &ss->from);
	bool is_known = cs != NULL && !cs->disabled && !cs->faulty &&
	    cs->auth == CONF_AUTH_TLS_SRP &&
	    (server->conf->auths & CONF_AUTH_BIT(CONF_AUTH_TLS_SRP)) != 0;

	if (throttle_wait(server->throttle, name, &ss->from, usual, now) > 0) {
		server->held_off++;
		server_log_refusal(server, ss->address, "",
		    "tls-srp: held off: too many attempts");
		return -EAGAIN;
	}
	if (!turns_take_tls_srp(&server->turns, usual, now)) {
		server_log_refusal(server, ss->address, "",
		    "tls-srp: too many strangers at once");
		return -EAGAIN;
	}
	throttle_charge(server->throttle, name, &ss->from, now);
	strlcpy(ss->srp_user, name, sizeof(ss->srp_user));
	*known = is_known;
	return 0;
}

void
server_session_free(struct server_session *ss)
{
	leave(ss);
	auth_server_fini(&ss->auth);
	conn_free(ss->conn);
	LIST_REMOVE(ss, entry);
	free(ss->leaf);
	free(ss->asked);
	free(ss);
}

/* Not those that the keeper works for: that work would be for nothing. */
static bool
may_evict(const struct server_session *ss)
{
	return ss->state == SERVER_HELLO ||
	    (ss->state == SERVER_LOGIN &&
	    ss->auth.state != AUTH_SERVER_LOOKING &&
		ss->auth.state != AUTH_SERVER_DONE);
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
on_message(void *arg, const struct message *msg)
{
	struct server_session *ss = arg;

	if (ss->state == SERVER_HELLO && msg->type == MESSAGE_HELLO) {
		on_hello(ss, msg);
	} else if (ss->state == SERVER_LOGIN &&
	    msg->type == MESSAGE_RESPONSE) {
		if (!auth_server_response(&ss->auth, msg))
			conn_bye(ss->conn,
			    "a response that was not asked for");
	} else if (ss->state == SERVER_UP && msg->type == MESSAGE_REKEY) {
		server_peer_rekey(ss, msg);
	} else if (ss->state != SERVER_CLOSED && msg->type == MESSAGE_BYE) {
		char why[MESSAGE_TEXT_SIZE + 16];

		snprintf(why, sizeof(why), "it says: %s", msg->text);
		conn_end(ss->conn, why);
	} else if (ss->state != SERVER_CLOSED) {
		char why[64];

		snprintf(why, sizeof(why), "a %s out of turn",
		    message_name(msg->type));
		conn_bye(ss->conn, why);
	}
}

static void
on_frames(void *arg, uint8_t *items, size_t len)
{
	struct server_session *ss = arg;

	dataplane_frames(ss->server->dataplane, ss->peer, items, len);
}

static void
on_end(void *arg, const char *why)
{
	struct server_session *ss = arg;
	unsigned	       lanes_sec = ss->dead_peer_sec / 2;
	bool		       lost = ss->conn->lost, gone;

	/* A lane that nobody uses is heard once a keepalive. */
	if (lanes_sec <= ss->keepalive_sec)
		lanes_sec = ss->keepalive_sec + 1;
	/* Neither the connection nor a lane: it is gone, not only that. */
	gone = ss->peer == NULL ||
	    (conn_is_silent(ss->conn, ss->dead_peer_sec, mono_now()) &&
		dataplane_peer_is_silent(ss->peer, lanes_sec, mono_now()));
	ss->conn = NULL;

	if (ss->state == SERVER_UP && lost && !gone) {
		drift(ss, why);
		return;
	}
	/* A log-in that was refused has been logged with its true reason. */
	if (ss->state == SERVER_UP)
		log_info("site %s: down: %s", ss->site, why);
	else if (ss->state != SERVER_CLOSED)
		server_log_refusal(ss->server, ss->address, ss->site, why);
	server_session_free(ss);
}

/* Only the connection is gone.  Of what was said on it nothing is needed. */
static void
drift(struct server_session *ss, const char *why)
{
	log_info("site %s: its connection broke: %s: it has %u s to come back, "
	    "frames go on", ss->site, why, ss->dead_peer_sec);
	auth_server_fini(&ss->auth);
	ss->adrift_since = mono_now();
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
		conn_refuse(ss->conn, why, 60);
		return;
	}
	if (msg->mode != conf->mode) {
		snprintf(why, sizeof(why), "this server's mode is %s: join "
		    "again with its invitation", conf_mode_name(conf->mode));
		conn_refuse(ss->conn, why, 60);
		return;
	}
	if (!transport_agree(conf->transport, msg->transport, &ss->transport,
		why, sizeof(why))) {
		conn_refuse(ss->conn, why, 60);
		return;
	}
	strlcpy(ss->site, msg->site, sizeof(ss->site));
	ss->workers = msg->workers;
	ss->wanted = msg->session;
	memcpy(ss->share, msg->share, sizeof(ss->share));
	ss->asked = reallocarray(NULL, msg->nsubnets, sizeof(*ss->asked));
	ss->nasked = ss->asked != NULL ? msg->nsubnets : 0;
	if (ss->nasked > 0)
		memcpy(ss->asked, msg->subnets, ss->nasked * sizeof(*ss->asked));
	ss->leaf = tls_peer_leaf(ss->conn->tls);
	ss->state = SERVER_LOGIN;
	auth_server_hello(&ss->auth, msg);
}

/*
 * What a site asks for is a wish: its entry here decides.  Compared when it has
 * proved who it is: earlier the time would tell which sites have many.
 */
static void
judge_request(struct server_session *ss)
{
	const struct conf_site *cs = conf_find_site(ss->server->conf, ss->site);
	char			text[PREFIX_STRLEN] = "";

	for (size_t i = 0; cs != NULL && i < ss->nasked; i++) {
		bool granted = false;

		for (size_t j = 0; j < cs->subnets.n; j++)
			granted = granted ||
			    prefix_is_equal(&cs->subnets.v[j], &ss->asked[i]);
		if (!granted)
			prefix_print(&ss->asked[i], text, sizeof(text));
	}
	if (text[0] != '\0')
		log_warnx("site %s: it asks for the subnet %s, which its entry "
		    "here does not have: it is not routed", ss->site, text);
	free(ss->asked);
	ss->asked = NULL;
	ss->nasked = 0;
}

static void
on_login(void *arg)
{
	struct server_session *ss = arg;
	struct site	      *site = sites_find(&ss->server->sites, ss->site);

	if (ss->state != SERVER_LOGIN)
		return;
	/* The site may have been disabled since the verdict. */
	if (ss->auth.answer.verdict == KEEPER_YES)
		ss->auth.why = auth_server_why_not(&ss->auth);
	if (ss->auth.why != NULL && ss->auth.answer.verdict == KEEPER_YES)
		ss->auth.answer.verdict = KEEPER_NO;
	if (ss->auth.answer.verdict == KEEPER_FAILED)
		conn_refuse(ss->conn, BUSY, RETRY_AFTER_SEC);
	else if (ss->auth.answer.verdict == KEEPER_YES && site != NULL)
		go_up(ss, site);
	else
		refuse(ss);
}

static void
refuse(struct server_session *ss)
{
	const struct auth_server *auth = &ss->auth;
	struct site	   *site = sites_find(&ss->server->sites, ss->site);
	const char *why = auth->why != NULL ? auth->why :
					       "the site is not known yet";

	server_log_refusal(ss->server, ss->address, ss->site, why);
	if (site != NULL && auth->wait_sec == 0)
		snprintf(site->last_error, sizeof(site->last_error),
		    "%s from %s", why, ss->address);
	if (auth->wait_sec > 0)
		conn_refuse(ss->conn, HELD_OFF, auth->wait_sec);
	else
		conn_refuse(ss->conn, REFUSED, RETRY_AFTER_SEC);
	leave(ss);
}

static void
go_up(struct server_session *ss, struct site *site)
{
	bool back = site->session != NULL && site->session->peer != NULL &&
	    site->session->id == ss->wanted &&
	    site->session->transport == ss->transport;

	if (back)
		take_over(ss, site->session);
	else if (site->session != NULL)
		replace(ss, site);
	ss->server->nunauth--;
	server_came_in(ss->server, site);
	ss->state = SERVER_UP;
	if (!back)
		ss->up_since = mono_now();
	site->session = ss;
	strlcpy(site->last_address, ss->address, sizeof(site->last_address));
	site->last_from = ss->from;
	if (ss->auth.resumed)
		ss->server->resumed++;
	ss->keepalive_sec = ss->server->conf->keepalive_sec;
	ss->dead_peer_sec = ss->server->conf->dead_peer_sec;
	conn_go_up(ss->conn, ss->keepalive_sec, ss->dead_peer_sec);
	if (back)
		dataplane_peer_set_keepalive(ss->peer, ss->keepalive_sec);
	if (ss->transport != CONF_TRANSPORT_UDP)
		conn_allow_frames(ss->conn);
	if (!back)
		transport_watch_start(&ss->watch, ss->up_since);
	if (!welcome(ss, site)) {
		server_session_end(ss, "the session could not be set up");
		return;
	}
	log_info("site %s: %s: from %s, by %s%s", ss->site,
	    back ? "goes on" : "up", ss->address,
	    conf_auth_name(ss->auth.method),
	    ss->auth.resumed ? ", resumed" : "");
	if (back)
		server_peer_goes_on(ss);
	if (ss->transport == CONF_TRANSPORT_TCP)
		log_info("site %s: data flows by TCP", ss->site);
	judge_request(ss);
}

/*
 * The same session by another connection: lanes and all else stay as they are.
 * The old connection may still be there, and the site not know that.
 */
static void
take_over(struct server_session *ss, struct server_session *old)
{
	ss->id = old->id;
	ss->lanes = old->lanes;
	memcpy(ss->transcript, old->transcript, sizeof(ss->transcript));
	ss->rekeys = old->rekeys;
	ss->peer = old->peer;
	ss->up_since = old->up_since;
	ss->watch = old->watch;
	dataplane_peer_hand_over(ss->peer, ss);
	ss->server->taken_over++;
	old->peer = NULL;
	if (server_session_is_adrift(old)) {
		server_session_free(old);
		return;
	}
	conn_bye(old->conn, "the session goes on by another connection");
	leave(old);
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
	if (ss->peer == NULL)
		server_peer_choose(ss);
	msg.session = ss->id;
	msg.lanes = ss->lanes;
	msg.transport = ss->transport;
	msg.keepalive_sec = conf->keepalive_sec;
	msg.dead_peer_sec = conf->dead_peer_sec;
	msg.rekey_sec = conf->rekey_sec;
	msg.rekey_mib = conf->rekey_mib;
	msg.mtu = ss->server->mtu;
	fill_answer(ss, &msg);
	ok = site_networks_fill(conf, ss->site, &msg) &&
	    conn_send(ss->conn, &msg) == 0 &&
	    (ss->peer != NULL || server_peer_attach(ss, site, &share, &msg));
	ss->stale = false;
	secret_wipe(&share, sizeof(share));
	message_fini(&msg);
	return ok;
}

/* Our own proof, and what the site can come back with. */
static void
fill_answer(struct server_session *ss, struct message *msg)
{
	struct request_verdict *answer = &ss->auth.answer;

	msg->has_proof = answer->has_proof == 1;
	memcpy(msg->proof, answer->proof, sizeof(msg->proof));
	memcpy(msg->token, answer->grant.token, answer->grant.token_len);
	msg->token_len = answer->grant.token_len;
	memcpy(msg->secret, answer->grant.secret, sizeof(msg->secret));
	secret_wipe(answer, sizeof(*answer));
	answer->verdict = KEEPER_YES;
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
		dataplane_detach(ss->peer);
		ss->peer = NULL;
	} else {
		ss->server->nunauth--;
	}
	ss->state = SERVER_CLOSED;
}
