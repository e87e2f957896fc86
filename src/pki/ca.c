/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include "pki/ca.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/addr.h"
#include "base/secret.h"
#include "pki/x509.h"

#define SERIAL_LEN 20 /* RFC 5280 4.1.2.2: the maximum */
#define RSA_BITS   3072
#define CN_MAX	   64 /* RFC 5280, ub-common-name */
#define NAME_MAX_LEN 253
#define YEAR_SEC   ((time_t)31556952)

typedef int fill_fn(gnutls_x509_crt_t cert, char *const *names, size_t n);

static int  make_key(gnutls_pk_algorithm_t algorithm, unsigned bits,
     struct ca_pem *pem);
static int  sign(const struct ca_pem *ca_cert, const struct ca_pem *ca_key,
     const struct ca_pem *key_pem, fill_fn *fill, char *const *names, size_t n,
     time_t now, struct ca_pem *pem);
static time_t time_of(const struct ca_pem *pem,
     time_t (*get)(gnutls_x509_crt_t cert));
static bool is_dns_name(const char *name);
static int  sign_cert(gnutls_x509_crt_t cert, gnutls_x509_crt_t issuer,
     gnutls_x509_privkey_t key, struct ca_pem *pem);
static int  fill_common(gnutls_x509_crt_t cert, gnutls_x509_privkey_t key,
     time_t expiry);
static int  fill_ca(gnutls_x509_crt_t cert, gnutls_x509_privkey_t key,
     const char *name, time_t now);
static int  fill_leaf(gnutls_x509_crt_t cert, gnutls_x509_privkey_t key,
     gnutls_x509_crt_t ca, time_t now);
static int  fill_server(gnutls_x509_crt_t cert, char *const *names, size_t n);
static int  fill_site(gnutls_x509_crt_t cert, char *const *names, size_t n);
static int  add_name(gnutls_x509_crt_t cert, const char *name);
static int  set_serial(gnutls_x509_crt_t cert);
static int  set_authority(gnutls_x509_crt_t cert, gnutls_x509_crt_t issuer);

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
	return make_key(GNUTLS_PK_ECDSA,
	    GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), pem);
}

int
ca_make_rsa_key(struct ca_pem *pem)
{
	return make_key(GNUTLS_PK_RSA, RSA_BITS, pem);
}

int
ca_make(const struct ca_pem *key_pem, const char *name, time_t now,
    struct ca_pem *pem)
{
	X509_AUTO_KEY key = NULL;
	X509_AUTO_CRT cert = NULL;
	int	      r;

	*pem = (struct ca_pem) { 0 };
	if ((r = x509_import_key(key_pem, &key)) < 0 ||
	    (r = x509_error(gnutls_x509_crt_init(&cert))) < 0 ||
	    (r = fill_ca(cert, key, name, now)) < 0)
		return r;
	return sign_cert(cert, cert, key, pem);
}

int
ca_sign_server(const struct ca_pem *ca_cert, const struct ca_pem *ca_key,
    const struct ca_pem *server_key, char *const *names, size_t n, time_t now,
    struct ca_pem *pem)
{
	return sign(ca_cert, ca_key, server_key, fill_server, names, n, now,
	    pem);
}

int
ca_sign_site(const struct ca_pem *ca_cert, const struct ca_pem *ca_key,
    const struct ca_pem *site_key, const char *site, time_t now,
    struct ca_pem *pem)
{
	char *const names[] = { (char *)(uintptr_t)site };

	return sign(ca_cert, ca_key, site_key, fill_site, names, 1, now, pem);
}

bool
ca_is_ca(const char *text, size_t len)
{
	X509_AUTO_CRT cert = NULL;

	return len <= CA_PEM_MAX && x509_is_one(text, len, "CERTIFICATE") &&
	    x509_import_cert(text, len, &cert) == 0 &&
	    gnutls_x509_crt_get_ca_status(cert, NULL) > 0;
}

bool
ca_is_pair(const struct ca_pem *cert_pem, const struct ca_pem *key_pem)
{
	X509_AUTO_KEY key = NULL;
	X509_AUTO_CRT cert = NULL;

	return cert_pem->len <= CA_PEM_MAX && key_pem->len <= CA_PEM_MAX &&
	    x509_is_one(cert_pem->text, cert_pem->len, "CERTIFICATE") &&
	    x509_is_one(key_pem->text, key_pem->len, "PRIVATE KEY") &&
	    x509_import_cert(cert_pem->text, cert_pem->len, &cert) == 0 &&
	    x509_import_key(key_pem, &key) == 0 && x509_is_key_of(key, cert);
}

