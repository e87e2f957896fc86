/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "keeper/verify.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include <bsd/string.h>
#include <nettle/hmac.h>

#include "base/mono.h"
#include "base/nitems.h"
#include "base/secret.h"
#include "base/wire.h"
#include "keeper/auth_password.h"
#include "keeper/auth_srp.h"
#include "keeper/seal.h"
#include "keeper/token.h"
#include "keeper/secret_store.h"
#include "proc/request.h"

#define STATE_LABEL   "tombolo srp state"
#define STATE_SEC     180
#define RESUME_SITE   "tombolo resume site"
#define RESUME_SERVER "tombolo resume server"
#define BINDING_LEN   32

/* Reads a request and writes its answer; false: it is malformed. */
typedef bool judge_fn(const struct secret_store *vault,
    struct thread_pool_job *job,
    struct wire_reader *r, struct wire_writer *w);

static judge_fn judge_verify, judge_srp_start, judge_srp_finish, judge_resume,
    judge_vouched, judge_srp_answer;

static const struct {
	enum request type;
	judge_fn    *judge;
} judges[] = {
	{ REQUEST_VERIFY, judge_verify },
	{ REQUEST_SRP_START, judge_srp_start },
	{ REQUEST_SRP_FINISH, judge_srp_finish },
	{ REQUEST_RESUME, judge_resume },
	{ REQUEST_VOUCHED, judge_vouched },
	{ REQUEST_SRP_ANSWER, judge_srp_answer },
};

/* What SRP's first step leaves for the second, sealed. */
struct srp_state {
	uint8_t b[AUTH_SRP_PRIVATE_LEN];
	uint8_t digest[SECRET_STORE_DIGEST_LEN]; /* of the verifier's line */
	uint64_t made_us;
	uint8_t known;
	char	site[CONF_NAME_MAX + 1];
};

static void read_credential(const struct secret_store *vault,
    struct thread_pool_job *job,
    const char *site, bool known, enum conf_auth method,
    struct secret_store_credential *credential);
static void load_verifier(const struct secret_store *vault,
    struct thread_pool_job *job,
    const char *site, bool known, struct secret_store_credential *credential,
    struct auth_srp_verifier *verifier);
static void put_grant(struct wire_writer *w, const struct secret_store *vault,
    const char *site, enum conf_auth method, const uint8_t *digest,
    uint32_t lifetime_sec);
static void seal_state(uint8_t *out, const struct secret_store *vault,
    const struct srp_state *state);
static bool open_state(struct srp_state *state,
    const struct secret_store *vault,
    const uint8_t *sealed, size_t len);
static void prove(const uint8_t secret[TOKEN_SECRET_LEN], const char *label,
    const uint8_t *binding, const uint8_t *hello, uint8_t proof[32]);

void
judge(const struct secret_store *vault, struct thread_pool_job *job)
{
	struct wire_reader r;
	struct wire_writer w;

	job->error = -EBADMSG;
	wire_reader_init(&r, job->in, job->in_len);
	wire_writer_init(&w, job->out, sizeof(job->out));
	for (size_t i = 0; i < nitems(judges); i++) {
		if (judges[i].type == job->type &&
		    judges[i].judge(vault, job, &r, &w) &&
		    wire_writer_is_ok(&w))
			job->error = 0;
	}
	job->out_len = w.len;
}

static bool
judge_verify(const struct secret_store *vault, struct thread_pool_job *job,
    struct wire_reader *r, struct wire_writer *w)
{
	struct secret_store_credential credential;
	char	       site[CONF_NAME_MAX + 1];
	uint8_t	       known;
	uint32_t       lifetime;
	const uint8_t *password;
	size_t	       len;
	bool	       yes;

