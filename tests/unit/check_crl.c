/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The list of revoked certificates, as the hub's library reads it: what was
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

/* There was room for 613. */
START_TEST(list_has_room_for_thousands)
{
	struct authority by = make_authority();
	struct ca_pem	 list = { 0 }, next, cert;

	for (unsigned n = 1; n <= 1500; n++) {
		cert = make_site(&by, "a");
		ck_assert_int_eq(crl_add(&by.cert, &by.key, &list, &cert, NOW,
				     &next), 0);
		ca_pem_fini(&list);
		list = next;
		if (n % 500 == 0) {
			ck_assert_uint_eq(count(&list), n);
			ck_assert_uint_ne(verify(&by, &list, &cert), 0);
		}
		ca_pem_fini(&cert);
	}
	ck_assert_uint_le(list.len, CRL_MAX);
	ca_pem_fini(&list);
	free_authority(&by);
}
END_TEST

START_TEST(empty_list_is_signed_and_revokes_nobody)
{
	struct authority by = make_authority();
	struct ca_pem	 none = { 0 }, list, next, a = make_site(&by, "a");

	ck_assert_int_eq(crl_add(&by.cert, &by.key, &none, &none, NOW, &list),
	    0);
	ck_assert_uint_eq(count(&list), 0);
	ck_assert_uint_eq(verify(&by, &list, &a), 0);
	ck_assert_int_eq(crl_add(&by.cert, &by.key, &list, &a, NOW, &next), 0);
	ck_assert_uint_ne(verify(&by, &next, &a), 0);
	ca_pem_fini(&list);
	ca_pem_fini(&next);
	ca_pem_fini(&a);
	free_authority(&by);
}
END_TEST

/* An administrator's own, by another program: any number, or none. */
static struct ca_pem
make_list(const struct authority *by, const char *number, size_t len,
    time_t made)
{
	gnutls_x509_privkey_t key;
	gnutls_x509_crt_t     ca;
	gnutls_x509_crl_t     list;
	gnutls_datum_t	      text;
	struct ca_pem	      pem;
	gnutls_datum_t ca_text = { (unsigned char *)by->cert.text,
		(unsigned)by->cert.len };
	gnutls_datum_t key_text = { (unsigned char *)by->key.text,
		(unsigned)by->key.len };

	gnutls_x509_privkey_init(&key);
	gnutls_x509_crt_init(&ca);
	gnutls_x509_crl_init(&list);
	ck_assert_int_eq(gnutls_x509_privkey_import(key, &key_text,
			     GNUTLS_X509_FMT_PEM), 0);
	ck_assert_int_eq(gnutls_x509_crt_import(ca, &ca_text,
			     GNUTLS_X509_FMT_PEM), 0);
	gnutls_x509_crl_set_version(list, 2);
	gnutls_x509_crl_set_this_update(list, made);
	gnutls_x509_crl_set_next_update(list, made + 30 * 86400);
	if (len > 0)
		ck_assert_int_eq(gnutls_x509_crl_set_number(list, number, len),
		    0);
	ck_assert_int_eq(gnutls_x509_crl_sign2(list, ca, key,
			     GNUTLS_DIG_SHA256, 0), 0);
	ck_assert_int_eq(gnutls_x509_crl_export2(list, GNUTLS_X509_FMT_PEM,
			     &text), 0);
	pem = (struct ca_pem) { strndup((char *)text.data, text.size),
		text.size };
	gnutls_free(text.data);
	gnutls_x509_crl_deinit(list);
	gnutls_x509_crt_deinit(ca);
	gnutls_x509_privkey_deinit(key);
	return pem;
}

