/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "control/auth/auth_client.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <bsd/string.h>

#include "base/label_mac.h"
#include "base/log.h"
#include "base/secret.h"
#include "control/conn/conn.h"

#define PROOF_LABEL  "tombolo resume site"
#define ANSWER_LABEL "tombolo resume server"
#define LOGIN_SEC    15

static void on_ready(void *arg);
static void on_message(void *arg, const struct message *msg);
static void on_refused(struct auth_client *auth, const struct message *msg);
static void on_end(void *arg, const char *why);
static void on_challenge(struct auth_client *auth, const struct message *msg);
static void on_welcome(struct auth_client *auth, const struct message *msg);
static const char *verify_welcome(struct auth_client *auth,
    const struct message *msg);
static void on_psk(void *arg, const struct request_psk *psk, int error);
static void send_hello(struct auth_client *auth, const char *secret,
    size_t len);
static void resume(struct auth_client *auth);
static void prove(const struct auth_client *auth, const char *label,
    const uint8_t binding[32], uint8_t proof[MESSAGE_PROOF_LEN]);
static void ask_secret(struct auth_client *auth);
static void on_secret(void *arg, const char *secret, size_t len, int error);
static void send_response(struct auth_client *auth, const char *credential,
    size_t len);
static void answer_srp(struct auth_client *auth, const struct message *msg);
static void on_srp(void *arg, const struct request_srp_answer *srp, int error);
static void answer_pam(struct auth_client *auth, const struct message *msg);
static void on_pam_secret(void *arg, const char *secret, size_t len,
    int error);
static void ask_person(struct auth_client *auth);
static void forget_grant(struct auth_client *auth);

static const struct conn_events conn_events = {
	.on_ready = on_ready,
	.on_message = on_message,
	.on_end = on_end,
};

void
auth_client_init(struct auth_client *auth, struct keeper_ask *keeper,
    const struct conf *conf, const struct auth_client_events *events, void *arg)
{
	*auth = (struct auth_client) { .keeper = keeper, .conf = conf,
		.events = events, .arg = arg };
}

void
auth_client_fini(struct auth_client *auth)
{
	auth_client_stop(auth);
	forget_grant(auth);
}

bool
auth_client_start(struct auth_client *auth, struct ev_loop *loop,
    struct tls_context *tls, int fd, const char *name, const char *label)
{
	auth->rounds = auth->retry_after_sec = 0;
	auth->challenged = auth->stored = auth->expects_proof = false;
	auth->refused = auth->greeted = false;
	auth->conn = conn_new(loop, tls, fd, name, LOGIN_SEC, &conn_events,
	    auth);
	if (auth->conn == NULL)
		return false;
	strlcpy(auth->conn->label, label, sizeof(auth->conn->label));
	return true;
}

void
auth_client_stop(struct auth_client *auth)
{
	keeper_ask_cancel(auth->keeper, auth);
	conn_free(auth->conn);
	auth->conn = NULL;
	auth->question = false;
	secret_wipe(auth->proof, sizeof(auth->proof));
	secret_wipe(&auth->psk, sizeof(auth->psk));
}

/* A person who is typing keeps the full time. */
void
auth_client_shorten_deadline(struct auth_client *auth, double within_sec)
{
	if (!auth->question)
		conn_shorten_deadline(auth->conn, within_sec);
}

void
auth_client_person(struct auth_client *auth, struct mono now)
{
	auth->person_until = mono_add(now, AUTH_CLIENT_PERSON_SEC * MONO_SEC);
	auth->needs_person = false;
}

bool
auth_client_typed(struct auth_client *auth, const char *text, size_t len)
{
	if (!auth->question || len > MESSAGE_MAX_CREDENTIAL)
		return false;
	auth->question = false;
	send_response(auth, text, len);
	return true;
}

/* The server's certificate is the right one: until then nothing was said. */
static void
on_ready(void *arg)
{
	struct auth_client *auth = arg;
	uint8_t		    binding[32];

	if (tls_binding(auth->conn->tls, binding) < 0)
		conn_end(auth->conn, "TLS has no channel binding");
	else if (keeper_ask_psk(auth->keeper, "", binding, on_psk, auth) < 0)
		conn_end(auth->conn, "the keeper does not answer");
}

/* Who cannot read its key says so, and does not go without it. */
static void
on_psk(void *arg, const struct request_psk *psk, int error)
{
	struct auth_client *auth = arg;
	char		    why[TLS_WHY_SIZE];

	if (psk == NULL && error != ENOENT) {
		snprintf(why, sizeof(why), "this site's pre-shared key cannot "
		    "be read: %s", strerror(error));
		conn_end(auth->conn, why);
		return;
	}
	if (psk != NULL)
		auth->psk = *psk;
	if (auth->grant.token_len > 0)
		resume(auth);
	else if (auth->conf->auth == CONF_AUTH_PASSWORD)
		ask_secret(auth);
	else
		send_hello(auth, NULL, 0);
}

