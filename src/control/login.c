/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "control/login.h"

#include <stdio.h>
#include <string.h>

#include <bsd/string.h>

#include "base/mono.h"
#include "base/secret.h"
#include "control/server.h"
#include "control/server_session.h"
#include "control/session.h"
#include "control/throttle.h"
#include "proc/pam_chat.h"

#define RESERVED_ASKS 32 /* of the keeper's, for sites from where they live */

/* What a method does with hello, and with each response to its challenges. */
static void start_password(struct login *login);
static void start_srp(struct login *login);
static void start_pam(struct login *login);
static void start_certificate(struct login *login);
static void start_tls_srp(struct login *login);
static bool take_password(struct login *login, const struct message *msg);
static bool take_srp(struct login *login, const struct message *msg);
static bool take_pam(struct login *login, const struct message *msg);

static const struct method {
	void (*start)(struct login *login);
	/* False: the message lacks something.  NULL: it asks nothing. */
	bool (*take)(struct login *login, const struct message *msg);
	bool guessable; /* held off after too many attempts */
} methods[CONF_AUTHS] = {
	[CONF_AUTH_SRP] = { start_srp, take_srp, true },
	[CONF_AUTH_PASSWORD] = { start_password, take_password, true },
	[CONF_AUTH_PAM] = { start_pam, take_pam, true },
	[CONF_AUTH_CERTIFICATE] = { start_certificate, NULL, false },
	[CONF_AUTH_TLS_SRP] = { start_tls_srp, NULL, false },
};

static void begin(struct login *login);
static bool take_proof(struct login *login, const struct message *msg);
static void on_resumed(void *arg, const struct keeper_answer *answer);
static void verify_password(struct login *login);
static void on_verified(void *arg, const struct keeper_answer *answer);
static void on_srp_challenge(void *arg,
    const struct keeper_srp_challenge *challenge);
static void on_prompt(void *arg, const char *text, bool echo);
static void on_pam_end(void *arg, enum keeper_verdict verdict,
    const uint8_t *voucher);
static void on_vouched(void *arg, const struct keeper_answer *answer);
static void challenge(struct login *login, const struct message *msg);
static bool is_known(const struct login *login);
static bool has_pam_site(const struct conf *conf);
static bool has_turn(struct login *login);
static bool has_pam_turn(struct login *login);
static bool is_near(const struct addr *a, const struct addr *b);
static void look(struct login *login, int r);
static void finish(struct login *login, enum keeper_verdict verdict,
    const char *why);
static void on_later(struct ev_loop *loop, struct ev_timer *timer, int events);

static const struct pam_talk_events pam_events = {
	.on_prompt = on_prompt,
	.on_end = on_pam_end,
};

void
login_init(struct login *login, struct server *server, struct session *session,
    const struct addr *from, void (*on_done)(void *arg), void *arg)
{
	*login = (struct login) { .server = server, .session = session,
		.from = *from, .on_done = on_done, .arg = arg };
	ev_timer_init(&login->later, on_later, 0, 0);
	login->later.data = login;
}

void
login_fini(struct login *login)
{
	keeper_ask_cancel(login->server->keeper, login);
	pam_talk_stop(&login->pam);
	ev_timer_stop(login->server->loop, &login->later);
	secret_wipe(login->credential, sizeof(login->credential));
	secret_wipe(login->srp_state, sizeof(login->srp_state));
	secret_wipe(&login->answer, sizeof(login->answer));
}

void
login_hello(struct login *login, const struct message *hello)
{
	const struct site *site;

	strlcpy(login->site, hello->site, sizeof(login->site));
	login->method_ok = conf_auth_parse(&login->method, hello->method);
	login->by_handshake = tls_srp_user(login->session->tls) != NULL;
	site = sites_find(&login->server->sites, login->site);
	login->usual = site != NULL && sites_is_usual(site, &login->from);
	login->has_credential = hello->has_credential;
	memcpy(login->credential, hello->credential, hello->credential_len);
	login->credential_len = hello->credential_len;
	if (hello->token_len == 0) {
		begin(login);
		return;
	}
	/* Its proof is behind it: the two of them cannot be in one message. */
	memcpy(login->token, hello->token, hello->token_len);
	login->token_len = hello->token_len;
	login->state = LOGIN_PROOF;
}

