/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The CA: a satellite that pins it believes the hub's certificate, for its
 * name only, whatever its clock says between 2020 and the end of it.
 */
#include "unit.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <gnutls/gnutls.h>
#include <gnutls/x509.h>

#include "pki/ca.h"

#define NOW	 ((time_t)1800000000)
#define YEAR_SEC ((time_t)31556952)

static struct ca_pem ca_key, ca_cert, server_key;

static void
make_ca(const char *name)
{
	ck_assert_int_eq(ca_make_key(&ca_key), 0);
	ck_assert_int_eq(ca_make(&ca_key, name, NOW, &ca_cert), 0);
	ck_assert_int_eq(ca_make_key(&server_key), 0);
}

static void
free_ca(void)
{
	ca_pem_fini(&ca_key);
	ca_pem_fini(&ca_cert);
	ca_pem_fini(&server_key);
	ck_assert_ptr_null(ca_key.text);
}

static int
sign_server(const struct ca_pem *cert, const struct ca_pem *key,
    const struct ca_pem *server, const char *name, time_t now,
    struct ca_pem *signed_cert)
{
	char *const one[] = { (char *)(uintptr_t)name };

	return ca_sign_server(cert, key, server, one, 1, now, signed_cert);
}

static gnutls_x509_crt_t
import(const struct ca_pem *pem)
{
	gnutls_datum_t	  text = { (unsigned char *)pem->text,
		   (unsigned)pem->len };
	gnutls_x509_crt_t cert;

	ck_assert_int_eq(gnutls_x509_crt_init(&cert), 0);
	ck_assert_int_eq(gnutls_x509_crt_import(cert, &text,
			     GNUTLS_X509_FMT_PEM), 0);
	return cert;
}

/* As each end does: one CA, one name (NULL: any), one purpose. */
static unsigned
verify_for(const struct ca_pem *pem, const char *name, const char *what_for)
{
	gnutls_x509_crt_t	  ca = import(&ca_cert), cert = import(pem);
	gnutls_x509_trust_list_t  list;
	gnutls_typed_vdata_st	  data[2] = {
		    { GNUTLS_DT_DNS_HOSTNAME, NULL, 0 },
		    { GNUTLS_DT_KEY_PURPOSE_OID, NULL, 0 },
	};
	char	 host[256], purpose[64];
	unsigned status = 0;

	strcpy(host, name != NULL ? name : "");
	strcpy(purpose, what_for);
	data[0].data = (unsigned char *)host;
	data[1].data = (unsigned char *)purpose;
	ck_assert_int_eq(gnutls_x509_trust_list_init(&list, 0), 0);
	ck_assert_int_eq(gnutls_x509_trust_list_add_cas(list, &ca, 1, 0), 1);
	ck_assert_int_eq(gnutls_x509_trust_list_verify_crt2(list, &cert, 1,
			     name != NULL ? data : data + 1,
			     name != NULL ? 2 : 1, GNUTLS_PROFILE_TO_VFLAGS(
				 GNUTLS_PROFILE_MEDIUM),
			     &status, NULL), 0);
	gnutls_x509_crt_deinit(cert);
	gnutls_x509_trust_list_deinit(list, 1);
	return status;
}

static unsigned
verify(const struct ca_pem *pem, const char *name)
{
	return verify_for(pem, name, GNUTLS_KP_TLS_WWW_SERVER);
}

static const struct {
	const char *what;
	const char *name, *other;
} names[] = {
	{ "a host", "vpn.example.org", "vpn.example.com" },
	{ "a host with capitals", "VPN.Example.org", "example.org" },
	{ "an IPv4 address", "192.0.2.1", "192.0.2.2" },
	{ "an IPv6 address", "2001:db8::1", "2001:db8::2" },
	{ "a host longer than a CN", "a-name-of-sixty-bytes-for-one-label."
				     "a-name-of-sixty-bytes-for-another.org",
	    "a-name-of-sixty-bytes-for-another.org" },
};

START_TEST(certificate_is_believed_for_all_its_names)
{
	static char first[] = "new.example.org", second[] = "old.example.org",
		    v4[] = "192.0.2.1", v6[] = "2001:db8::1";
	char *const all[] = { first, second, v4, v6 };
	struct ca_pem cert;
	char	      name[CA_NAME_SIZE];

	make_ca("new.example.org");
	ck_assert_int_eq(ca_sign_server(&ca_cert, &ca_key, &server_key, all,
			     nitems(all), NOW, &cert), 0);
	for (unsigned i = 0; i < nitems(all); i++) {
		ck_assert_msg(verify(&cert, all[i]) == 0, "%s", all[i]);
		ck_assert(ca_is_for(&cert, all[i]));
		ck_assert(ca_name(&cert, i, name));
		ck_assert_str_eq(name, all[i]);
	}
	ck_assert(!ca_name(&cert, nitems(all), name));
	ck_assert(!ca_is_for(&cert, "example.org"));
	ck_assert(!ca_is_for(&cert, "192.0.2.2"));
	ck_assert_uint_ne(verify(&cert, "example.org"), 0);
	ca_pem_fini(&cert);
	ck_assert_int_eq(ca_sign_server(&ca_cert, &ca_key, &server_key, all, 0,
			     NOW, &cert), -EINVAL);
	free_ca();
}
END_TEST

