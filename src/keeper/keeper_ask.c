/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "keeper/keeper_ask.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <unistd.h>

#include "base/log.h"
#include "base/secret.h"
#include "base/wire.h"
#include "conf/conf.h"
#include "proc/request.h"

#define KEY_MAX_BITS 16384

/* One ask under way. */
struct pending {
	TAILQ_ENTRY(pending) entry;
	uint32_t     id;
	enum request type;
	bool	     cancelled; /* still counted: the keeper works on it */
	void (*verified)(void *arg, enum keeper_verdict verdict);
	void (*told)(void *arg, const char *secret, size_t len, int error);
	void *arg;
};

TAILQ_HEAD(pendings, pending);

struct keeper_ask {
	struct ev_loop *loop;
	struct chan	auth; /* verifications, in the loop */
	struct pendings asked;
	struct pendings failing; /* their keeper is gone; being told so */
	unsigned	nasked;

	int	 sign_fd; /* signatures, waited for; -1: none */
	uint32_t sign_id;
	gnutls_pk_algorithm_t pk; /* of the key, and its size */
	unsigned bits;
	uint8_t	 buf[CHAN_MAX_PAYLOAD];
};

static int  ask_new(struct keeper_ask *ask, enum request type,
     const void *data, size_t len, void *arg, struct pending **out);
static void on_answer(struct chan *chan, struct chan_msg *msg);
static void on_gone(struct chan *chan);
static void fail_all(struct keeper_ask *ask);
static void finish_verify(const struct pending *p, const struct chan_msg *msg);
static void finish_secret(const struct pending *p, const struct chan_msg *msg);
static void finish_failed(const struct pending *p, int error);
static int  sign_hash(gnutls_privkey_t key, gnutls_sign_algorithm_t algorithm,
     void *arg, unsigned flags, const gnutls_datum_t *hash,
     gnutls_datum_t *signature);
static int  key_info(gnutls_privkey_t key, unsigned flags, void *arg);
static int  converse(struct keeper_ask *ask, enum request type,
     const void *data, size_t len, struct chan_msg *answer);
static int  exchange(struct keeper_ask *ask, enum request type,
     const void *data, size_t len, struct chan_msg *answer);

struct keeper_ask *
keeper_ask_new(struct ev_loop *loop)
{
	struct keeper_ask *ask = calloc(1, sizeof(*ask));

	if (ask == NULL)
		return NULL;
	ask->loop = loop;
	ask->auth.fd = -1;
	ask->sign_fd = -1;
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
	if (ask->sign_fd != -1)
		close(ask->sign_fd);
	TAILQ_CONCAT(&ask->failing, &ask->asked, entry);
	while ((p = TAILQ_FIRST(&ask->failing)) != NULL) {
		TAILQ_REMOVE(&ask->failing, p, entry);
		free(p);
	}
	secret_free(ask, sizeof(*ask));
}

void
keeper_ask_attach(struct keeper_ask *ask, int auth_fd, int sign_fd)
{
	chan_close(&ask->auth);
	if (ask->sign_fd != -1)
		close(ask->sign_fd);
	ask->sign_fd = sign_fd;
	chan_open(&ask->auth, ask->loop, auth_fd, on_answer, on_gone, ask);
	/* Last: those who are told may ask anew. */
	fail_all(ask);
}

