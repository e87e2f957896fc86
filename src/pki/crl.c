/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "pki/crl.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "pki/x509.h"

#define YEAR_SEC   ((time_t)31556952)
#define MANY	   400 /* entries: from here on the oldest go */
#define SERIAL_MAX 64
#define NUMBER_LEN 8

static int import_list(const struct ca_pem *pem, gnutls_x509_crt_t ca,
    gnutls_x509_crl_t *list);
static bool is_of(gnutls_x509_crl_t list, gnutls_x509_crt_t ca);
static int  make_list(gnutls_x509_crt_t ca, gnutls_x509_crl_t old, time_t now,
     gnutls_x509_crl_t *list);
static int  copy_entries(gnutls_x509_crl_t to, gnutls_x509_crl_t from,
     time_t now);
static int  add_entry(gnutls_x509_crl_t list, gnutls_x509_crl_t old,
     gnutls_x509_crt_t ca, const struct ca_pem *pem, time_t now);
static bool has(gnutls_x509_crl_t list, gnutls_x509_crt_t cert);
static int  set_number(gnutls_x509_crl_t list, gnutls_x509_crl_t old);
static int  set_authority(gnutls_x509_crl_t list, gnutls_x509_crt_t ca);
static int  export_list(gnutls_x509_crl_t list, struct ca_pem *pem);

int
crl_add(const struct ca_pem *ca_cert, const struct ca_pem *ca_key,
    const struct ca_pem *old_pem, const struct ca_pem *cert, time_t now,
    struct ca_pem *pem)
{
	gnutls_x509_privkey_t key = NULL;
	gnutls_x509_crl_t     old = NULL, list = NULL;
	gnutls_x509_crt_t     ca = NULL;
	int		      r;

	*pem = (struct ca_pem) { 0 };
	r = x509_import_cert(ca_cert->text, ca_cert->len, &ca);
	if (r == 0)
		r = x509_import_key(ca_key, &key);
	if (r == 0 && !x509_is_key_of(key, ca))
		r = -EINVAL;
	if (r == 0 && old_pem->len > 0)
		r = import_list(old_pem, ca, &old);
	if (r == 0)
		r = make_list(ca, old, now, &list);
	if (r == 0)
		r = add_entry(list, old, ca, cert, now);
	if (r == 0)
		r = x509_error(gnutls_x509_crl_sign2(list, ca, key,
		    GNUTLS_DIG_SHA256, 0));
	if (r == 0)
		r = export_list(list, pem);
	if (list != NULL)
		gnutls_x509_crl_deinit(list);
	if (old != NULL)
		gnutls_x509_crl_deinit(old);
	gnutls_x509_crt_deinit(ca);
	gnutls_x509_privkey_deinit(key);
	return r;
}

static int
import_list(const struct ca_pem *pem, gnutls_x509_crt_t ca,
    gnutls_x509_crl_t *list)
{
	gnutls_datum_t text = { (unsigned char *)pem->text,
		(unsigned)pem->len };
	int	       r = x509_error(gnutls_x509_crl_init(list));

	if (r < 0)
		return r;
	r = x509_error(gnutls_x509_crl_import(*list, &text,
	    GNUTLS_X509_FMT_PEM));
	/* What we sign again we must have signed before. */
	if (r == 0 && !is_of(*list, ca))
		r = -EINVAL;
	if (r == 0)
		return 0;
	gnutls_x509_crl_deinit(*list);
	*list = NULL;
	return r;
}

static bool
is_of(gnutls_x509_crl_t list, gnutls_x509_crt_t ca)
{
	unsigned wrong = 0;

	return gnutls_x509_crl_verify(list, &ca, 1,
		   GNUTLS_VERIFY_DISABLE_TIME_CHECKS, &wrong) >= 0 &&
	    wrong == 0;
}