START_TEST(certificate_is_believed_for_its_name_only)
{
	make_ca(names[_i].name);
	struct ca_pem cert;

	ck_assert_int_eq(sign_server(&ca_cert, &ca_key, &server_key,
			     names[_i].name, NOW, &cert), 0);
	ck_assert_msg(verify(&cert, names[_i].name) == 0, "%s: %#x",
	    names[_i].what, verify(&cert, names[_i].name));
	ck_assert_msg(verify(&cert, names[_i].other) ==
		(GNUTLS_CERT_INVALID | GNUTLS_CERT_UNEXPECTED_OWNER),
	    "%s", names[_i].what);
	ca_pem_fini(&cert);
	free_ca();
}
END_TEST

START_TEST(another_ca_is_not_believed)
{
	struct ca_pem cert;

	make_ca("vpn.example.org");
	ck_assert_int_eq(sign_server(&ca_cert, &ca_key, &server_key,
			     "vpn.example.org", NOW, &cert), 0);
	free_ca();
	/* The same names, other keys. */
	make_ca("vpn.example.org");
	ck_assert_uint_ne(verify(&cert, "vpn.example.org") &
		GNUTLS_CERT_INVALID, 0);
	ca_pem_fini(&cert);
	free_ca();
}
END_TEST

START_TEST(renewal_keeps_the_key_and_changes_the_serial)
{
	struct ca_pem	  old, renewed;
	gnutls_x509_crt_t a, b;
	unsigned char	  id[2][64], serial[2][64];
	size_t		  len[2] = { 64, 64 };

	make_ca("vpn.example.org");
	ck_assert_int_eq(sign_server(&ca_cert, &ca_key, &server_key,
			     "vpn.example.org", NOW, &old), 0);
	ck_assert_int_eq(sign_server(&ca_cert, &ca_key, &server_key,
			     "vpn.example.org", NOW + 4 * YEAR_SEC, &renewed),
	    0);
	ck_assert_uint_eq(verify(&renewed, "vpn.example.org"), 0);
	a = import(&old);
	b = import(&renewed);
	gnutls_x509_crt_get_key_id(a, 0, id[0], &len[0]);
	gnutls_x509_crt_get_key_id(b, 0, id[1], &len[1]);
	ck_assert_mem_eq(id[0], id[1], len[0]);
	len[0] = len[1] = 64;
	gnutls_x509_crt_get_serial(a, serial[0], &len[0]);
	gnutls_x509_crt_get_serial(b, serial[1], &len[1]);
	ck_assert_uint_ge(len[0], 16);
	ck_assert_uint_eq(len[0], len[1]);
	ck_assert_mem_ne(serial[0], serial[1], len[0]);
	gnutls_x509_crt_deinit(a);
	gnutls_x509_crt_deinit(b);
	ca_pem_fini(&old);
	ca_pem_fini(&renewed);
	free_ca();
}
END_TEST

