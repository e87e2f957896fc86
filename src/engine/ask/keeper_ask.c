/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "engine/ask/keeper_ask.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "base/log.h"
#include "base/secret.h"
#include "base/wire.h"
#include "conf/conf.h"
#include "engine/ask/sign_ask.h"
#include "proc/request.h"

/* One ask under way. */
struct pending {
	TAILQ_ENTRY(pending) entry;
	uint32_t     id;
	enum request type;
	bool	     cancelled; /* still counted: the keeper works on it */
	union {
		keeper_ask_done *verdict;
		void (*challenge)(void *arg,
		    const struct keeper_srp_challenge *challenge);
		void (*srp)(void *arg, const struct keeper_srp_answer *answer,
		    int error);
		void (*secret)(void *arg, const char *secret, size_t len,
		    int error);
	} done;
	void *arg;
};

TAILQ_HEAD(pendings, pending);

struct keeper_ask {
	struct ev_loop *loop;
	struct chan	auth; /* verifications, in the loop */
	struct pendings asked;
	struct pendings failing; /* their keeper is gone; being told so */
	unsigned	nasked;

	struct sign_ask sign; /* signatures, waited for */

	uint8_t out[4096]; /* a request being made */
};

static void begin(struct keeper_ask *ask, struct wire_writer *w,
     const char *site, bool *known);
static int  ask_new(struct keeper_ask *ask, enum request type,
     const struct wire_writer *w, void *arg, struct pending **out);
static int  ask_line(struct keeper_ask *ask, enum request type,
     void (*done)(void *arg, const char *line, size_t len, int error),
     void *arg);
static void on_answer(struct chan *chan, struct chan_msg *msg);
static void on_gone(struct chan *chan);
static void fail_all(struct keeper_ask *ask);
static void finish(const struct pending *p, const struct chan_msg *msg);
static void finish_verdict(const struct pending *p, struct wire_reader *r);
static void finish_challenge(const struct pending *p, struct wire_reader *r);
static void finish_srp(const struct pending *p, struct wire_reader *r);
static void finish_secret(const struct pending *p, struct wire_reader *r);
static void finish_failed(const struct pending *p, int error);

struct keeper_ask *
keeper_ask_new(struct ev_loop *loop)
{
	struct keeper_ask *ask = calloc(1, sizeof(*ask));

	if (ask == NULL)
		return NULL;
	ask->loop = loop;
	ask->auth.fd = -1;
	sign_ask_init(&ask->sign);
	TAILQ_INIT(&ask->asked);
	TAILQ_INIT(&ask->failing);
	return ask;
}

void
keeper_ask_free(struct keeper_ask *ask)
{
	struct pending *p;

	if (ask == NULL)
		return;
	chan_close(&ask->auth);
	sign_ask_attach(&ask->sign, -1);
	TAILQ_CONCAT(&ask->failing, &ask->asked, entry);
	while ((p = TAILQ_FIRST(&ask->failing)) != NULL) {
		TAILQ_REMOVE(&ask->failing, p, entry);
		free(p);
	}
	secret_free(ask, sizeof(*ask));
}

void
keeper_ask_hurry(struct keeper_ask *ask)
{
	sign_ask_hurry(&ask->sign);
}

void
keeper_ask_attach(struct keeper_ask *ask, int auth_fd, int sign_fd)
{
	chan_close(&ask->auth);
	sign_ask_attach(&ask->sign, sign_fd);
	chan_open(&ask->auth, ask->loop, auth_fd, on_answer, on_gone, ask);
	/* Last: those who are told may ask anew. */
	fail_all(ask);
}

int
keeper_ask_verify(struct keeper_ask *ask, const char *site, bool known,
    const char *password, size_t len, unsigned lifetime_sec,
    keeper_ask_done *done, void *arg)
{
	struct wire_writer w;
	struct pending	  *p;
	int		   r;

	/* What cannot be right still costs the time that a wrong one costs. */
	if (len > REQUEST_MAX_PASSWORD) {
		len = 0;
		known = false;
	}
	begin(ask, &w, site, &known);
	wire_put_u8(&w, known ? 1 : 0);
	wire_put_u32(&w, lifetime_sec);
	wire_put_bytes(&w, password, len);
	r = ask_new(ask, REQUEST_VERIFY, &w, arg, &p);
	if (r == 0)
		p->done.verdict = done;
	return r;
}