static void
on_message(void *arg, const struct message *msg)
{
	struct auth_client *auth = arg;
	char		    why[MESSAGE_TEXT_SIZE + 32];
	char		    text[MESSAGE_TEXT_SIZE];

	/* Nothing was asked, so there is no proof yet to compare with. */
	if (!auth->greeted && (msg->type == MESSAGE_CHALLENGE ||
		msg->type == MESSAGE_WELCOME)) {
		snprintf(why, sizeof(why), "a %s out of turn",
		    message_name(msg->type));
		conn_bye(auth->conn, why);
		return;
	}
	switch (msg->type) {
	case MESSAGE_CHALLENGE:
		on_challenge(auth, msg);
		break;
	case MESSAGE_WELCOME:
		on_welcome(auth, msg);
		break;
	case MESSAGE_REFUSED:
		on_refused(auth, msg);
		break;
	case MESSAGE_BYE:
		log_escape(text, sizeof(text), msg->text, strlen(msg->text));
		snprintf(why, sizeof(why), "the hub says: %.200s", text);
		conn_end(auth->conn, why);
		break;
	default:
		snprintf(why, sizeof(why), "a %s out of turn",
		    message_name(msg->type));
		conn_bye(auth->conn, why);
	}
}

static void
on_refused(struct auth_client *auth, const struct message *msg)
{
	char why[TLS_WHY_SIZE], text[MESSAGE_TEXT_SIZE];

	log_escape(text, sizeof(text), msg->text, strlen(msg->text));
	snprintf(why, sizeof(why), "refused: %.200s", text);
	auth->refused = true;
	auth->retry_after_sec = msg->retry_after_sec;
	conn_end(auth->conn, why);
}

static void
on_end(void *arg, const char *why)
{
	struct auth_client *auth = arg;

	auth->conn = NULL; /* freed behind this */
	auth_client_stop(auth);
	auth->events->on_end(auth->arg, why);
}

static void
on_challenge(struct auth_client *auth, const struct message *msg)
{
	auth->challenged = true;
	auth->expects_proof = false;
	/* The token was not taken: it is not worth another try. */
	forget_grant(auth);
	if (auth->question || ++auth->rounds > MESSAGE_MAX_ROUNDS) {
		conn_bye(auth->conn, "too many questions");
		return;
	}
	switch (auth->conf->auth) {
	case CONF_AUTH_PASSWORD:
		if (auth->rounds == 1)
			ask_secret(auth);
		else
			conn_bye(auth->conn, "the password was asked for twice");
		return;
	case CONF_AUTH_SRP:
		answer_srp(auth, msg);
		return;
	case CONF_AUTH_PAM:
		answer_pam(auth, msg);
		return;
	default:
		conn_bye(auth->conn, "the hub asks a question: this "
		    "site's method at the hub is another one");
	}
}

/* Verifies the hub's proof before anything else in the welcome. */
static void
on_welcome(struct auth_client *auth, const struct message *msg)
{
	struct conn *conn = auth->conn;
	const char  *why = verify_welcome(auth, msg);

	if (why == NULL)
		why = auth->events->on_welcome(auth->arg, conn, msg);
	if (why != NULL) {
		conn_bye(conn, why);
		return;
	}
	auth->conn = NULL;
	auth_client_stop(auth);
}

/* Returns NULL if the hub is authenticated, and stores its token. */
static const char *
verify_welcome(struct auth_client *auth, const struct message *msg)
{
	bool resumed = auth->grant.token_len > 0 && !auth->challenged;

	if ((resumed || auth->conf->auth == CONF_AUTH_SRP) &&
	    !auth->expects_proof)
		return "the hub did not ask for SRP's proof: it is not the "
		       "one that knows this site";
	if (auth->expects_proof && (!msg->has_proof ||
		!secret_equal(auth->proof, msg->proof,
		    sizeof(auth->proof))))
		return "the hub's proof is wrong: it does not know this "
		       "site's secret";
	if (!resumed) {
		memcpy(auth->grant.token, msg->token, msg->token_len);
		auth->grant.token_len = msg->token_len;
		memcpy(auth->grant.secret, msg->secret,
		    sizeof(auth->grant.secret));
	}
	auth->person_until = (struct mono) { 0 };
	return NULL;
}

static void
send_hello(struct auth_client *auth, const char *secret, size_t len)
{
	struct message msg = { .type = MESSAGE_HELLO };

	if (secret != NULL) {
		msg.has_credential = true;
		memcpy(msg.credential, secret, len);
		msg.credential_len = len;
	}
	memcpy(msg.token, auth->grant.token, auth->grant.token_len);
	msg.token_len = auth->grant.token_len;
	auth->events->fill_hello(auth->arg, &msg);
	(void)conn_send(auth->conn, &msg);
	auth->greeted = true;
	msg.subnets = NULL; /* the configuration's */
	message_fini(&msg);
}

/* Sends the token, and then the proof that we have its secret. */
static void
resume(struct auth_client *auth)
{
	struct message msg = { .type = MESSAGE_RESPONSE, .has_proof = true };
	uint8_t	       binding[32];

	if (tls_binding(auth->conn->tls, binding) < 0) {
		conn_end(auth->conn, "TLS has no channel binding");
		return;
	}
	send_hello(auth, NULL, 0);
	prove(auth, PROOF_LABEL, binding, msg.proof);
	prove(auth, ANSWER_LABEL, binding, auth->proof);
	auth->expects_proof = true;
	(void)conn_send(auth->conn, &msg);
	message_fini(&msg);
}

