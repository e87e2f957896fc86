/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The list of revoked certificates, as the server's library reads it: what was
 * put in is in it, what was not is not, and nobody else's list is taken.
 */
#include "unit.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <gnutls/gnutls.h>
#include <gnutls/x509.h>

#include "pki/crl.h"

#define NOW	 ((time_t)1800000000)
#define YEAR_SEC ((time_t)31556952)

struct authority {
	struct ca_pem key, cert;
};

static struct authority
make_authority(void)
{
	struct authority made;

	ck_assert_int_eq(ca_make_key(&made.key), 0);
	ck_assert_int_eq(ca_make(&made.key, "a", NOW, &made.cert), 0);
	return made;
}

static void
free_authority(struct authority *authority)
{
	ca_pem_fini(&authority->key);
	ca_pem_fini(&authority->cert);
}

static struct ca_pem
make_site(const struct authority *by, const char *name)
{
	struct ca_pem key, cert;

	ck_assert_int_eq(ca_make_key(&key), 0);
	ck_assert_int_eq(ca_sign_site(&by->cert, &by->key, &key, name, NOW,
			     &cert), 0);
	ca_pem_fini(&key);
	return cert;
}

/* As a server does it: trust list with the CRL, purpose client. */
static unsigned
verify(const struct authority *by, const struct ca_pem *crl,
    const struct ca_pem *cert)
{
	gnutls_x509_trust_list_t list;
	gnutls_x509_crt_t	 leaf;
	gnutls_datum_t ca_text = { (unsigned char *)by->cert.text,
		(unsigned)by->cert.len };
	gnutls_datum_t crl_text = { (unsigned char *)crl->text,
		(unsigned)crl->len };
	gnutls_datum_t text = { (unsigned char *)cert->text,
		(unsigned)cert->len };
	char	 purpose[] = GNUTLS_KP_TLS_WWW_CLIENT;
	unsigned status = 0;
	gnutls_typed_vdata_st data = { GNUTLS_DT_KEY_PURPOSE_OID,
		(unsigned char *)purpose, 0 };

	ck_assert_int_eq(gnutls_x509_trust_list_init(&list, 0), 0);
	ck_assert_int_eq(gnutls_x509_trust_list_add_trust_mem(list, &ca_text,
			     NULL, GNUTLS_X509_FMT_PEM, 0, 0), 1);
	ck_assert_int_ge(gnutls_x509_trust_list_add_trust_mem(list, NULL,
			     &crl_text, GNUTLS_X509_FMT_PEM,
			     GNUTLS_TL_VERIFY_CRL, 0), 1);
	ck_assert_int_eq(gnutls_x509_crt_init(&leaf), 0);
	ck_assert_int_eq(gnutls_x509_crt_import(leaf, &text,
			     GNUTLS_X509_FMT_PEM), 0);
	ck_assert_int_eq(gnutls_x509_trust_list_verify_crt2(list, &leaf, 1,
			     &data, 1, 0, &status, NULL), 0);
	gnutls_x509_crt_deinit(leaf);
	gnutls_x509_trust_list_deinit(list, 1);
	return status;
}

static gnutls_x509_crl_t
import(const struct ca_pem *crl)
{
	gnutls_datum_t text = { (unsigned char *)crl->text,
		(unsigned)crl->len };
	gnutls_x509_crl_t list;

	ck_assert_int_eq(gnutls_x509_crl_init(&list), 0);
	ck_assert_int_eq(gnutls_x509_crl_import(list, &text,
			     GNUTLS_X509_FMT_PEM), 0);
	return list;
}

static unsigned
count(const struct ca_pem *crl)
{
	gnutls_x509_crl_t list = import(crl);
	int		  n = gnutls_x509_crl_get_crt_count(list);

	gnutls_x509_crl_deinit(list);
	ck_assert_int_ge(n, 0);
	return (unsigned)n;
}

START_TEST(what_was_put_in_is_revoked_and_nothing_else)
{
	struct authority by = make_authority();
	struct ca_pem	 none = { 0 }, first, second, third;
	struct ca_pem	 a = make_site(&by, "a"), b = make_site(&by, "b");
	/* The same name again: another certificate. */
	struct ca_pem again = make_site(&by, "a");

	ck_assert_int_eq(crl_add(&by.cert, &by.key, &none, &a, NOW, &first), 0);
	ck_assert_uint_eq(verify(&by, &first, &a),
	    GNUTLS_CERT_INVALID | GNUTLS_CERT_REVOKED);
	ck_assert_uint_eq(verify(&by, &first, &b), 0);
	ck_assert_uint_eq(verify(&by, &first, &again), 0);

	ck_assert_int_eq(crl_add(&by.cert, &by.key, &first, &b, NOW + 1,
			     &second), 0);
	ck_assert_uint_ne(verify(&by, &second, &a), 0);
	ck_assert_uint_ne(verify(&by, &second, &b), 0);
	ck_assert_uint_eq(verify(&by, &second, &again), 0);
	ck_assert_uint_eq(count(&second), 2);

	ck_assert_int_eq(crl_add(&by.cert, &by.key, &second, &a, NOW + 2,
			     &third), 0);
	ck_assert_msg(count(&third) == 2, "once is enough");
	ck_assert_uint_ne(verify(&by, &third, &a), 0);

	ca_pem_fini(&first);
	ca_pem_fini(&second);
	ca_pem_fini(&third);
	ca_pem_fini(&a);
	ca_pem_fini(&b);
	ca_pem_fini(&again);
	free_authority(&by);
}
END_TEST

