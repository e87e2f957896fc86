/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "keeper/signer.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <gnutls/abstract.h>
#include <gnutls/crypto.h>

#include "base/bucket.h"
#include "base/log.h"
#include "base/mono.h"
#include "base/nitems.h"
#include "base/secret.h"
#include "keeper/auth_method.h"
#include "keeper/credentials.h"
#include "keeper/secret_store.h"
#include "pki/keypair.h"
#include "proc/chan.h"
#include "proc/request.h"

/*
 * More than one control thread can need in a second, even in a flood of unknown
 * clients.
 */
#define SIGN_BURST    4096
#define SIGN_PER_SEC  2000
/* Each may write a file. */
#define PAIR_BURST    64
#define PAIR_PER_SEC  2

struct signer {
	int		 fd;
	/* The last verified, the previous; key NULL: none. */
	struct keypair	 keys[REQUEST_KEYS][2];
	const struct secret_store *store;
	struct bucket	 sign_bucket, other_bucket, pair_bucket;
	uint64_t	 limited;
	pthread_t	 thread;
	void (*on_gone)(void *arg);
	void		*arg;
	struct log_limit refusals, complaints;
	uint8_t		 buf[CHAN_MAX_PAYLOAD];
};

/*
 * The algorithms of RFC 8446 for CertificateVerify, without EdDSA (it takes no
 * hash).
 */
static const gnutls_sign_algorithm_t allowed[] = {
	GNUTLS_SIGN_ECDSA_SHA256, GNUTLS_SIGN_ECDSA_SHA384,
	GNUTLS_SIGN_ECDSA_SHA512, GNUTLS_SIGN_ECDSA_SECP256R1_SHA256,
	GNUTLS_SIGN_ECDSA_SECP384R1_SHA384, GNUTLS_SIGN_ECDSA_SECP521R1_SHA512,
	GNUTLS_SIGN_RSA_PSS_SHA256, GNUTLS_SIGN_RSA_PSS_SHA384,
	GNUTLS_SIGN_RSA_PSS_SHA512, GNUTLS_SIGN_RSA_PSS_RSAE_SHA256,
	GNUTLS_SIGN_RSA_PSS_RSAE_SHA384, GNUTLS_SIGN_RSA_PSS_RSAE_SHA512,
};

static void  free_keys(struct signer *signer);
static bool  load_keys(struct signer *signer, char *why, size_t why_size);
static const char *key_name(const struct secret_store *store, unsigned which);
static const char *kept_name(const struct secret_store *store, unsigned which,
      char name[CREDENTIALS_NAME_MAX]);
static int   load_key(int dir, const char *name, struct keypair *key,
      struct ca_pem *pem, char *why, size_t why_size);
static int   prove(struct signer *signer, unsigned which,
      const struct ca_pem *chain, char *why, size_t why_size);
static void  use(struct signer *signer, unsigned which, struct keypair *key);
static void  keep(struct signer *signer, unsigned which,
      const struct ca_pem *key, const struct ca_pem *chain);
static int   read_kept(const struct signer *signer, unsigned which,
      struct ca_pem *chain, char *why, size_t why_size);
static void *serve(void *arg);
static int   serve_sign(struct signer *signer, const struct chan_msg *msg);
static int   serve_pair(struct signer *signer, const struct chan_msg *msg);
static int   serve_other(struct signer *signer, const struct chan_msg *msg);
static int   sign(struct signer *signer, const struct request_sign *ask,
      gnutls_datum_t *signature);
static gnutls_privkey_t find_key(const struct signer *signer,
      enum request_key which, const uint8_t *id);
static int   may_sign(const struct request_sign *ask, unsigned *flags);
static bool  is_allowed(uint32_t algorithm);
static bool  is_too_many(struct signer *signer, struct bucket *bucket,
      unsigned burst, unsigned per_sec, const char *what);
static void  log_refusal(struct signer *signer, uint32_t algorithm);

struct signer *
signer_start(int fd, const struct secret_store *store,
    void (*on_gone)(void *arg),
    void *arg, char *why, size_t why_size)
{
	struct signer *signer = calloc(1, sizeof(*signer));
	int	       r;

	if (signer == NULL) {
		snprintf(why, why_size, "%s", strerror(errno));
		close(fd);
		return NULL;
	}
	signer->fd = fd;
	signer->store = store;
	signer->on_gone = on_gone;
	signer->arg = arg;
	if (!load_keys(signer, why, why_size))
		goto fail;
	r = pthread_create(&signer->thread, NULL, serve, signer);
	if (r == 0)
		return signer;
	snprintf(why, why_size, "cannot start a thread: %s", strerror(r));
fail:
	free_keys(signer);
	close(fd);
	free(signer);
	return NULL;
}