	wire_get_string(r, site, sizeof(site));
	known = wire_get_u8(r);
	lifetime = wire_get_u32(r);
	len = wire_left(r);
	password = wire_get_view(r, len);
	if (!wire_is_done(r) || known > 1 || len > REQUEST_MAX_PASSWORD)
		return false;
	read_credential(vault, job, site, known == 1, CONF_AUTH_PASSWORD,
	    &credential);
	yes = auth_password_verify(credential.line, (const char *)password,
	    len) && credential.real;
	wire_put_u8(w, yes ? 1 : 0);
	if (yes)
		put_grant(w, vault, site, CONF_AUTH_PASSWORD, credential.digest,
		    lifetime);
	secret_wipe(&credential, sizeof(credential));
	return true;
}

static bool
judge_srp_start(const struct secret_store *vault, struct thread_pool_job *job,
    struct wire_reader *r, struct wire_writer *w)
{
	struct secret_store_credential	 credential;
	struct auth_srp_verifier verifier;
	struct srp_state	 state = { 0 };
	uint8_t public_b[AUTH_SRP_MAX_LEN];
	uint8_t sealed[sizeof(state) + SEAL_OVERHEAD];
	size_t	len = 0;
	int	error;

	wire_get_string(r, state.site, sizeof(state.site));
	state.known = wire_get_u8(r);
	if (!wire_is_done(r) || state.known > 1)
		return false;
	load_verifier(vault, job, state.site, state.known == 1, &credential,
	    &verifier);
	error = auth_srp_start(&verifier, state.b, public_b, &len);
	memcpy(state.digest, credential.digest, sizeof(state.digest));
	state.made_us = (uint64_t)mono_now().us;
	seal_state(sealed, vault, &state);
	wire_put_u32(w, (uint32_t)-error);
	wire_put_u16(w, (uint16_t)verifier.group);
	wire_put_string(w, verifier.setting);
	request_put_blob(w, public_b, len);
	request_put_blob(w, sealed, sizeof(sealed));
	secret_wipe(&credential, sizeof(credential));
	secret_wipe(&verifier, sizeof(verifier));
	secret_wipe(&state, sizeof(state));
	return true;
}

static bool
judge_srp_finish(const struct secret_store *vault, struct thread_pool_job *job,
    struct wire_reader *r, struct wire_writer *w)
{
	struct secret_store_credential	 credential;
	struct auth_srp_verifier verifier;
	struct srp_state	 state;
	uint8_t	 binding[BINDING_LEN], m1[AUTH_SRP_PROOF_LEN];
	uint8_t	 m2[AUTH_SRP_PROOF_LEN];
	uint32_t lifetime;
	size_t	 sealed_len, a_len;
	const uint8_t *sealed = request_view_blob(r, &sealed_len), *public_a;
	bool	 yes;

	wire_get_bytes(r, binding, sizeof(binding));
	lifetime = wire_get_u32(r);
	public_a = request_view_blob(r, &a_len);
	wire_get_bytes(r, m1, sizeof(m1));
	if (!wire_is_done(r))
		return false;
	if (!open_state(&state, vault, sealed, sealed_len)) {
		wire_put_u8(w, 0);
		return true;
	}
	load_verifier(vault, job, state.site, state.known == 1, &credential,
	    &verifier);
	yes = auth_srp_finish(&verifier, state.site, state.b, binding, public_a,
	    a_len, m1, m2);
	/* Another password since the first step is another verifier. */
	yes = yes && credential.real &&
	    secret_equal(state.digest, credential.digest,
	    SECRET_STORE_DIGEST_LEN);
	wire_put_u8(w, yes ? 1 : 0);
	if (yes) {
		wire_put_bytes(w, m2, sizeof(m2));
		put_grant(w, vault, state.site, CONF_AUTH_SRP,
		    credential.digest, lifetime);
	}
	secret_wipe(&credential, sizeof(credential));
	secret_wipe(&verifier, sizeof(verifier));
	secret_wipe(&state, sizeof(state));
	return true;
}

