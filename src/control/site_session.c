/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "control/site_session.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bsd/string.h>

#include "base/log.h"
#include "base/secret.h"
#include "control/conn/conn.h"
#include "control/incoming.h"
#include "control/server.h"
#include "control/session.h"
#include "control/site_networks.h"
#include "dataplane/dataplane.h"

static void replace(const struct incoming *in, struct site *site);
static struct session *make(struct incoming *in, const struct site *site);
static void note(struct incoming *in, struct site *site,
    struct session *session);
static bool welcome(struct incoming *in, struct session *session, bool back);
static void choose(const struct incoming *in, struct message *msg);
static void fill_answer(struct incoming *in, struct message *msg);
static void check_subnets(const struct incoming *in);
static void on_over(struct session *session, const char *why);

static const struct session_events session_events = { .on_over = on_over };

void
site_session_admit(struct incoming *in, struct site *site)
{
	struct server  *server = in->server;
	struct session *session = site->session;
	struct conn    *conn = in->conn;
	bool back;

	if (in->auth.has_psk)
		in->features |= MESSAGE_CAN_PSK;
	back = session != NULL && session->id == in->wanted &&
	    session->transport == in->transport &&
	    session->features == in->features;
	if (session != NULL && !back)
		replace(in, site);
	if (!back)
		session = site->session = make(in, site);
	if (session == NULL) {
		conn_bye(conn, "out of memory");
		return;
	}
	note(in, site, session);
	if (!welcome(in, session, back)) {
		conn_bye(conn, "the session could not be set up");
		session_end(session, "the session could not be set up");
		return;
	}
	admission_came_in(&server->admission, &site->grace_next, mono_now());
	server->resumed += in->auth.resumed;
	server->taken_over += back;
	log_info("site %s: %s: from %s, by %s%s", in->site,
	    back ? "goes on" : "up", in->address,
	    conf_auth_name(in->auth.method),
	    in->auth.resumed ? ", resumed" : "");
	check_subnets(in);
	in->conn = NULL;
	session_attach(session, conn, NULL, server->conf->keepalive_sec,
	    server->conf->dead_peer_sec);
}

void
site_session_update(struct server *server, struct site *site)
{
	struct session *session = site->session;
	struct message	msg = { .type = MESSAGE_UPDATE,
		 .keepalive_sec = server->conf->keepalive_sec,
		 .dead_peer_sec = server->conf->dead_peer_sec };

	site->stale = false;
	/* A site that is adrift gets them when it reconnects. */
	if (session->conn != NULL &&
	    site_networks_fill(server->conf, site->name, &msg)) {
		session_set_times(session, msg.keepalive_sec,
		    msg.dead_peer_sec);
		(void)conn_send(session->conn, &msg);
	}
	message_fini(&msg);
}

const char *
site_session_why_not(const struct server *server, const struct site *site)
{
	const struct conf_site *cs = conf_find_site(server->conf, site->name);

	if (cs == NULL)
		return "the site was removed";
	if (cs->disabled)
		return "the site is disabled";
	/* A fault in its file prevents logins, but ends no session. */
	if (!cs->faulty && auth_server_method_why_not(server->conf, cs,
		site->session->method) != NULL)
		return "the site's method was changed";
	return NULL;
}

bool
site_session_is_revoked(const struct site *site, const struct tls_context *tls)
{
	return site->session->method == CONF_AUTH_CERTIFICATE &&
	    tls_cert_is_revoked(site->session->leaf, tls);
}

/* The newer login replaces the older one, which gets a bye. */
static void
replace(const struct incoming *in, struct site *site)
{
	char why[MESSAGE_TEXT_SIZE];

	snprintf(why, sizeof(why), "the same site logged in from %s",
	    in->address);
	if (!addr_is_equal(&site->last_from, &in->applicant.from) &&
	    sites_contest(site, mono_now())) {
		snprintf(site->last_error, sizeof(site->last_error),
		    "two hosts log in in turn, %s and %s: is one "
		    "invitation used twice?", site->last_address, in->address);
		log_warnx("site %s: %s", site->name, site->last_error);
	}
	session_end(site->session, why);
}

