/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "control/incoming.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bsd/string.h>

#include "base/log.h"
#include "control/conn/conn.h"
#include "control/conn/tls_cert.h"
#include "control/server.h"
#include "control/site_session.h"
#include "control/transport.h"

#define REFUSED		"authentication failed" /* whatever it was */
#define BUSY		"the hub is busy"
#define HELD_OFF	"too many attempts: wait"
#define RETRY_AFTER_SEC 2
#define UNFIT_SEC	60  /* until somebody has changed a configuration */

static void on_message(void *arg, const struct message *msg);
static void on_end(void *arg, const char *why);
static void on_hello(struct incoming *in, const struct message *msg);
static bool fits(struct incoming *in, const struct message *msg, char *why,
    size_t size);
static void on_login(void *arg);
static void refuse(struct incoming *in);
static void let_go(struct incoming *in);

static const struct conn_events conn_events = {
	.on_message = on_message,
	.on_end = on_end,
};

void
incoming_start(struct server *server, int fd, const struct endpoint *from)
{
	struct incoming *in = calloc(1, sizeof(*in));
	struct addr	 addr = endpoint_addr(from);

	if (in == NULL) {
		close(fd);
		return;
	}
	in->server = server;
	endpoint_print(from, in->address, sizeof(in->address));
	in->conn = conn_new(server->loop, server->tls, fd, NULL,
	    server->conf->handshake_time_sec, &conn_events, in);
	if (in->conn == NULL) {
		free(in);
		return;
	}
	strlcpy(in->conn->label, in->address, sizeof(in->conn->label));
	auth_server_init(&in->auth, &server->auth, in->conn, &in->applicant,
	    on_login, in);
	in->applicant.incoming = in;
	in->applicant.from_any_known_address =
	    sites_any_known_address(&server->sites, &addr);
	admission_arrive(&server->admission, &in->applicant, &addr);
	server->nunauth++;
}

void
incoming_free(struct incoming *in)
{
	conn_free(in->conn);
	in->conn = NULL;
	let_go(in);
}

void
incoming_bye(struct incoming *in, const char *why)
{
	conn_bye(in->conn, why);
	let_go(in);
}

void
incoming_overtaken(struct incoming *in, const char *why)
{
	if (in->applicant.state == APPLICANT_NEW && in->srp_user[0] == '\0')
		return;
	/* A proof that is being verified was made with the old credential. */
	server_log_refusal(in->server, in->address,
	    in->site[0] != '\0' ? in->site : in->srp_user, why);
	conn_refuse(in->conn, REFUSED, RETRY_AFTER_SEC);
	let_go(in);
}

bool
incoming_is_revoked(const struct incoming *in, const struct tls_context *tls)
{
	return in->applicant.state != APPLICANT_NEW &&
	    in->auth.method == CONF_AUTH_CERTIFICATE &&
	    tls_cert_is_revoked(in->leaf, tls);
}

bool
incoming_evict(struct server *server, const struct addr *from)
{
	struct applicant *victim = admission_evict(&server->admission,
	    sites_any_known_address(&server->sites, from));

	if (victim == NULL)
		return false;
	server->turned_away++;
	server_log_refusal(server, victim->incoming->address,
	    victim->incoming->site,
	    "closed to make room for another: too many connections that have "
	    "not logged in (max-handshakes)");
	let_go(victim->incoming);
	return true;
}

int
incoming_srp_user(struct server *server, void *connection, const char *name,
    bool *known)
{
	const struct conn      *conn = connection;
	struct incoming	       *in = conn->arg;
	const struct conf_site *cs = conf_find_site(server->conf, name);
	int			r;

	/* Nobody's, or a session's: it has been through its handshake. */
	if (conn->events != &conn_events)
		return -EPROTO;
	in->applicant.from_known_address = sites_known_address(
	    sites_find(&server->sites, name), &in->applicant.from);
	r = admission_attempt(&server->admission, &in->applicant, name,
	    ADMISSION_TLS_SRP, 0, mono_now());
	if (r != 0) {
		server->held_off += r > 0;
		server_log_refusal(server, in->address, "", r > 0 ?
			"tls-srp: held off: too many attempts" :
			"tls-srp: too many unknown clients at once");
		return -EAGAIN;
	}
	strlcpy(in->srp_user, name, sizeof(in->srp_user));
	*known = cs != NULL && !cs->disabled && !cs->faulty &&
	    cs->auth == CONF_AUTH_TLS_SRP &&
	    (server->conf->auths & CONF_AUTH_BIT(CONF_AUTH_TLS_SRP)) != 0;
	return 0;
}

