/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include "pki/ca.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <gnutls/gnutls.h>
#include <gnutls/x509.h>

#include "base/addr.h"
#include "base/secret.h"

#define SERIAL_LEN 20 /* RFC 5280 4.1.2.2: at most */
#define CN_MAX	   64 /* RFC 5280, ub-common-name */
#define NAME_MAX_LEN 253
#define YEAR_SEC   ((time_t)31556952)

static int errno_of(int gnutls_error);
static bool is_dns_name(const char *name);
static int  import_key(const struct ca_pem *pem, gnutls_x509_privkey_t *key);
static int  import_cert(const char *text, size_t len, gnutls_x509_crt_t *cert);
static int  export_cert(gnutls_x509_crt_t cert, struct ca_pem *pem);
static int  fill_common(gnutls_x509_crt_t cert, gnutls_x509_privkey_t key,
     time_t expiry);
static int  fill_ca(gnutls_x509_crt_t cert, gnutls_x509_privkey_t key,
     const char *name, time_t now);
static int  fill_server(gnutls_x509_crt_t cert, gnutls_x509_privkey_t key,
     gnutls_x509_crt_t ca, const char *name, time_t now);
static int  set_name(gnutls_x509_crt_t cert, const char *name);
static int  set_serial(gnutls_x509_crt_t cert);
static int  set_authority(gnutls_x509_crt_t cert, gnutls_x509_crt_t issuer);
static bool is_key_of(gnutls_x509_privkey_t key, gnutls_x509_crt_t cert);
static int  set_text(struct ca_pem *pem, const gnutls_datum_t *text);

void
ca_pem_fini(struct ca_pem *pem)
{
	if (pem->text != NULL)
		secret_free(pem->text, pem->len + 1);
	*pem = (struct ca_pem) { 0 };
}

time_t
ca_now(void)
{
	time_t now = time(NULL);

	return now < (time_t)BUILD_EPOCH ? (time_t)BUILD_EPOCH : now;
}

int
ca_make_key(struct ca_pem *pem)
{
	gnutls_x509_privkey_t key;
	gnutls_datum_t	      text = { 0 };
	int		      r;

	*pem = (struct ca_pem) { 0 };
	r = errno_of(gnutls_x509_privkey_init(&key));
	if (r < 0)
		return r;
	r = errno_of(gnutls_x509_privkey_generate(key, GNUTLS_PK_ECDSA,
	    GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), 0));
	if (r == 0)
		r = errno_of(gnutls_x509_privkey_export2_pkcs8(key,
		    GNUTLS_X509_FMT_PEM, NULL, GNUTLS_PKCS_PLAIN, &text));
	if (r == 0)
		r = set_text(pem, &text);
	if (text.data != NULL)
		secret_wipe(text.data, text.size);
	gnutls_free(text.data);
	gnutls_x509_privkey_deinit(key);
	return r;
}

int
ca_make(const struct ca_pem *key_pem, const char *name, time_t now,
    struct ca_pem *pem)
{
	gnutls_x509_privkey_t key = NULL;
	gnutls_x509_crt_t     cert = NULL;
	int		      r;

	*pem = (struct ca_pem) { 0 };
	r = import_key(key_pem, &key);
	if (r == 0)
		r = errno_of(gnutls_x509_crt_init(&cert));
	if (r == 0)
		r = fill_ca(cert, key, name, now);
	if (r == 0)
		r = errno_of(gnutls_x509_crt_sign2(cert, cert, key,
		    GNUTLS_DIG_SHA256, 0));
	if (r == 0)
		r = export_cert(cert, pem);
	gnutls_x509_crt_deinit(cert);
	gnutls_x509_privkey_deinit(key);
	return r;
}

int
ca_sign_server(const struct ca_pem *ca_cert, const struct ca_pem *ca_key,
    const struct ca_pem *server_key, const char *name, time_t now,
    struct ca_pem *pem)
{
	gnutls_x509_privkey_t issuer_key = NULL, key = NULL;
	gnutls_x509_crt_t     issuer = NULL, cert = NULL;
	int		      r;

	*pem = (struct ca_pem) { 0 };
	r = import_cert(ca_cert->text, ca_cert->len, &issuer);
	if (r == 0)
		r = import_key(ca_key, &issuer_key);
	if (r == 0)
		r = import_key(server_key, &key);
	if (r == 0 && !is_key_of(issuer_key, issuer))
		r = -EINVAL;
	if (r == 0)
		r = errno_of(gnutls_x509_crt_init(&cert));
	if (r == 0)
		r = fill_server(cert, key, issuer, name, now);
	if (r == 0)
		r = errno_of(gnutls_x509_crt_sign2(cert, issuer, issuer_key,
		    GNUTLS_DIG_SHA256, 0));
	if (r == 0)
		r = export_cert(cert, pem);
	gnutls_x509_crt_deinit(cert);
	gnutls_x509_crt_deinit(issuer);
	gnutls_x509_privkey_deinit(key);
	gnutls_x509_privkey_deinit(issuer_key);
	return r;
}