void
signer_stop(struct signer *signer)
{
	if (signer == NULL)
		return;
	/* Wakes the thread, as if the other end had closed. */
	shutdown(signer->fd, SHUT_RDWR);
	pthread_join(signer->thread, NULL);
	close(signer->fd);
	free_keys(signer);
	secret_free(signer, sizeof(*signer));
}

static void
free_keys(struct signer *signer)
{
	for (size_t i = 0; i < REQUEST_KEYS * 2; i++) {
		if (signer->keys[i / 2][i % 2].key != NULL)
			gnutls_privkey_deinit(signer->keys[i / 2][i % 2].key);
	}
}

/* Reads the stored pair, and the file's key, not verified yet. */
static bool
load_keys(struct signer *signer, char *why, size_t why_size)
{
	const struct secret_store *store = signer->store;
	char		    name[CREDENTIALS_NAME_MAX], unused[512];

	for (unsigned i = 0; i < REQUEST_KEYS; i++) {
		struct keypair *keys = signer->keys[i];
		int		r;

		if (key_name(store, i) == NULL)
			continue;
		load_key(store->state_fd, kept_name(store, i, name), &keys[0],
		    NULL, unused, sizeof(unused));
		r = load_key(store->dir_fd, key_name(store, i), &keys[1], NULL,
		    why, why_size);
		if (r == 0 || r == -ENOENT)
			continue;
		if (keys[0].key == NULL)
			return false;
		log_warnx("%s; the previous key is used", why);
	}
	return true;
}

/* NULL if this role has no such key. */
static const char *
key_name(const struct secret_store *store, unsigned which)
{
	if (which == REQUEST_KEY_RSA)
		return store->server &&
		    auth_method_find(CONF_AUTH_TLS_SRP) != NULL ?
		    CREDENTIALS_RSA_KEY : NULL;
	return store->server || store->has_sites ? CREDENTIALS_KEY :
						   CREDENTIALS_SITE_KEY;
}

static const char *
kept_name(const struct secret_store *store, unsigned which,
    char name[CREDENTIALS_NAME_MAX])
{
	snprintf(name, CREDENTIALS_NAME_MAX, "%s%s", CREDENTIALS_KEPT,
	    key_name(store, which));
	return name;
}

/* Also gives its text, unless `pem` is NULL: free it with ca_pem_fini(). */
static int
load_key(int dir, const char *name, struct keypair *key, struct ca_pem *pem,
    char *why, size_t why_size)
{
	struct ca_pem text = { 0 };
	char	      reason[KEYPAIR_WHY_SIZE];
	int	      r = credentials_read(dir, name, &text.text, &text.len);

	*key = (struct keypair) { 0 };
	if (r < 0) {
		credentials_explain(dir, name, r, why, why_size);
	} else if (!keypair_read_key(text.text, text.len, key, reason)) {
		snprintf(why, why_size, "%s/%s: %s", CONF_KEEPER_DIR, name,
		    reason);
		*key = (struct keypair) { 0 };
		r = -EBADMSG;
	}
	if (r == 0 && pem != NULL)
		*pem = text;
	else
		ca_pem_fini(&text);
	return r;
}

/*
 * Reads the file's key.  If that fails but there is a key already, returns 0,
 * too, and `why` says what is wrong with the file.
 */
static int
prove(struct signer *signer, unsigned which, const struct ca_pem *chain,
    char *why, size_t why_size)
{
	const char    *name = key_name(signer->store, which);
	struct keypair file;
	struct ca_pem  pem = { 0 };
	char	       reason[KEYPAIR_WHY_SIZE];
	bool	       fits = load_key(signer->store->dir_fd, name, &file,
		     &pem, why, why_size) == 0;

	if (fits && !keypair_prove(chain->text, chain->len, &file, reason)) {
		snprintf(why, why_size, "%s/%s: %s", CONF_KEEPER_DIR, name,
		    reason);
		gnutls_privkey_deinit(file.key);
		fits = false;
	}
	if (fits) {
		use(signer, which, &file);
		keep(signer, which, &pem, chain);
	}
	ca_pem_fini(&pem);
	for (unsigned i = 0; i < 2 && !fits; i++) {
		const struct keypair *key = &signer->keys[which][i];

		fits = key->key != NULL &&
		    keypair_prove(chain->text, chain->len, key, reason);
	}
	return fits ? 0 : -EKEYREJECTED;
}

