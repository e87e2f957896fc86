/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "keeper/verify.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <time.h>

#include <bsd/string.h>

#include "base/label_mac.h"
#include "base/mono.h"
#include "base/secret.h"
#include "keeper/auth_password.h"
#include "keeper/auth_srp.h"
#include "keeper/psk.h"
#include "keeper/seal.h"
#include "keeper/srp_line.h"
#include "keeper/token.h"
#include "keeper/secret_store.h"
#include "proc/request.h"

#define STATE_LABEL   "tombolo srp state"
#define STATE_SEC     180
#define RESUME_SITE   "tombolo resume site"
#define RESUME_SERVER "tombolo resume server"

/* The state between SRP's two steps, sealed. */
struct srp_state {
	uint8_t b[AUTH_SRP_PRIVATE_LEN];
	uint8_t digest[SECRET_STORE_DIGEST_LEN]; /* of the verifier's line */
	uint64_t made_us;
	uint8_t known;
	char	site[CONF_NAME_MAX + 1];
};

static void read_credential(const struct secret_store *store,
    struct thread_pool_job *job, const char *site, bool known,
    enum conf_auth method,
    struct secret_store_credential *credential);
static void load_verifier(const struct secret_store *store,
    struct thread_pool_job *job, const char *site, bool known,
    struct secret_store_credential *credential,
    struct auth_srp_verifier *verifier);
static void grant(const struct secret_store *store, const char *site,
    enum conf_auth method, const uint8_t *digest, uint32_t lifetime_sec,
    struct request_grant *grant);
static void seal_state(uint8_t *out, const struct secret_store *store,
    const struct srp_state *state);
static bool open_state(struct srp_state *state, const struct secret_store *store,
    const uint8_t *sealed, size_t len);

bool
verify_password(const struct secret_store *store, struct thread_pool_job *job)
{
	const struct request_verify   *ask = &job->in.verify;
	struct request_verdict	      *answer = &job->out.verdict;
	struct secret_store_credential credential;

	if (!request_text_is_good(ask->site) || ask->known > 1 ||
	    ask->password_len > REQUEST_MAX_PASSWORD)
		return false;
	read_credential(store, job, ask->site, ask->known == 1,
	    CONF_AUTH_PASSWORD, &credential);
	answer->verdict = auth_password_verify(credential.line, ask->password,
	    ask->password_len) && credential.real;
	if (answer->verdict == 1)
		grant(store, ask->site, CONF_AUTH_PASSWORD, credential.digest,
		    ask->lifetime, &answer->grant);
	secret_wipe(&credential, sizeof(credential));
	return true;
}

bool
verify_srp_start(const struct secret_store *store, struct thread_pool_job *job)
{
	const struct request_known	*ask = &job->in.srp_start;
	struct request_srp_challenge	*answer = &job->out.challenge;
	struct secret_store_credential	 credential;
	struct auth_srp_verifier	 verifier;
	struct srp_state		 state = { .known = ask->known == 1 };
	size_t				 len = 0;

	static_assert(sizeof(state) + SEAL_OVERHEAD <= REQUEST_MAX_BLOB &&
		AUTH_SRP_MAX_LEN <= REQUEST_MAX_BLOB &&
		AUTH_SRP_SETTING_SIZE <= REQUEST_SETTING_SIZE, "they fit");
	if (!request_text_is_good(ask->site) || ask->known > 1)
		return false;
	strlcpy(state.site, ask->site, sizeof(state.site));
	load_verifier(store, job, state.site, state.known == 1, &credential,
	    &verifier);
	answer->error = (uint32_t)-auth_srp_start(&verifier, state.b,
	    answer->public_b, &len);
	memcpy(state.digest, credential.digest, sizeof(state.digest));
	state.made_us = (uint64_t)mono_now().us;
	seal_state(answer->state, store, &state);
	answer->state_len = sizeof(state) + SEAL_OVERHEAD;
	answer->public_b_len = (uint32_t)len;
	answer->group = verifier.group;
	strlcpy(answer->setting, verifier.setting, sizeof(answer->setting));
	secret_wipe(&credential, sizeof(credential));
	secret_wipe(&verifier, sizeof(verifier));
	secret_wipe(&state, sizeof(state));
	return true;
}

