/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "engine/ask/keeper_ask.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <bsd/string.h>

#include "base/log.h"
#include "base/secret.h"
#include "engine/ask/ask.h"

static_assert(REQUEST_SITE_SIZE == CONF_NAME_MAX + 1 &&
	REQUEST_VOUCHER_LEN == VOUCHER_LEN, "as they are elsewhere");

struct keeper_ask {
	struct ev_loop *loop;
	struct ask	ask;
};

/* What callbacks are, without a name in the header. */
typedef void challenge_done(void *arg,
    const struct request_srp_challenge *challenge);
typedef void srp_done(void *arg, const struct request_srp_answer *answer,
    int error);
typedef void psk_done(void *arg, const struct request_psk *psk, int error);
typedef void secret_done(void *arg, const char *secret, size_t len, int error);

static int  ask_keeper(struct keeper_ask *ask, enum request type, void *data,
     size_t len, ask_finish *finish, ask_done *done, void *arg);
static uint32_t put_site(char site[REQUEST_SITE_SIZE], const char *name,
    bool known);
static bool put_bytes(uint8_t *dst, size_t size, uint32_t *len,
    const uint8_t *src, size_t n);
static void on_gone(void *arg);
static bool finish_verdict(const struct ask_pending *p, struct chan_msg *msg);
static bool finish_challenge(const struct ask_pending *p,
    struct chan_msg *msg);
static bool finish_srp(const struct ask_pending *p, struct chan_msg *msg);
static bool finish_psk(const struct ask_pending *p, struct chan_msg *msg);
static bool finish_secret(const struct ask_pending *p, struct chan_msg *msg);

struct keeper_ask *
keeper_ask_new(struct ev_loop *loop)
{
	struct keeper_ask *ask = calloc(1, sizeof(*ask));

	if (ask == NULL)
		return NULL;
	ask->loop = loop;
	ask->ask = (struct ask) { .whom = "keeper", .max = KEEPER_ASK_MAX,
		.on_gone = on_gone, .arg = ask };
	ask_init(&ask->ask);
	return ask;
}

void
keeper_ask_free(struct keeper_ask *ask)
{
	if (ask == NULL)
		return;
	ask_fini(&ask->ask);
	free(ask);
}

void
keeper_ask_attach(struct keeper_ask *ask, int fd)
{
	ask_open(&ask->ask, ask->loop, fd);
}

int
keeper_ask_verify(struct keeper_ask *ask, const char *site, bool known,
    const char *password, size_t len, unsigned lifetime_sec,
    keeper_ask_done *done, void *arg)
{
	struct request_verify verify = { .lifetime = lifetime_sec };

	/* A password that is too long takes the same time as a wrong one. */
	if (len > REQUEST_MAX_PASSWORD) {
		len = 0;
		known = false;
	}
	verify.known = put_site(verify.site, site, known);
	verify.password_len = (uint32_t)len;
	memcpy(verify.password, password, len);
	return ask_keeper(ask, REQUEST_VERIFY, &verify, sizeof(verify),
	    finish_verdict, (ask_done *)done, arg);
}

int
keeper_ask_srp_start(struct keeper_ask *ask, const char *site, bool known,
    void (*done)(void *arg, const struct request_srp_challenge *challenge),
    void *arg)
{
	struct request_known start = { .known = 0 };

	start.known = put_site(start.site, site, known);
	return ask_keeper(ask, REQUEST_SRP_START, &start, sizeof(start),
	    finish_challenge, (ask_done *)done, arg);
}

int
keeper_ask_srp_finish(struct keeper_ask *ask, const uint8_t *state,
    size_t state_len, const uint8_t binding[32], const uint8_t *public_a,
    size_t public_a_len, const uint8_t m1[REQUEST_HASH_LEN],
    unsigned lifetime_sec, keeper_ask_done *done, void *arg)
{
	struct request_srp_finish finish = { .lifetime = lifetime_sec };

	if (!put_bytes(finish.state, sizeof(finish.state), &finish.state_len,
		state, state_len) ||
	    !put_bytes(finish.public_a, sizeof(finish.public_a),
		&finish.public_a_len, public_a, public_a_len))
		return -EMSGSIZE;
	memcpy(finish.binding, binding, sizeof(finish.binding));
	memcpy(finish.m1, m1, sizeof(finish.m1));
	return ask_keeper(ask, REQUEST_SRP_FINISH, &finish, sizeof(finish),
	    finish_verdict, (ask_done *)done, arg);
}

