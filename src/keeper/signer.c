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
#include "base/wire.h"
#include "keeper/auth_tls_srp.h"
#include "keeper/credentials.h"
#include "keeper/keeper_ask.h"
#include "keeper/vault.h"
#include "pki/keypair.h"
#include "proc/chan.h"
#include "proc/request.h"

#define SIGNATURE_MAX 2048 /* RSA of 16384 bits */
/*
 * More than one control thread can shake hands in a second: an honest one, even
 * in a flood of strangers, never gets there.
 */
#define SIGN_BURST    4096
#define SIGN_PER_SEC  2000

struct signer {
	int		 fd;
	gnutls_privkey_t keys[REQUEST_KEYS]; /* NULL: there is none */
	const struct vault *vault;
	struct bucket	 sign_bucket, srp_bucket;
	uint64_t	 limited;
	pthread_t	 thread;
	void (*on_gone)(void *arg);
	void		*arg;
	struct log_limit refusals, complaints;
	uint8_t		 buf[CHAN_MAX_PAYLOAD];
};

/* What RFC 8446 has for CertificateVerify, EdDSA left out (it takes no hash). */
static const gnutls_sign_algorithm_t allowed[] = {
	GNUTLS_SIGN_ECDSA_SHA256,
	GNUTLS_SIGN_ECDSA_SHA384,
	GNUTLS_SIGN_ECDSA_SHA512,
	GNUTLS_SIGN_ECDSA_SECP256R1_SHA256,
	GNUTLS_SIGN_ECDSA_SECP384R1_SHA384,
	GNUTLS_SIGN_ECDSA_SECP521R1_SHA512,
	GNUTLS_SIGN_RSA_PSS_SHA256,
	GNUTLS_SIGN_RSA_PSS_SHA384,
	GNUTLS_SIGN_RSA_PSS_SHA512,
	GNUTLS_SIGN_RSA_PSS_RSAE_SHA256,
	GNUTLS_SIGN_RSA_PSS_RSAE_SHA384,
	GNUTLS_SIGN_RSA_PSS_RSAE_SHA512,
};

/*
 * And with the key for tls-srp: a ServerKeyExchange of TLS 1.2, PKCS #1 v1.5.
 * GnuTLS hands over the DigestInfo (RFC 8017 9.2) itself.
 */
static const gnutls_sign_algorithm_t allowed_rsa[] = {
	GNUTLS_SIGN_RSA_SHA256,
	GNUTLS_SIGN_RSA_SHA384,
	GNUTLS_SIGN_RSA_SHA512,
};

static void  free_keys(struct signer *signer);
static bool  load_keys(struct signer *signer, char *why, size_t why_size);
static const char *key_name(const struct vault *vault, unsigned which);
static void  load_late(struct signer *signer, unsigned which);
static int   load_key(const struct vault *vault, const char *name,
      gnutls_privkey_t *key, char *why, size_t why_size);
static void *serve(void *arg);
static int   serve_sign(struct signer *signer, const struct chan_msg *msg);
static int   serve_sign_info(struct signer *signer, const struct chan_msg *msg);
static int   serve_tls_srp(struct signer *signer, const struct chan_msg *msg);
static int   sign(struct signer *signer, uint8_t which, uint32_t algorithm,
      const uint8_t *hash, size_t len, gnutls_datum_t *signature);
static bool  is_allowed(uint8_t which, uint32_t algorithm);
static bool  is_digest_info(const uint8_t *data, size_t len);
static bool  is_too_many(struct signer *signer, struct bucket *bucket,
      unsigned burst, unsigned per_sec, const char *what);
static void  log_refusal(struct signer *signer, uint32_t algorithm);
static void  complain(struct signer *signer,
      const struct vault_credential *credential);

struct signer *
signer_start(int fd, const struct vault *vault, void (*on_gone)(void *arg),
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
	signer->vault = vault;
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
	/* Wakes the thread, which takes it for the other end's leaving. */
	shutdown(signer->fd, SHUT_RDWR);
	pthread_join(signer->thread, NULL);
	close(signer->fd);
	free_keys(signer);
	secret_free(signer, sizeof(*signer));
}

static void
free_keys(struct signer *signer)
{
	for (size_t i = 0; i < nitems(signer->keys); i++) {
		if (signer->keys[i] != NULL)
			gnutls_privkey_deinit(signer->keys[i]);
	}
}

static bool
load_keys(struct signer *signer, char *why, size_t why_size)
{
	for (unsigned i = 0; i < REQUEST_KEYS; i++) {
		const char *name = key_name(signer->vault, i);

		if (name != NULL &&
		    load_key(signer->vault, name, &signer->keys[i], why,
			why_size) < 0)
			return false;
	}
	return true;
}

/* NULL when this role has no such key. */
static const char *
key_name(const struct vault *vault, unsigned which)
{
	if (which == REQUEST_KEY_RSA)
		return vault->server ? CREDENTIALS_RSA_KEY : NULL;
	return vault->server ? CREDENTIALS_KEY : CREDENTIALS_SITE_KEY;
}

