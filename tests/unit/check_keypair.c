/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a handshake can use is taken, and what it cannot is refused with words
 * that say why; a key that is not the certificate's is never taken for it.
 */
#include "unit.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include <gnutls/gnutls.h>
#include <gnutls/x509.h>

#include "pki/keypair.h"

#define CURVE(name) GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_##name)

static gnutls_x509_privkey_t
make_key(gnutls_pk_algorithm_t pk, unsigned bits)
{
	gnutls_x509_privkey_t key;

	ck_assert_int_eq(gnutls_x509_privkey_init(&key), 0);
	ck_assert_int_eq(gnutls_x509_privkey_generate(key, pk, bits, 0), 0);
	return key;
}

/* Each by itself: what is looked at here is not who made them. */
static gnutls_datum_t
make_certificate(gnutls_x509_privkey_t key)
{
	gnutls_x509_crt_t cert;
	gnutls_datum_t	  pem;

	ck_assert_int_eq(gnutls_x509_crt_init(&cert), 0);
	gnutls_x509_crt_set_version(cert, 3);
	gnutls_x509_crt_set_serial(cert, "\1", 1);
	gnutls_x509_crt_set_activation_time(cert, time(NULL) - 60);
	gnutls_x509_crt_set_expiration_time(cert, time(NULL) + 3600);
	gnutls_x509_crt_set_dn(cert, "CN=localhost", NULL);
	gnutls_x509_crt_set_key(cert, key);
	ck_assert_int_eq(gnutls_x509_crt_sign2(cert, cert, key,
			     gnutls_x509_privkey_get_pk_algorithm(key) ==
				     GNUTLS_PK_EDDSA_ED25519 ?
				 GNUTLS_DIG_SHA512 : GNUTLS_DIG_SHA256, 0), 0);
	ck_assert_int_eq(gnutls_x509_crt_export2(cert, GNUTLS_X509_FMT_PEM,
			     &pem), 0);
	gnutls_x509_crt_deinit(cert);
	return pem;
}

static gnutls_datum_t
print_key(gnutls_x509_privkey_t key, const char *password)
{
	gnutls_datum_t pem;

	ck_assert_int_eq(gnutls_x509_privkey_export2_pkcs8(key,
			     GNUTLS_X509_FMT_PEM, password,
			     password != NULL ? GNUTLS_PKCS_PBES2_AES_256 :
						GNUTLS_PKCS_PLAIN, &pem), 0);
	return pem;
}

static const char *
check(const gnutls_datum_t *chain, const gnutls_datum_t *key)
{
	static char why[KEYPAIR_WHY_SIZE];

	return keypair_check((const char *)chain->data, chain->size,
		   (const char *)key->data, key->size, why) ? "" : why;
}

static const struct {
	const char	     *what;
	gnutls_pk_algorithm_t pk;
	unsigned	      bits;
	const char	     *says; /* NULL: it can be used */
} kinds[] = {
	{ "P-256", GNUTLS_PK_ECDSA, CURVE(SECP256R1), NULL },
	{ "P-384", GNUTLS_PK_ECDSA, CURVE(SECP384R1), NULL },
	{ "P-521", GNUTLS_PK_ECDSA, CURVE(SECP521R1), NULL },
	{ "RSA", GNUTLS_PK_RSA, 2048, NULL },
	{ "RSA-PSS", GNUTLS_PK_RSA_PSS, 2048, NULL },
	{ "RSA of 1024 bits", GNUTLS_PK_RSA, 1024, "too small" },
	{ "P-224", GNUTLS_PK_ECDSA, CURVE(SECP224R1), "224 bits" },
	{ "Ed25519", GNUTLS_PK_EDDSA_ED25519, CURVE(ED25519), "Ed25519" },
};

START_TEST(kind_of_key_decides)
{
	gnutls_x509_privkey_t key = make_key(kinds[_i].pk, kinds[_i].bits);
	gnutls_datum_t	      cert = make_certificate(key);
	gnutls_datum_t	      pem = print_key(key, NULL);
	const char	     *why = check(&cert, &pem);

	if (kinds[_i].says == NULL)
		ck_assert_msg(why[0] == '\0', "%s: %s", kinds[_i].what, why);
	else
		ck_assert_msg(strstr(why, kinds[_i].says) != NULL, "%s: '%s'",
		    kinds[_i].what, why);
	gnutls_free(cert.data);
	gnutls_free(pem.data);
	gnutls_x509_privkey_deinit(key);
}
END_TEST