START_TEST(list_counts_from_long_ago_and_for_twenty_years)
{
	struct authority  by = make_authority();
	struct ca_pem	  none = { 0 }, first, second;
	struct ca_pem	  a = make_site(&by, "a");
	gnutls_x509_crl_t x, y;
	unsigned char	  number[2][32] = { 0 };
	size_t		  len[2] = { 32, 32 };
	unsigned	  critical;

	ck_assert_int_eq(crl_add(&by.cert, &by.key, &none, &a, NOW, &first), 0);
	ck_assert_int_eq(crl_add(&by.cert, &by.key, &first, &a, NOW, &second),
	    0);
	x = import(&first);
	y = import(&second);
	ck_assert_int_eq(gnutls_x509_crl_get_this_update(x), CA_NOT_BEFORE);
	ck_assert_int_eq(gnutls_x509_crl_get_next_update(x),
	    NOW + 20 * YEAR_SEC);
	ck_assert_int_eq(gnutls_x509_crl_get_version(x), 2);
	ck_assert_int_eq(gnutls_x509_crl_get_number(x, number[0], &len[0],
			     &critical), 0);
	ck_assert_int_eq(gnutls_x509_crl_get_number(y, number[1], &len[1],
			     &critical), 0);
	ck_assert_uint_eq(len[0], len[1]);
	ck_assert_msg(memcmp(number[0], number[1], len[0]) < 0, "it grows");
	gnutls_x509_crl_deinit(x);
	gnutls_x509_crl_deinit(y);
	ca_pem_fini(&first);
	ca_pem_fini(&second);
	ca_pem_fini(&a);
	free_authority(&by);
}
END_TEST

START_TEST(what_is_not_of_this_ca_is_refused)
{
	struct authority by = make_authority(), other = make_authority();
	struct ca_pem	 none = { 0 }, foreign, list;
	struct ca_pem	 a = make_site(&by, "a"), b = make_site(&other, "a");
	struct ca_pem	 text = { strdup("no list"), 7 };

	ck_assert_int_eq(crl_add(&other.cert, &other.key, &none, &b, NOW,
			     &foreign), 0);
	ck_assert_msg(crl_add(&by.cert, &other.key, &none, &a, NOW, &list) ==
		-EINVAL, "another key");
	ck_assert_ptr_null(list.text);
	ck_assert_msg(crl_add(&by.cert, &by.key, &none, &b, NOW, &list) ==
		-EINVAL, "another CA's certificate");
	ck_assert_msg(crl_add(&by.cert, &by.key, &foreign, &a, NOW, &list) ==
		-EINVAL, "another CA's list");
	ck_assert_msg(crl_add(&by.cert, &by.key, &text, &a, NOW, &list) ==
		-EINVAL, "no list");
	ck_assert_msg(crl_add(&by.cert, &by.key, &none, &text, NOW, &list) ==
		-EINVAL, "no certificate");
	ck_assert_ptr_null(list.text);
	ca_pem_fini(&text);
	ca_pem_fini(&foreign);
	ca_pem_fini(&a);
	ca_pem_fini(&b);
	free_authority(&by);
	free_authority(&other);
}
END_TEST

/* All that an engine takes; then the oldest, which expired, make room. */
START_TEST(full_list_is_refused_until_the_oldest_have_expired)
{
	struct authority by = make_authority();
	struct ca_pem	 list = { 0 }, next, cert;
	unsigned	 n = 0;
	int		 r;

	for (;;) {
		cert = make_site(&by, "a");
		r = crl_add(&by.cert, &by.key, &list, &cert, NOW, &next);
		if (r < 0)
			break;
		ca_pem_fini(&list);
		ca_pem_fini(&cert);
		list = next;
		ck_assert_uint_le(list.len, CRL_MAX);
		n++;
	}
	ck_assert_int_eq(r, -EFBIG);
	ck_assert_uint_gt(n, 500);
	ck_assert_uint_eq(count(&list), n);
	ck_assert_int_eq(crl_add(&by.cert, &by.key, &list, &cert,
			     NOW + CA_LEAF_YEARS * YEAR_SEC + 1, &next), 0);
	ck_assert_uint_eq(count(&next), 1);
	ca_pem_fini(&next);
	ca_pem_fini(&list);
	ca_pem_fini(&cert);
	free_authority(&by);
}
END_TEST

UNIT_MAIN("crl", what_was_put_in_is_revoked_and_nothing_else,
    list_counts_from_long_ago_and_for_twenty_years,
    what_is_not_of_this_ca_is_refused,
    full_list_is_refused_until_the_oldest_have_expired)
