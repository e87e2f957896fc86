/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "engine/ask/sign_ask.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bsd/string.h>

#include "base/log.h"
#include "base/mono.h"
#include "base/secret.h"
#include "proc/chan.h"

static_assert(REQUEST_HASH_LEN == KEYPAIR_ID_LEN, "the id of a chain");

struct sign_ask {
	int	    fd; /* -1: there is no keeper */
	uint32_t    id;
	struct mono patient_until; /* the start is over then */
	bool	    warned; /* that it takes long */
	uint8_t	    buf[CHAN_MAX_PAYLOAD];
};

/* What GnuTLS's callbacks must know of a key; each has its own. */
struct own_key {
	struct sign_ask	     *ask;
	enum request_key      which;
	struct keypair_public public;
};

static int  pair(struct sign_ask *ask, enum request_key which,
     const struct ca_pem *chain, struct chan_msg *msg,
     char why[REQUEST_WHY_SIZE]);
static void free_key(gnutls_privkey_t key, void *arg);
static int  sign_hash(gnutls_privkey_t key, gnutls_sign_algorithm_t algorithm,
     void *arg, unsigned flags, const gnutls_datum_t *hash,
     gnutls_datum_t *signature);
static int  key_info(gnutls_privkey_t key, unsigned flags, void *arg);
static int  converse(struct sign_ask *ask, enum request type, const void *data,
     size_t len, struct chan_msg *answer);
static int  exchange(struct sign_ask *ask, enum request type, const void *data,
     size_t len, struct chan_msg *answer);
static int  wait_longer(struct sign_ask *ask, struct chan_msg *answer);

struct sign_ask *
sign_ask_new(void)
{
	struct sign_ask *ask = malloc(sizeof(*ask));

	if (ask == NULL)
		return NULL;
	*ask = (struct sign_ask) { .fd = -1,
		.patient_until = mono_add(mono_now(),
		    SIGN_ASK_START_MS * MONO_MS) };
	return ask;
}

void
sign_ask_free(struct sign_ask *ask)
{
	if (ask == NULL)
		return;
	sign_ask_attach(ask, -1);
	secret_free(ask, sizeof(*ask));
}

void
sign_ask_startup_done(struct sign_ask *ask)
{
	ask->patient_until = mono_now();
}

void
sign_ask_attach(struct sign_ask *ask, int fd)
{
	if (ask->fd != -1)
		close(ask->fd);
	ask->fd = fd;
}

int
sign_ask_prove(struct sign_ask *ask, enum request_key which,
    const struct ca_pem *chain, char why[REQUEST_WHY_SIZE])
{
	struct chan_msg msg;

	return pair(ask, which, chain, &msg, why);
}

int
sign_ask_kept(struct sign_ask *ask, enum request_key which,
    struct ca_pem *chain, char why[REQUEST_WHY_SIZE])
{
	struct chan_msg msg;
	int		r = pair(ask, which, NULL, &msg, why);
	size_t		len;
	const char     *text;

	if (r < 0)
		return r;
	len = msg.len - sizeof(struct request_pair_result);
	text = (const char *)msg.data + msg.len - len;
	if (memchr(text, '\0', len) != NULL)
		return -EBADMSG;
	*chain = (struct ca_pem) { strndup(text, len), len };
	return chain->text != NULL ? 0 : -ENOMEM;
}

/* The text of a chain is behind the struct, either way. */
static int
pair(struct sign_ask *ask, enum request_key which, const struct ca_pem *chain,
    struct chan_msg *msg, char why[REQUEST_WHY_SIZE])
{
	const struct request_pair   head = { .which = which };
	struct request_pair_result result;
	size_t len = chain != NULL ? chain->len : 0;
	int    r;

	if (len > KEYPAIR_MAX_TEXT)
		return -EMSGSIZE;
	/* It has left before an answer comes in there. */
	memcpy(ask->buf, &head, sizeof(head));
	if (len > 0)
		memcpy(ask->buf + sizeof(head), chain->text, len);
	r = converse(ask, REQUEST_PAIR, ask->buf, sizeof(head) + len, msg);
	if (r < 0) {
		strlcpy(why, "the keeper does not answer", REQUEST_WHY_SIZE);
		return r;
	}
	if (!chan_get_head(msg, &result, sizeof(result)) ||
	    !request_text_is_good(result.why) || result.error > INT32_MAX)
		return -EBADMSG;
	strlcpy(why, result.why, REQUEST_WHY_SIZE);
	return -(int)result.error;
}