bool
verify_srp_finish(const struct secret_store *store, struct thread_pool_job *job)
{
	const struct request_srp_finish *ask = &job->in.srp_finish;
	struct request_verdict		*answer = &job->out.verdict;
	struct secret_store_credential	 credential;
	struct auth_srp_verifier	 verifier;
	struct srp_state		 state;
	uint8_t				 m2[AUTH_SRP_PROOF_LEN];
	bool				 yes;

	if (ask->state_len > sizeof(ask->state) ||
	    ask->public_a_len > sizeof(ask->public_a))
		return false;
	if (!open_state(&state, store, ask->state, ask->state_len))
		return true;
	load_verifier(store, job, state.site, state.known == 1, &credential,
	    &verifier);
	yes = auth_srp_finish(&verifier, state.site, state.b, ask->binding,
	    ask->public_a, ask->public_a_len, ask->m1, m2);
	/* A new password since the first step means a new verifier. */
	yes = yes && credential.real &&
	    secret_equal(state.digest, credential.digest,
		SECRET_STORE_DIGEST_LEN);
	if (yes) {
		answer->verdict = answer->has_proof = 1;
		memcpy(answer->proof, m2, sizeof(answer->proof));
		grant(store, state.site, CONF_AUTH_SRP, credential.digest,
		    ask->lifetime, &answer->grant);
	}
	secret_wipe(&credential, sizeof(credential));
	secret_wipe(&verifier, sizeof(verifier));
	secret_wipe(&state, sizeof(state));
	return true;
}

bool
verify_resume(const struct secret_store *store, struct thread_pool_job *job)
{
	const struct request_resume *ask = &job->in.resume;
	struct request_verdict	    *answer = &job->out.verdict;
	struct token		     token;
	uint8_t right[32], digest[SECRET_STORE_DIGEST_LEN];
	time_t	now = time(NULL);
	bool	yes;

	if (!request_text_is_good(ask->site) ||
	    ask->token_len > sizeof(ask->token))
		return false;
	/* A longer lifetime means that one of the clocks was wrong. */
	yes = token_open(&token, store->token_key, ask->token, ask->token_len,
		  now) &&
	    token.expiry - now <= VERIFY_MAX_LIFETIME_SEC &&
	    strcmp(token.site, ask->site) == 0 && token.method == ask->method &&
	    secret_store_digest(store, ask->site, token.method, digest) &&
	    secret_equal(digest, token.credential, sizeof(digest));
	label_mac(right, sizeof(right), token.secret, RESUME_SITE, ask->binding,
	    sizeof(ask->binding), ask->hello, sizeof(ask->hello));
	yes = yes && secret_equal(right, ask->proof, sizeof(right));
	if (yes) {
		answer->verdict = answer->has_proof = 1;
		label_mac(answer->proof, sizeof(answer->proof), token.secret,
		    RESUME_SERVER, ask->binding, sizeof(ask->binding),
		    ask->hello, sizeof(ask->hello));
	}
	secret_wipe(&token, sizeof(token));
	return true;
}

bool
verify_voucher(const struct secret_store *store, struct thread_pool_job *job)
{
	const struct request_vouched *ask = &job->in.vouched;
	struct request_verdict	     *answer = &job->out.verdict;
	uint8_t digest[SECRET_STORE_DIGEST_LEN];

	if (!request_text_is_good(ask->site))
		return false;
	answer->verdict = voucher_is_good(ask->voucher, store->voucher_key,
	    ask->site, mono_now()) &&
	    secret_store_digest(store, ask->site, CONF_AUTH_PAM, digest);
	if (answer->verdict == 1)
		grant(store, ask->site, CONF_AUTH_PAM, digest, ask->lifetime,
		    &answer->grant);
	return true;
}

/* For a site that has been verified: its time need not be constant. */
bool
verify_psk(const struct secret_store *store, struct thread_pool_job *job)
{
	const struct request_binding *ask = &job->in.psk;
	struct request_psk	     *answer = &job->out.psk;
	struct psk		      psk;
	int			      error;

	static_assert(PSK_LEN == REQUEST_HASH_LEN &&
		PSK_ID_LEN == REQUEST_PSK_ID_LEN, "they fit");
	if (!request_text_is_good(ask->site))
		return false;
	error = psk_read(&psk, store->dir_fd, ask->site, job->file,
	    sizeof(job->file));
	answer->error = (uint32_t)-error;
	if (error == 0) {
		answer->generation = psk.generation;
		psk_connection(&psk, ask->binding, answer->id, answer->key);
	} else if (error != -ENOENT) {
		job->file_error = error;
	}
	secret_wipe(&psk, sizeof(psk));
	return true;
}