bool
login_response(struct login *login, const struct message *response)
{
	if (login->state == LOGIN_PROOF)
		return take_proof(login, response);
	if (login->state != LOGIN_ASKED || methods[login->method].take == NULL)
		return false;
	return methods[login->method].take(login, response);
}

const char *
login_why_not(const struct login *login)
{
	const struct conf      *conf = login->server->conf;
	const struct conf_site *cs = conf_find_site(conf, login->site);

	if (cs == NULL)
		return "unknown site";
	if (cs->faulty)
		return "its file has a fault, see tombolo status";
	if (cs->disabled)
		return "the site is disabled";
	if (!login->method_ok || login->method != cs->auth)
		return "it asks for another method than the site's";
	if ((conf->auths & CONF_AUTH_BIT(cs->auth)) == 0)
		return "this server does not allow the site's method";
	/* Only a name proved in the handshake may come by TLS 1.2. */
	if (login->method != CONF_AUTH_TLS_SRP && login->by_handshake)
		return "tls-srp with another method";
	return NULL;
}

/* The method's own way, from its beginning. */
static void
begin(struct login *login)
{
	struct server *server = login->server;
	struct mono    now = mono_now();
	bool	       guessable;

	/* A method we do not know is refused after the usual work. */
	if (!login->method_ok)
		login->method = CONF_AUTH_PASSWORD;
	guessable = methods[login->method].guessable;
	if (guessable)
		login->wait_sec = throttle_wait(server->throttle, login->site,
		    &login->from, login->usual, now);
	if (login->wait_sec > 0) {
		server->held_off++;
		finish(login, KEEPER_NO, "held off: too many attempts");
		return;
	}
	if (guessable && !has_turn(login)) {
		finish(login, KEEPER_FAILED, NULL);
		return;
	}
	/* It counts from now on, or hanging up would make it free. */
	if (guessable) {
		throttle_charge(server->throttle, login->site, &login->from,
		    now);
		login->charged = true;
	}
	methods[login->method].start(login);
}

static bool
take_proof(struct login *login, const struct message *msg)
{
	uint8_t binding[32];

	if (!msg->has_proof)
		return false;
	if (tls_binding(login->session->tls, binding) < 0) {
		finish(login, KEEPER_FAILED, NULL);
		return true;
	}
	/* A method we do not know is nobody's. */
	if (!login->method_ok)
		login->method = CONF_AUTH_PASSWORD;
	/* Asked for any site, or the time would tell which ones there are. */
	look(login, keeper_ask_resume(login->server->keeper, login->site,
	    login->method, binding, login->session->hello, login->token, login->token_len,
	    msg->proof, on_resumed, login));
	return true;
}

/* A token that is not good is no attempt to guess: go on as without. */
static void
on_resumed(void *arg, const struct keeper_answer *answer)
{
	struct login *login = arg;

	if (answer->verdict == KEEPER_YES && is_known(login)) {
		login->resumed = true;
		login->answer = *answer;
		finish(login, KEEPER_YES, NULL);
	} else if (answer->verdict == KEEPER_FAILED) {
		finish(login, KEEPER_FAILED, NULL);
	} else {
		begin(login);
	}
}

static void
start_password(struct login *login)
{
	struct message msg = { .type = MESSAGE_CHALLENGE };

	if (login->has_credential) {
		verify_password(login);
		return;
	}
	strlcpy(msg.text, "Password", sizeof(msg.text));
	challenge(login, &msg);
}

static bool
take_password(struct login *login, const struct message *msg)
{
	if (!msg->has_credential)
		return false;
	memcpy(login->credential, msg->credential, msg->credential_len);
	login->credential_len = msg->credential_len;
	verify_password(login);
	return true;
}

/* The keeper does the same work whether the site exists or not. */
static void
verify_password(struct login *login)
{
	int r = keeper_ask_verify(login->server->keeper, login->site,
	    is_known(login), (const char *)login->credential,
	    login->credential_len, login->server->conf->resume_sec, on_verified,
	    login);

	secret_wipe(login->credential, sizeof(login->credential));
	look(login, r);
}