/* `site add` makes the one for tls-srp while we run. */
static void
load_late(struct signer *signer, unsigned which)
{
	const char *name = key_name(signer->vault, which);
	uint64_t    swallowed;
	char	    why[512];

	if (signer->keys[which] != NULL || name == NULL ||
	    load_key(signer->vault, name, &signer->keys[which], why,
		sizeof(why)) == 0)
		return;
	if (log_limit_allow(&signer->complaints, mono_now().us, &swallowed))
		log_warnx("%s", why);
}

static int
load_key(const struct vault *vault, const char *name, gnutls_privkey_t *key,
    char *why, size_t why_size)
{
	struct keypair loaded;
	size_t		len;
	char	       *pem, reason[KEYPAIR_WHY_SIZE];
	int		r = credentials_read(vault->dir_fd, name, &pem, &len);

	if (r == -ENOENT)
		return 0;
	if (r < 0) {
		credentials_explain(vault->dir_fd, name, r, why, why_size);
		return r;
	}
	if (keypair_read_key(pem, len, &loaded, reason)) {
		*key = loaded.key;
	} else {
		snprintf(why, why_size, "%s: %s", name, reason);
		r = -EBADMSG;
	}
	secret_free(pem, len + 1);
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
		else if (msg.type == REQUEST_SIGN_INFO)
			r = serve_sign_info(signer, &msg);
		else if (msg.type == REQUEST_TLS_SRP)
			r = serve_tls_srp(signer, &msg);
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

/* 0 when it was answered, even with a refusal. */
static int
serve_sign(struct signer *signer, const struct chan_msg *msg)
{
	struct wire_reader reader;
	struct wire_writer writer;
	gnutls_datum_t	   signature = { NULL, 0 };
	uint8_t		   answer[4 + SIGNATURE_MAX];
	uint32_t	   algorithm;
	uint8_t		   which;
	size_t		   len;
	int		   r;

	wire_reader_init(&reader, msg->data, msg->len);
	which = wire_get_u8(&reader);
	algorithm = wire_get_u32(&reader);
	if (!wire_is_ok(&reader) || which >= REQUEST_KEYS)
		return -EBADMSG;
	len = wire_left(&reader);
	r = sign(signer, which, algorithm, wire_get_view(&reader, len), len,
	    &signature);
	wire_writer_init(&writer, answer, sizeof(answer));
	wire_put_u32(&writer, (uint32_t)-r);
	wire_put_bytes(&writer, signature.data, signature.size);
	gnutls_free(signature.data);
	if (!wire_writer_is_ok(&writer))
		return -EMSGSIZE;
	return chan_send_fd(signer->fd, REQUEST_SIGN, msg->id, answer,
	    writer.len, NULL, 0);
}

static int
serve_sign_info(struct signer *signer, const struct chan_msg *msg)
{
	unsigned bits = 0;
	int	 pk = GNUTLS_PK_UNKNOWN;
	uint8_t	 answer[8];

	if (msg->len != 1 || msg->data[0] >= REQUEST_KEYS)
		return -EBADMSG;
	load_late(signer, msg->data[0]);
	if (signer->keys[msg->data[0]] != NULL)
		pk = gnutls_privkey_get_pk_algorithm(
		    signer->keys[msg->data[0]], &bits);
	wire_write_u32(answer, pk > 0 ? (uint32_t)pk : GNUTLS_PK_UNKNOWN);
	wire_write_u32(answer + 4, bits);
	return chan_send_fd(signer->fd, REQUEST_SIGN_INFO, msg->id, answer,
	    sizeof(answer), NULL, 0);
}

static int
serve_tls_srp(struct signer *signer, const struct chan_msg *msg)
{
	struct vault_credential credential;
	struct auth_tls_srp	user = { 0 }, disguised;
	struct wire_reader	reader;
	struct wire_writer	writer;
	char	site[CONF_NAME_MAX + 1];
	uint8_t answer[REQUEST_MAX_BLOB], known;
	int	error = 0, r;

	wire_reader_init(&reader, msg->data, msg->len);
	wire_get_string(&reader, site, sizeof(site));
	known = wire_get_u8(&reader);
	if (!wire_is_done(&reader) || known > 1)
		return -EBADMSG;
	if (is_too_many(signer, &signer->srp_bucket, KEEPER_TLS_SRP_BURST,
		KEEPER_TLS_SRP_PER_SEC,
		"credentials for tls-srp"))
		error = EAGAIN;
	vault_read(signer->vault, site, known == 1, CONF_AUTH_TLS_SRP,
	    &credential);
	if (credential.error != 0)
		complain(signer, &credential);
	if (error == 0 && !auth_tls_srp_parse(&user, credential.line))
		error = ENOENT;
	/* Made for everybody, for the time it takes. */
	disguised = user;
	auth_tls_srp_disguise(&disguised, signer->vault->salt_key, site);
	if (!credential.real)
		user = disguised;
	if (error != 0)
		user = (struct auth_tls_srp) { 0 };
	wire_writer_init(&writer, answer, sizeof(answer));
	wire_put_u32(&writer, (uint32_t)error);
	wire_put_u16(&writer, (uint16_t)user.group);
	wire_put_u16(&writer, (uint16_t)user.salt_len);
	wire_put_bytes(&writer, user.salt, user.salt_len);
	wire_put_u16(&writer, (uint16_t)user.v_len);
	wire_put_bytes(&writer, user.v, user.v_len);
	secret_wipe(&credential, sizeof(credential));
	secret_wipe(&user, sizeof(user));
	secret_wipe(&disguised, sizeof(disguised));
	r = chan_send_fd(signer->fd, REQUEST_TLS_SRP, msg->id, answer,
	    writer.len, NULL, 0);
	secret_wipe(answer, sizeof(answer));
	return r;
}

/* 0 and a signature (gnutls_free), or a negative errno value. */
static int
sign(struct signer *signer, uint8_t which, uint32_t algorithm,
    const uint8_t *hash, size_t len, gnutls_datum_t *signature)
{
	gnutls_datum_t		   datum = { (unsigned char *)(uintptr_t)hash,
			    (unsigned)len };
	gnutls_sign_algorithm_t	   kind = (gnutls_sign_algorithm_t)algorithm;
	gnutls_privkey_t	   key = signer->keys[which];
	unsigned		   flags = 0;

	if (key == NULL)
		return -ENOENT;
	if (is_too_many(signer, &signer->sign_bucket, SIGN_BURST, SIGN_PER_SEC,
		"signatures"))
		return -EAGAIN;
	if (which == REQUEST_KEY_RSA && kind == GNUTLS_SIGN_RSA_RAW) {
		if (!is_digest_info(hash, len))
			return -EINVAL;
		flags = GNUTLS_PRIVKEY_SIGN_FLAG_TLS1_RSA;
	} else if (!is_allowed(which, algorithm)) {
		log_refusal(signer, algorithm);
		return -EPERM;
	} else if (len == 0 ||
	    len != gnutls_hash_get_len(gnutls_sign_get_hash_algorithm(kind))) {
		return -EINVAL;
	}
	if (flags != 0 ?
		gnutls_privkey_sign_hash(key, GNUTLS_DIG_UNKNOWN, flags,
		    &datum, signature) < 0 :
		gnutls_privkey_sign_hash2(key, kind, 0, &datum, signature) < 0)
		return -EIO;
	return 0;
}

static bool
is_allowed(uint8_t which, uint32_t algorithm)
{
	for (size_t i = 0; i < nitems(allowed); i++) {
		if (algorithm == (uint32_t)allowed[i])
			return true;
	}
	for (size_t i = 0; i < nitems(allowed_rsa); i++) {
		if (algorithm == (uint32_t)allowed_rsa[i])
			return which == REQUEST_KEY_RSA;
	}
	return false;
}

/* SHA-256, -384 or -512: the DER in front of them differs in three bytes. */
static bool
is_digest_info(const uint8_t *data, size_t len)
{
	static const uint8_t oid[] = { 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48,
		0x01, 0x65, 0x03, 0x04, 0x02 };
	size_t digest = len - 19;

	return (len == 19 + 32 || len == 19 + 48 || len == 19 + 64) &&
	    data[0] == 0x30 && data[1] == len - 2 &&
	    memcmp(data + 2, oid, sizeof(oid)) == 0 && data[14] >= 1 &&
	    data[14] <= 3 && data[15] == 0x05 && data[16] == 0 &&
	    data[17] == 0x04 && data[18] == digest;
}

/* An engine that is somebody else's would use us as long as it can. */
static bool
is_too_many(struct signer *signer, struct bucket *bucket, unsigned burst,
    unsigned per_sec, const char *what)
{
	struct mono now = mono_now();
	uint64_t    swallowed;

	if (bucket_take(bucket, burst, MONO_SEC / per_sec, now))
		return false;
	signer->limited++;
	if (log_limit_allow(&signer->refusals, now.us, &swallowed))
		log_warnx("the engine asks for %s too often: refused, %llu so "
			  "far", what, (unsigned long long)signer->limited);
	return true;
}

static void
log_refusal(struct signer *signer, uint32_t algorithm)
{
	uint64_t swallowed;

	if (log_limit_allow(&signer->refusals, mono_now().us, &swallowed))
		log_warnx("the engine asked for a signature of kind %u, which "
			  "TLS 1.3 does not need: refused",
		    (unsigned)algorithm);
}

/* As the keeper's own: a stranger who knows a site's name causes these. */
static void
complain(struct signer *signer, const struct vault_credential *credential)
{
	uint64_t swallowed;
	char	 text[512];

	if (log_limit_allow(&signer->complaints, mono_now().us, &swallowed))
		log_warnx("%s", credentials_explain(signer->vault->dir_fd,
		    credential->name, credential->error, text, sizeof(text)));
}