static bool
judge_resume(const struct secret_store *vault, struct thread_pool_job *job,
    struct wire_reader *r, struct wire_writer *w)
{
	struct token token;
	char	     site[CONF_NAME_MAX + 1];
	uint8_t	     binding[BINDING_LEN], hello[32], proof[32], right[32];
	uint8_t	     digest[SECRET_STORE_DIGEST_LEN];
	size_t	     len;
	const uint8_t *sealed;
	uint8_t	     method;
	bool	     yes;

	(void)job;
	wire_get_string(r, site, sizeof(site));
	method = wire_get_u8(r);
	wire_get_bytes(r, binding, sizeof(binding));
	wire_get_bytes(r, hello, sizeof(hello));
	sealed = request_view_blob(r, &len);
	wire_get_bytes(r, proof, sizeof(proof));
	if (!wire_is_done(r))
		return false;
	yes = token_open(&token, vault->token_key, sealed, len, time(NULL)) &&
	    strcmp(token.site, site) == 0 && token.method == method &&
	    secret_store_digest(vault, site, token.method, digest) &&
	    secret_equal(digest, token.credential, sizeof(digest));
	prove(token.secret, RESUME_SITE, binding, hello, right);
	yes = yes && secret_equal(right, proof, sizeof(right));
	wire_put_u8(w, yes ? 1 : 0);
	if (yes) {
		prove(token.secret, RESUME_SERVER, binding, hello, right);
		wire_put_bytes(w, right, sizeof(right));
	}
	secret_wipe(&token, sizeof(token));
	return true;
}

static bool
judge_vouched(const struct secret_store *vault, struct thread_pool_job *job,
    struct wire_reader *r, struct wire_writer *w)
{
	char	 site[CONF_NAME_MAX + 1];
	uint8_t	 voucher[VOUCHER_LEN], digest[SECRET_STORE_DIGEST_LEN];
	uint32_t lifetime;
	bool	 yes;

	(void)job;
	wire_get_string(r, site, sizeof(site));
	wire_get_bytes(r, voucher, sizeof(voucher));
	lifetime = wire_get_u32(r);
	if (!wire_is_done(r))
		return false;
	yes = voucher_is_good(voucher, vault->voucher_key, site, mono_now()) &&
	    secret_store_digest(vault, site, CONF_AUTH_PAM, digest);
	wire_put_u8(w, yes ? 1 : 0);
	if (yes)
		put_grant(w, vault, site, CONF_AUTH_PAM, digest, lifetime);
	return true;
}

/* Client: the password never leaves this process. */
static bool
judge_srp_answer(const struct secret_store *vault, struct thread_pool_job *job,
    struct wire_reader *r, struct wire_writer *w)
{
	char	 site[CONF_NAME_MAX + 1], setting[AUTH_SRP_SETTING_SIZE];
	char	 password[REQUEST_MAX_PASSWORD + 1];
	uint8_t	 public_a[AUTH_SRP_MAX_LEN], binding[BINDING_LEN];
	uint8_t	 m1[AUTH_SRP_PROOF_LEN] = { 0 }, m2[AUTH_SRP_PROOF_LEN] = { 0 };
	unsigned group;
	size_t	 b_len, a_len = 0, len;
	const uint8_t *public_b;
	int	 error;

	wire_get_string(r, site, sizeof(site));
	group = wire_get_u16(r);
	wire_get_string(r, setting, sizeof(setting));
	public_b = request_view_blob(r, &b_len);
	wire_get_bytes(r, binding, sizeof(binding));
	if (!wire_is_done(r))
		return false;
	error = credentials_line(vault->dir_fd, CREDENTIALS_SECRET, password,
	    sizeof(password), &len);
	if (error < 0) {
		job->file_error = error;
		strlcpy(job->file, CREDENTIALS_SECRET, sizeof(job->file));
	} else {
		error = auth_srp_answer(site, password, len, group, setting,
		    public_b, b_len, binding, public_a, &a_len, m1, m2);
	}
	wire_put_u32(w, (uint32_t)-error);
	request_put_blob(w, public_a, error < 0 ? 0 : a_len);
	wire_put_bytes(w, m1, sizeof(m1));
	wire_put_bytes(w, m2, sizeof(m2));
	secret_wipe(password, sizeof(password));
	return true;
}

