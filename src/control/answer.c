/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "control/answer.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <bsd/string.h>
#include <nettle/hmac.h>

#include "base/log.h"
#include "base/secret.h"
#include "control/session.h"

#define PROOF_LABEL  "tombolo resume site"
#define ANSWER_LABEL "tombolo resume server"

static void send_hello(struct answer *answer, const char *secret, size_t len);
static void resume(struct answer *answer);
static void prove(const struct answer *answer, const char *label,
    const uint8_t binding[32], uint8_t proof[MESSAGE_PROOF_LEN]);
static void ask_secret(struct answer *answer);
static void on_secret(void *arg, const char *secret, size_t len, int error);
static void send_response(struct answer *answer, const char *credential,
    size_t len);
static void answer_srp(struct answer *answer, const struct message *msg);
static void on_srp(void *arg, const struct keeper_srp_answer *srp, int error);
static void answer_pam(struct answer *answer, const struct message *msg);
static void on_pam_secret(void *arg, const char *secret, size_t len,
    int error);
static void ask_person(struct answer *answer);
static void forget_grant(struct answer *answer);

void
answer_init(struct answer *answer, struct keeper_ask *keeper,
    const struct conf *conf, void (*fill_hello)(void *arg, struct message *msg),
    void *arg)
{
	*answer = (struct answer) { .keeper = keeper, .conf = conf,
		.fill_hello = fill_hello, .arg = arg };
}

void
answer_fini(struct answer *answer)
{
	answer_stop(answer);
	forget_grant(answer);
}

void
answer_start(struct answer *answer, struct session *session)
{
	answer->session = session;
	answer->rounds = 0;
	answer->asked = answer->stored = answer->expects_proof = false;
	if (answer->grant.token_len > 0)
		resume(answer);
	else if (answer->conf->auth == CONF_AUTH_PASSWORD)
		ask_secret(answer);
	else
		send_hello(answer, NULL, 0);
}

void
answer_stop(struct answer *answer)
{
	keeper_ask_cancel(answer->keeper, answer);
	answer->session = NULL;
	answer->question = false;
	secret_wipe(answer->proof, sizeof(answer->proof));
}

void
answer_challenge(struct answer *answer, const struct message *msg)
{
	answer->asked = true;
	answer->expects_proof = false;
	/* The token was not taken: it is not worth another try. */
	forget_grant(answer);
	if (answer->question || ++answer->rounds > MESSAGE_MAX_ROUNDS) {
		session_bye(answer->session, "too many questions");
		return;
	}
	switch (answer->conf->auth) {
	case CONF_AUTH_PASSWORD:
		if (answer->rounds == 1)
			ask_secret(answer);
		else
			session_bye(answer->session,
			    "a password is given once");
		return;
	case CONF_AUTH_SRP:
		answer_srp(answer, msg);
		return;
	case CONF_AUTH_PAM:
		answer_pam(answer, msg);
		return;
	default:
		session_bye(answer->session, "this site's method answers "
		    "nothing: the server's entry has another one");
	}
}

const char *
answer_welcome(struct answer *answer, const struct message *msg)
{
	bool resumed = answer->grant.token_len > 0 && !answer->asked;

	if (answer->conf->auth == CONF_AUTH_SRP && !resumed &&
	    !answer->expects_proof)
		return "the server did not ask for SRP's proof: it is not the "
		       "one that knows this site";
	if (answer->expects_proof && (!msg->has_proof ||
		!secret_equal(answer->proof, msg->proof,
		    sizeof(answer->proof))))
		return "the server's proof is wrong: it does not know this "
		       "site's secret";
	if (!resumed) {
		memcpy(answer->grant.token, msg->token, msg->token_len);
		answer->grant.token_len = msg->token_len;
		memcpy(answer->grant.secret, msg->secret,
		    sizeof(answer->grant.secret));
	}
	answer->person_until = (struct mono) { 0 };
	return NULL;
}

void
answer_person(struct answer *answer, struct mono now)
{
	answer->person_until = mono_add(now, ANSWER_PERSON_SEC * MONO_SEC);
	answer->needs_person = false;
}

bool
answer_typed(struct answer *answer, const char *text, size_t len)
{
	if (!answer->question || answer->session == NULL ||
	    len > MESSAGE_MAX_CREDENTIAL)
		return false;
	answer->question = false;
	send_response(answer, text, len);
	return true;
}

static void
send_hello(struct answer *answer, const char *secret, size_t len)
{
	struct message msg = { .type = MESSAGE_HELLO };

	if (secret != NULL) {
		msg.has_credential = true;
		memcpy(msg.credential, secret, len);
		msg.credential_len = len;
	}
	memcpy(msg.token, answer->grant.token, answer->grant.token_len);
	msg.token_len = answer->grant.token_len;
	answer->fill_hello(answer->arg, &msg);
	(void)session_send(answer->session, &msg);
	msg.subnets = NULL; /* the configuration's */
	message_fini(&msg);
}

/* The token, and behind it the proof that we have its secret. */
static void
resume(struct answer *answer)
{
	struct message msg = { .type = MESSAGE_RESPONSE, .has_proof = true };
	uint8_t	       binding[32];

	if (tls_binding(answer->session->tls, binding) < 0) {
		session_end(answer->session, "TLS has no channel binding");
		return;
	}
	send_hello(answer, NULL, 0);
	prove(answer, PROOF_LABEL, binding, msg.proof);
	prove(answer, ANSWER_LABEL, binding, answer->proof);
	answer->expects_proof = true;
	(void)session_send(answer->session, &msg);
	message_fini(&msg);
}