/* Every certificate with every other's key, of the same kind and not. */
START_TEST(no_key_is_taken_for_another)
{
	static const struct {
		gnutls_pk_algorithm_t pk;
		unsigned	      bits;
	} made[] = {
		{ GNUTLS_PK_ECDSA, CURVE(SECP256R1) },
		{ GNUTLS_PK_ECDSA, CURVE(SECP256R1) },
		{ GNUTLS_PK_RSA, 2048 },
		{ GNUTLS_PK_RSA, 2048 },
		{ GNUTLS_PK_RSA_PSS, 2048 },
	};
	gnutls_datum_t certs[nitems(made)], pems[nitems(made)];

	for (size_t i = 0; i < nitems(made); i++) {
		gnutls_x509_privkey_t key = make_key(made[i].pk, made[i].bits);

		certs[i] = make_certificate(key);
		pems[i] = print_key(key, NULL);
		gnutls_x509_privkey_deinit(key);
	}
	for (size_t i = 0; i < nitems(made); i++) {
		for (size_t j = 0; j < nitems(made); j++)
			ck_assert_msg((check(&certs[i], &pems[j])[0] == '\0') ==
				(i == j), "%zu with the key of %zu", i, j);
	}
	for (size_t i = 0; i < nitems(made); i++) {
		gnutls_free(certs[i].data);
		gnutls_free(pems[i].data);
	}
}
END_TEST

START_TEST(encrypted_key_is_called_so)
{
	gnutls_x509_privkey_t key = make_key(GNUTLS_PK_ECDSA, CURVE(SECP256R1));
	gnutls_datum_t	      cert = make_certificate(key);
	gnutls_datum_t	      pem = print_key(key, "password");

	ck_assert_ptr_nonnull(strstr(check(&cert, &pem), "encrypted"));
	gnutls_free(cert.data);
	gnutls_free(pem.data);
	gnutls_x509_privkey_deinit(key);
}
END_TEST

START_TEST(chain_is_counted_and_cleaned)
{
	gnutls_x509_privkey_t  key = make_key(GNUTLS_PK_ECDSA, CURVE(SECP256R1));
	gnutls_datum_t	       cert = make_certificate(key);
	struct keypair_public  public;
	struct ca_pem	       clean;
	size_t		       size = (cert.size + 8) * 9 + 1, len = 0;
	char		      *text = malloc(size), why[KEYPAIR_WHY_SIZE];

	for (unsigned n = 1; n <= 9; n++) {
		len += (size_t)snprintf(text + len, size - len, "x: y\n%.*s",
		    (int)cert.size, (const char *)cert.data);
		if (n > KEYPAIR_MAX_CHAIN) {
			ck_assert(!keypair_read_chain(text, len, NULL, NULL,
			    why));
			ck_assert_ptr_nonnull(strstr(why, "9 certificates"));
			break;
		}
		ck_assert_msg(keypair_read_chain(text, len, &public, &clean,
				  why), "%u: %s", n, why);
		ck_assert_uint_eq(clean.len, n * cert.size);
		ck_assert_ptr_null(strstr(clean.text, "x: y"));
		ck_assert_uint_eq(public.bits, 256);
		ca_pem_fini(&clean);
	}
	free(text);
	gnutls_free(cert.data);
	gnutls_x509_privkey_deinit(key);
}
END_TEST

/* As a disk that is full, or a program half way, leaves them. */
START_TEST(half_a_file_is_no_pair)
{
	gnutls_x509_privkey_t key = make_key(GNUTLS_PK_ECDSA, CURVE(SECP256R1));
	gnutls_datum_t	      cert = make_certificate(key);
	gnutls_datum_t	      pem = print_key(key, NULL);
	gnutls_datum_t	      part;

	for (unsigned n = 0; n + 26 < cert.size; n++) {
		part = (gnutls_datum_t) { cert.data, n };
		ck_assert_msg(check(&part, &pem)[0] != '\0', "%u bytes", n);
	}
	for (unsigned n = 0; n + 26 < pem.size; n++) {
		part = (gnutls_datum_t) { pem.data, n };
		ck_assert_msg(check(&cert, &part)[0] != '\0', "%u bytes", n);
	}
	ck_assert_ptr_nonnull(strstr(check(&pem, &pem), "certificate"));
	ck_assert_ptr_nonnull(strstr(check(&cert, &cert), "private key"));
	gnutls_free(cert.data);
	gnutls_free(pem.data);
	gnutls_x509_privkey_deinit(key);
}
END_TEST

int
main(void)
{
	Suite	*suite = suite_create("keypair");
	TCase	*tcase = tcase_create("keypair");
	SRunner *runner = srunner_create(suite);
	int	 failed;

	tcase_add_loop_test(tcase, kind_of_key_decides, 0, nitems(kinds));
	tcase_add_test(tcase, no_key_is_taken_for_another);
	tcase_add_test(tcase, encrypted_key_is_called_so);
	tcase_add_test(tcase, chain_is_counted_and_cleaned);
	tcase_add_test(tcase, half_a_file_is_no_pair);
	tcase_set_timeout(tcase, 60);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