int
keeper_ask_srp_start(struct keeper_ask *ask, const char *site, bool known,
    void (*done)(void *arg, const struct keeper_srp_challenge *challenge),
    void *arg)
{
	struct wire_writer w;
	struct pending	  *p;
	int		   r;

	begin(ask, &w, site, &known);
	wire_put_u8(&w, known ? 1 : 0);
	r = ask_new(ask, REQUEST_SRP_START, &w, arg, &p);
	if (r == 0)
		p->done.challenge = done;
	return r;
}

int
keeper_ask_srp_finish(struct keeper_ask *ask, const uint8_t *state,
    size_t state_len, const uint8_t binding[32], const uint8_t *public_a,
    size_t public_a_len, const uint8_t m1[KEEPER_PROOF_LEN],
    unsigned lifetime_sec, keeper_ask_done *done, void *arg)
{
	struct wire_writer w;
	struct pending	  *p;
	int		   r;

	wire_writer_init(&w, ask->out, sizeof(ask->out));
	request_put_blob(&w, state, state_len);
	wire_put_bytes(&w, binding, 32);
	wire_put_u32(&w, lifetime_sec);
	request_put_blob(&w, public_a, public_a_len);
	wire_put_bytes(&w, m1, KEEPER_PROOF_LEN);
	r = ask_new(ask, REQUEST_SRP_FINISH, &w, arg, &p);
	if (r == 0)
		p->done.verdict = done;
	return r;
}

int
keeper_ask_resume(struct keeper_ask *ask, const char *site,
    enum conf_auth method,
    const uint8_t binding[32], const uint8_t hello[32], const uint8_t *token,
    size_t token_len, const uint8_t proof[KEEPER_PROOF_LEN],
    keeper_ask_done *done, void *arg)
{
	struct wire_writer w;
	struct pending	  *p;
	bool		   known = true;
	int		   r;

	begin(ask, &w, site, &known);
	wire_put_u8(&w, (uint8_t)method);
	wire_put_bytes(&w, binding, 32);
	wire_put_bytes(&w, hello, 32);
	request_put_blob(&w, token, token_len);
	wire_put_bytes(&w, proof, KEEPER_PROOF_LEN);
	r = ask_new(ask, REQUEST_RESUME, &w, arg, &p);
	if (r == 0)
		p->done.verdict = done;
	return r;
}

int
keeper_ask_vouched(struct keeper_ask *ask, const char *site,
    const uint8_t voucher[VOUCHER_LEN], unsigned lifetime_sec,
    keeper_ask_done *done, void *arg)
{
	struct wire_writer w;
	struct pending	  *p;
	bool		   known = true;
	int		   r;

	begin(ask, &w, site, &known);
	wire_put_bytes(&w, voucher, VOUCHER_LEN);
	wire_put_u32(&w, lifetime_sec);
	r = ask_new(ask, REQUEST_VOUCHED, &w, arg, &p);
	if (r == 0)
		p->done.verdict = done;
	return r;
}

int
keeper_ask_srp_answer(struct keeper_ask *ask, const char *site, unsigned group,
    const char *setting, const uint8_t *public_b, size_t public_b_len,
    const uint8_t binding[32],
    void (*done)(void *arg, const struct keeper_srp_answer *answer, int error),
    void *arg)
{
	struct wire_writer w;
	struct pending	  *p;
	bool		   known = true;
	int		   r;

	begin(ask, &w, site, &known);
	wire_put_u16(&w, (uint16_t)group);
	wire_put_string(&w, setting);
	request_put_blob(&w, public_b, public_b_len);
	wire_put_bytes(&w, binding, 32);
	r = ask_new(ask, REQUEST_SRP_ANSWER, &w, arg, &p);
	if (r == 0)
		p->done.srp = done;
	return r;
}

int
keeper_ask_secret(struct keeper_ask *ask,
    void (*done)(void *arg, const char *secret, size_t len, int error),
    void *arg)
{
	return ask_line(ask, REQUEST_SECRET, done, arg);
}

int
keeper_ask_proxy_login(struct keeper_ask *ask,
    void (*done)(void *arg, const char *login, size_t len, int error),
    void *arg)
{
	return ask_line(ask, REQUEST_PROXY_LOGIN, done, arg);
}