static void
on_verified(void *arg, const struct keeper_answer *answer)
{
	struct login *login = arg;

	login->answer = *answer;
	finish(login, answer->verdict, "wrong credential");
}

static void
start_srp(struct login *login)
{
	look(login, keeper_ask_srp_start(login->server->keeper, login->site,
	    is_known(login), on_srp_challenge, login));
}

static void
on_srp_challenge(void *arg, const struct keeper_srp_challenge *srp)
{
	struct login  *login = arg;
	struct message msg = { .type = MESSAGE_CHALLENGE };

	if (srp == NULL || srp->public_b_len > MESSAGE_MAX_CREDENTIAL) {
		finish(login, KEEPER_FAILED, NULL);
		return;
	}
	memcpy(login->srp_state, srp->state, srp->state_len);
	login->srp_state_len = srp->state_len;
	msg.group = srp->group;
	strlcpy(msg.setting, srp->setting, sizeof(msg.setting));
	msg.has_credential = true;
	memcpy(msg.credential, srp->public_b, srp->public_b_len);
	msg.credential_len = srp->public_b_len;
	challenge(login, &msg);
}

static bool
take_srp(struct login *login, const struct message *msg)
{
	uint8_t binding[32];

	if (!msg->has_credential || !msg->has_proof)
		return false;
	if (tls_binding(login->session->tls, binding) < 0) {
		finish(login, KEEPER_FAILED, NULL);
		return true;
	}
	look(login, keeper_ask_srp_finish(login->server->keeper,
	    login->srp_state, login->srp_state_len, binding, msg->credential,
	    msg->credential_len, msg->proof, login->server->conf->resume_sec,
	    on_verified, login));
	return true;
}

/*
 * PAM is asked for any name (the monitor's helper says no in the end for sites
 * that are not PAM's): what it asks and how long it takes is the same then.
 */
static void
start_pam(struct login *login)
{
	char address[ADDR_STRLEN];
	int  r;

	if (!has_pam_site(login->server->conf)) {
		finish(login, KEEPER_NO, "no site of this server uses PAM");
		return;
	}
	addr_print(&login->from, address, sizeof(address));
	r = pam_talk_start(&login->pam, login->server->loop,
	    login->server->monitor, login->site, address, &pam_events, login);
	if (r == 0)
		session_extend(login->session, PAM_CHAT_SEC);
	look(login, r);
}

static void
on_prompt(void *arg, const char *text, bool echo)
{
	struct login  *login = arg;
	struct message msg = { .type = MESSAGE_CHALLENGE, .echo = echo };

	if (login->has_credential) {
		/* It came in hello; never a second time. */
		login->has_credential = false;
		if (!pam_talk_answer(&login->pam, login->credential,
			login->credential_len))
			finish(login, KEEPER_NO, "an answer was not taken");
		return;
	}
	strlcpy(msg.text, text, sizeof(msg.text));
	challenge(login, &msg);
}

static bool
take_pam(struct login *login, const struct message *msg)
{
	if (!msg->has_credential)
		return false;
	login->state = LOGIN_LOOKING;
	if (!pam_talk_answer(&login->pam, msg->credential,
		msg->credential_len))
		finish(login, KEEPER_NO, "an answer was not taken");
	return true;
}

static void
on_pam_end(void *arg, enum keeper_verdict verdict, const uint8_t *voucher)
{
	struct login *login = arg;
	unsigned      lifetime = login->server->conf->resume_sec;

	/* We may have had enough of it before. */
	if (login->state == LOGIN_DONE)
		return;
	if (verdict == KEEPER_YES && is_known(login) && lifetime > 0 &&
	    keeper_ask_vouched(login->server->keeper, login->site, voucher,
		lifetime, on_vouched, login) == 0)
		return;
	/* No guess was judged.  The site is told the same as ever. */
	if (login->pam.fault && login->charged)
		throttle_undo(login->server->throttle, login->site,
		    &login->from, mono_now());
	finish(login, verdict, login->pam.reason[0] != '\0' ?
		login->pam.reason : "PAM says no");
}