/* Client: the password does not leave this process. */
bool
verify_srp_question(const struct secret_store *store,
    struct thread_pool_job *job)
{
	const struct request_srp_question *ask = &job->in.srp_question;
	struct request_srp_answer	  *answer = &job->out.srp_answer;
	char   password[REQUEST_MAX_PASSWORD + 1];
	size_t a_len = 0, len;
	int    error;

	if (!request_text_is_good(ask->site) ||
	    !request_text_is_good(ask->setting) ||
	    ask->public_b_len > sizeof(ask->public_b))
		return false;
	error = credentials_line(store->dir_fd, CREDENTIALS_SECRET, password,
	    sizeof(password), &len);
	if (error < 0) {
		job->file_error = error;
		strlcpy(job->file, CREDENTIALS_SECRET, sizeof(job->file));
	} else {
		error = auth_srp_answer(ask->site, password, len, ask->group,
		    ask->setting, ask->public_b, ask->public_b_len,
		    ask->binding, answer->public_a, &a_len, answer->m1,
		    answer->m2);
	}
	if (error < 0)
		*answer = (struct request_srp_answer) {
			.error = (uint32_t)-error };
	else
		answer->public_a_len = (uint32_t)a_len;
	secret_wipe(password, sizeof(password));
	return true;
}

static void
read_credential(const struct secret_store *store,
    struct thread_pool_job *job, const char *site, bool known,
    enum conf_auth method,
    struct secret_store_credential *credential)
{
	secret_store_read(store, site, known, method, credential);
	if (credential->error == 0)
		return;
	job->file_error = credential->error;
	strlcpy(job->file, credential->name, sizeof(job->file));
}

/* An unknown site's name always gets the same salt. */
static void
load_verifier(const struct secret_store *store,
    struct thread_pool_job *job, const char *site, bool known,
    struct secret_store_credential *credential,
    struct auth_srp_verifier *verifier)
{
	char setting[AUTH_SRP_SETTING_SIZE];

	read_credential(store, job, site, known, CONF_AUTH_SRP, credential);
	if (!auth_srp_parse(verifier, credential->line))
		*verifier = (struct auth_srp_verifier) {
			.group = SRP_LINE_GROUP, .v_len = AUTH_SRP_MAX_LEN };
	/* Done for all sites, so that the time is the same. */
	strlcpy(setting, verifier->setting, sizeof(setting));
	auth_srp_disguise(verifier, store->salt_key, site);
	if (credential->real)
		strlcpy(verifier->setting, setting, sizeof(verifier->setting));
}

/* Makes a token and its secret, unless its lifetime is 0. */
static void
grant(const struct secret_store *store, const char *site, enum conf_auth method,
    const uint8_t *digest, uint32_t lifetime_sec, struct request_grant *grant)
{
	struct token token = { .method = method };

	static_assert(sizeof(grant->token) == TOKEN_MAX, "a token fits");
	if (lifetime_sec > VERIFY_MAX_LIFETIME_SEC)
		lifetime_sec = VERIFY_MAX_LIFETIME_SEC;
	secret_random(token.secret, sizeof(token.secret));
	strlcpy(token.site, site, sizeof(token.site));
	memcpy(token.credential, digest, sizeof(token.credential));
	token.expiry = time(NULL) + (time_t)lifetime_sec;
	if (lifetime_sec > 0)
		grant->token_len = (uint32_t)token_seal(grant->token,
		    store->token_key, &token);
	memcpy(grant->secret, token.secret, sizeof(grant->secret));
	secret_wipe(&token, sizeof(token));
}

static void
seal_state(uint8_t *out, const struct secret_store *store,
    const struct srp_state *state)
{
	seal_close(out, store->state_key, STATE_LABEL, (const uint8_t *)state,
	    sizeof(*state));
}

/* The key belongs to this process, and so does the struct in it. */
static bool
open_state(struct srp_state *state, const struct secret_store *store,
    const uint8_t *sealed, size_t len)
{
	struct mono made;

	if (len != sizeof(*state) + SEAL_OVERHEAD ||
	    !seal_open((uint8_t *)state, store->state_key, STATE_LABEL, sealed,
		len))
		return false;
	made.us = (int64_t)state->made_us;
	return mono_sub(mono_now(), made) <= STATE_SEC * MONO_SEC;
}