static int
ask_line(struct keeper_ask *ask, enum request type,
    void (*done)(void *arg, const char *line, size_t len, int error),
    void *arg)
{
	struct wire_writer w;
	struct pending	  *p;
	int		   r;

	wire_writer_init(&w, ask->out, sizeof(ask->out));
	r = ask_new(ask, type, &w, arg, &p);
	if (r == 0)
		p->done.secret = done;
	return r;
}

unsigned
keeper_ask_pending(const struct keeper_ask *ask)
{
	return ask->nasked;
}

void
keeper_ask_cancel(struct keeper_ask *ask, const void *arg)
{
	struct pending *p;

	TAILQ_FOREACH (p, &ask->asked, entry) {
		if (p->arg == arg)
			p->cancelled = true;
	}
	TAILQ_FOREACH (p, &ask->failing, entry) {
		if (p->arg == arg)
			p->cancelled = true;
	}
}

int
keeper_ask_prove(struct keeper_ask *ask, enum request_key which,
    const struct ca_pem *chain, char why[REQUEST_WHY_SIZE])
{
	return sign_ask_pair(&ask->sign, which, chain, NULL, why);
}

int
keeper_ask_kept(struct keeper_ask *ask, enum request_key which,
    struct ca_pem *chain, char why[REQUEST_WHY_SIZE])
{
	return sign_ask_pair(&ask->sign, which, NULL, chain, why);
}

gnutls_privkey_t
keeper_ask_privkey(struct keeper_ask *ask, enum request_key which,
    const struct keypair_public *public)
{
	return sign_ask_privkey(&ask->sign, which, public);
}

int
keeper_ask_tls_srp(struct keeper_ask *ask, const char *site, bool known,
    struct keeper_tls_srp *user)
{
	return sign_ask_tls_srp(&ask->sign, site, known, user);
}

/* A request about a site; a name that none can have is nobody's. */
static void
begin(struct keeper_ask *ask, struct wire_writer *w, const char *site,
    bool *known)
{
	wire_writer_init(w, ask->out, sizeof(ask->out));
	if (strlen(site) > CONF_NAME_MAX) {
		site = "";
		*known = false;
	}
	wire_put_string(w, site);
}

/*
 * Sends what `w` wrote into ask->out, and wipes that; on success `*out` is
 * listed, and the caller sets its callback.
 */
static int
ask_new(struct keeper_ask *ask, enum request type, const struct wire_writer *w,
    void *arg, struct pending **out)
{
	struct pending *p = NULL;
	int		r = 0;

	if (ask->auth.fd == -1)
		r = -ENOTCONN;
	else if (ask->nasked >= KEEPER_MAX_ASKS)
		r = -EAGAIN;
	else if (!wire_writer_is_ok(w))
		r = -EMSGSIZE;
	else if ((p = calloc(1, sizeof(*p))) == NULL)
		r = -ENOMEM;
	if (r == 0) {
		p->id = chan_next_id(&ask->auth);
		p->type = type;
		p->arg = arg;
		r = chan_send(&ask->auth, (uint16_t)type, p->id, ask->out,
		    w->len, NULL, 0);
	}
	secret_wipe(ask->out, sizeof(ask->out));
	if (r < 0) {
		free(p);
		return r;
	}
	TAILQ_INSERT_TAIL(&ask->asked, p, entry);
	ask->nasked++;
	*out = p;
	return 0;
}

static void
on_answer(struct chan *chan, struct chan_msg *msg)
{
	struct keeper_ask *ask = chan->arg;
	struct pending	  *p;

	TAILQ_FOREACH (p, &ask->asked, entry) {
		if (p->id == msg->id && (uint16_t)p->type == msg->type)
			break;
	}
	if (p == NULL) {
		log_debug("the keeper answered what nobody asked");
		return;
	}
	TAILQ_REMOVE(&ask->asked, p, entry);
	ask->nasked--;
	if (!p->cancelled)
		finish(p, msg);
	free(p);
}

static void
on_gone(struct chan *chan)
{
	struct keeper_ask *ask = chan->arg;

	log_warnx("the keeper is gone; what was asked of it failed");
	fail_all(ask);
}

/*
 * Whoever is told may ask anew, or cancel the asks of others: so each leaves
 * its list before its owner hears of it, and what is new is not touched.
 */