int
keeper_ask_verify(struct keeper_ask *ask, const char *site, bool known,
    const char *password, size_t len, void (*done)(void *arg, enum keeper_verdict verdict),
    void *arg)
{
	struct wire_writer writer;
	struct pending	  *p;
	uint8_t		   data[2 + CONF_NAME_MAX + 1 + REQUEST_MAX_PASSWORD];
	int		   r;

	/* What cannot be right still costs the time that a wrong one costs. */
	if (strlen(site) > CONF_NAME_MAX) {
		site = "";
		known = false;
	}
	if (len > REQUEST_MAX_PASSWORD) {
		len = 0;
		known = false;
	}
	wire_writer_init(&writer, data, sizeof(data));
	wire_put_string(&writer, site);
	wire_put_u8(&writer, known ? 1 : 0);
	wire_put_bytes(&writer, password, len);
	r = ask_new(ask, REQUEST_VERIFY, data, writer.len, arg, &p);
	secret_wipe(data, sizeof(data));
	if (r < 0)
		return r;
	p->verified = done;
	return 0;
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
keeper_ask_secret(struct keeper_ask *ask,
    void (*done)(void *arg, const char *secret, size_t len, int error),
    void *arg)
{
	struct pending *p;
	int		r = ask_new(ask, REQUEST_SECRET, NULL, 0, arg, &p);

	if (r < 0)
		return r;
	p->told = done;
	return 0;
}

gnutls_privkey_t
keeper_ask_privkey(struct keeper_ask *ask)
{
	struct chan_msg	   msg;
	struct wire_reader reader;
	gnutls_privkey_t   key;
	uint32_t	   pk, bits;

	if (converse(ask, REQUEST_SIGN_INFO, NULL, 0, &msg) < 0)
		return NULL;
	wire_reader_init(&reader, msg.data, msg.len);
	pk = wire_get_u32(&reader);
	bits = wire_get_u32(&reader);
	if (!wire_is_done(&reader) || bits == 0 || bits > KEY_MAX_BITS)
		return NULL;
	if (pk != GNUTLS_PK_RSA && pk != GNUTLS_PK_RSA_PSS &&
	    pk != GNUTLS_PK_ECDSA)
		return NULL;
	ask->pk = (gnutls_pk_algorithm_t)pk;
	ask->bits = bits;
	if (gnutls_privkey_init(&key) < 0)
		return NULL;
	/* GnuTLS 3.7 crashes without sign_hash; without sign_data it hashes. */
	if (gnutls_privkey_import_ext4(key, ask, NULL, sign_hash, NULL, NULL,
		key_info, 0) < 0) {
		gnutls_privkey_deinit(key);
		return NULL;
	}
	return key;
}

/* Sends; on success `*out` is listed, and the caller sets its callback. */
static int
ask_new(struct keeper_ask *ask, enum request type, const void *data, size_t len,
    void *arg, struct pending **out)
{
	struct pending *p;
	int		r;

	if (ask->auth.fd == -1)
		return -ENOTCONN;
	if (ask->nasked >= KEEPER_MAX_ASKS)
		return -EAGAIN;
	p = calloc(1, sizeof(*p));
	if (p == NULL)
		return -ENOMEM;
	p->id = chan_next_id(&ask->auth);
	p->type = type;
	p->arg = arg;
	r = chan_send(&ask->auth, (uint16_t)type, p->id, data, len, NULL, 0);
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
	if (p->cancelled)
		;
	else if (p->type == REQUEST_VERIFY)
		finish_verify(p, msg);
	else
		finish_secret(p, msg);
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
finish_verify(const struct pending *p, const struct chan_msg *msg)
{
	p->verified(p->arg,
	    msg->len == 1 && msg->data[0] == 1 ? KEEPER_YES : KEEPER_NO);
}

static void
finish_secret(const struct pending *p, const struct chan_msg *msg)
{
	struct wire_reader reader;
	uint32_t	   error;
	size_t		   len;

	wire_reader_init(&reader, msg->data, msg->len);
	error = wire_get_u32(&reader);
	len = wire_left(&reader);
	if (!wire_is_ok(&reader) || error > INT32_MAX ||
	    len > REQUEST_MAX_PASSWORD || (error == 0) != (len > 0))
		finish_failed(p, EBADMSG);
	else if (error != 0)
		finish_failed(p, (int)error);
	else
		p->told(p->arg, (const char *)wire_get_view(&reader, len), len,
		    0);
}

static void
finish_failed(const struct pending *p, int error)
{
	if (p->type == REQUEST_VERIFY)
		p->verified(p->arg, KEEPER_FAILED);
	else
		p->told(p->arg, NULL, 0, error);
}

/* GnuTLS's callback: it wants GnuTLS's codes, and frees the signature. */
static int
sign_hash(gnutls_privkey_t key, gnutls_sign_algorithm_t algorithm, void *arg,
    unsigned flags, const gnutls_datum_t *hash, gnutls_datum_t *signature)
{
	struct keeper_ask *ask = arg;
	struct wire_reader reader;
	struct wire_writer writer;
	struct chan_msg	   msg;
	uint8_t		   data[4 + 64];

	(void)key;
	(void)flags;
	/*
	 * A trial that GnuTLS makes with an RSA key when it is set; with
	 * PKCS#1 v1.5, which the keeper refuses and TLS 1.3 does not need.
	 */
	if (algorithm == GNUTLS_SIGN_RSA_RAW)
		return GNUTLS_E_UNSUPPORTED_SIGNATURE_ALGORITHM;
	wire_writer_init(&writer, data, sizeof(data));
	wire_put_u32(&writer, (uint32_t)algorithm);
	wire_put_bytes(&writer, hash->data, hash->size);
	if (!wire_writer_is_ok(&writer))
		return GNUTLS_E_PK_SIGN_FAILED;
	if (converse(ask, REQUEST_SIGN, data, writer.len, &msg) < 0)
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
	struct keeper_ask     *ask = arg;
	gnutls_sign_algorithm_t algorithm;

	(void)key;
	if ((flags & GNUTLS_PRIVKEY_INFO_PK_ALGO) != 0)
		return (int)ask->pk;
	/* Without its size GnuTLS refuses an RSA key for RSA-PSS. */
	if ((flags & GNUTLS_PRIVKEY_INFO_PK_ALGO_BITS) != 0)
		return (int)ask->bits;
	if ((flags & GNUTLS_PRIVKEY_INFO_HAVE_SIGN_ALGO) != 0) {
		algorithm = GNUTLS_FLAGS_TO_SIGN_ALGO(flags);
		return gnutls_sign_supports_pk_algorithm(algorithm, ask->pk) !=
		    0;
	}
	return -1;
}

/*
 * One question and its answer on the signing channel.  A keeper that does not
 * answer in time is given up: each further wait would stop the engine again.
 * It notices, ends, and the monitor brings a new one.
 */
static int
converse(struct keeper_ask *ask, enum request type, const void *data,
    size_t len, struct chan_msg *answer)
{
	int r;

	if (ask->sign_fd == -1)
		return -ENOTCONN;
	r = exchange(ask, type, data, len, answer);
	if (r == 0)
		return 0;
	log_warnx("the keeper does not sign: %s", strerror(-r));
	close(ask->sign_fd);
	ask->sign_fd = -1;
	return r;
}

static int
exchange(struct keeper_ask *ask, enum request type, const void *data,
    size_t len, struct chan_msg *answer)
{
	int r;

	ask->sign_id++;
	r = chan_send_fd(ask->sign_fd, (uint16_t)type, ask->sign_id, data, len,
	    NULL, 0);
	if (r < 0)
		return r;
	r = chan_recv_fd(ask->sign_fd, answer, ask->buf,
	    KEEPER_SIGN_TIMEOUT_MS);
	if (r < 0)
		return r;
	chan_msg_close_fds(answer);
	if (answer->type != type || answer->id != ask->sign_id)
		return -EBADMSG;
	return 0;
}
