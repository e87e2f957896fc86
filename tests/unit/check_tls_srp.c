/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What tls-srp needs of the keeper: verifiers' lines, credentials for GnuTLS, and
 * the signatures of TLS 1.2.  Skipped where it is not built.
 */
#include "config.h"

#ifndef HAVE_TLS_SRP

#include <stdio.h>

int
main(void)
{
	puts("this build has no TLS-SRP");
	return 77;
}

#else

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <gnutls/abstract.h>
#include <gnutls/gnutls.h>

#include "base/nitems.h"
#include "keeper_rig.h"
#include "tls_srp/engine/tls_srp.h"
#include "tls_srp/keeper/auth_tls_srp.h"

#define SITE	 "berlin"
#define PASSWORD "open sesame"

START_TEST(lines_are_read_strictly)
{
	struct auth_tls_srp user, again;
	char		    line[AUTH_TLS_SRP_LINE_SIZE], text[1400];
	static const uint8_t secret[32] = { 7 };

	ck_assert_int_eq(auth_tls_srp_make(SITE, PASSWORD, line, sizeof(line)),
	    0);
	ck_assert(auth_tls_srp_parse(&user, line));
	ck_assert_uint_eq(user.group, 3072);
	ck_assert_uint_eq(user.v_len, 384);
	ck_assert_uint_eq(user.salt_len, AUTH_TLS_SRP_SALT_LEN);
	for (size_t i = 0; i < strlen(line); i++) {
		memcpy(text, line, i);
		text[i] = '\0';
		ck_assert(!auth_tls_srp_parse(&again, text));
	}
	again = user;
	auth_tls_srp_disguise(&again, secret, "nowhere");
	ck_assert_uint_eq(again.salt_len, user.salt_len);
	ck_assert_mem_ne(again.salt, user.salt, user.salt_len);
}
END_TEST

START_TEST(verifiers_are_gnutls_own)
{
	struct auth_tls_srp user;
	char		    line[AUTH_TLS_SRP_LINE_SIZE];
	gnutls_datum_t	    salt, v;

	ck_assert_int_eq(auth_tls_srp_make(SITE, PASSWORD, line, sizeof(line)),
	    0);
	ck_assert(auth_tls_srp_parse(&user, line));
	salt = (gnutls_datum_t) { user.salt, (unsigned)user.salt_len };
	ck_assert_int_eq(gnutls_srp_verifier(SITE, PASSWORD, &salt,
			     &gnutls_srp_3072_group_generator,
			     &gnutls_srp_3072_group_prime, &v), 0);
	/* A number: GnuTLS leaves out zeros in front, one verifier in 256. */
	ck_assert_uint_le(v.size, user.v_len);
	for (size_t i = 0; i < user.v_len - v.size; i++)
		ck_assert_uint_eq(user.v[i], 0);
	ck_assert_mem_eq(v.data, user.v + user.v_len - v.size, v.size);
	gnutls_free(v.data);
}
END_TEST
START_TEST(the_keeper_gives_what_is_in_the_file)
{
	struct auth_tls_srp   user;
	struct request_tls_srp got, again;
	char		      line[AUTH_TLS_SRP_LINE_SIZE];

	put_server_key();
	ck_assert_int_eq(auth_tls_srp_make("berlin", "open sesame", line,
			     sizeof(line)), 0);
	put_credential_line("sites/berlin.tls-srp", line);
	ck_assert(auth_tls_srp_parse(&user, line));
	attach_keeper();
	ck_assert_int_eq(tls_srp_ask(signer, "berlin", true, &got), 0);
	ck_assert_uint_eq(got.group, user.group);
	ck_assert_uint_eq(got.salt_len, user.salt_len);
	ck_assert_mem_eq(got.salt, user.salt, user.salt_len);
	ck_assert_uint_eq(got.verifier_len, user.v_len);
	ck_assert_mem_eq(got.verifier, user.v, user.v_len);

	/* Nobody's looks the same, and is always the same for a name. */
	ck_assert_int_eq(tls_srp_ask(signer, "paris", false, &again), 0);
	ck_assert_uint_eq(again.group, got.group);
	ck_assert_uint_eq(again.salt_len, got.salt_len);
	ck_assert_uint_eq(again.verifier_len, got.verifier_len);
	attach_keeper();
	ck_assert_int_eq(tls_srp_ask(signer, "paris", true, &got), 0);
	ck_assert_mem_eq(again.salt, got.salt, got.salt_len);
	ck_assert_int_eq(tls_srp_ask(signer, "rome", false, &got), 0);
	ck_assert_mem_ne(again.salt, got.salt, got.salt_len);
	ck_assert_int_eq(tls_srp_ask(signer, "berlin", false, &got), 0);
	ck_assert_mem_ne(user.salt, got.salt, got.salt_len);
	ck_assert_mem_ne(user.v, got.verifier, got.verifier_len);
}
END_TEST