/* Consumes it.  The current key is kept for handshakes under way. */
static void
use(struct signer *signer, unsigned which, struct keypair *key)
{
	struct keypair *keys = signer->keys[which];

	if (keys[0].key != NULL &&
	    memcmp(keys[0].public.id, key->public.id, KEYPAIR_ID_LEN) == 0) {
		gnutls_privkey_deinit(key->key);
		return;
	}
	if (keys[1].key != NULL)
		gnutls_privkey_deinit(keys[1].key);
	keys[1] = keys[0];
	keys[0] = *key;
}

/* Stores both in one file, so that a crash cannot separate them. */
static void
keep(struct signer *signer, unsigned which, const struct ca_pem *key,
    const struct ca_pem *chain)
{
	size_t len = key->len + 1 + chain->len;
	char   name[CREDENTIALS_NAME_MAX], *text = malloc(len);
	int    r = text == NULL ? -ENOMEM :
	    len > CREDENTIALS_MAX ? -EFBIG : 0;

	kept_name(signer->store, which, name);
	if (r == 0) {
		memcpy(text, key->text, key->len);
		text[key->len] = '\n';
		memcpy(text + key->len + 1, chain->text, chain->len);
		r = credentials_replace(signer->store->state_fd, name, text,
		    len);
	}
	secret_free(text, len);
	if (r < 0)
		log_warnx("%s: cannot be written (%s): after a restart, the "
			  "configured key and certificate must match", name,
		    strerror(-r));
}

static int
read_kept(const struct signer *signer, unsigned which, struct ca_pem *chain,
    char *why, size_t why_size)
{
	char   name[CREDENTIALS_NAME_MAX], reason[KEYPAIR_WHY_SIZE];
	size_t len;
	char  *text;
	int    r = credentials_read(signer->store->state_fd,
	       kept_name(signer->store, which, name), &text, &len);

	if (r < 0) {
		snprintf(why, why_size, "%s: %s", name, strerror(-r));
		return r;
	}
	if (!keypair_read_chain(text, len, NULL, chain, reason)) {
		snprintf(why, why_size, "%s: %s", name, reason);
		r = -EBADMSG;
	}
	secret_free(text, len + 1);
	return r;
}

static void *
serve(void *arg)
{
	struct signer  *signer = arg;
	struct chan_msg msg;
	int		r;

	while ((r = chan_recv_fd(signer->fd, &msg, signer->buf, -1)) == 0) {
		chan_msg_close_fds(&msg);
		if (msg.type == REQUEST_SIGN)
			r = serve_sign(signer, &msg);
		else if (msg.type == REQUEST_PAIR)
			r = serve_pair(signer, &msg);
		else if (msg.type == REQUEST_TLS_SRP)
			r = serve_other(signer, &msg);
		else
			r = -EBADMSG;
		if (r < 0)
			break;
	}
	if (r != -EPIPE)
		log_warnx("the engine's request to sign: %s", strerror(-r));
	signer->on_gone(signer->arg);
	return NULL;
}

/* 0 if it was answered, even with a refusal. */
static int
serve_sign(struct signer *signer, const struct chan_msg *msg)
{
	struct request_sign	 ask;
	struct request_signature answer = { .error = 0 };
	gnutls_datum_t		 signature = { NULL, 0 };
	int			 r;

	if (!chan_get(msg, &ask, sizeof(ask)) || ask.which >= REQUEST_KEYS ||
	    ask.hash_len > sizeof(ask.hash))
		return -EBADMSG;
	r = sign(signer, &ask, &signature);
	if (signature.size > sizeof(answer.signature))
		r = -EMSGSIZE;
	answer.error = (uint32_t)-r;
	if (r == 0) {
		answer.len = signature.size;
		memcpy(answer.signature, signature.data, signature.size);
	}
	gnutls_free(signature.data);
	return chan_send_fd(signer->fd, REQUEST_SIGN, msg->id, &answer,
	    sizeof(answer), NULL, 0);
}

static int
serve_pair(struct signer *signer, const struct chan_msg *msg)
{
	struct request_pair	   ask;
	struct request_pair_result answer = { .error = 0 };
	struct ca_pem		   chain, kept = { 0 };
	int			   r;

	if (!chan_get_head(msg, &ask, sizeof(ask)) ||
	    ask.which >= REQUEST_KEYS ||
	    msg->len > sizeof(ask) + KEYPAIR_MAX_TEXT)
		return -EBADMSG;
	chain = (struct ca_pem) {
		(char *)(uintptr_t)msg->data + sizeof(ask),
		msg->len - sizeof(ask) };
	if (is_too_many(signer, &signer->pair_bucket, PAIR_BURST, PAIR_PER_SEC,
		"keys")) {
		r = -EAGAIN;
	} else if (key_name(signer->store, ask.which) == NULL) {
		r = -ENOENT;
	} else if (chain.len > 0) {
		r = prove(signer, ask.which, &chain, answer.why,
		    sizeof(answer.why));
	} else {
		r = read_kept(signer, ask.which, &kept, answer.why,
		    sizeof(answer.why));
	}
	answer.error = (uint32_t)-r;
	/* The request has been read, so its memory can be reused. */
	memcpy(signer->buf, &answer, sizeof(answer));
	if (kept.len > 0)
		memcpy(signer->buf + sizeof(answer), kept.text, kept.len);
	r = chan_send_fd(signer->fd, REQUEST_PAIR, msg->id, signer->buf,
	    sizeof(answer) + kept.len, NULL, 0);
	ca_pem_fini(&kept);
	return r;
}

