/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "pki/x509.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/secret.h"

int
x509_error(int gnutls_error)
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

gnutls_datum_t
x509_datum(const char *text, size_t len)
{
	return (gnutls_datum_t) { (unsigned char *)(uintptr_t)text,
		(unsigned)len };
}

int
x509_import_key(const struct ca_pem *pem, gnutls_x509_privkey_t *key)
{
	gnutls_datum_t text = x509_datum(pem->text, pem->len);
	int	       r = gnutls_x509_privkey_init(key);

	return x509_error(r < 0 ? r :
		gnutls_x509_privkey_import(*key, &text, GNUTLS_X509_FMT_PEM));
}

int
x509_import_cert(const char *text, size_t len, gnutls_x509_crt_t *cert)
{
	gnutls_datum_t datum = x509_datum(text, len);
	int	       r = gnutls_x509_crt_init(cert);

	return x509_error(r < 0 ? r :
		gnutls_x509_crt_import(*cert, &datum, GNUTLS_X509_FMT_PEM));
}

bool
x509_is_key_of(gnutls_x509_privkey_t key, gnutls_x509_crt_t cert)
{
	unsigned char a[64], b[64];
	size_t	      alen = sizeof(a), blen = sizeof(b);

	return gnutls_x509_privkey_get_key_id(key, 0, a, &alen) >= 0 &&
	    gnutls_x509_crt_get_key_id(cert, 0, b, &blen) >= 0 &&
	    alen == blen && memcmp(a, b, alen) == 0;
}

bool
x509_is_made_by(gnutls_x509_crt_t cert, gnutls_x509_crt_t ca)
{
	unsigned wrong = 0;

	return gnutls_x509_crt_verify(cert, &ca, 1,
		   GNUTLS_VERIFY_DISABLE_TIME_CHECKS, &wrong) >= 0 &&
	    wrong == 0;
}

bool
x509_has_only_name(gnutls_x509_crt_t leaf, const char *site)
{
	char   name[256];
	size_t size = sizeof(name);

	if (gnutls_x509_crt_get_dn_by_oid(leaf, GNUTLS_OID_X520_COMMON_NAME, 0,
		0, name, &size) < 0 ||
	    size != strlen(site) || memcmp(name, site, size) != 0)
		return false;
	size = sizeof(name);
	return gnutls_x509_crt_get_dn_by_oid(leaf, GNUTLS_OID_X520_COMMON_NAME,
	    1, 0, name, &size) == GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE;
}

int
x509_take_text(struct ca_pem *pem, gnutls_datum_t *text)
{
	char *copy = malloc(text->size + 1);

	if (copy != NULL) {
		memcpy(copy, text->data, text->size);
		copy[text->size] = '\0';
		*pem = (struct ca_pem) { copy, text->size };
	}
	secret_wipe(text->data, text->size);
	gnutls_free(text->data);
	return copy != NULL ? 0 : -ENOMEM;
}

bool
x509_is_one(const char *text, size_t len, const char *name)
{
	char begin[64], end[64];

	snprintf(begin, sizeof(begin), "-----BEGIN %s-----\n", name);
	snprintf(end, sizeof(end), "\n-----END %s-----", name);
	while (len > 0 && (text[len - 1] == '\n' || text[len - 1] == '\r'))
		len--;
	return len >= strlen(begin) + strlen(end) &&
	    memcmp(text, begin, strlen(begin)) == 0 &&
	    memcmp(text + len - strlen(end), end, strlen(end)) == 0 &&
	    memmem(text + 1, len - 1, "-----BEGIN", 10) == NULL &&
	    memchr(text, '\0', len) == NULL;
}
