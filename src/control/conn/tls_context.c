/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include "control/conn/tls_context.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <bsd/string.h>

#include "base/nitems.h"
#include "base/secret.h"
#include "pki/keypair.h"
#include "pki/x509.h"

/*
 * TLS 1.3 uses SIGN-RSA only for signatures of CAs, but without it GnuTLS 3.7
 * refuses all certificates with an RSA key.
 */
#define PRIORITY                                                               \
	"NONE:+VERS-TLS1.3:+AES-256-GCM:+AES-128-GCM:+CHACHA20-POLY1305:"      \
	"+AEAD:%s+GROUP-X25519:+GROUP-SECP256R1:+GROUP-SECP384R1:"             \
	"+SIGN-ECDSA-SECP256R1-SHA256:+SIGN-ECDSA-SECP384R1-SHA384:"           \
	"+SIGN-ECDSA-SECP521R1-SHA512:"                                        \
	"+SIGN-ECDSA-SHA256:+SIGN-ECDSA-SHA384:+SIGN-ECDSA-SHA512:"            \
	"+SIGN-EDDSA-ED25519:+SIGN-RSA-PSS-RSAE-SHA256:"                       \
	"+SIGN-RSA-PSS-RSAE-SHA384:+SIGN-RSA-PSS-RSAE-SHA512:"                 \
	"+SIGN-RSA-PSS-SHA256:+SIGN-RSA-PSS-SHA384:+SIGN-RSA-PSS-SHA512:"      \
	"+SIGN-RSA-SHA256:+SIGN-RSA-SHA384:+SIGN-RSA-SHA512:"                  \
	"+COMP-NULL:+CTYPE-X509"
#define PQ_GROUP "+GROUP-X25519-MLKEM768:"

static time_t good_clock(time_t *t);
static void wipe_and_free(void *p);
static void *wipe_and_realloc(void *old, size_t size);
static struct tls_context *context_new(bool server,
    struct tls_handshake *other, char *why);
static int  init_priority(gnutls_priority_t *priority);
static bool add_key(struct tls_context *context, const struct ca_pem *chain,
    gnutls_privkey_t *key, const char *whose, char *why);
static bool believe(struct tls_context *context, const struct ca_pem *ca,
    const char *whose, char *why);
static bool heed_crl(struct tls_context *context, const struct ca_pem *pem,
    char *why);

/* Only the control thread wipes: workers free too many records. */
static _Thread_local bool wiping;

void
tls_context_setup(void)
{
	wiping = true;
	/* GnuTLS would write session keys to that file, or crash trying. */
	(void)unsetenv("SSLKEYLOGFILE");
	/* The library exports these variables for this purpose. */
	gnutls_free = wipe_and_free;
	gnutls_realloc = wipe_and_realloc;
}

time_t
tls_context_time(void)
{
	return good_clock(NULL);
}

struct tls_context *
tls_context_new_server(const struct tls_context_server *config, char *why)
{
	struct tls_context *context = context_new(true, config->other, why);
	gnutls_privkey_t    key = config->key, rsa_key = config->rsa_key;

	if (context == NULL ||
	    !add_key(context, &config->chain, &key, "the hub's", why) ||
	    (rsa_key != NULL && !add_key(context, &config->rsa_chain, &rsa_key,
		"the hub's RSA", why)))
		goto fail;
	context->asks_sites = config->site_ca.len > 0;
	if (!context->asks_sites ||
	    (believe(context, &config->site_ca, "sites'", why) &&
		heed_crl(context, &config->crl, why)))
		return context;

fail:
	gnutls_privkey_deinit(key);
	gnutls_privkey_deinit(rsa_key);
	tls_context_put(context);
	return NULL;
}

struct tls_context *
tls_context_new_client(const struct tls_context_client *config, char *why)
{
	struct tls_context *context = context_new(false, config->other, why);
	gnutls_privkey_t    key = config->site_key;

	if (context != NULL &&
	    (key == NULL || add_key(context, &config->site_chain, &key,
		"this site's", why)) &&
	    believe(context, &config->ca, "the hub's", why))
		return context;
	gnutls_privkey_deinit(key);
	tls_context_put(context);
	return NULL;
}

void
tls_context_refuse_sites(struct tls_context *context)
{
	context->asks_sites = false;
}

void
tls_context_put(struct tls_context *context)
{
	if (context == NULL || --context->refs > 0)
		return;
	if (context->other != NULL)
		context->other->free(context->other);
	for (unsigned i = 0; i < context->ncrls; i++)
		gnutls_x509_crl_deinit(context->crls[i]);
	gnutls_free(context->crls);
	if (context->cred != NULL)
		gnutls_certificate_free_credentials(context->cred);
	if (context->priority != NULL)
		gnutls_priority_deinit(context->priority);
	free(context);
}