bool
ca_is_ca(const char *text, size_t len)
{
	static const char begin[] = "-----BEGIN CERTIFICATE-----\n";
	static const char end[] = "\n-----END CERTIFICATE-----";
	gnutls_x509_crt_t cert;
	bool		  yes;

	if (len > CA_PEM_MAX)
		return false;
	while (len > 0 && (text[len - 1] == '\n' || text[len - 1] == '\r'))
		len--;
	/* GnuTLS would pass over anything before and behind the first. */
	if (len < strlen(begin) + strlen(end) ||
	    memcmp(text, begin, strlen(begin)) != 0 ||
	    memcmp(text + len - strlen(end), end, strlen(end)) != 0 ||
	    memmem(text + 1, len - 1, "-----BEGIN", 10) != NULL ||
	    memchr(text, '\0', len) != NULL ||
	    import_cert(text, len, &cert) < 0)
		return false;
	yes = gnutls_x509_crt_get_ca_status(cert, NULL) > 0;
	gnutls_x509_crt_deinit(cert);
	return yes;
}

/* Raw GnuTLS codes overlap errno values: none goes further than this. */
static int
errno_of(int gnutls_error)
{
	switch (gnutls_error) {
	case GNUTLS_E_SUCCESS:
		return 0;
	case GNUTLS_E_MEMORY_ERROR:
		return -ENOMEM;
	default:
		return gnutls_error > 0 ? 0 : -EINVAL;
	}
}

static bool
is_dns_name(const char *name)
{
	size_t len = strlen(name);

	return len > 0 && len <= NAME_MAX_LEN && name[0] != '.' &&
	    name[0] != '-' &&
	    strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
			 "0123456789.-_") == len;
}

static int
import_key(const struct ca_pem *pem, gnutls_x509_privkey_t *key)
{
	gnutls_datum_t text = { (unsigned char *)pem->text,
		(unsigned)pem->len };
	int	       r = errno_of(gnutls_x509_privkey_init(key));

	if (r < 0)
		return r;
	r = errno_of(gnutls_x509_privkey_import(*key, &text,
	    GNUTLS_X509_FMT_PEM));
	if (r < 0) {
		gnutls_x509_privkey_deinit(*key);
		*key = NULL;
	}
	return r;
}

static int
import_cert(const char *text, size_t len, gnutls_x509_crt_t *cert)
{
	/* GnuTLS has no const here, and writes nothing. */
	gnutls_datum_t datum = { (unsigned char *)(uintptr_t)text,
		(unsigned)len };
	int	       r = errno_of(gnutls_x509_crt_init(cert));

	if (r < 0)
		return r;
	r = errno_of(gnutls_x509_crt_import(*cert, &datum,
	    GNUTLS_X509_FMT_PEM));
	if (r < 0) {
		gnutls_x509_crt_deinit(*cert);
		*cert = NULL;
	}
	return r;
}

static int
export_cert(gnutls_x509_crt_t cert, struct ca_pem *pem)
{
	gnutls_datum_t text = { 0 };
	int	       r;

	r = errno_of(gnutls_x509_crt_export2(cert, GNUTLS_X509_FMT_PEM, &text));
	if (r == 0)
		r = set_text(pem, &text);
	gnutls_free(text.data);
	return r;
}

static int
fill_common(gnutls_x509_crt_t cert, gnutls_x509_privkey_t key, time_t expiry)
{
	unsigned char id[64];
	size_t	      len = sizeof(id);
	int	      r;

	if ((r = gnutls_x509_crt_set_version(cert, 3)) < 0 ||
	    (r = gnutls_x509_crt_set_key(cert, key)) < 0 ||
	    (r = gnutls_x509_crt_set_activation_time(cert, CA_NOT_BEFORE)) < 0 ||
	    (r = gnutls_x509_crt_set_expiration_time(cert, expiry)) < 0 ||
	    (r = gnutls_x509_crt_get_key_id(cert, 0, id, &len)) < 0 ||
	    (r = gnutls_x509_crt_set_subject_key_id(cert, id, len)) < 0)
		return errno_of(r);
	return set_serial(cert);
}