static void
prove(const struct answer *answer, const char *label,
    const uint8_t binding[32], uint8_t proof[MESSAGE_PROOF_LEN])
{
	struct hmac_sha256_ctx ctx;

	hmac_sha256_set_key(&ctx, sizeof(answer->grant.secret),
	    answer->grant.secret);
	hmac_sha256_update(&ctx, strlen(label), (const uint8_t *)label);
	hmac_sha256_update(&ctx, 32, binding);
	hmac_sha256_update(&ctx, sizeof(answer->session->hello),
	    answer->session->hello);
	hmac_sha256_digest(&ctx, MESSAGE_PROOF_LEN, proof);
	secret_wipe(&ctx, sizeof(ctx));
}

static void
ask_secret(struct answer *answer)
{
	if (keeper_ask_secret(answer->keeper, on_secret, answer) < 0)
		session_end(answer->session, "the keeper does not answer");
}

/* The server is the right one: now, and only now, it gets the password. */
static void
on_secret(void *arg, const char *secret, size_t len, int error)
{
	struct answer *answer = arg;
	char	       why[TLS_WHY_SIZE];

	if (answer->session == NULL)
		return;
	if (secret == NULL || len > MESSAGE_MAX_CREDENTIAL) {
		snprintf(why, sizeof(why), "this site's password cannot be "
		    "read: %s", strerror(error != 0 ? error : EMSGSIZE));
		session_end(answer->session, why);
	} else if (answer->asked) {
		send_response(answer, secret, len);
	} else {
		send_hello(answer, secret, len);
	}
}

static void
send_response(struct answer *answer, const char *credential, size_t len)
{
	struct message msg = { .type = MESSAGE_RESPONSE,
		.has_credential = true, .credential_len = len };

	memcpy(msg.credential, credential, len);
	(void)session_send(answer->session, &msg);
	message_fini(&msg);
}

static void
answer_srp(struct answer *answer, const struct message *msg)
{
	uint8_t binding[32];

	if (answer->rounds > 1 || !msg->has_credential || msg->group == 0) {
		session_bye(answer->session, "this site's method is srp, and "
		    "the server asks for something else");
		return;
	}
	if (tls_binding(answer->session->tls, binding) < 0 ||
	    keeper_ask_srp_answer(answer->keeper, answer->conf->site,
		msg->group, msg->setting, msg->credential, msg->credential_len,
		binding, on_srp, answer) < 0)
		session_end(answer->session, "the keeper does not answer");
}

static void
on_srp(void *arg, const struct keeper_srp_answer *srp, int error)
{
	struct answer *answer = arg;
	struct message msg = { .type = MESSAGE_RESPONSE,
		.has_credential = true, .has_proof = true };
	char	       why[TLS_WHY_SIZE];

	if (answer->session == NULL)
		return;
	if (srp == NULL || srp->public_a_len > MESSAGE_MAX_CREDENTIAL) {
		snprintf(why, sizeof(why), "SRP: %s", error == EPROTO ?
			"the server's group, cost or share is not acceptable" :
			strerror(error));
		session_end(answer->session, why);
		return;
	}
	memcpy(msg.credential, srp->public_a, srp->public_a_len);
	msg.credential_len = srp->public_a_len;
	memcpy(msg.proof, srp->m1, sizeof(msg.proof));
	memcpy(answer->proof, srp->m2, sizeof(answer->proof));
	answer->expects_proof = true;
	(void)session_send(answer->session, &msg);
	message_fini(&msg);
}

/* The first hidden question is the stored password's; the rest, a person's. */
static void
answer_pam(struct answer *answer, const struct message *msg)
{
	answer->echo = msg->echo;
	log_escape(answer->text, sizeof(answer->text), msg->text,
	    strlen(msg->text));
	session_extend(answer->session, ANSWER_PERSON_SEC);
	if (msg->echo || answer->stored)
		ask_person(answer);
	else if (keeper_ask_secret(answer->keeper, on_pam_secret, answer) < 0)
		session_end(answer->session, "the keeper does not answer");
	answer->stored = answer->stored || !msg->echo;
}

static void
on_pam_secret(void *arg, const char *secret, size_t len, int error)
{
	struct answer *answer = arg;

	(void)error; /* there need not be one */
	if (answer->session == NULL)
		return;
	if (secret != NULL && len <= MESSAGE_MAX_CREDENTIAL)
		send_response(answer, secret, len);
	else
		ask_person(answer);
}

static void
ask_person(struct answer *answer)
{
	char why[TLS_WHY_SIZE];

	if (!mono_is_due(answer->person_until, mono_now())) {
		answer->question = true;
		return;
	}
	answer->needs_person = true;
	snprintf(why, sizeof(why), "the server asks \"%.128s\" and nobody is "
	    "here to answer: tombolo login", answer->text);
	session_bye(answer->session, why);
}

static void
forget_grant(struct answer *answer)
{
	secret_wipe(&answer->grant, sizeof(answer->grant));
}