static void
prove(const struct auth_client *auth, const char *label,
    const uint8_t binding[32], uint8_t proof[MESSAGE_PROOF_LEN])
{
	label_mac(proof, MESSAGE_PROOF_LEN, auth->grant.secret, label, binding,
	    32, auth->conn->hello, sizeof(auth->conn->hello));
}

static void
ask_secret(struct auth_client *auth)
{
	if (keeper_ask_secret(auth->keeper, REQUEST_SECRET, on_secret, auth) <
		0)
		conn_end(auth->conn, "the keeper does not answer");
}

/* The hub is authenticated: only now it gets the password. */
static void
on_secret(void *arg, const char *secret, size_t len, int error)
{
	struct auth_client *auth = arg;
	char	       why[TLS_WHY_SIZE];

	if (auth->conn == NULL)
		return;
	if (secret == NULL || len > MESSAGE_MAX_CREDENTIAL) {
		snprintf(why, sizeof(why), "this site's password cannot be "
		    "read: %s", strerror(error != 0 ? error : EMSGSIZE));
		conn_end(auth->conn, why);
	} else if (auth->challenged) {
		send_response(auth, secret, len);
	} else {
		send_hello(auth, secret, len);
	}
}

static void
send_response(struct auth_client *auth, const char *credential, size_t len)
{
	struct message msg = { .type = MESSAGE_RESPONSE,
		.has_credential = true, .credential_len = len };

	memcpy(msg.credential, credential, len);
	(void)conn_send(auth->conn, &msg);
	message_fini(&msg);
}

static void
answer_srp(struct auth_client *auth, const struct message *msg)
{
	uint8_t binding[32];

	if (auth->rounds > 1 || !msg->has_credential || msg->group == 0) {
		conn_bye(auth->conn, "this site's method is srp, and "
		    "the hub asks for something else");
		return;
	}
	if (tls_binding(auth->conn->tls, binding) < 0 ||
	    keeper_ask_srp_answer(auth->keeper, auth->conf->site,
		msg->group, msg->setting, msg->credential, msg->credential_len,
		binding, on_srp, auth) < 0)
		conn_end(auth->conn, "the keeper does not answer");
}

static void
on_srp(void *arg, const struct request_srp_answer *srp, int error)
{
	struct auth_client *auth = arg;
	struct message msg = { .type = MESSAGE_RESPONSE,
		.has_credential = true, .has_proof = true };
	char	       why[TLS_WHY_SIZE];

	if (auth->conn == NULL)
		return;
	if (srp == NULL || srp->public_a_len > MESSAGE_MAX_CREDENTIAL) {
		snprintf(why, sizeof(why), "SRP: %s", error == EPROTO ?
			"the hub's group, cost or share is not acceptable" :
			strerror(error));
		conn_end(auth->conn, why);
		return;
	}
	memcpy(msg.credential, srp->public_a, srp->public_a_len);
	msg.credential_len = srp->public_a_len;
	memcpy(msg.proof, srp->m1, sizeof(msg.proof));
	memcpy(auth->proof, srp->m2, sizeof(auth->proof));
	auth->expects_proof = true;
	(void)conn_send(auth->conn, &msg);
	message_fini(&msg);
}

/* The stored password answers the first hidden prompt, a person the others. */
static void
answer_pam(struct auth_client *auth, const struct message *msg)
{
	auth->echo = msg->echo;
	log_escape(auth->text, sizeof(auth->text), msg->text,
	    strlen(msg->text));
	conn_extend(auth->conn, AUTH_CLIENT_PERSON_SEC);
	if (msg->echo || auth->stored)
		ask_person(auth);
	else if (keeper_ask_secret(auth->keeper, REQUEST_SECRET,
		    on_pam_secret, auth) < 0)
		conn_end(auth->conn, "the keeper does not answer");
	auth->stored = auth->stored || !msg->echo;
}

static void
on_pam_secret(void *arg, const char *secret, size_t len, int error)
{
	struct auth_client *auth = arg;

	/* There need not be a secret. */
	if (auth->conn == NULL)
		return;
	if (secret != NULL && len <= MESSAGE_MAX_CREDENTIAL)
		send_response(auth, secret, len);
	else
		ask_person(auth);
}

static void
ask_person(struct auth_client *auth)
{
	char why[TLS_WHY_SIZE];

	if (!mono_is_due(auth->person_until, mono_now())) {
		auth->question = true;
		return;
	}
	auth->needs_person = true;
	snprintf(why, sizeof(why), "the hub asks \"%.128s\" and there is "
	    "nobody to answer: run tombolo login", auth->text);
	conn_bye(auth->conn, why);
}

static void
forget_grant(struct auth_client *auth)
{
	secret_wipe(&auth->grant, sizeof(auth->grant));
}