static int
fill_ca(gnutls_x509_crt_t cert, gnutls_x509_privkey_t key, const char *name,
    time_t now)
{
	char cn[CN_MAX + 1];
	int  r = fill_common(cert, key, now + CA_YEARS * YEAR_SEC);

	if (r < 0)
		return r;
	/* A long name is cut: it is for people, nothing depends on it. */
	snprintf(cn, sizeof(cn), "tombolo CA for %s", name);
	if ((r = gnutls_x509_crt_set_dn_by_oid(cert, GNUTLS_OID_X520_COMMON_NAME,
		 0, cn, (unsigned)strlen(cn))) < 0 ||
	    (r = gnutls_x509_crt_set_basic_constraints(cert, 1, 0)) < 0 ||
	    (r = gnutls_x509_crt_set_key_usage(cert,
		 GNUTLS_KEY_KEY_CERT_SIGN | GNUTLS_KEY_CRL_SIGN)) < 0)
		return errno_of(r);
	return set_authority(cert, cert);
}

static int
fill_server(gnutls_x509_crt_t cert, gnutls_x509_privkey_t key,
    gnutls_x509_crt_t ca, const char *name, time_t now)
{
	time_t expiry = now + CA_SERVER_YEARS * YEAR_SEC;
	time_t last = gnutls_x509_crt_get_expiration_time(ca);
	int    r;

	r = fill_common(cert, key, expiry < last ? expiry : last);
	if (r == 0)
		r = set_name(cert, name);
	if (r < 0)
		return r;
	if ((r = gnutls_x509_crt_set_basic_constraints(cert, 0, -1)) < 0 ||
	    (r = gnutls_x509_crt_set_key_usage(cert,
		 GNUTLS_KEY_DIGITAL_SIGNATURE)) < 0 ||
	    (r = gnutls_x509_crt_set_key_purpose_oid(cert,
		 GNUTLS_KP_TLS_WWW_SERVER, 0)) < 0)
		return errno_of(r);
	return set_authority(cert, ca);
}

/* The subject alternative name is what is verified; the CN is for people. */
static int
set_name(gnutls_x509_crt_t cert, const char *name)
{
	struct addr addr;
	int	    r;

	if (addr_parse(&addr, name))
		r = gnutls_x509_crt_set_subject_alt_name(cert,
		    GNUTLS_SAN_IPADDRESS, addr.bytes,
		    addr_bits(addr.family) / 8, GNUTLS_FSAN_SET);
	else if (is_dns_name(name))
		r = gnutls_x509_crt_set_subject_alt_name(cert,
		    GNUTLS_SAN_DNSNAME, name, (unsigned)strlen(name),
		    GNUTLS_FSAN_SET);
	else
		return -EINVAL;
	if (r >= 0 && strlen(name) <= CN_MAX)
		r = gnutls_x509_crt_set_dn_by_oid(cert,
		    GNUTLS_OID_X520_COMMON_NAME, 0, name,
		    (unsigned)strlen(name));
	return errno_of(r);
}

/* Positive, and as many bytes whatever is drawn: 158 random bits. */
static int
set_serial(gnutls_x509_crt_t cert)
{
	unsigned char serial[SERIAL_LEN];

	secret_random(serial, sizeof(serial));
	serial[0] = (serial[0] & 0x3f) | 0x40;
	return errno_of(gnutls_x509_crt_set_serial(cert, serial,
	    sizeof(serial)));
}

static int
set_authority(gnutls_x509_crt_t cert, gnutls_x509_crt_t issuer)
{
	unsigned char id[64];
	size_t	      len = sizeof(id);
	int	      r;

	r = gnutls_x509_crt_get_subject_key_id(issuer, id, &len, NULL);
	if (r >= 0)
		r = gnutls_x509_crt_set_authority_key_id(cert, id, len);
	return errno_of(r);
}

static bool
is_key_of(gnutls_x509_privkey_t key, gnutls_x509_crt_t cert)
{
	unsigned char a[64], b[64];
	size_t	      alen = sizeof(a), blen = sizeof(b);

	return gnutls_x509_privkey_get_key_id(key, 0, a, &alen) >= 0 &&
	    gnutls_x509_crt_get_key_id(cert, 0, b, &blen) >= 0 &&
	    alen == blen && memcmp(a, b, alen) == 0;
}

static int
set_text(struct ca_pem *pem, const gnutls_datum_t *text)
{
	pem->text = malloc(text->size + 1);
	if (pem->text == NULL)
		return -ENOMEM;
	memcpy(pem->text, text->data, text->size);
	pem->text[text->size] = '\0';
	pem->len = text->size;
	return 0;
}