static void
on_message(void *arg, const struct message *msg)
{
	struct incoming *in = arg;
	bool		 is_new = in->applicant.state == APPLICANT_NEW;
	char		 why[MESSAGE_TEXT_SIZE + 16];

	if (is_new && msg->type == MESSAGE_HELLO) {
		on_hello(in, msg);
	} else if (!is_new && msg->type == MESSAGE_RESPONSE) {
		if (!auth_server_response(&in->auth, msg))
			conn_bye(in->conn,
			    "a response that was not asked for");
	} else if (msg->type == MESSAGE_BYE) {
		snprintf(why, sizeof(why), "it says: %s", msg->text);
		conn_end(in->conn, why);
	} else {
		snprintf(why, sizeof(why), "a %s out of turn",
		    message_name(msg->type));
		conn_bye(in->conn, why);
	}
}

static void
on_end(void *arg, const char *why)
{
	struct incoming *in = arg;

	in->conn = NULL;
	server_log_refusal(in->server, in->address, in->site, why);
	let_go(in);
}

static void
on_hello(struct incoming *in, const struct message *msg)
{
	char why[MESSAGE_TEXT_SIZE];

	if (!fits(in, msg, why, sizeof(why))) {
		conn_refuse(in->conn, why, UNFIT_SEC);
		return;
	}
	strlcpy(in->site, msg->site, sizeof(in->site));
	log_escape(in->version, sizeof(in->version), msg->version,
	    strlen(msg->version));
	in->protocol = msg->protocol_max < MESSAGE_PROTOCOL_MAX ?
	    msg->protocol_max :
	    MESSAGE_PROTOCOL_MAX;
	in->features = msg->features & message_offers(in->server->conf->mode);
	in->mtu = msg->mtu;
	in->workers = msg->workers;
	in->wanted = msg->session;
	memcpy(in->share, msg->share, sizeof(in->share));
	in->subnets = reallocarray(NULL, msg->nsubnets, sizeof(*in->subnets));
	in->nsubnets = in->subnets != NULL ? msg->nsubnets : 0;
	if (in->nsubnets > 0)
		memcpy(in->subnets, msg->subnets,
		    in->nsubnets * sizeof(*in->subnets));
	in->leaf = tls_cert_get(in->conn->tls);
	in->applicant.from_known_address = sites_known_address(
	    sites_find(&in->server->sites, in->site), &in->applicant.from);
	auth_server_hello(&in->auth, msg);
}

static bool
fits(struct incoming *in, const struct message *msg, char *why, size_t size)
{
	const struct conf *conf = in->server->conf;

	if (msg->protocol > MESSAGE_PROTOCOL_MAX ||
	    msg->protocol_max < MESSAGE_PROTOCOL_MIN) {
		snprintf(why, size, "this hub speaks protocol %d to %d, the "
		    "site %u to %u: use versions that fit",
		    MESSAGE_PROTOCOL_MIN, MESSAGE_PROTOCOL_MAX, msg->protocol,
		    msg->protocol_max);
		return false;
	}
	if (msg->mode != conf->mode) {
		snprintf(why, size, "this hub's mode is %s: join again with "
		    "its invitation", conf_mode_name(conf->mode));
		return false;
	}
	return transport_agree(conf->transport, msg->transport, &in->transport,
	    why, size);
}

static void
on_login(void *arg)
{
	struct incoming	     *in = arg;
	struct request_verdict *answer = &in->auth.answer;
	struct site	     *site = sites_find(&in->server->sites, in->site);

	/* It may have been disabled while the keeper looked for its key. */
	if (answer->verdict == KEEPER_YES)
		in->auth.why = auth_server_why_not(&in->auth);
	if (in->auth.why != NULL && answer->verdict == KEEPER_YES)
		answer->verdict = KEEPER_NO;
	if (answer->verdict == KEEPER_YES && site != NULL) {
		site_session_admit(in, site);
		let_go(in);
	} else if (answer->verdict == KEEPER_FAILED) {
		server_log_refusal(in->server, in->address, in->site, BUSY);
		conn_refuse(in->conn, BUSY, RETRY_AFTER_SEC);
		let_go(in);
	} else {
		refuse(in);
	}
}

static void
refuse(struct incoming *in)
{
	const struct auth_server *auth = &in->auth;
	struct site *site = sites_find(&in->server->sites, in->site);
	const char  *why = auth->why != NULL ? auth->why :
					       "the site is not known yet";

	server_log_refusal(in->server, in->address, in->site, why);
	if (site != NULL && auth->wait_sec == 0)
		snprintf(site->last_error, sizeof(site->last_error),
		    "%s from %s", why, in->address);
	in->server->held_off += auth->wait_sec > 0;
	if (auth->wait_sec > 0)
		conn_refuse(in->conn, HELD_OFF, auth->wait_sec);
	else
		conn_refuse(in->conn, REFUSED, RETRY_AFTER_SEC);
	let_go(in);
}

/* Also from within an event of its connection. */
static void
let_go(struct incoming *in)
{
	auth_server_fini(&in->auth);
	if (in->conn != NULL)
		conn_release(in->conn);
	in->server->nunauth--;
	admission_leave(&in->applicant);
	free(in->leaf);
	free(in->subnets);
	free(in);
}