START_TEST(it_is_given_out_slowly)
{
	struct request_tls_srp user;
	unsigned	      n = 0;

	put_server_key();
	attach_keeper();
	for (int i = 0; i < 200; i++) {
		int r = tls_srp_ask(signer, "berlin", true, &user);

		ck_assert(r == 0 || r == -EAGAIN);
		if (r == 0)
			n++;
		else
			ck_assert_uint_eq(user.verifier_len, 0);
	}
	ck_assert_uint_ge(n, 64);
	ck_assert_uint_lt(n, 100);
	usleep(300 * 1000);
	ck_assert_int_eq(tls_srp_ask(signer, "berlin", true, &user), 0);
}
END_TEST

#define DIGEST_INFO                                                            \
	"\x30\x31\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x05"     \
	"\x00\x04\x20"
#define HASH "0123456789abcdef0123456789abcdef"

static const struct {
	const char *what;
	uint32_t    algorithm;
	const char *data;
	size_t	    len;
	uint32_t    error;
} rsa_wishes[] = {
	{ "RSA-PSS", GNUTLS_SIGN_RSA_PSS_RSAE_SHA256, HASH, 32, 0 },
	{ "RSA-SHA256", GNUTLS_SIGN_RSA_SHA256, HASH, 32, 0 },
	{ "RSA-SHA1", GNUTLS_SIGN_RSA_SHA1, HASH, 20, EPERM },
	{ "RSA-MD5", GNUTLS_SIGN_RSA_MD5, HASH, 16, EPERM },
	{ "a DigestInfo", GNUTLS_SIGN_RSA_RAW, DIGEST_INFO HASH, 51, 0 },
	{ "one byte less", GNUTLS_SIGN_RSA_RAW, DIGEST_INFO HASH, 50, EINVAL },
	{ "one byte more", GNUTLS_SIGN_RSA_RAW, DIGEST_INFO HASH "x", 52,
	    EINVAL },
	{ "anything", GNUTLS_SIGN_RSA_RAW, HASH, 32, EINVAL },
	{ "anything of that length", GNUTLS_SIGN_RSA_RAW,
	    "0123456789abcdefghi" HASH, 51, EINVAL },
	{ "nothing", GNUTLS_SIGN_RSA_RAW, "", 0, EINVAL },
	{ "another hash", GNUTLS_SIGN_RSA_RAW,
	    "\x30\x31\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x04\x05"
	    "\x00\x04\x20" HASH, 51, EINVAL },
	{ "another length", GNUTLS_SIGN_RSA_RAW,
	    "\x30\x31\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x05"
	    "\x00\x04\x21" HASH, 51, EINVAL },
};

START_TEST(the_rsa_key_signs_hashes_only)
{
	gnutls_x509_privkey_t clear;
	struct keypair_public public;
	int		      auth, sign;

	put_server_key();
	put_key(CREDENTIALS_RSA_KEY, GNUTLS_PK_RSA, 2048, &clear);
	public = public_of(clear);
	gnutls_x509_privkey_deinit(clear);
	start_keeper(dir, -1, &auth, &sign);
	for (size_t i = 0; i < nitems(rsa_wishes); i++) {
		struct request_signature answer;

		sign_by(sign, REQUEST_KEY_RSA, &public, rsa_wishes[i].algorithm,
		    rsa_wishes[i].data, rsa_wishes[i].len, &answer);
		ck_assert_msg(answer.error == rsa_wishes[i].error, "%s: %u",
		    rsa_wishes[i].what, answer.error);
	}
	close(auth);
	close(sign);
}
END_TEST

/* GnuTLS's callback. */
static int
give_user(gnutls_session_t session, const char *name, gnutls_datum_t *salt,
    gnutls_datum_t *verifier, gnutls_datum_t *generator, gnutls_datum_t *prime)
{
	const gnutls_datum_t *const g = &gnutls_srp_3072_group_generator;
	const gnutls_datum_t *const n = &gnutls_srp_3072_group_prime;
	struct request_tls_srp	    user;

	ck_assert_int_eq(tls_srp_ask(signer, name, true, &user), 0);
	ck_assert_uint_eq(user.group, 3072);
	*salt = (gnutls_datum_t) { gnutls_malloc(user.salt_len),
		(unsigned)user.salt_len };
	*verifier = (gnutls_datum_t) { gnutls_malloc(user.verifier_len),
		(unsigned)user.verifier_len };
	*generator = (gnutls_datum_t) { gnutls_malloc(g->size), g->size };
	*prime = (gnutls_datum_t) { gnutls_malloc(n->size), n->size };
	memcpy(salt->data, user.salt, user.salt_len);
	memcpy(verifier->data, user.verifier, user.verifier_len);
	memcpy(generator->data, g->data, g->size);
	memcpy(prime->data, n->data, n->size);
	return 0;
}