bool
ca_has_made(const struct ca_pem *ca_cert, const struct ca_pem *cert_pem)
{
	X509_AUTO_CRT issuer = NULL, cert = NULL;

	return x509_import_cert(ca_cert->text, ca_cert->len, &issuer) == 0 &&
	    x509_import_cert(cert_pem->text, cert_pem->len, &cert) == 0 &&
	    x509_is_made_by(cert, issuer);
}

time_t
ca_begin(const struct ca_pem *cert)
{
	return time_of(cert, gnutls_x509_crt_get_activation_time);
}

time_t
ca_end(const struct ca_pem *cert)
{
	return time_of(cert, gnutls_x509_crt_get_expiration_time);
}

static time_t
time_of(const struct ca_pem *pem, time_t (*get)(gnutls_x509_crt_t cert))
{
	X509_AUTO_CRT cert = NULL;
	time_t	      t = -1;

	if (x509_import_cert(pem->text, pem->len, &cert) == 0)
		t = get(cert);
	return t == (time_t)-1 ? 0 : t;
}

bool
ca_name(const struct ca_pem *pem, unsigned i, char name[CA_NAME_SIZE])
{
	X509_AUTO_CRT cert = NULL;
	struct addr   addr = { 0 };
	size_t	      size = CA_NAME_SIZE;
	unsigned      type;
	int	      r;

	if (x509_import_cert(pem->text, pem->len, &cert) < 0)
		return false;
	r = gnutls_x509_crt_get_subject_alt_name2(cert, i, name, &size, &type,
	    NULL);
	if (r == GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE)
		return false;
	if (r == GNUTLS_SAN_IPADDRESS && (size == 4 || size == 16)) {
		addr.family = size == 4 ? AF_INET : AF_INET6;
		memcpy(addr.bytes, name, size);
		addr_print(&addr, name, CA_NAME_SIZE);
	} else if (r != GNUTLS_SAN_DNSNAME || strlen(name) != size) {
		name[0] = '\0';
	}
	return true;
}

bool
ca_is_for(const struct ca_pem *pem, const char *name)
{
	char	      any[CA_NAME_SIZE] = "";
	X509_AUTO_CRT cert = NULL;

	/* Without one of these GnuTLS would check the common name. */
	for (unsigned i = 0; any[0] == '\0'; i++) {
		if (!ca_name(pem, i, any))
			return false;
	}
	return x509_import_cert(pem->text, pem->len, &cert) == 0 &&
	    gnutls_x509_crt_check_hostname(cert, name) != 0;
}

static int
make_key(gnutls_pk_algorithm_t algorithm, unsigned bits, struct ca_pem *pem)
{
	X509_AUTO_KEY  key = NULL;
	gnutls_datum_t text = { 0 };
	int	       r;

	*pem = (struct ca_pem) { 0 };
	if ((r = gnutls_x509_privkey_init(&key)) < 0 ||
	    (r = gnutls_x509_privkey_generate(key, algorithm, bits, 0)) < 0 ||
	    (r = gnutls_x509_privkey_export2_pkcs8(key, GNUTLS_X509_FMT_PEM,
		 NULL, GNUTLS_PKCS_PLAIN, &text)) < 0)
		return x509_error(r);
	return x509_take_text(pem, &text);
}