/* PAM has said yes already: without a token the site just cannot resume. */
static void
on_vouched(void *arg, const struct keeper_answer *answer)
{
	struct login *login = arg;

	if (answer->verdict == KEEPER_YES)
		login->answer = *answer;
	finish(login, KEEPER_YES, NULL);
}

/* Of a handshake under older lists GnuTLS would say what was true then. */
static void
start_certificate(struct login *login)
{
	if (!tls_is_of(login->session->tls, login->server->tls)) {
		finish(login, KEEPER_FAILED, NULL);
		return;
	}
	finish(login, tls_is_site(login->session->tls, login->site) ?
		KEEPER_YES : KEEPER_NO, "no good certificate of this site");
}

static void
start_tls_srp(struct login *login)
{
	const char *user = tls_srp_user(login->session->tls);

	finish(login, user != NULL && strcmp(user, login->site) == 0 ?
		KEEPER_YES : KEEPER_NO, "the handshake was not this site's");
}

static void
challenge(struct login *login, const struct message *msg)
{
	if (++login->rounds > MESSAGE_MAX_ROUNDS) {
		finish(login, KEEPER_NO, "too many questions");
		return;
	}
	login->state = LOGIN_ASKED;
	(void)session_send(login->session, msg);
}

static bool
is_known(const struct login *login)
{
	return login_why_not(login) == NULL;
}

static bool
has_pam_site(const struct conf *conf)
{
	if ((conf->auths & CONF_AUTH_BIT(CONF_AUTH_PAM)) == 0)
		return false;
	for (size_t i = 0; i < conf->nsites; i++) {
		if (conf->sites[i].auth == CONF_AUTH_PAM)
			return true;
	}
	return false;
}

/* Strangers leave some of the keeper's time to those who are known. */
static bool
has_turn(struct login *login)
{
	if (login->method == CONF_AUTH_PAM)
		return has_pam_turn(login);
	return login->usual ||
	    keeper_ask_pending(login->server->keeper) <
	    KEEPER_MAX_ASKS - RESERVED_ASKS;
}

/* And some of PAM's helpers, which they could hold for two minutes each. */
static bool
has_pam_turn(struct login *login)
{
	const struct server_session *ss;
	unsigned strangers = 0, near = 0;

	if (!has_pam_site(login->server->conf))
		return true;
	LIST_FOREACH(ss, &login->server->sessions, entry) {
		if (!ss->login.pam.open)
			continue;
		strangers += !ss->login.usual;
		near += is_near(&ss->from, &login->from);
	}
	return turns_take_pam(&login->server->turns, login->usual, strangers,
	    near, mono_now());
}

static bool
is_near(const struct addr *a, const struct addr *b)
{
	struct prefix network = { *a, a->family == AF_INET6 ? 64 : 32 };

	return prefix_contains(&network, b);
}

/* The keeper was asked, or could not be. */
static void
look(struct login *login, int r)
{
	if (r < 0) {
		finish(login, KEEPER_FAILED, NULL);
		return;
	}
	login->state = LOGIN_LOOKING;
}

static void
finish(struct login *login, enum keeper_verdict verdict, const char *why)
{
	const char *why_not = login_why_not(login);

	if (login->state == LOGIN_DONE)
		return;
	login->state = LOGIN_DONE;
	/* The true reason comes first: it is for our log only. */
	if (verdict == KEEPER_YES && why_not != NULL)
		verdict = KEEPER_NO;
	login->why = verdict == KEEPER_YES ? NULL :
	    why_not != NULL && login->wait_sec == 0 ? why_not : why;
	login->answer.verdict = verdict;
	/* tls-srp's charge was made in the handshake. */
	if ((login->charged || login->method == CONF_AUTH_TLS_SRP) &&
	    verdict == KEEPER_YES)
		throttle_forgive(login->server->throttle, login->site,
		    &login->from, mono_now());
	ev_timer_start(login->server->loop, &login->later);
}

static void
on_later(struct ev_loop *loop, struct ev_timer *timer, int events)
{
	struct login *login = timer->data;

	(void)loop;
	(void)events;
	login->on_done(login->arg);
}
