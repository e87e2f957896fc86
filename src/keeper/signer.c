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

#include "base/log.h"
#include "base/mono.h"
#include "base/nitems.h"
#include "base/secret.h"
#include "base/wire.h"
#include "keeper/credentials.h"
#include "proc/chan.h"
#include "proc/request.h"

#define SIGNATURE_MAX 2048 /* RSA of 16384 bits */

struct signer {
	int		 fd;
	gnutls_privkey_t key; /* NULL: there is no server.key */
	pthread_t	 thread;
	void (*on_gone)(void *arg);
	void		*arg;
	struct log_limit refusals;
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

static int   load_key(struct signer *signer, int dir_fd, char *why,
      size_t why_size);
static int   parse_key(const char *pem, size_t len, gnutls_privkey_t *key);
static void *serve(void *arg);
static int   serve_sign(struct signer *signer, const struct chan_msg *msg);
static int   serve_sign_info(struct signer *signer, const struct chan_msg *msg);
static int   sign(struct signer *signer, uint32_t algorithm,
      const uint8_t *hash, size_t len, gnutls_datum_t *signature);
static bool  is_allowed(uint32_t algorithm);
static void  log_refusal(struct signer *signer, uint32_t algorithm);

struct signer *
signer_start(int fd, int dir_fd, void (*on_gone)(void *arg), void *arg,
    char *why, size_t why_size)
{
	struct signer *signer = calloc(1, sizeof(*signer));
	int	       r;

	if (signer == NULL) {
		snprintf(why, why_size, "%s", strerror(errno));
		close(fd);
		return NULL;
	}
	signer->fd = fd;
	signer->on_gone = on_gone;
	signer->arg = arg;
	if (load_key(signer, dir_fd, why, why_size) < 0)
		goto fail;
	r = pthread_create(&signer->thread, NULL, serve, signer);
	if (r == 0)
		return signer;
	snprintf(why, why_size, "cannot start a thread: %s", strerror(r));
	gnutls_privkey_deinit(signer->key);
fail:
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
	gnutls_privkey_deinit(signer->key);
	secret_free(signer, sizeof(*signer));
}

static int
load_key(struct signer *signer, int dir_fd, char *why, size_t why_size)
{
	size_t len;
	char  *pem;
	int    r = credentials_read(dir_fd, CREDENTIALS_KEY, &pem, &len);

	if (r == -ENOENT)
		return 0;
	if (r < 0) {
		credentials_explain(dir_fd, CREDENTIALS_KEY, r, why, why_size);
		return r;
	}
	r = parse_key(pem, len, &signer->key);
	secret_free(pem, len + 1);
	if (r == -EBADMSG)
		snprintf(why, why_size,
		    CREDENTIALS_KEY ": not an unencrypted RSA or ECDSA key "
				    "in PEM");
	else if (r < 0)
		snprintf(why, why_size, CREDENTIALS_KEY ": %s", strerror(-r));
	return r;
}

/* 0, -EBADMSG or -ENOMEM. */
static int
parse_key(const char *pem, size_t len, gnutls_privkey_t *key)
{
	/* GnuTLS only reads it; its datum has no const. */
	gnutls_datum_t	 text = { (unsigned char *)(uintptr_t)pem,
		 (unsigned)len };
	gnutls_privkey_t loaded;
	int		 pk;

	if (gnutls_privkey_init(&loaded) < 0)
		return -ENOMEM;
	if (gnutls_privkey_import_x509_raw(loaded, &text, GNUTLS_X509_FMT_PEM,
		NULL, GNUTLS_PKCS_PLAIN) < 0) {
		gnutls_privkey_deinit(loaded);
		return -EBADMSG;
	}
	pk = gnutls_privkey_get_pk_algorithm(loaded, NULL);
	if (pk != GNUTLS_PK_RSA && pk != GNUTLS_PK_RSA_PSS &&
	    pk != GNUTLS_PK_ECDSA) {
		gnutls_privkey_deinit(loaded);
		return -EBADMSG;
	}
	*key = loaded;
	return 0;
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
	size_t		   len;
	int		   r;

	wire_reader_init(&reader, msg->data, msg->len);
	algorithm = wire_get_u32(&reader);
	if (!wire_is_ok(&reader))
		return -EBADMSG;
	len = wire_left(&reader);
	r = sign(signer, algorithm, wire_get_view(&reader, len), len,
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

	if (msg->len != 0)
		return -EBADMSG;
	if (signer->key != NULL)
		pk = gnutls_privkey_get_pk_algorithm(signer->key, &bits);
	wire_write_u32(answer, pk > 0 ? (uint32_t)pk : GNUTLS_PK_UNKNOWN);
	wire_write_u32(answer + 4, bits);
	return chan_send_fd(signer->fd, REQUEST_SIGN_INFO, msg->id, answer,
	    sizeof(answer), NULL, 0);
}

/* 0 and a signature (gnutls_free), or a negative errno value. */
static int
sign(struct signer *signer, uint32_t algorithm, const uint8_t *hash, size_t len,
    gnutls_datum_t *signature)
{
	gnutls_datum_t		   datum = { (unsigned char *)(uintptr_t)hash,
			    (unsigned)len };
	gnutls_digest_algorithm_t digest;

	if (signer->key == NULL)
		return -ENOENT;
	if (!is_allowed(algorithm)) {
		log_refusal(signer, algorithm);
		return -EPERM;
	}
	digest = gnutls_sign_get_hash_algorithm(
	    (gnutls_sign_algorithm_t)algorithm);
	if (len == 0 || len != gnutls_hash_get_len(digest))
		return -EINVAL;
	if (gnutls_privkey_sign_hash2(signer->key,
		(gnutls_sign_algorithm_t)algorithm, 0, &datum, signature) < 0)
		return -EIO;
	return 0;
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

static void
log_refusal(struct signer *signer, uint32_t algorithm)
{
	uint64_t swallowed;

	if (log_limit_allow(&signer->refusals, mono_now().us, &swallowed))
		log_warnx("the engine asked for a signature of kind %u, which "
			  "TLS 1.3 does not need: refused",
		    (unsigned)algorithm);
}