static void
fail_all(struct keeper_ask *ask)
{
	struct pending *p;

	TAILQ_CONCAT(&ask->failing, &ask->asked, entry);
	ask->nasked = 0;
	while ((p = TAILQ_FIRST(&ask->failing)) != NULL) {
		TAILQ_REMOVE(&ask->failing, p, entry);
		if (!p->cancelled)
			finish_failed(p, EPIPE);
		free(p);
	}
}

static void
finish(const struct pending *p, const struct chan_msg *msg)
{
	struct wire_reader r;

	wire_reader_init(&r, msg->data, msg->len);
	switch (p->type) {
	case REQUEST_SRP_START:
		finish_challenge(p, &r);
		break;
	case REQUEST_SRP_ANSWER:
		finish_srp(p, &r);
		break;
	case REQUEST_SECRET:
	case REQUEST_PROXY_LOGIN:
		finish_secret(p, &r);
		break;
	default:
		finish_verdict(p, &r);
	}
}

static void
finish_verdict(const struct pending *p, struct wire_reader *r)
{
	struct keeper_answer answer = { .verdict = KEEPER_NO };
	bool proves = p->type == REQUEST_SRP_FINISH || p->type == REQUEST_RESUME;

	if (wire_get_u8(r) == 1) {
		answer.verdict = KEEPER_YES;
		answer.has_proof = proves;
		if (proves)
			wire_get_bytes(r, answer.proof, sizeof(answer.proof));
		if (p->type != REQUEST_RESUME) {
			answer.grant.token_len = request_get_blob(r,
			    answer.grant.token, sizeof(answer.grant.token));
			wire_get_bytes(r, answer.grant.secret,
			    sizeof(answer.grant.secret));
		}
		if (!wire_is_done(r))
			answer = (struct keeper_answer) { .verdict = KEEPER_NO };
	}
	p->done.verdict(p->arg, &answer);
	secret_wipe(&answer, sizeof(answer));
}

static void
finish_challenge(const struct pending *p, struct wire_reader *r)
{
	struct keeper_srp_challenge challenge = { 0 };
	uint32_t		    error = wire_get_u32(r);

	challenge.group = wire_get_u16(r);
	wire_get_string(r, challenge.setting, sizeof(challenge.setting));
	challenge.public_b_len = request_get_blob(r, challenge.public_b,
	    sizeof(challenge.public_b));
	challenge.state_len = request_get_blob(r, challenge.state,
	    sizeof(challenge.state));
	p->done.challenge(p->arg,
	    error == 0 && wire_is_done(r) ? &challenge : NULL);
}

static void
finish_srp(const struct pending *p, struct wire_reader *r)
{
	struct keeper_srp_answer answer = { 0 };
	uint32_t		 error = wire_get_u32(r);

	answer.public_a_len = request_get_blob(r, answer.public_a,
	    sizeof(answer.public_a));
	wire_get_bytes(r, answer.m1, sizeof(answer.m1));
	wire_get_bytes(r, answer.m2, sizeof(answer.m2));
	if (error == 0 && wire_is_done(r))
		p->done.srp(p->arg, &answer, 0);
	else
		p->done.srp(p->arg, NULL,
		    error > 0 && error <= INT32_MAX ? (int)error : EBADMSG);
	secret_wipe(&answer, sizeof(answer));
}

static void
finish_secret(const struct pending *p, struct wire_reader *r)
{
	uint32_t error = wire_get_u32(r);
	size_t	 len = wire_left(r);

	if (!wire_is_ok(r) || error > INT32_MAX || len > REQUEST_MAX_PASSWORD ||
	    (error == 0) != (len > 0))
		finish_failed(p, EBADMSG);
	else if (error != 0)
		finish_failed(p, (int)error);
	else
		p->done.secret(p->arg, (const char *)wire_get_view(r, len), len,
		    0);
}

static void
finish_failed(const struct pending *p, int error)
{
	static const struct keeper_answer failed = { .verdict = KEEPER_FAILED };

	switch (p->type) {
	case REQUEST_SRP_START:
		p->done.challenge(p->arg, NULL);
		break;
	case REQUEST_SRP_ANSWER:
		p->done.srp(p->arg, NULL, error);
		break;
	case REQUEST_SECRET:
	case REQUEST_PROXY_LOGIN:
		p->done.secret(p->arg, NULL, 0, error);
		break;
	default:
		p->done.verdict(p->arg, &failed);
	}
}