/* Whether GnuTLS's own client, with this password, gets through. */
static bool
shake_hands(const char *password)
{
	static const char priority[] =
	    "NORMAL:-VERS-ALL:+VERS-TLS1.2:-KX-ALL:+SRP-RSA";
	gnutls_certificate_credentials_t certificate, none;
	gnutls_srp_server_credentials_t	 users;
	gnutls_srp_client_credentials_t	 login;
	gnutls_x509_privkey_t		 clear;
	gnutls_session_t		 ends[2];
	gnutls_privkey_t		 key;
	gnutls_pcert_st			 pcert;
	struct keypair_public		 public;
	int				 fds[2], r[2] = { -1, -1 };

	put_key(CREDENTIALS_RSA_KEY, GNUTLS_PK_RSA, 2048, &clear);
	make_certificate(clear, &pcert);
	public = public_of(clear);
	gnutls_x509_privkey_deinit(clear);
	attach_keeper();
	key = sign_ask_privkey(signer, REQUEST_KEY_RSA, &public);
	ck_assert_ptr_nonnull(key);
	gnutls_certificate_allocate_credentials(&certificate);
	gnutls_certificate_allocate_credentials(&none);
	ck_assert_int_ge(gnutls_certificate_set_key(certificate, NULL, 0,
			     &pcert, 1, key), 0);
	gnutls_srp_allocate_server_credentials(&users);
	gnutls_srp_set_server_credentials_function(users, give_user);
	gnutls_srp_allocate_client_credentials(&login);
	gnutls_srp_set_client_credentials(login, "berlin", password);
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0,
			     fds), 0);
	gnutls_init(&ends[0], GNUTLS_SERVER | GNUTLS_NONBLOCK);
	gnutls_init(&ends[1], GNUTLS_CLIENT | GNUTLS_NONBLOCK);
	for (int i = 0; i < 2; i++) {
		ck_assert_int_eq(gnutls_priority_set_direct(ends[i], priority,
				     NULL), 0);
		gnutls_credentials_set(ends[i], GNUTLS_CRD_CERTIFICATE,
		    i == 0 ? certificate : none);
		gnutls_transport_set_int(ends[i], fds[i]);
	}
	gnutls_credentials_set(ends[0], GNUTLS_CRD_SRP, users);
	gnutls_credentials_set(ends[1], GNUTLS_CRD_SRP, login);
	for (int i = 0; i < 100 && (r[0] != 0 || r[1] != 0); i++) {
		int *end = &r[i % 2];

		if (*end == 0)
			continue;
		*end = gnutls_handshake(ends[i % 2]);
		if (*end < 0 && gnutls_error_is_fatal(*end))
			break;
	}
	for (int i = 0; i < 2; i++) {
		gnutls_deinit(ends[i]);
		close(fds[i]);
	}
	gnutls_srp_free_server_credentials(users);
	gnutls_srp_free_client_credentials(login);
	gnutls_certificate_free_credentials(certificate);
	gnutls_certificate_free_credentials(none);
	return r[0] == 0 && r[1] == 0;
}

START_TEST(gnutls_logs_in_with_what_the_keeper_gives)
{
	char line[AUTH_TLS_SRP_LINE_SIZE];

	put_server_key();
	ck_assert_int_eq(auth_tls_srp_make("berlin", "open sesame", line,
			     sizeof(line)), 0);
	put_credential_line("sites/berlin.tls-srp", line);
	ck_assert(shake_hands("open sesame"));
	ck_assert(!shake_hands("open barley"));
}
END_TEST

START_TEST(nobody_has_a_verifier_too)
{
	struct auth_tls_srp user;
	char		   *path = file_join(dir, "nobody.tls-srp"), *text;
	size_t		    len;

	put_server_key();
	attach_keeper();
	ck_assert_int_eq(tls_srp_ask(signer, "paris", false,
	    &(struct request_tls_srp) { .error = 0 }), 0);
	ck_assert_int_eq(file_read(path, AUTH_TLS_SRP_LINE_SIZE, &text, &len),
	    0);
	text[strcspn(text, "\n")] = '\0';
	ck_assert(auth_tls_srp_parse(&user, text));
	free(text);
	free(path);
}
END_TEST

int
main(void)
{
	Suite	*suite = suite_create("tls_srp");
	TCase	*tc = tcase_create("tls_srp");
	SRunner *runner = srunner_create(suite);
	int	 failed;

	tcase_add_checked_fixture(tc, rig_setup, rig_teardown);
	tcase_set_timeout(tc, 300);
	tcase_add_test(tc, lines_are_read_strictly);
	tcase_add_test(tc, verifiers_are_gnutls_own);
	tcase_add_test(tc, the_keeper_gives_what_is_in_the_file);
	tcase_add_test(tc, it_is_given_out_slowly);
	tcase_add_test(tc, the_rsa_key_signs_hashes_only);
	tcase_add_test(tc, gnutls_logs_in_with_what_the_keeper_gives);
	tcase_add_test(tc, nobody_has_a_verifier_too);
	suite_add_tcase(suite, tc);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}

#endif /* HAVE_TLS_SRP */