static const struct {
	const char *what;
	const char *number;
	size_t	    len;
	time_t	    made;
	bool	    fits;
} rivals[] = { /* of number 0x0100 and NOW */
	{ "another of the number and the date", "\1\0", 2, NOW, false },
	{ "another of the number, made later", "\1\0", 2, NOW + 9, false },
	{ "the next", "\1\1", 2, NOW, true },
	{ "the next, with a shorter life", "\1\1", 2, NOW - 9, true },
	{ "the one before", "\0\xff", 2, NOW + 9, false },
	{ "the one before, without a zero", "\x7f", 1, NOW + 9, false },
	{ "a much larger number", "\1\0\0\0\0\0\0\0\0\0\0", 11, NOW, true },
	{ "no number, later", "", 0, NOW + 1, true },
	{ "no number, earlier", "", 0, NOW - 1, false },
	{ "the same number, made earlier", "\1\0", 2, NOW - 1, false },
};

START_TEST(older_list_never_takes_the_place_of_a_newer)
{
	struct authority by = make_authority(), other = make_authority();
	struct ca_pem	 now = make_list(&by, "\1\0", 2, NOW);
	struct ca_pem	 none = { 0 }, next, foreign;

	for (size_t i = 0; i < nitems(rivals); i++) {
		const char *why;

		next = make_list(&by, rivals[i].number, rivals[i].len,
		    rivals[i].made);
		why = crl_why_not(&by.cert, &now, &next);
		ck_assert_msg((why == NULL) == rivals[i].fits, "%s: %s",
		    rivals[i].what, why != NULL ? why : "it fits");
		ck_assert_ptr_null(crl_why_not(&by.cert, &none, &next));
		ca_pem_fini(&next);
	}
	ck_assert_msg(crl_why_not(&by.cert, &now, &now) == NULL, "the same");
	/* Whatever is added to a list is newer than it. */
	ck_assert_int_eq(crl_add(&by.cert, &by.key, &now, &none, NOW, &next),
	    0);
	ck_assert_ptr_null(crl_why_not(&by.cert, &now, &next));
	ck_assert_ptr_nonnull(crl_why_not(&by.cert, &next, &now));
	foreign = make_list(&other, "\2\0", 2, NOW);
	ck_assert_msg(strstr(crl_why_not(&by.cert, &none, &foreign),
			  "not signed") != NULL, "another CA's");
	ck_assert_ptr_nonnull(crl_why_not(&by.cert, &now, &foreign));
	/* After a change of the CA the old one's list holds up nobody. */
	ck_assert_ptr_null(crl_why_not(&other.cert, &now, &foreign));
	ca_pem_fini(&now);
	ca_pem_fini(&next);
	ca_pem_fini(&foreign);
	free_authority(&by);
	free_authority(&other);
}
END_TEST

/* As many are revoked in the one as in the other: nobody knows who is missing. */
START_TEST(list_that_began_anew_does_not_take_the_place)
{
	struct authority by = make_authority();
	struct ca_pem	 a = make_site(&by, "a"), b = make_site(&by, "b");
	struct ca_pem	 none = { 0 }, first, second, anew[2];

	ck_assert_int_eq(crl_add(&by.cert, &by.key, &none, &a, NOW, &first), 0);
	ck_assert_int_eq(crl_add(&by.cert, &by.key, &first, &a, NOW, &second),
	    0);
	ck_assert_int_eq(crl_add(&by.cert, &by.key, &none, &b, NOW, &anew[0]),
	    0);
	ck_assert_int_eq(crl_add(&by.cert, &by.key, &anew[0], &b, NOW + 9,
			     &anew[1]), 0);
	ck_assert_ptr_nonnull(crl_why_not(&by.cert, &second, &anew[0]));
	ck_assert_ptr_nonnull(crl_why_not(&by.cert, &second, &anew[1]));
	ck_assert_ptr_null(crl_why_not(&by.cert, &first, &second));
	ca_pem_fini(&a);
	ca_pem_fini(&b);
	ca_pem_fini(&first);
	ca_pem_fini(&second);
	ca_pem_fini(&anew[0]);
	ca_pem_fini(&anew[1]);
	free_authority(&by);
}
END_TEST

