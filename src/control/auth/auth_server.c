/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "control/auth/auth_server.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <bsd/string.h>

#include "base/log.h"
#include "base/mono.h"
#include "base/secret.h"
#include "control/conn/conn.h"
#include "control/conn/tls_cert.h"
#include "proc/pam_chat.h"

#define OTHER_METHOD "it asks for another method than the site's"

/* How a method handles hello, and each response to its challenges. */
static void start_password(struct auth_server *auth);
static void start_srp(struct auth_server *auth);
static void start_pam(struct auth_server *auth);
static void start_certificate(struct auth_server *auth);
static void start_tls_srp(struct auth_server *auth);
static bool take_password(struct auth_server *auth, const struct message *msg);
static bool take_srp(struct auth_server *auth, const struct message *msg);
static bool take_pam(struct auth_server *auth, const struct message *msg);

static const struct method {
	void (*start)(struct auth_server *auth);
	/* False: the message lacks something.  NULL: it asks nothing. */
	bool (*take)(struct auth_server *auth, const struct message *msg);
	bool guessable; /* held off after too many attempts */
} methods[CONF_AUTHS] = {
	[CONF_AUTH_SRP] = { start_srp, take_srp, true },
	[CONF_AUTH_PASSWORD] = { start_password, take_password, true },
	[CONF_AUTH_PAM] = { start_pam, take_pam, true },
	[CONF_AUTH_CERTIFICATE] = { start_certificate, NULL, false },
	[CONF_AUTH_TLS_SRP] = { start_tls_srp, NULL, false },
};

static void set_state(struct auth_server *auth, enum applicant_state state);
static void begin(struct auth_server *auth);
static bool take_proof(struct auth_server *auth, const struct message *msg);
static void on_resumed(void *arg, const struct request_verdict *answer);
static void verify_password(struct auth_server *auth);
static void on_verified(void *arg, const struct request_verdict *answer);
static void on_srp_challenge(void *arg,
    const struct request_srp_challenge *challenge);
static void on_prompt(void *arg, const char *text, bool echo);
static void on_pam_end(void *arg, enum keeper_verdict verdict,
    const uint8_t *voucher);
static void on_vouched(void *arg, const struct request_verdict *answer);
static void challenge(struct auth_server *auth, const struct message *msg);
static bool is_known(const struct auth_server *auth);
static bool has_pam_site(const struct conf *conf);
static enum admission_need need_of(const struct auth_server *auth);
static void look(struct auth_server *auth, int r);
static void finish(struct auth_server *auth, enum keeper_verdict verdict,
    const char *why);
static bool ask_psk(struct auth_server *auth);
static void on_psk(void *arg, const struct request_psk *psk, int error);
static void on_later(struct ev_loop *loop, struct ev_timer *timer, int events);

static const struct pam_talk_events pam_events = {
	.on_prompt = on_prompt,
	.on_end = on_pam_end,
};

void
auth_server_init(struct auth_server *auth,
    const struct auth_server_env *env, struct conn *conn,
    struct applicant *applicant, void (*on_done)(void *arg), void *arg)
{
	*auth = (struct auth_server) { .env = env, .conn = conn,
		.applicant = applicant, .on_done = on_done, .arg = arg };
	ev_timer_init(&auth->later, on_later, 0, 0);
	auth->later.data = auth;
}

void
auth_server_fini(struct auth_server *auth)
{
	keeper_ask_cancel(auth->env->keeper, auth);
	pam_talk_stop(&auth->pam);
	ev_timer_stop(auth->env->loop, &auth->later);
	secret_wipe(auth->credential, sizeof(auth->credential));
	secret_wipe(auth->srp_state, sizeof(auth->srp_state));
	secret_wipe(&auth->answer, sizeof(auth->answer));
	secret_wipe(auth->psk, sizeof(auth->psk));
}

void
auth_server_hello(struct auth_server *auth, const struct message *hello)
{
	strlcpy(auth->site, hello->site, sizeof(auth->site));
	auth->method_ok = words_find(&conf_words_auth, hello->method,
	    &auth->method);
	auth->by_handshake = tls_user(auth->conn->tls) != NULL;
	auth->has_credential = hello->has_credential;
	memcpy(auth->credential, hello->credential, hello->credential_len);
	auth->credential_len = hello->credential_len;
	if ((hello->features & MESSAGE_CAN_PSK) != 0)
		auth->psk_generation = hello->psk_generation;
	memcpy(auth->psk_id, hello->psk_id, sizeof(auth->psk_id));
	if (hello->token_len == 0) {
		begin(auth);
		return;
	}
	/* Its proof is behind it: the two of them cannot be in one message. */
	memcpy(auth->token, hello->token, hello->token_len);
	auth->token_len = hello->token_len;
	set_state(auth, APPLICANT_PROOF);
}