static struct session *
make(struct incoming *in, const struct site *site)
{
	struct session *session = session_new(in->server->dataplane, false,
	    in->site, site->port, &session_events, in->server);

	if (session == NULL)
		return NULL;
	session->udp_port = in->server->conf->port;
	session->features = in->features;
	snprintf(session->label, sizeof(session->label), "site %s", in->site);
	return session;
}

/* From where it came, and by what: the last login is what the session stands on. */
static void
note(struct incoming *in, struct site *site, struct session *session)
{
	strlcpy(site->last_address, in->address, sizeof(site->last_address));
	site->last_from = in->applicant.from;
	site->stale = false;
	strlcpy(session->address, in->address, sizeof(session->address));
	strlcpy(session->version, in->version, sizeof(session->version));
	session->mtu = in->mtu;
	session->method = in->auth.method;
	free(session->leaf);
	session->leaf = in->leaf;
	in->leaf = NULL;
}

static bool
welcome(struct incoming *in, struct session *session, bool back)
{
	const struct conf *conf = in->server->conf;
	struct lane_share  share;
	struct message	   msg = { .type = MESSAGE_WELCOME,
		    .protocol = in->protocol,
		    .features = in->features,
		    .session = session->id,
		    .lanes = session->lanes,
		    .transport = in->transport,
		    .keepalive_sec = conf->keepalive_sec,
		    .dead_peer_sec = conf->dead_peer_sec,
		    .rekey_sec = conf->rekey_sec,
		    .rekey_mib = conf->rekey_mib,
		    .mtu = in->server->mtu };
	bool ok;

	lane_keys_share_new(&share);
	memcpy(msg.share, share.public_key, sizeof(msg.share));
	if (!back)
		choose(in, &msg);
	fill_answer(in, &msg);
	ok = site_networks_fill(conf, in->site, &msg) &&
	    conn_send(in->conn, &msg) == 0 &&
	    (back || session_begin(session, in->conn, &msg, &share, in->share,
		in->auth.psk));
	secret_wipe(&share, sizeof(share));
	message_fini(&msg);
	return ok;
}

/*
 * A session's number, and how many lanes.  Another number than the site asked
 * for, or it would take this session for that.
 */
static void
choose(const struct incoming *in, struct message *msg)
{
	struct dataplane *dataplane = in->server->dataplane;

	do
		msg->session = dataplane_new_session(dataplane);
	while (msg->session == in->wanted);
	msg->lanes = in->transport == CONF_TRANSPORT_TCP ? 0 :
	    dataplane_workers(dataplane);
	if (msg->lanes > 0 && in->workers > msg->lanes)
		msg->lanes = in->workers;
}

/* Our own proof, and the token with which the site can resume. */
static void
fill_answer(struct incoming *in, struct message *msg)
{
	struct request_verdict *answer = &in->auth.answer;

	msg->has_proof = answer->has_proof == 1;
	memcpy(msg->proof, answer->proof, sizeof(msg->proof));
	memcpy(msg->token, answer->grant.token, answer->grant.token_len);
	msg->token_len = answer->grant.token_len;
	memcpy(msg->secret, answer->grant.secret, sizeof(msg->secret));
	secret_wipe(answer, sizeof(*answer));
}

/*
 * The site's entry here decides, not its request.  Compares them only after it
 * has authenticated: earlier, the time would reveal which sites have many.
 */
static void
check_subnets(const struct incoming *in)
{
	const struct conf_site *cs = conf_find_site(in->server->conf, in->site);
	char			text[PREFIX_STRLEN] = "";

	for (size_t i = 0; cs != NULL && i < in->nsubnets; i++) {
		if (!prefix_list_has(cs->subnets.v, cs->subnets.n,
			&in->subnets[i]))
			prefix_print(&in->subnets[i], text, sizeof(text));
	}
	if (text[0] != '\0')
		log_warnx("site %s: it asks for the subnet %s, which is not "
		    "configured for it here: it is not routed", in->site, text);
}

static void
on_over(struct session *session, const char *why)
{
	struct server *server = session->owner;
	struct site   *site = sites_find(&server->sites, session->site);

	if (site != NULL && site->session == session)
		site->session = NULL;
	session_free(session);
}