int
keeper_ask_resume(struct keeper_ask *ask, const char *site,
    enum conf_auth method,
    const uint8_t binding[32], const uint8_t hello[32], const uint8_t *token,
    size_t token_len, const uint8_t proof[REQUEST_HASH_LEN],
    keeper_ask_done *done, void *arg)
{
	struct request_resume resume = { .method = (uint32_t)method };

	put_site(resume.site, site, true);
	if (!put_bytes(resume.token, sizeof(resume.token), &resume.token_len,
		token, token_len))
		return -EMSGSIZE;
	memcpy(resume.binding, binding, sizeof(resume.binding));
	memcpy(resume.hello, hello, sizeof(resume.hello));
	memcpy(resume.proof, proof, sizeof(resume.proof));
	return ask_keeper(ask, REQUEST_RESUME, &resume, sizeof(resume),
	    finish_verdict, (ask_done *)done, arg);
}

int
keeper_ask_vouched(struct keeper_ask *ask, const char *site,
    const uint8_t voucher[VOUCHER_LEN], unsigned lifetime_sec,
    keeper_ask_done *done, void *arg)
{
	struct request_vouched vouched = { .lifetime = lifetime_sec };

	put_site(vouched.site, site, true);
	memcpy(vouched.voucher, voucher, sizeof(vouched.voucher));
	return ask_keeper(ask, REQUEST_VOUCHED, &vouched, sizeof(vouched),
	    finish_verdict, (ask_done *)done, arg);
}

int
keeper_ask_psk(struct keeper_ask *ask, const char *site,
    const uint8_t binding[32],
    void (*done)(void *arg, const struct request_psk *psk, int error), void *arg)
{
	struct request_binding psk = { .site = "" };

	put_site(psk.site, site, true);
	memcpy(psk.binding, binding, sizeof(psk.binding));
	return ask_keeper(ask, REQUEST_PSK, &psk, sizeof(psk), finish_psk,
	    (ask_done *)done, arg);
}

int
keeper_ask_srp_answer(struct keeper_ask *ask, const char *site, unsigned group,
    const char *setting, const uint8_t *public_b, size_t public_b_len,
    const uint8_t binding[32],
    void (*done)(void *arg, const struct request_srp_answer *answer, int error),
    void *arg)
{
	struct request_srp_question question = { .group = group };

	put_site(question.site, site, true);
	if (strlcpy(question.setting, setting, sizeof(question.setting)) >=
		sizeof(question.setting) ||
	    !put_bytes(question.public_b, sizeof(question.public_b),
		&question.public_b_len, public_b, public_b_len))
		return -EMSGSIZE;
	memcpy(question.binding, binding, sizeof(question.binding));
	return ask_keeper(ask, REQUEST_SRP_ANSWER, &question, sizeof(question),
	    finish_srp, (ask_done *)done, arg);
}

int
keeper_ask_secret(struct keeper_ask *ask, enum request which,
    void (*done)(void *arg, const char *secret, size_t len, int error),
    void *arg)
{
	return ask_keeper(ask, which, NULL, 0, finish_secret, (ask_done *)done,
	    arg);
}

unsigned
keeper_ask_pending(const struct keeper_ask *ask)
{
	return ask->ask.n;
}

void
keeper_ask_cancel(struct keeper_ask *ask, const void *arg)
{
	ask_cancel(&ask->ask, arg);
}

/* Wipes what it has sent. */
static int
ask_keeper(struct keeper_ask *ask, enum request type, void *data, size_t len,
    ask_finish *finish, ask_done *done, void *arg)
{
	int r = ask_send(&ask->ask, type, data, len, 0, finish, done, arg);

	if (len > 0)
		secret_wipe(data, len);
	return r;
}

