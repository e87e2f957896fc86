/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "engine/ask/sign_ask.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/secret.h"
#include "base/wire.h"
#include "conf/conf.h"
#include "engine/ask/keeper_ask.h"

#define MAX_HASH     128 /* bytes, of what is signed: a DigestInfo at most */

/* What GnuTLS's callbacks must know of a key; each has its own. */
struct own_key {
	struct sign_ask	     *ask;
	enum request_key      which;
	struct keypair_public public;
};

static void free_key(gnutls_privkey_t key, void *arg);
static int  sign_hash(gnutls_privkey_t key, gnutls_sign_algorithm_t algorithm,
     void *arg, unsigned flags, const gnutls_datum_t *hash,
     gnutls_datum_t *signature);
static int  key_info(gnutls_privkey_t key, unsigned flags, void *arg);
static bool read_user(struct wire_reader *r, struct keeper_tls_srp *user,
     uint32_t *error);
static int  converse(struct sign_ask *ask, enum request type, const void *data,
     size_t len, struct chan_msg *answer);
static int  exchange(struct sign_ask *ask, enum request type, const void *data,
     size_t len, struct chan_msg *answer);
static int  wait_longer(struct sign_ask *ask, struct chan_msg *answer);

void
sign_ask_init(struct sign_ask *ask)
{
	*ask = (struct sign_ask) { .fd = -1,
		.patient_until = mono_add(mono_now(),
		    KEEPER_START_MS * MONO_MS) };
}

void
sign_ask_hurry(struct sign_ask *ask)
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
sign_ask_pair(struct sign_ask *ask, enum request_key which,
    const struct ca_pem *chain, struct ca_pem *kept, char why[REQUEST_WHY_SIZE])
{
	struct wire_writer w;
	struct wire_reader r;
	struct chan_msg	   msg;
	uint32_t	   error;
	int		   result;

	/* It has left before an answer comes in there. */
	wire_writer_init(&w, ask->buf, 1 + KEYPAIR_MAX_TEXT);
	wire_put_u8(&w, (uint8_t)which);
	if (chain != NULL)
		wire_put_bytes(&w, chain->text, chain->len);
	if (!wire_writer_is_ok(&w))
		return -EMSGSIZE;
	result = converse(ask, REQUEST_PAIR, ask->buf, w.len, &msg);
	if (result < 0) {
		snprintf(why, REQUEST_WHY_SIZE, "the keeper does not answer");
		return result;
	}
	wire_reader_init(&r, msg.data, msg.len);
	error = wire_get_u32(&r);
	wire_get_string(&r, why, REQUEST_WHY_SIZE);
	if (!wire_is_ok(&r) || error > INT32_MAX)
		return -EBADMSG;
	if (error == 0 && kept != NULL) {
		size_t	    len = wire_left(&r);
		const char *text = (const char *)wire_get_view(&r, len);

		if (memchr(text, '\0', len) != NULL)
			return -EBADMSG;
		kept->text = strndup(text, len);
		if (kept->text == NULL)
			return -ENOMEM;
		kept->len = len;
	}
	return -(int)error;
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
	(void)key;
	free(arg);
}

int
sign_ask_tls_srp(struct sign_ask *ask, const char *site, bool known,
    struct keeper_tls_srp *user)
{
	struct wire_writer w;
	struct wire_reader r;
	struct chan_msg	   msg;
	uint8_t		   data[2 + CONF_NAME_MAX + 1];
	uint32_t	   error;
	int		   result;

	/* A name that none can have is nobody's. */
	if (strlen(site) > CONF_NAME_MAX) {
		site = "";
		known = false;
	}
	wire_writer_init(&w, data, sizeof(data));
	wire_put_string(&w, site);
	wire_put_u8(&w, known ? 1 : 0);
	result = converse(ask, REQUEST_TLS_SRP, data, w.len, &msg);
	if (result < 0)
		return result;
	wire_reader_init(&r, msg.data, msg.len);
	if (read_user(&r, user, &error))
		result = -(int)error;
	else
		result = -EBADMSG;
	secret_wipe(ask->buf, sizeof(ask->buf));
	return result;
}

static bool
read_user(struct wire_reader *r, struct keeper_tls_srp *user, uint32_t *error)
{
	*error = wire_get_u32(r);
	user->group = wire_get_u16(r);
	user->salt_len = request_get_blob(r, user->salt, sizeof(user->salt));
	user->verifier_len = request_get_blob(r, user->verifier,
	    sizeof(user->verifier));
	return wire_is_done(r) && *error <= INT32_MAX;
}

/* GnuTLS's callback: it wants GnuTLS's codes, and frees the signature. */
static int
sign_hash(gnutls_privkey_t key, gnutls_sign_algorithm_t algorithm, void *arg,
    unsigned flags, const gnutls_datum_t *hash, gnutls_datum_t *signature)
{
	const struct own_key *own = arg;
	struct wire_reader	   reader;
	struct wire_writer	   writer;
	struct chan_msg		   msg;
	uint8_t			   data[1 + KEYPAIR_ID_LEN + 4 + MAX_HASH];

	(void)key;
	(void)flags;
	wire_writer_init(&writer, data, sizeof(data));
	wire_put_u8(&writer, (uint8_t)own->which);
	wire_put_bytes(&writer, own->public.id, KEYPAIR_ID_LEN);
	wire_put_u32(&writer, (uint32_t)algorithm);
	wire_put_bytes(&writer, hash->data, hash->size);
	if (!wire_writer_is_ok(&writer))
		return GNUTLS_E_PK_SIGN_FAILED;
	if (converse(own->ask, REQUEST_SIGN, data, writer.len, &msg) < 0)
		return GNUTLS_E_PK_SIGN_FAILED;
	wire_reader_init(&reader, msg.data, msg.len);
	if (wire_get_u32(&reader) != 0 || wire_left(&reader) == 0)
		return GNUTLS_E_PK_SIGN_FAILED;
	signature->size = (unsigned)wire_left(&reader);
	signature->data = gnutls_malloc(signature->size);
	if (signature->data == NULL)
		return GNUTLS_E_MEMORY_ERROR;
	wire_get_bytes(&reader, signature->data, signature->size);
	return 0;
}

static int
key_info(gnutls_privkey_t key, unsigned flags, void *arg)
{
	const struct own_key *own = arg;
	gnutls_sign_algorithm_t	   algorithm;

	(void)key;
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
 * One question and its answer.  A keeper that does not answer in time is given
 * up: each further wait would stop the engine again.  It notices, ends, and the
 * monitor brings a new one.
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
	r = chan_recv_fd(ask->fd, answer, ask->buf, KEEPER_SIGN_TIMEOUT_MS);
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
	if (!ask->told)
		log_warnx("the keeper is slow to start: its answer is waited "
		    "for %lld s more", (long long)(left / MONO_SEC));
	ask->told = true;
	return chan_recv_fd(ask->fd, answer, ask->buf, (int)(left / MONO_MS));
}
