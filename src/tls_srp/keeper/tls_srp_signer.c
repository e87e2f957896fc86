/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tls_srp_signer: tls-srp's row among the methods, and what its handshake wants
 * of the signer.
 *
 * GnuTLS cannot wait for a user's credential, so it is given out on the signer's
 * channel: limited, because each can be cracked.  And the ServerKeyExchange of
 * TLS 1.2 is signed by PKCS #1 v1.5: GnuTLS hands over the DigestInfo (RFC 8017
 * 9.2) itself.
 */
#include <errno.h>
#include <string.h>

#include <gnutls/abstract.h>

#include "base/secret.h"
#include "keeper/auth_method.h"
#include "keeper/credentials.h"
#include "keeper/secret_store.h"
#include "proc/request.h"
#include "tls_srp/keeper/auth_tls_srp.h"

static bool is_line(const char *line);
static int  serve(const struct secret_store *store, int fd,
     const struct chan_msg *msg, bool too_many, struct log_limit *complaints);
static int  may_sign(uint32_t kind, const uint8_t *hash, size_t len,
     unsigned *flags);
static bool is_digest_info(const uint8_t *data, size_t len);

const struct auth_method auth_method_tls_srp = { auth_tls_srp_make, is_line,
	serve, may_sign };

static bool
is_line(const char *line)
{
	struct auth_tls_srp user;

	return auth_tls_srp_parse(&user, line);
}

static int
serve(const struct secret_store *store, int fd, const struct chan_msg *msg,
    bool too_many, struct log_limit *complaints)
{
	struct secret_store_credential credential;
	struct auth_tls_srp	       user = { 0 }, disguised;
	struct request_known	       ask;
	struct request_tls_srp	       answer = { .error = too_many ? EAGAIN : 0 };
	int			       r;

	if (!chan_get(msg, &ask, sizeof(ask)) ||
	    !request_text_is_good(ask.site) || ask.known > 1)
		return -EBADMSG;
	secret_store_read(store, ask.site, ask.known == 1, CONF_AUTH_TLS_SRP,
	    &credential);
	if (credential.error != 0)
		credentials_complain(store->dir_fd, credential.name,
		    credential.error, complaints);
	if (answer.error == 0 && !auth_tls_srp_parse(&user, credential.line))
		answer.error = ENOENT;
	/* Made for everybody, for the time it takes. */
	disguised = user;
	auth_tls_srp_disguise(&disguised, store->salt_key, ask.site);
	if (!credential.real)
		user = disguised;
	if (answer.error == 0) {
		answer.group = user.group;
		answer.salt_len = (uint32_t)user.salt_len;
		answer.verifier_len = (uint32_t)user.v_len;
		memcpy(answer.salt, user.salt, user.salt_len);
		memcpy(answer.verifier, user.v, user.v_len);
	}
	secret_wipe(&credential, sizeof(credential));
	secret_wipe(&user, sizeof(user));
	secret_wipe(&disguised, sizeof(disguised));
	r = chan_send_fd(fd, REQUEST_TLS_SRP, msg->id, &answer, sizeof(answer),
	    NULL, 0);
	secret_wipe(&answer, sizeof(answer));
	return r;
}

static int
may_sign(uint32_t kind, const uint8_t *hash, size_t len, unsigned *flags)
{
	switch ((gnutls_sign_algorithm_t)kind) {
	case GNUTLS_SIGN_RSA_SHA256:
	case GNUTLS_SIGN_RSA_SHA384:
	case GNUTLS_SIGN_RSA_SHA512:
		return 0;
	case GNUTLS_SIGN_RSA_RAW:
		*flags = GNUTLS_PRIVKEY_SIGN_FLAG_TLS1_RSA;
		return is_digest_info(hash, len) ? 0 : -EINVAL;
	default:
		return -EPERM;
	}
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
