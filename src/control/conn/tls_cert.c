/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "control/conn/tls_cert.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <gnutls/x509.h>

#include "base/nitems.h"
#include "control/conn/tls.h"
#include "control/conn/tls_context.h"
#include "pki/x509.h"

static gnutls_x509_crt_t peers_leaf(struct tls *tls);
static gnutls_x509_crt_t import(const gnutls_datum_t *der);

bool
tls_cert_is_site(struct tls *tls, const char *site)
{
	gnutls_typed_vdata_st purpose = {
		.type = GNUTLS_DT_KEY_PURPOSE_OID,
		.data = (unsigned char *)(uintptr_t)GNUTLS_KP_TLS_WWW_CLIENT };
	gnutls_x509_crt_t leaf;
	unsigned	  status = 1;
	bool		  is_site;

	if (!tls_context(tls)->asks_sites ||
	    gnutls_certificate_verify_peers(tls_session(tls), &purpose, 1,
		&status) < 0 ||
	    status != 0)
		return false;
	leaf = peers_leaf(tls);
	if (leaf == NULL)
		return false;
	is_site = x509_has_only_name(leaf, site);
	gnutls_x509_crt_deinit(leaf);
	return is_site;
}

struct tls_cert *
tls_cert_get(struct tls *tls)
{
	unsigned	      n = 0;
	const gnutls_datum_t *chain = gnutls_certificate_get_peers(
	    tls_session(tls), &n);
	struct tls_cert	     *cert;

	if (n == 0)
		return NULL;
	cert = malloc(sizeof(*cert) + chain[0].size);
	if (cert == NULL)
		return NULL;
	cert->len = chain[0].size;
	memcpy(cert->der, chain[0].data, cert->len);
	return cert;
}

bool
tls_cert_is_revoked(const struct tls_cert *cert,
    const struct tls_context *context)
{
	gnutls_datum_t	  der;
	gnutls_x509_crt_t leaf;
	bool		  revoked;

	if (cert == NULL)
		return true;
	der.data = (unsigned char *)(uintptr_t)cert->der;
	der.size = (unsigned)cert->len;
	leaf = import(&der);
	if (leaf == NULL)
		return true;
	revoked = gnutls_x509_crt_check_revocation(leaf, context->crls,
	    context->ncrls) != 0;
	gnutls_x509_crt_deinit(leaf);
	return revoked;
}

/* GnuTLS would compare the common name instead; PROTOCOL 3.2 forbids that. */
bool
tls_cert_names_itself(struct tls *tls)
{
	gnutls_x509_crt_t leaf = peers_leaf(tls);
	bool		  found = false;
	int		  r = 0;

	if (leaf == NULL)
		return false;
	/*
	 * A name of another type, such as a mail address, does not prevent
	 * that.
	 */
	for (unsigned i = 0; r >= 0 && !found; i++) {
		char   name[256];
		size_t size = sizeof(name);

		r = gnutls_x509_crt_get_subject_alt_name2(leaf, i, name, &size,
		    NULL, NULL);
		if (r == GNUTLS_E_SHORT_MEMORY_BUFFER)
			r = GNUTLS_SAN_OTHERNAME;
		found = r == GNUTLS_SAN_DNSNAME || r == GNUTLS_SAN_IPADDRESS;
	}
	gnutls_x509_crt_deinit(leaf);
	return found;
}

time_t
tls_cert_end(struct tls *tls)
{
	gnutls_x509_crt_t leaf = peers_leaf(tls);
	time_t		  end = 0;

	if (leaf == NULL)
		return 0;
	end = gnutls_x509_crt_get_expiration_time(leaf);
	gnutls_x509_crt_deinit(leaf);
	return end > 0 ? end : 0;
}

/* Reports the most serious failure. */
void
tls_cert_explain(struct tls *tls, const char *name, char *why, size_t size)
{
	static const struct {
		unsigned    flag;
		const char *text;
	} reasons[] = {
		/* The CA of a hub that was set up again has the same name. */
		{ GNUTLS_CERT_SIGNER_NOT_FOUND | GNUTLS_CERT_SIGNATURE_FAILURE,
		    "it was not made by the CA of this site's invitation: the "
		    "hub was set up again (then join again), or somebody "
		    "intercepts the connection" },
		{ GNUTLS_CERT_REVOKED, "it is revoked" },
		{ GNUTLS_CERT_UNEXPECTED_OWNER,
		    "it is for another name: check `name` in the "
		    "configuration's [client] section" },
		{ GNUTLS_CERT_NOT_ACTIVATED,
		    "it is not valid yet: check this host's clock" },
		{ GNUTLS_CERT_EXPIRED,
		    "it has expired: check this host's clock, or renew the "
		    "certificate on the hub" },
		{ GNUTLS_CERT_PURPOSE_MISMATCH,
		    "it is not a server's certificate" },
	};
	unsigned    status = gnutls_session_get_verify_cert_status(
			    tls_session(tls));
	unsigned    n = 0;
	const char *text = "it is not acceptable";

	(void)gnutls_certificate_get_peers(tls_session(tls), &n);
	for (size_t i = 0; i < nitems(reasons); i++) {
		if ((status & reasons[i].flag) != 0) {
			text = reasons[i].text;
			break;
		}
	}
	/* Neither a new hub's own certificate nor an attacker's has a chain. */
	if (n > 1 && text == reasons[0].text)
		text = "its chain does not lead to the CA of this site's "
		       "invitation: the hub's file must contain the "
		       "intermediate certificates, 8 at most; or join again";
	snprintf(why, size, "the certificate of the hub (%s) is refused: %s",
	    name, text);
}

/* The other end's own certificate; NULL if it sent none. */
static gnutls_x509_crt_t
peers_leaf(struct tls *tls)
{
	unsigned	      n = 0;
	const gnutls_datum_t *chain = gnutls_certificate_get_peers(
	    tls_session(tls), &n);

	return n == 0 ? NULL : import(&chain[0]);
}

static gnutls_x509_crt_t
import(const gnutls_datum_t *der)
{
	gnutls_x509_crt_t cert;

	if (gnutls_x509_crt_init(&cert) < 0)
		return NULL;
	if (gnutls_x509_crt_import(cert, der, GNUTLS_X509_FMT_DER) == 0)
		return cert;
	gnutls_x509_crt_deinit(cert);
	return NULL;
}