/* Signs a certificate for a key; `fill` adds what depends on its purpose. */
static int
sign(const struct ca_pem *ca_cert, const struct ca_pem *ca_key,
    const struct ca_pem *key_pem, fill_fn *fill, char *const *names, size_t n,
    time_t now, struct ca_pem *pem)
{
	X509_AUTO_KEY issuer_key = NULL, key = NULL;
	X509_AUTO_CRT issuer = NULL, cert = NULL;
	int	      r;

	*pem = (struct ca_pem) { 0 };
	if ((r = x509_import_cert(ca_cert->text, ca_cert->len, &issuer)) < 0 ||
	    (r = x509_import_key(ca_key, &issuer_key)) < 0 ||
	    (r = x509_import_key(key_pem, &key)) < 0)
		return r;
	if (!x509_is_key_of(issuer_key, issuer))
		return -EINVAL;
	if ((r = x509_error(gnutls_x509_crt_init(&cert))) < 0 ||
	    (r = fill_leaf(cert, key, issuer, now)) < 0 ||
	    (r = fill(cert, names, n)) < 0)
		return r;
	return sign_cert(cert, issuer, issuer_key, pem);
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
sign_cert(gnutls_x509_crt_t cert, gnutls_x509_crt_t issuer,
    gnutls_x509_privkey_t key, struct ca_pem *pem)
{
	gnutls_datum_t text = { 0 };
	int	       r;

	if ((r = gnutls_x509_crt_sign2(cert, issuer, key, GNUTLS_DIG_SHA256,
		 0)) < 0 ||
	    (r = gnutls_x509_crt_export2(cert, GNUTLS_X509_FMT_PEM, &text)) < 0)
		return x509_error(r);
	return x509_take_text(pem, &text);
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
		return x509_error(r);
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
	/* A long name is truncated: it is only for people. */
	snprintf(cn, sizeof(cn), "tombolo CA for %s", name);
	if ((r = gnutls_x509_crt_set_dn_by_oid(cert, GNUTLS_OID_X520_COMMON_NAME,
		 0, cn, (unsigned)strlen(cn))) < 0 ||
	    (r = gnutls_x509_crt_set_basic_constraints(cert, 1, 0)) < 0 ||
	    (r = gnutls_x509_crt_set_key_usage(cert,
		 GNUTLS_KEY_KEY_CERT_SIGN | GNUTLS_KEY_CRL_SIGN)) < 0)
		return x509_error(r);
	return set_authority(cert, cert);
}

/* Not a CA, only for signatures, and not valid longer than the CA. */
static int
fill_leaf(gnutls_x509_crt_t cert, gnutls_x509_privkey_t key,
    gnutls_x509_crt_t ca, time_t now)
{
	time_t expiry = now + CA_LEAF_YEARS * YEAR_SEC;
	time_t last = gnutls_x509_crt_get_expiration_time(ca);
	int    r;

	r = fill_common(cert, key, expiry < last ? expiry : last);
	if (r < 0)
		return r;
	if ((r = gnutls_x509_crt_set_basic_constraints(cert, 0, -1)) < 0 ||
	    (r = gnutls_x509_crt_set_key_usage(cert,
		 GNUTLS_KEY_DIGITAL_SIGNATURE)) < 0)
		return x509_error(r);
	return set_authority(cert, ca);
}

static int
fill_server(gnutls_x509_crt_t cert, char *const *names, size_t n)
{
	int r = n > 0 ? 0 : -EINVAL;

	for (size_t i = 0; i < n && r == 0; i++)
		r = add_name(cert, names[i]);
	/* For people. */
	if (r == 0 && strlen(names[0]) <= CN_MAX)
		r = x509_error(gnutls_x509_crt_set_dn_by_oid(cert,
		    GNUTLS_OID_X520_COMMON_NAME, 0, names[0],
		    (unsigned)strlen(names[0])));
	if (r < 0)
		return r;
	return x509_error(gnutls_x509_crt_set_key_purpose_oid(cert,
	    GNUTLS_KP_TLS_WWW_SERVER, 0));
}

/* No alternative name: it is not a host's; the server checks the CN. */
static int
fill_site(gnutls_x509_crt_t cert, char *const *names, size_t n)
{
	const char *site = names[0];
	size_t	    len = strlen(site);
	int	    r;

	if (len == 0 || len > CN_MAX)
		return -EINVAL;
	r = gnutls_x509_crt_set_dn_by_oid(cert, GNUTLS_OID_X520_COMMON_NAME, 0,
	    site, (unsigned)len);
	if (r >= 0)
		r = gnutls_x509_crt_set_key_purpose_oid(cert,
		    GNUTLS_KP_TLS_WWW_CLIENT, 0);
	return x509_error(r);
}

/* Clients verify the subject alternative names. */
static int
add_name(gnutls_x509_crt_t cert, const char *name)
{
	struct addr addr;
	int	    r;

	if (addr_parse(&addr, name))
		r = gnutls_x509_crt_set_subject_alt_name(cert,
		    GNUTLS_SAN_IPADDRESS, addr.bytes,
		    addr_bits(addr.family) / 8, GNUTLS_FSAN_APPEND);
	else if (is_dns_name(name))
		r = gnutls_x509_crt_set_subject_alt_name(cert,
		    GNUTLS_SAN_DNSNAME, name, (unsigned)strlen(name),
		    GNUTLS_FSAN_APPEND);
	else
		return -EINVAL;
	return x509_error(r);
}

/* Positive, and of fixed length: 158 random bits. */
static int
set_serial(gnutls_x509_crt_t cert)
{
	unsigned char serial[SERIAL_LEN];

	secret_random(serial, sizeof(serial));
	serial[0] = (serial[0] & 0x3f) | 0x40;
	return x509_error(gnutls_x509_crt_set_serial(cert, serial,
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
	return x509_error(r);
}