/*
 * The clock, but never before the program was built: such a clock is wrong, and
 * would accept a certificate that expired long ago.
 */
static time_t
good_clock(time_t *t)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	if (now.tv_sec < (time_t)BUILD_EPOCH)
		now.tv_sec = (time_t)BUILD_EPOCH;
	if (t != NULL)
		*t = now.tv_sec;
	return now.tv_sec;
}

static void
wipe_and_free(void *p)
{
	if (wiping && p != NULL)
		secret_wipe(p, malloc_usable_size(p));
	free(p);
}

static void *
wipe_and_realloc(void *old, size_t size)
{
	size_t old_size;
	void  *p;

	if (!wiping || old == NULL)
		return realloc(old, size);
	old_size = malloc_usable_size(old);
	p = malloc(size);
	if (p == NULL)
		return NULL;
	memcpy(p, old, old_size < size ? old_size : size);
	wipe_and_free(old);
	return p;
}

static struct tls_context *
context_new(bool server, struct tls_handshake *other, char *why)
{
	struct tls_context *context = calloc(1, sizeof(*context));

	if (context == NULL) {
		strlcpy(why, "out of memory", TLS_WHY_SIZE);
		if (other != NULL)
			other->free(other);
		return NULL;
	}
	*context = (struct tls_context) { .refs = 1, .server = server,
		.other = other };
	gnutls_global_set_time_function(good_clock);
	if (init_priority(&context->priority) < 0 ||
	    gnutls_certificate_allocate_credentials(&context->cred) < 0) {
		strlcpy(why, "this host's policy for GnuTLS does not allow "
		    "TLS 1.3 with AES-GCM and X25519", TLS_WHY_SIZE);
		tls_context_put(context);
		return NULL;
	}
	return context;
}

static int
init_priority(gnutls_priority_t *priority)
{
	static const char *const groups[] = { PQ_GROUP, "" };
	char			 text[768];
	int			 r = -1;

	for (size_t i = 0; i < nitems(groups) && r < 0; i++) {
		snprintf(text, sizeof(text), PRIORITY, groups[i]);
		r = gnutls_priority_init(priority, text, NULL);
	}
	return r;
}

/* A proven pair.  The key is NULL when it has been taken over. */
static bool
add_key(struct tls_context *context, const struct ca_pem *chain,
    gnutls_privkey_t *key, const char *whose, char *why)
{
	gnutls_datum_t	datum = x509_datum(chain->text, chain->len);
	gnutls_pcert_st certs[KEYPAIR_MAX_CHAIN];
	unsigned	n = KEYPAIR_MAX_CHAIN;
	int		r;

	r = gnutls_pcert_list_import_x509_raw(certs, &n, &datum,
	    GNUTLS_X509_FMT_PEM, 0);
	/* The keeper has tried; GnuTLS's own trial would have to wait for it. */
	gnutls_certificate_set_flags(context->cred,
	    GNUTLS_CERTIFICATE_SKIP_KEY_CERT_MATCH);
	/* Takes over the certificates and the key, unless it fails. */
	if (r >= 0)
		r = gnutls_certificate_set_key(context->cred, NULL, 0, certs,
		    (int)n, *key);
	if (r >= 0)
		*key = NULL;
	else
		snprintf(why, TLS_WHY_SIZE, "%s certificate cannot be used: %s",
		    whose, gnutls_strerror(r));
	return r >= 0;
}

static bool
believe(struct tls_context *context, const struct ca_pem *ca,
    const char *whose, char *why)
{
	gnutls_datum_t datum = x509_datum(ca->text, ca->len);
	int r = gnutls_certificate_set_x509_trust_mem(context->cred, &datum,
	    GNUTLS_X509_FMT_PEM);

	if (r > 0)
		return true;
	snprintf(why, TLS_WHY_SIZE, "the certificate of %s CA cannot be read: "
	    "%s", whose, r < 0 ? gnutls_strerror(r) : "none in the file");
	return false;
}

/* An empty list revokes nothing; one that cannot be read is no empty one. */
static bool
heed_crl(struct tls_context *context, const struct ca_pem *pem, char *why)
{
	gnutls_datum_t datum = x509_datum(pem->text, pem->len);
	int	       r;

	if (pem->len == 0)
		return true;
	r = gnutls_x509_crl_list_import2(&context->crls, &context->ncrls,
	    &datum, GNUTLS_X509_FMT_PEM, 0);
	if (r >= 0)
		r = gnutls_certificate_set_x509_crl_mem(context->cred, &datum,
		    GNUTLS_X509_FMT_PEM);
	if (r >= 0)
		return true;
	snprintf(why, TLS_WHY_SIZE, "the list of revoked certificates (crl) "
	    "cannot be read: %s", gnutls_strerror(r));
	return false;
}