START_TEST(part_of_a_list_is_none)
{
	struct authority by = make_authority();
	struct ca_pem	 list = make_list(&by, "\1", 1, NOW), none = { 0 };
	size_t		 len = list.len;

	for (list.len = 0; list.len + 22 < len; list.len++)
		ck_assert_msg(crl_why_not(&by.cert, &none, &list) != NULL,
		    "%zu bytes", list.len);
	list.len = len;
	ck_assert_ptr_null(crl_why_not(&by.cert, &none, &list));
	/* A bit of it is another: the signature says so. */
	for (size_t i = 40; i < len - 40; i += 7) {
		if (list.text[i] == '\n')
			continue;
		list.text[i] ^= 1;
		ck_assert_msg(crl_why_not(&by.cert, &none, &list) != NULL,
		    "byte %zu", i);
		list.text[i] ^= 1;
	}
	ca_pem_fini(&list);
	free_authority(&by);
}
END_TEST

/* It is announced (expiry.h), and goes on to count. */
START_TEST(dates_of_a_list_do_not_keep_it_out)
{
	struct authority by = make_authority();
	struct ca_pem	 none = { 0 }, next;
	static const time_t made[] = { 1600000000, 1900000000 };

	for (size_t i = 0; i < nitems(made); i++) {
		struct ca_pem list = make_list(&by, "\1", 1, made[i]);

		ck_assert_ptr_null(crl_why_not(&by.cert, &none, &list));
		ck_assert_int_eq(crl_add(&by.cert, &by.key, &list, &none, NOW,
				     &next), 0);
		ca_pem_fini(&list);
		ca_pem_fini(&next);
	}
	free_authority(&by);
}
END_TEST

START_TEST(number_grows_over_every_byte)
{
	struct authority by = make_authority();
	static const char *const numbers[] = { "\x7f", "\x7f\xff\xff",
		"\x7f\xff\xff\xff\xff\xff\xff\xff\xff" };
	struct ca_pem none = { 0 };

	for (size_t i = 0; i < nitems(numbers); i++) {
		struct ca_pem list = make_list(&by, numbers[i],
		    strlen(numbers[i]), NOW), next;

		ck_assert_int_eq(crl_add(&by.cert, &by.key, &list, &none, NOW,
				     &next), 0);
		ck_assert_ptr_null(crl_why_not(&by.cert, &list, &next));
		ck_assert_ptr_nonnull(crl_why_not(&by.cert, &next, &list));
		ca_pem_fini(&list);
		ca_pem_fini(&next);
	}
	free_authority(&by);
}
END_TEST

START_TEST(end_is_the_earliest_of_several)
{
	struct authority by = make_authority();
	struct ca_pem	 a = make_list(&by, "\1", 1, NOW);
	struct ca_pem	 b = make_list(&by, "\2", 1, NOW - 86400);
	char		 both[4096];
	time_t		 life;

	snprintf(both, sizeof(both), "%s%s", a.text, b.text);
	ck_assert_int_eq(crl_end(both, strlen(both), &life),
	    NOW + 29 * 86400);
	ck_assert_int_eq(life, 30 * 86400);
	ck_assert_int_eq(crl_end("", 0, &life), 0);
	ck_assert_int_eq(crl_end("junk", 4, &life), 0);
	ca_pem_fini(&a);
	ca_pem_fini(&b);
	free_authority(&by);
}
END_TEST

UNIT_MAIN("crl", what_was_put_in_is_revoked_and_nothing_else,
    list_counts_from_long_ago_and_for_twenty_years,
    what_is_not_of_this_ca_is_refused, list_has_room_for_thousands,
    empty_list_is_signed_and_revokes_nobody,
    older_list_never_takes_the_place_of_a_newer,
    list_that_began_anew_does_not_take_the_place, part_of_a_list_is_none,
    dates_of_a_list_do_not_keep_it_out, number_grows_over_every_byte,
    end_is_the_earliest_of_several)