static void
read_credential(const struct secret_store *vault, struct thread_pool_job *job,
    const char *site, bool known, enum conf_auth method,
    struct secret_store_credential *credential)
{
	secret_store_read(vault, site, known, method, credential);
	if (credential->error == 0)
		return;
	job->file_error = credential->error;
	strlcpy(job->file, credential->name, sizeof(job->file));
}

/* Nobody's gets the salt that its name has always had. */
static void
load_verifier(const struct secret_store *vault, struct thread_pool_job *job,
    const char *site, bool known, struct secret_store_credential *credential,
    struct auth_srp_verifier *verifier)
{
	char setting[AUTH_SRP_SETTING_SIZE];

	read_credential(vault, job, site, known, CONF_AUTH_SRP, credential);
	if (!auth_srp_parse(verifier, credential->line))
		*verifier = (struct auth_srp_verifier) {
			.group = AUTH_SRP_GROUP, .v_len = AUTH_SRP_MAX_LEN };
	/* Made for everybody, for the time it takes. */
	strlcpy(setting, verifier->setting, sizeof(setting));
	auth_srp_disguise(verifier, vault->salt_key, site);
	if (credential->real)
		strlcpy(verifier->setting, setting, sizeof(verifier->setting));
}

/* A token, or an empty one, and its secret. */
static void
put_grant(struct wire_writer *w, const struct secret_store *vault,
    const char *site,
    enum conf_auth method, const uint8_t *digest, uint32_t lifetime_sec)
{
	struct token token = { .method = method };
	uint8_t	     sealed[TOKEN_MAX];
	size_t	     len = 0;

	if (lifetime_sec > VERIFY_MAX_LIFETIME_SEC)
		lifetime_sec = VERIFY_MAX_LIFETIME_SEC;
	secret_random(token.secret, sizeof(token.secret));
	strlcpy(token.site, site, sizeof(token.site));
	memcpy(token.credential, digest, sizeof(token.credential));
	token.expiry = time(NULL) + (time_t)lifetime_sec;
	if (lifetime_sec > 0)
		len = token_seal(sealed, vault->token_key, &token);
	request_put_blob(w, sealed, len);
	wire_put_bytes(w, token.secret, sizeof(token.secret));
	secret_wipe(&token, sizeof(token));
}

static void
seal_state(uint8_t *out, const struct secret_store *vault,
    const struct srp_state *state)
{
	seal_close(out, vault->state_key, STATE_LABEL, (const uint8_t *)state,
	    sizeof(*state));
}

/* The key is this process's own, and so is the struct in it. */
static bool
open_state(struct srp_state *state, const struct secret_store *vault,
    const uint8_t *sealed, size_t len)
{
	struct mono made;

	if (len != sizeof(*state) + SEAL_OVERHEAD ||
	    !seal_open((uint8_t *)state, vault->state_key, STATE_LABEL, sealed,
		len))
		return false;
	made.us = (int64_t)state->made_us;
	return mono_sub(mono_now(), made) <= STATE_SEC * MONO_SEC;
}

static void
prove(const uint8_t secret[TOKEN_SECRET_LEN], const char *label,
    const uint8_t *binding, const uint8_t *hello, uint8_t proof[32])
{
	struct hmac_sha256_ctx hmac;

	hmac_sha256_set_key(&hmac, TOKEN_SECRET_LEN, secret);
	hmac_sha256_update(&hmac, strlen(label), (const uint8_t *)label);
	hmac_sha256_update(&hmac, BINDING_LEN, binding);
	hmac_sha256_update(&hmac, 32, hello);
	hmac_sha256_digest(&hmac, 32, proof);
	secret_wipe(&hmac, sizeof(hmac));
}