gnutls_privkey_t
sign_ask_privkey(struct sign_ask *ask, enum request_key which,
    const struct keypair_public *public)
{
	struct own_key	*own = malloc(sizeof(*own));
	gnutls_privkey_t key;

	if (own == NULL || gnutls_privkey_init(&key) < 0) {
		free(own);
		return NULL;
	}
	*own = (struct own_key) { ask, which, *public };
	/* GnuTLS 3.7 crashes without sign_hash; without sign_data it hashes. */
	if (gnutls_privkey_import_ext4(key, own, NULL, sign_hash, NULL,
		free_key, key_info, 0) >= 0)
		return key;
	gnutls_privkey_deinit(key);
	free(own);
	return NULL;
}

static void
free_key(gnutls_privkey_t key, void *arg)
{
	free(arg);
}

int
sign_ask(struct sign_ask *ask, enum request type, const void *question,
    size_t len, void *answer, size_t answer_len)
{
	struct chan_msg msg;
	int		r = converse(ask, type, question, len, &msg);

	if (r == 0 && !chan_get(&msg, answer, answer_len))
		r = -EBADMSG;
	secret_wipe(ask->buf, sizeof(ask->buf));
	return r;
}

/* GnuTLS's callback: it wants GnuTLS's codes, and frees the signature. */
static int
sign_hash(gnutls_privkey_t key, gnutls_sign_algorithm_t algorithm, void *arg,
    unsigned flags, const gnutls_datum_t *hash, gnutls_datum_t *signature)
{
	const struct own_key	*own = arg;
	struct request_sign	 sign = { .which = own->which,
		    .algorithm = (uint32_t)algorithm, .hash_len = hash->size };
	struct request_signature answer;

	if (hash->size > sizeof(sign.hash))
		return GNUTLS_E_PK_SIGN_FAILED;
	memcpy(sign.id, own->public.id, sizeof(sign.id));
	memcpy(sign.hash, hash->data, hash->size);
	if (sign_ask(own->ask, REQUEST_SIGN, &sign, sizeof(sign), &answer,
		sizeof(answer)) < 0 || answer.error != 0 ||
	    answer.len == 0 || answer.len > sizeof(answer.signature))
		return GNUTLS_E_PK_SIGN_FAILED;
	signature->size = answer.len;
	signature->data = gnutls_malloc(answer.len);
	if (signature->data == NULL)
		return GNUTLS_E_MEMORY_ERROR;
	memcpy(signature->data, answer.signature, answer.len);
	return 0;
}

static int
key_info(gnutls_privkey_t key, unsigned flags, void *arg)
{
	const struct own_key *own = arg;
	gnutls_sign_algorithm_t	   algorithm;

	if ((flags & GNUTLS_PRIVKEY_INFO_PK_ALGO) != 0)
		return (int)own->public.pk;
	/* Without its size GnuTLS refuses an RSA key for RSA-PSS. */
	if ((flags & GNUTLS_PRIVKEY_INFO_PK_ALGO_BITS) != 0)
		return (int)own->public.bits;
	if ((flags & GNUTLS_PRIVKEY_INFO_HAVE_SIGN_ALGO) != 0) {
		algorithm = GNUTLS_FLAGS_TO_SIGN_ALGO(flags);
		return gnutls_sign_supports_pk_algorithm(algorithm,
			   own->public.pk) !=
		    0;
	}
	return -1;
}

/*
 * Sends a request and waits for its answer.  If a keeper does not answer in
 * time, its channel is closed, as each further wait would stop the engine
 * again.  The keeper then ends, and the monitor starts a new one.
 */
static int
converse(struct sign_ask *ask, enum request type, const void *data, size_t len,
    struct chan_msg *answer)
{
	int r;

	if (ask->fd == -1)
		return -ENOTCONN;
	r = exchange(ask, type, data, len, answer);
	if (r == 0)
		return 0;
	log_warnx("the keeper does not sign: %s", strerror(-r));
	sign_ask_attach(ask, -1);
	return r;
}

static int
exchange(struct sign_ask *ask, enum request type, const void *data, size_t len,
    struct chan_msg *answer)
{
	int r;

	ask->id++;
	r = chan_send_fd(ask->fd, (uint16_t)type, ask->id, data, len, NULL, 0);
	if (r < 0)
		return r;
	r = chan_recv_fd(ask->fd, answer, ask->buf, SIGN_ASK_TIMEOUT_MS);
	if (r == -ETIMEDOUT)
		r = wait_longer(ask, answer);
	if (r < 0)
		return r;
	chan_msg_close_fds(answer);
	if (answer->type != type || answer->id != ask->id)
		return -EBADMSG;
	return 0;
}

/* At the start only. */
static int
wait_longer(struct sign_ask *ask, struct chan_msg *answer)
{
	int64_t left = mono_sub(ask->patient_until, mono_now());

	if (left <= 0)
		return -ETIMEDOUT;
	if (!ask->warned)
		log_warnx("the keeper is slow to start: waiting up to %lld s "
		    "more", (long long)(left / MONO_SEC));
	ask->warned = true;
	return chan_recv_fd(ask->fd, answer, ask->buf, (int)(left / MONO_MS));
}