static int
make_list(gnutls_x509_crt_t ca, gnutls_x509_crl_t old, time_t now,
    gnutls_x509_crl_t *list)
{
	int r = x509_error(gnutls_x509_crl_init(list));

	if (r < 0)
		return r;
	if ((r = gnutls_x509_crl_set_version(*list, 2)) < 0 ||
	    (r = gnutls_x509_crl_set_this_update(*list, CA_NOT_BEFORE)) < 0 ||
	    (r = gnutls_x509_crl_set_next_update(*list,
		 now + CRL_YEARS * YEAR_SEC)) < 0)
		return x509_error(r);
	r = set_number(*list, old);
	if (r == 0)
		r = set_authority(*list, ca);
	if (r == 0 && old != NULL)
		r = copy_entries(*list, old, now);
	return r;
}

static int
copy_entries(gnutls_x509_crl_t to, gnutls_x509_crl_t from, time_t now)
{
	int    n = gnutls_x509_crl_get_crt_count(from);
	time_t oldest = n >= MANY ? now - CA_LEAF_YEARS * YEAR_SEC : 0;

	for (int i = 0; i < n; i++) {
		unsigned char serial[SERIAL_MAX];
		size_t	      len = sizeof(serial);
		time_t	      when;
		int	      r;

		r = gnutls_x509_crl_get_crt_serial(from, (unsigned)i, serial,
		    &len, &when);
		if (r >= 0 && when >= oldest)
			r = gnutls_x509_crl_set_crt_serial(to, serial, len,
			    when);
		if (r < 0)
			return x509_error(r);
	}
	return n < 0 ? x509_error(n) : 0;
}

static int
add_entry(gnutls_x509_crl_t list, gnutls_x509_crl_t old, gnutls_x509_crt_t ca,
    const struct ca_pem *pem, time_t now)
{
	gnutls_x509_crt_t cert = NULL;
	int		  r = x509_import_cert(pem->text, pem->len, &cert);
	unsigned	  wrong = 0;

	if (r < 0)
		return r;
	r = x509_error(gnutls_x509_crt_verify(cert, &ca, 1,
	    GNUTLS_VERIFY_DISABLE_TIME_CHECKS, &wrong));
	if (r == 0 && wrong != 0)
		r = -EINVAL;
	if (r == 0 && (old == NULL || !has(old, cert)))
		r = x509_error(gnutls_x509_crl_set_crt(list, cert, now));
	gnutls_x509_crt_deinit(cert);
	return r;
}

static bool
has(gnutls_x509_crl_t list, gnutls_x509_crt_t cert)
{
	return gnutls_x509_crt_check_revocation(cert, &list, 1) == 1;
}

/* RFC 5280 5.2.3: it grows. */
static int
set_number(gnutls_x509_crl_t list, gnutls_x509_crl_t old)
{
	unsigned char number[NUMBER_LEN] = { 0 };
	size_t	      len = sizeof(number);
	uint64_t      n = 0;

	if (old == NULL ||
	    gnutls_x509_crl_get_number(old, number, &len, NULL) < 0)
		len = 0;
	for (size_t i = 0; i < len; i++)
		n = n << 8 | number[i];
	n++;
	for (size_t i = 0; i < NUMBER_LEN; i++)
		number[i] = (unsigned char)(n >> 8 * (NUMBER_LEN - 1 - i));
	return x509_error(gnutls_x509_crl_set_number(list, number, NUMBER_LEN));
}

static int
set_authority(gnutls_x509_crl_t list, gnutls_x509_crt_t ca)
{
	unsigned char id[64];
	size_t	      len = sizeof(id);
	int	      r = gnutls_x509_crt_get_subject_key_id(ca, id, &len, NULL);

	if (r >= 0)
		r = gnutls_x509_crl_set_authority_key_id(list, id, len);
	return x509_error(r);
}

static int
export_list(gnutls_x509_crl_t list, struct ca_pem *pem)
{
	gnutls_datum_t text = { 0 };
	int	       r;

	r = x509_error(gnutls_x509_crl_export2(list, GNUTLS_X509_FMT_PEM,
	    &text));
	if (r == 0 && text.size > CRL_MAX)
		r = -EFBIG;
	if (r == 0)
		r = x509_set_text(pem, &text);
	gnutls_free(text.data);
	return r;
}