static int
serve_other(struct signer *signer, const struct chan_msg *msg)
{
	const struct auth_method *other = auth_method_find(CONF_AUTH_TLS_SRP);

	return other == NULL ? -EBADMSG : other->serve(signer->store,
	    signer->fd, msg, is_too_many(signer, &signer->other_bucket,
		REQUEST_TLS_SRP_BURST, REQUEST_TLS_SRP_PER_SEC,
		"credentials for tls-srp"), &signer->complaints);
}

/* 0 and a signature (gnutls_free), or a negative errno value. */
static int
sign(struct signer *signer, const struct request_sign *ask,
    gnutls_datum_t *signature)
{
	gnutls_datum_t datum = { (unsigned char *)(uintptr_t)ask->hash,
		ask->hash_len };
	gnutls_sign_algorithm_t kind = (gnutls_sign_algorithm_t)ask->algorithm;
	gnutls_privkey_t	key = find_key(signer, ask->which, ask->id);
	unsigned		flags = 0;
	int			r;

	if (key == NULL)
		return -ENOENT;
	if (is_too_many(signer, &signer->sign_bucket, SIGN_BURST, SIGN_PER_SEC,
		"signatures"))
		return -EAGAIN;
	r = may_sign(ask, &flags);
	if (r == -EPERM)
		log_refusal(signer, ask->algorithm);
	if (r < 0)
		return r;
	if (flags != 0 ?
		gnutls_privkey_sign_hash(key, GNUTLS_DIG_UNKNOWN, flags,
		    &datum, signature) < 0 :
		gnutls_privkey_sign_hash2(key, kind, 0, &datum, signature) < 0)
		return -EIO;
	return 0;
}

static gnutls_privkey_t
find_key(const struct signer *signer, enum request_key which,
    const uint8_t *id)
{
	for (unsigned i = 0; i < 2; i++) {
		const struct keypair *key = &signer->keys[which][i];

		if (key->key != NULL &&
		    memcmp(key->public.id, id, KEYPAIR_ID_LEN) == 0)
			return key->key;
	}
	return NULL;
}

/*
 * Allows what TLS 1.3 needs; with the RSA key, also what another handshake
 * needs.
 */
static int
may_sign(const struct request_sign *ask, unsigned *flags)
{
	const struct auth_method *other = ask->which == REQUEST_KEY_RSA ?
	    auth_method_find(CONF_AUTH_TLS_SRP) : NULL;
	int r = is_allowed(ask->algorithm) ? 0 : -EPERM;

	if (r < 0 && other != NULL)
		r = other->may_sign(ask->algorithm, ask->hash, ask->hash_len,
		    flags);
	if (r < 0 || *flags != 0)
		return r;
	return ask->hash_len != 0 && ask->hash_len == gnutls_hash_get_len(
	    gnutls_sign_get_hash_algorithm(
		(gnutls_sign_algorithm_t)ask->algorithm)) ? 0 : -EINVAL;
}

static bool
is_allowed(uint32_t algorithm)
{
	for (size_t i = 0; i < nitems(allowed); i++) {
		if (algorithm == (uint32_t)allowed[i])
			return true;
	}
	return false;
}

/* A compromised engine would use us as much as it can. */
static bool
is_too_many(struct signer *signer, struct bucket *bucket, unsigned burst,
    unsigned per_sec, const char *what)
{
	struct mono now = mono_now();

	if (bucket_take(bucket, burst, MONO_SEC / per_sec, now))
		return false;
	signer->limited++;
	if (log_limit_allow(&signer->refusals, now.us, NULL))
		log_warnx("the engine asks for %s too often: refused, %llu so "
			  "far", what, (unsigned long long)signer->limited);
	return true;
}

static void
log_refusal(struct signer *signer, uint32_t algorithm)
{
	if (log_limit_allow(&signer->refusals, mono_now().us, NULL))
		log_warnx("the engine asked for a signature of kind %u, which "
			  "TLS 1.3 does not need: refused",
		    (unsigned)algorithm);
}