bool
auth_server_response(struct auth_server *auth, const struct message *response)
{
	if (auth->applicant->state == APPLICANT_PROOF)
		return take_proof(auth, response);
	if (auth->applicant->state != APPLICANT_ASKED ||
	    methods[auth->method].take == NULL)
		return false;
	return methods[auth->method].take(auth, response);
}

const char *
auth_server_why_not(const struct auth_server *auth)
{
	const struct conf      *conf = *auth->env->conf;
	const struct conf_site *cs = conf_find_site(conf, auth->site);

	if (cs == NULL)
		return "unknown site";
	if (cs->faulty)
		return "its file has an error, see tombolo status";
	if (cs->disabled)
		return "the site is disabled";
	if (!auth->method_ok)
		return OTHER_METHOD;
	/* Only a name proved in the handshake may come by TLS 1.2. */
	if (auth->method != CONF_AUTH_TLS_SRP && auth->by_handshake)
		return "tls-srp with another method";
	return auth_server_method_why_not(conf, cs, auth->method);
}

const char *
auth_server_method_why_not(const struct conf *conf, const struct conf_site *cs,
    enum conf_auth method)
{
	if (method != cs->auth)
		return OTHER_METHOD;
	if ((conf->auths & CONF_AUTH_BIT(cs->auth)) == 0)
		return "this hub does not allow the site's method";
	return NULL;
}

static void
set_state(struct auth_server *auth, enum applicant_state state)
{
	static const char *const names[] = { [APPLICANT_NEW] = "new",
		[APPLICANT_PROOF] = "proof", [APPLICANT_ASKED] = "asked",
		[APPLICANT_LOOKING] = "looking", [APPLICANT_DONE] = "done" };

	log_debug("%s: authentication: %s -> %s", auth->conn->label,
	    names[auth->applicant->state], names[state]);
	auth->applicant->state = state;
}

/* The method's own way, from its beginning. */
static void
begin(struct auth_server *auth)
{
	int r = 0;

	/* An unknown method is refused after the same work as a password. */
	if (!auth->method_ok)
		auth->method = CONF_AUTH_PASSWORD;
	if (methods[auth->method].guessable)
		r = admission_attempt(auth->env->admission,
		    auth->applicant, auth->site, need_of(auth),
		    keeper_ask_pending(auth->env->keeper), mono_now());
	if (r > 0) {
		auth->wait_sec = (unsigned)r;
		finish(auth, KEEPER_NO, "held off: too many attempts");
	} else if (r < 0) {
		finish(auth, KEEPER_FAILED, NULL);
	} else {
		auth->charged = methods[auth->method].guessable;
		methods[auth->method].start(auth);
	}
}

static bool
take_proof(struct auth_server *auth, const struct message *msg)
{
	uint8_t binding[32];

	if (!msg->has_proof)
		return false;
	if (tls_binding(auth->conn->tls, binding) < 0) {
		finish(auth, KEEPER_FAILED, NULL);
		return true;
	}
	/* No site has an unknown method. */
	if (!auth->method_ok)
		auth->method = CONF_AUTH_PASSWORD;
	/*
	 * Ask for any name, so that the time does not reveal which sites exist.
	 */
	look(auth, keeper_ask_resume(auth->env->keeper, auth->site,
	    auth->method, binding, auth->conn->hello, auth->token,
	    auth->token_len,
	    msg->proof, on_resumed, auth));
	return true;
}

/* A token that is not good is no attempt to guess: go on as without. */
static void
on_resumed(void *arg, const struct request_verdict *answer)
{
	struct auth_server *auth = arg;

	if (answer->verdict == KEEPER_YES && is_known(auth)) {
		auth->resumed = true;
		auth->answer = *answer;
		finish(auth, KEEPER_YES, NULL);
	} else if (answer->verdict == KEEPER_FAILED) {
		finish(auth, KEEPER_FAILED, NULL);
	} else {
		begin(auth);
	}
}

static void
start_password(struct auth_server *auth)
{
	struct message msg = { .type = MESSAGE_CHALLENGE };

	if (auth->has_credential) {
		verify_password(auth);
		return;
	}
	strlcpy(msg.text, "Password", sizeof(msg.text));
	challenge(auth, &msg);
}

static bool
take_password(struct auth_server *auth, const struct message *msg)
{
	if (!msg->has_credential)
		return false;
	memcpy(auth->credential, msg->credential, msg->credential_len);
	auth->credential_len = msg->credential_len;
	verify_password(auth);
	return true;
}