START_TEST(certificates_say_what_they_are_for)
{
	struct ca_pem	  pem;
	gnutls_x509_crt_t cert;
	unsigned	  is_ca, usage, critical;
	int		  depth;
	char		  oid[64], cn[128];
	size_t		  len = sizeof(oid), cn_len = sizeof(cn);

	make_ca("vpn.example.org");
	cert = import(&ca_cert);
	gnutls_x509_crt_get_basic_constraints(cert, &critical, &is_ca, &depth);
	ck_assert(critical && is_ca && depth == 0);
	gnutls_x509_crt_get_key_usage(cert, &usage, &critical);
	ck_assert_uint_eq(usage,
	    GNUTLS_KEY_KEY_CERT_SIGN | GNUTLS_KEY_CRL_SIGN);
	gnutls_x509_crt_get_dn_by_oid(cert, GNUTLS_OID_X520_COMMON_NAME, 0, 0,
	    cn, &cn_len);
	ck_assert_str_eq(cn, "tombolo CA for vpn.example.org");
	ck_assert_int_eq(gnutls_x509_crt_get_activation_time(cert),
	    CA_NOT_BEFORE);
	ck_assert_int_eq(gnutls_x509_crt_get_expiration_time(cert),
	    NOW + 20 * YEAR_SEC);
	gnutls_x509_crt_deinit(cert);

	ck_assert_int_eq(sign_server(&ca_cert, &ca_key, &server_key,
			     "vpn.example.org", NOW, &pem), 0);
	cert = import(&pem);
	gnutls_x509_crt_get_basic_constraints(cert, &critical, &is_ca, &depth);
	ck_assert(!is_ca);
	gnutls_x509_crt_get_key_usage(cert, &usage, &critical);
	ck_assert_uint_eq(usage, GNUTLS_KEY_DIGITAL_SIGNATURE);
	ck_assert_int_eq(gnutls_x509_crt_get_key_purpose_oid(cert, 0, oid, &len,
			     &critical), 0);
	ck_assert_str_eq(oid, GNUTLS_KP_TLS_WWW_SERVER);
	ck_assert_int_eq(gnutls_x509_crt_get_expiration_time(cert),
	    NOW + 5 * YEAR_SEC);
	gnutls_x509_crt_deinit(cert);
	ca_pem_fini(&pem);

	/* Near the CA's end the certificate ends with it. */
	ck_assert_int_eq(sign_server(&ca_cert, &ca_key, &server_key, "a.b",
			     NOW + 18 * YEAR_SEC, &pem), 0);
	cert = import(&pem);
	ck_assert_int_eq(gnutls_x509_crt_get_expiration_time(cert),
	    NOW + 20 * YEAR_SEC);
	gnutls_x509_crt_deinit(cert);
	ca_pem_fini(&pem);
	free_ca();
}
END_TEST

START_TEST(bad_names_and_keys_are_refused)
{
	static const char *const bad[] = { "", "a b", "a\nb", "*.example.org",
		"-a", ".a", "a/b", "a@b", "fe80::1%eth0", "m\xc3\xbcnchen" };
	struct ca_pem cert, other;

	make_ca("a");
	for (size_t i = 0; i < nitems(bad); i++) {
		ck_assert_msg(sign_server(&ca_cert, &ca_key, &server_key,
				  bad[i], NOW, &cert) == -EINVAL, "%s", bad[i]);
		ck_assert_ptr_null(cert.text);
	}
	/* Not the CA's key. */
	ck_assert_int_eq(sign_server(&ca_cert, &server_key, &server_key, "a",
			     NOW, &cert), -EINVAL);
	ck_assert_ptr_null(cert.text);
	/* Not a key, not a certificate. */
	ck_assert_int_eq(sign_server(&ca_cert, &ca_cert, &server_key, "a",
			     NOW, &cert), -EINVAL);
	ck_assert_int_eq(sign_server(&ca_key, &ca_key, &server_key, "a", NOW,
			     &cert), -EINVAL);
	other = (struct ca_pem) { 0 };
	ck_assert_int_eq(ca_make(&other, "a", NOW, &cert), -EINVAL);
	free_ca();
}
END_TEST

START_TEST(only_one_ca_certificate_is_one)
{
	struct ca_pem cert;
	static char   two[2 * CA_PEM_MAX];

	make_ca("a");
	ck_assert(ca_is_ca(ca_cert.text, ca_cert.len));
	ck_assert_int_eq(sign_server(&ca_cert, &ca_key, &server_key, "a",
			     NOW, &cert), 0);
	ck_assert_msg(!ca_is_ca(cert.text, cert.len), "a server's");
	ck_assert_msg(!ca_is_ca(ca_key.text, ca_key.len), "a key");
	ck_assert_msg(!ca_is_ca("", 0), "nothing");
	snprintf(two, sizeof(two), "%s%s", ca_cert.text, cert.text);
	ck_assert_msg(!ca_is_ca(two, strlen(two)), "two");
	snprintf(two, sizeof(two), "x%s", ca_cert.text);
	ck_assert_msg(!ca_is_ca(two, strlen(two)), "something in front");
	snprintf(two, sizeof(two), "%sx", ca_cert.text);
	ck_assert_msg(!ca_is_ca(two, strlen(two)), "something behind");
	/* The last is a line break, which may be missing. */
	for (size_t n = 0; n < ca_cert.len - 1; n++) {
		char *part = malloc(n > 0 ? n : 1);

		memcpy(part, ca_cert.text, n);
		ck_assert_msg(!ca_is_ca(part, n), "cut to %zu", n);
		free(part);
	}
	ca_pem_fini(&cert);
	free_ca();
}
END_TEST