/* A name that none can have is nobody's.  Whether it is known, still. */
static uint32_t
put_site(char site[REQUEST_SITE_SIZE], const char *name, bool known)
{
	if (strlen(name) >= REQUEST_SITE_SIZE)
		return 0;
	strlcpy(site, name, REQUEST_SITE_SIZE);
	return known ? 1 : 0;
}

static bool
put_bytes(uint8_t *dst, size_t size, uint32_t *len, const uint8_t *src,
    size_t n)
{
	if (n > size)
		return false;
	if (n > 0)
		memcpy(dst, src, n);
	*len = (uint32_t)n;
	return true;
}

static void
on_gone(void *arg)
{
	struct keeper_ask *ask = arg;

	log_warnx("the keeper died; requests to it have failed");
	ask_fail(&ask->ask);
}

static bool
finish_verdict(const struct ask_pending *p, struct chan_msg *msg)
{
	struct request_verdict verdict = { .verdict = KEEPER_FAILED };
	bool proves = p->type == REQUEST_SRP_FINISH || p->type == REQUEST_RESUME;
	bool good = msg == NULL ||
	    (chan_get(msg, &verdict, sizeof(verdict)) &&
		verdict.verdict <= KEEPER_YES &&
		verdict.has_proof == (proves && verdict.verdict == KEEPER_YES) &&
		verdict.grant.token_len <= sizeof(verdict.grant.token));

	if (good)
		((keeper_ask_done *)p->done)(p->arg, &verdict);
	secret_wipe(&verdict, sizeof(verdict));
	return good;
}

static bool
finish_challenge(const struct ask_pending *p, struct chan_msg *msg)
{
	struct request_srp_challenge challenge = { .error = EPIPE };

	if (msg != NULL &&
	    (!chan_get(msg, &challenge, sizeof(challenge)) ||
		!request_text_is_good(challenge.setting) ||
		challenge.public_b_len > sizeof(challenge.public_b) ||
		challenge.state_len > sizeof(challenge.state)))
		return false;
	((challenge_done *)p->done)(p->arg,
	    challenge.error == 0 ? &challenge : NULL);
	return true;
}

static bool
finish_srp(const struct ask_pending *p, struct chan_msg *msg)
{
	struct request_srp_answer answer = { .error = EPIPE };
	bool good = msg == NULL ||
	    (chan_get(msg, &answer, sizeof(answer)) &&
		answer.error <= INT32_MAX &&
		answer.public_a_len <= sizeof(answer.public_a));

	if (good)
		((srp_done *)p->done)(p->arg,
		    answer.error == 0 ? &answer : NULL, (int)answer.error);
	secret_wipe(&answer, sizeof(answer));
	return good;
}

static bool
finish_psk(const struct ask_pending *p, struct chan_msg *msg)
{
	struct request_psk psk = { .error = EPIPE };
	bool good = msg == NULL ||
	    (chan_get(msg, &psk, sizeof(psk)) && psk.error <= INT32_MAX &&
		(psk.error == 0) == (psk.generation != 0));

	if (good)
		((psk_done *)p->done)(p->arg, psk.error == 0 ? &psk : NULL,
		    (int)psk.error);
	secret_wipe(&psk, sizeof(psk));
	return good;
}

static bool
finish_secret(const struct ask_pending *p, struct chan_msg *msg)
{
	struct request_secret secret = { .error = EPIPE };
	bool good = msg == NULL ||
	    (chan_get(msg, &secret, sizeof(secret)) &&
		secret.error <= INT32_MAX &&
		secret.len <= REQUEST_MAX_PASSWORD &&
		(secret.error == 0) == (secret.len > 0));

	if (good)
		((secret_done *)p->done)(p->arg,
		    secret.error == 0 ? secret.text : NULL, secret.len,
		    (int)secret.error);
	secret_wipe(&secret, sizeof(secret));
	return good;
}