/* The keeper does the same work whether the site exists or not. */
static void
verify_password(struct auth_server *auth)
{
	int r = keeper_ask_verify(auth->env->keeper, auth->site,
	    is_known(auth), (const char *)auth->credential,
	    auth->credential_len, (*auth->env->conf)->resume_sec, on_verified,
	    auth);

	secret_wipe(auth->credential, sizeof(auth->credential));
	look(auth, r);
}

static void
on_verified(void *arg, const struct request_verdict *answer)
{
	struct auth_server *auth = arg;

	auth->answer = *answer;
	finish(auth, answer->verdict, "wrong credential");
}

static void
start_srp(struct auth_server *auth)
{
	look(auth, keeper_ask_srp_start(auth->env->keeper, auth->site,
	    is_known(auth), on_srp_challenge, auth));
}

static void
on_srp_challenge(void *arg, const struct request_srp_challenge *srp)
{
	struct auth_server  *auth = arg;
	struct message msg = { .type = MESSAGE_CHALLENGE };

	if (srp == NULL || srp->public_b_len > MESSAGE_MAX_CREDENTIAL) {
		finish(auth, KEEPER_FAILED, NULL);
		return;
	}
	memcpy(auth->srp_state, srp->state, srp->state_len);
	auth->srp_state_len = srp->state_len;
	msg.group = srp->group;
	strlcpy(msg.setting, srp->setting, sizeof(msg.setting));
	msg.has_credential = true;
	memcpy(msg.credential, srp->public_b, srp->public_b_len);
	msg.credential_len = srp->public_b_len;
	challenge(auth, &msg);
}

static bool
take_srp(struct auth_server *auth, const struct message *msg)
{
	uint8_t binding[32];

	if (!msg->has_credential || !msg->has_proof)
		return false;
	if (tls_binding(auth->conn->tls, binding) < 0) {
		finish(auth, KEEPER_FAILED, NULL);
		return true;
	}
	look(auth, keeper_ask_srp_finish(auth->env->keeper,
	    auth->srp_state, auth->srp_state_len, binding, msg->credential,
	    msg->credential_len, msg->proof, (*auth->env->conf)->resume_sec,
	    on_verified, auth));
	return true;
}

/*
 * PAM is asked for any name (the monitor's helper says no in the end for sites
 * that are not PAM's): what it asks and how long it takes is the same then.
 */
static void
start_pam(struct auth_server *auth)
{
	char address[ADDR_STRLEN];
	int  r;

	if (!has_pam_site(*auth->env->conf)) {
		finish(auth, KEEPER_NO, "no site of this hub uses PAM");
		return;
	}
	addr_print(&auth->applicant->from, address, sizeof(address));
	r = pam_talk_start(&auth->pam, auth->env->loop,
	    auth->env->monitor, auth->site, address, &pam_events, auth);
	auth->applicant->has_helper = r == 0;
	if (r == 0)
		conn_extend(auth->conn, PAM_CHAT_SEC);
	look(auth, r);
}

static void
on_prompt(void *arg, const char *text, bool echo)
{
	struct auth_server  *auth = arg;
	struct message msg = { .type = MESSAGE_CHALLENGE, .echo = echo };

	if (auth->has_credential) {
		/* It came in hello; never a second time. */
		auth->has_credential = false;
		if (!pam_talk_answer(&auth->pam, auth->credential,
			auth->credential_len))
			finish(auth, KEEPER_NO, "PAM does not get the answer");
		return;
	}
	strlcpy(msg.text, text, sizeof(msg.text));
	challenge(auth, &msg);
}

static bool
take_pam(struct auth_server *auth, const struct message *msg)
{
	if (!msg->has_credential)
		return false;
	set_state(auth, APPLICANT_LOOKING);
	if (!pam_talk_answer(&auth->pam, msg->credential,
		msg->credential_len))
		finish(auth, KEEPER_NO, "PAM does not get the answer");
	return true;
}

static void
on_pam_end(void *arg, enum keeper_verdict verdict, const uint8_t *voucher)
{
	struct auth_server *auth = arg;
	unsigned      lifetime = (*auth->env->conf)->resume_sec;

	auth->applicant->has_helper = false;
	/* The login may have been decided before. */
	if (auth->applicant->state == APPLICANT_DONE)
		return;
	if (verdict == KEEPER_YES && is_known(auth) && lifetime > 0 &&
	    keeper_ask_vouched(auth->env->keeper, auth->site, voucher,
		lifetime, on_vouched, auth) == 0)
		return;
	/* No guess was verified; the site gets the same answer as ever. */
	if (auth->pam.fault && auth->charged)
		admission_undo(auth->env->admission, auth->applicant,
		    auth->site, mono_now());
	finish(auth, verdict, auth->pam.reason[0] != '\0' ?
		auth->pam.reason : "PAM says no");
}