START_TEST(site_certificate_is_for_a_client_of_that_name_only)
{
	struct ca_pem	  pem, key;
	gnutls_x509_crt_t cert;
	unsigned	  usage, critical;
	char		  cn[128];
	size_t		  len = sizeof(cn);

	make_ca("a");
	ck_assert_int_eq(ca_make_key(&key), 0);
	ck_assert_int_eq(ca_sign_site(&ca_cert, &ca_key, &key, "berlin-2.x_y",
			     NOW, &pem), 0);
	ck_assert_uint_eq(verify_for(&pem, NULL, GNUTLS_KP_TLS_WWW_CLIENT), 0);
	/* It cannot play the server: not by its purpose, not by its name. */
	ck_assert_uint_eq(verify_for(&pem, NULL, GNUTLS_KP_TLS_WWW_SERVER),
	    GNUTLS_CERT_INVALID | GNUTLS_CERT_PURPOSE_MISMATCH);
	ck_assert_uint_ne(verify_for(&pem, "a", GNUTLS_KP_TLS_WWW_CLIENT), 0);
	cert = import(&pem);
	ck_assert_int_eq(gnutls_x509_crt_get_dn_by_oid(cert,
			     GNUTLS_OID_X520_COMMON_NAME, 0, 0, cn, &len), 0);
	ck_assert_str_eq(cn, "berlin-2.x_y");
	ck_assert_int_eq(gnutls_x509_crt_get_ca_status(cert, &critical), 0);
	gnutls_x509_crt_get_key_usage(cert, &usage, &critical);
	ck_assert_uint_eq(usage, GNUTLS_KEY_DIGITAL_SIGNATURE);
	ck_assert_int_eq(gnutls_x509_crt_get_expiration_time(cert),
	    NOW + 5 * YEAR_SEC);
	gnutls_x509_crt_deinit(cert);
	ck_assert(ca_is_pair(&pem, &key));
	ck_assert(!ca_is_pair(&pem, &server_key));
	ck_assert(!ca_is_pair(&key, &pem));
	ca_pem_fini(&pem);
	/* A common name has room for 64 bytes, a site for 63. */
	ck_assert_int_eq(ca_sign_site(&ca_cert, &ca_key, &key, "", NOW, &pem),
	    -EINVAL);
	ca_pem_fini(&key);
	free_ca();
}
END_TEST

START_TEST(rsa_key_can_be_a_servers)
{
	struct ca_pem	      pem, key;
	gnutls_x509_privkey_t got;
	gnutls_datum_t	      text;
	unsigned	      bits = 0;

	make_ca("vpn.example.org");
	ck_assert_int_eq(ca_make_rsa_key(&key), 0);
	text = (gnutls_datum_t) { (unsigned char *)key.text,
		(unsigned)key.len };
	gnutls_x509_privkey_init(&got);
	ck_assert_int_eq(gnutls_x509_privkey_import(got, &text,
			     GNUTLS_X509_FMT_PEM), 0);
	ck_assert_int_eq(gnutls_x509_privkey_get_pk_algorithm2(got, &bits),
	    GNUTLS_PK_RSA);
	ck_assert_uint_eq(bits, 3072);
	gnutls_x509_privkey_deinit(got);
	ck_assert_int_eq(sign_server(&ca_cert, &ca_key, &key,
			     "vpn.example.org", NOW, &pem), 0);
	ck_assert_uint_eq(verify(&pem, "vpn.example.org"), 0);
	ck_assert(ca_is_pair(&pem, &key));
	ca_pem_fini(&pem);
	ca_pem_fini(&key);
	free_ca();
}
END_TEST

START_TEST(now_is_never_before_the_build)
{
	ck_assert_int_ge(ca_now(), time(NULL));
	ck_assert_int_gt(ca_now(), CA_NOT_BEFORE);
}
END_TEST

int
main(void)
{
	Suite	*suite = suite_create("ca");
	TCase	*tcase = tcase_create("ca");
	SRunner *runner = srunner_create(suite);
	int	 failed;

	tcase_add_loop_test(tcase, certificate_is_believed_for_its_name_only, 0,
	    nitems(names));
	tcase_add_test(tcase, certificate_is_believed_for_all_its_names);
	tcase_add_test(tcase, another_ca_is_not_believed);
	tcase_add_test(tcase, renewal_keeps_the_key_and_changes_the_serial);
	tcase_add_test(tcase, certificates_say_what_they_are_for);
	tcase_add_test(tcase, bad_names_and_keys_are_refused);
	tcase_add_test(tcase, only_one_ca_certificate_is_one);
	tcase_add_test(tcase,
	    site_certificate_is_for_a_client_of_that_name_only);
	tcase_add_test(tcase, rsa_key_can_be_a_servers);
	tcase_add_test(tcase, now_is_never_before_the_build);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