/* PAM has accepted: without a token the site only cannot resume. */
static void
on_vouched(void *arg, const struct request_verdict *answer)
{
	struct auth_server *auth = arg;

	if (answer->verdict == KEEPER_YES)
		auth->answer = *answer;
	finish(auth, KEEPER_YES, NULL);
}

/* Of a handshake under older lists GnuTLS would say what was true then. */
static void
start_certificate(struct auth_server *auth)
{
	if (tls_context(auth->conn->tls) != *auth->env->tls) {
		finish(auth, KEEPER_FAILED, NULL);
		return;
	}
	finish(auth, tls_cert_is_site(auth->conn->tls, auth->site) ?
		KEEPER_YES : KEEPER_NO, "no valid certificate of this site");
}

static void
start_tls_srp(struct auth_server *auth)
{
	const char *user = tls_user(auth->conn->tls);

	finish(auth, user != NULL && strcmp(user, auth->site) == 0 ?
		KEEPER_YES : KEEPER_NO, "the handshake was for another site");
}

static void
challenge(struct auth_server *auth, const struct message *msg)
{
	if (++auth->rounds > MESSAGE_MAX_ROUNDS) {
		finish(auth, KEEPER_NO, "too many questions");
		return;
	}
	set_state(auth, APPLICANT_ASKED);
	(void)conn_send(auth->conn, msg);
}

static bool
is_known(const struct auth_server *auth)
{
	return auth_server_why_not(auth) == NULL;
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

/* PAM is not asked where no site is PAM's. */
static enum admission_need
need_of(const struct auth_server *auth)
{
	if (auth->method != CONF_AUTH_PAM)
		return ADMISSION_KEEPER;
	return has_pam_site(*auth->env->conf) ? ADMISSION_PAM :
						  ADMISSION_NOTHING;
}

/* The keeper was asked, or could not be. */
static void
look(struct auth_server *auth, int r)
{
	if (r < 0) {
		finish(auth, KEEPER_FAILED, NULL);
		return;
	}
	set_state(auth, APPLICANT_LOOKING);
}

static void
finish(struct auth_server *auth, enum keeper_verdict verdict, const char *why)
{
	const char *why_not = auth_server_why_not(auth);

	if (auth->applicant->state == APPLICANT_DONE)
		return;
	set_state(auth, APPLICANT_DONE);
	/* The true reason comes first: it is for our log only. */
	if (verdict == KEEPER_YES && why_not != NULL)
		verdict = KEEPER_NO;
	auth->why = verdict == KEEPER_YES ? NULL :
	    why_not != NULL && auth->wait_sec == 0 ? why_not : why;
	auth->answer.verdict = verdict;
	/* tls-srp's charge was made in the handshake. */
	if ((auth->charged || auth->method == CONF_AUTH_TLS_SRP) &&
	    verdict == KEEPER_YES)
		admission_forgive(auth->env->admission, auth->applicant,
		    auth->site, mono_now());
	if (verdict == KEEPER_YES && auth->psk_generation != 0) {
		if (ask_psk(auth))
			return;
		auth->answer.verdict = KEEPER_FAILED;
	}
	ev_timer_start(auth->env->loop, &auth->later);
}

static bool
ask_psk(struct auth_server *auth)
{
	uint8_t binding[32];

	return tls_binding(auth->conn->tls, binding) == 0 &&
	    keeper_ask_psk(auth->env->keeper, auth->site, binding, on_psk,
		auth) == 0;
}

/* Only a keeper that does not answer keeps a site out that has another key. */
static void
on_psk(void *arg, const struct request_psk *psk, int error)
{
	struct auth_server *auth = arg;

	auth->has_psk = psk != NULL &&
	    psk->generation == auth->psk_generation &&
	    secret_equal(psk->id, auth->psk_id, sizeof(psk->id));
	if (auth->has_psk)
		memcpy(auth->psk, psk->key, sizeof(auth->psk));
	else if (error == EPIPE || error == EAGAIN)
		auth->answer.verdict = KEEPER_FAILED;
	else
		log_warnx("site %s: its pre-shared key is not the newest: its "
		    "session has none; give it a new invitation (tombolo site "
		    "passwd --generate)", auth->site);
	ev_timer_start(auth->env->loop, &auth->later);
}

static void
on_later(struct ev_loop *loop, struct ev_timer *timer, int events)
{
	struct auth_server *auth = timer->data;

	auth->on_done(auth->arg);
}
