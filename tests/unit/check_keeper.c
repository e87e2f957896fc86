/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The keeper as the engine sees it: a real process, real channels, a directory
 * of credentials; and what becomes of the engine's asks when it is killed.
 */
#include <check.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <gnutls/abstract.h>
#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>

#include "base/mono.h"
#include "base/nitems.h"
#include "keeper/auth_password.h"
#include "keeper/yescrypt.h"
#include "keeper_rig.h"

static uint8_t buf[CHAN_MAX_PAYLOAD];

/* ---- asking ---- */

struct verdict {
	unsigned calls;
	bool	 yes;
};

static void
on_verdict(void *arg, const struct request_verdict *answer)
{
	enum keeper_verdict said = answer->verdict;
	struct verdict *verdict = arg;

	verdict->calls++;
	verdict->yes = said == KEEPER_YES;
}

static int
ask_verify(const char *site, bool known, const char *password, size_t len,
    keeper_ask_done *done, void *arg)
{
	return keeper_ask_verify(ask, site, known, password, len, 0, done, arg);
}

static bool
verify(const char *site, bool known, const char *password, size_t len)
{
	struct verdict verdict = { 0 };

	ck_assert_int_eq(ask_verify(site, known, password, len,
			     on_verdict, &verdict), 0);
	ck_assert_uint_eq(verdict.calls, 0);
	wait_for(&verdict.calls, 1);
	ck_assert_uint_eq(verdict.calls, 1);
	return verdict.yes;
}

/* ---- passwords ---- */

#define LONGEST                                                                \
	"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"     \
	"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"     \
	"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"     \
	"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"     \
	"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"     \
	"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"     \
	"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"     \
	"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcde"

static const struct {
	const char *what;
	const char *site;
	bool	    known;
	const char *password;
	size_t	    len;
	bool	    yes;
} verdicts[] = {
	{ "the right one", "berlin", true, "open sesame", 11, true },
	{ "a wrong one", "berlin", true, "open barley", 11, false },
	{ "its beginning", "berlin", true, "open", 4, false },
	{ "with a newline", "berlin", true, "open sesame\n", 12, false },
	{ "with a NUL and more", "berlin", true, "open sesame\0x", 13, false },
	{ "with a NUL at its end", "berlin", true, "open sesame", 12, false },
	{ "nothing", "berlin", true, "", 0, false },
	{ "of another site", "oslo", true, "open sesame", 11, false },
	{ "the longest one", "oslo", true, LONGEST, 511, true },
	{ "one byte longer", "oslo", true, LONGEST "!", 512, false },
	{ "one byte shorter", "oslo", true, LONGEST, 510, false },
	{ "the right one of a disabled site", "berlin", false, "open sesame",
	    11, false },
	{ "no such site", "paris", false, "open sesame", 11, false },
	{ "a site without a file", "paris", true, "open sesame", 11, false },
	{ "a path for a name", "../sites/berlin", true, "open sesame", 11,
	    false },
	{ "an empty name", "", true, "open sesame", 11, false },
	{ "a name too long",
	    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
	    true, "open sesame", 11, false },
};

START_TEST(only_the_right_password_gets_a_yes)
{
	put_hash("sites/berlin.password", "open sesame");
	put_hash("sites/oslo.password", LONGEST);
	attach_keeper();
	for (size_t i = 0; i < nitems(verdicts); i++)
		ck_assert_msg(verify(verdicts[i].site, verdicts[i].known,
				  verdicts[i].password, verdicts[i].len) ==
			verdicts[i].yes,
		    "%s", verdicts[i].what);
}
END_TEST

START_TEST(changed_password_counts_at_once)
{
	put_hash("sites/berlin.password", "old");
	attach_keeper();
	ck_assert(verify("berlin", true, "old", 3));
	put_hash("sites/berlin.password", "new");
	ck_assert(!verify("berlin", true, "old", 3));
	ck_assert(verify("berlin", true, "new", 3));
}
END_TEST

START_TEST(file_that_others_may_read_is_refused)
{
	char *path = file_join(dir, "sites/berlin.password");
	char *other = file_join(dir, "sites/rome.password");

	put_hash("sites/berlin.password", "open sesame");
	attach_keeper();
	chmod(path, 0640);
	ck_assert(!verify("berlin", true, "open sesame", 11));
	chmod(path, 0602);
	ck_assert(!verify("berlin", true, "open sesame", 11));
	chmod(path, 0400);
	ck_assert(verify("berlin", true, "open sesame", 11));
	ck_assert_int_eq(symlink(path, other), 0);
	ck_assert(!verify("rome", true, "open sesame", 11));
	ck_assert_int_eq(unlink(other), 0);
	ck_assert_int_eq(mkfifo(other, 0600), 0);
	ck_assert(!verify("rome", true, "open sesame", 11));
	free(path);
	free(other);
}
END_TEST

/*
 * A hash of "x" with each setting, which crypt(3) itself would compare with, or
 * an ending that makes the file something else than one hash.
 */
static const struct {
	const char *what;
	const char *text;
	bool	    fine;
} hashes[] = {
	{ "ours", "$y$j9T$F5Jx5fExrKuPp53xLKQ..1$"
		  "6foLM1JhGupouWKMU70wxK61Kw9ZnecbACjJwRadqM2", true },
	{ "no cost", "$y$j/5$F5Jx5fExrKuPp53xLKQ..1$"
		     "6foLM1JhGupouWKMU70wxK61Kw9ZnecbACjJwRadqM2", false },
	{ "r = 8", "$y$j95$F5Jx5fExrKuPp53xLKQ..1$"
		   "6foLM1JhGupouWKMU70wxK61Kw9ZnecbACjJwRadqM2", false },
	{ "seconds", "$y$jFT$F5Jx5fExrKuPp53xLKQ..1$"
		     "6foLM1JhGupouWKMU70wxK61Kw9ZnecbACjJwRadqM2", false },
	{ "too cheap", "$y$j6T$F5Jx5fExrKuPp53xLKQ..1$"
		       "6foLM1JhGupouWKMU70wxK61Kw9ZnecbACjJwRadqM2", false },
	{ "another flavour", "$y$/9T$F5Jx5fExrKuPp53xLKQ..1$"
		       "6foLM1JhGupouWKMU70wxK61Kw9ZnecbACjJwRadqM2", false },
	{ "parallelism behind r", "$y$j9T/.$F5Jx5fExrKuPp53xLKQ..1$"
		       "6foLM1JhGupouWKMU70wxK61Kw9ZnecbACjJwRadqM2", false },
	{ "no salt", "$y$j9T$$6foLM1JhGupouWKMU70wxK61Kw9ZnecbACjJwRadqM2",
	    false },
	{ "no digest", "$y$j9T$F5Jx5fExrKuPp53xLKQ..1$", false },
	{ "a setting only", "$y$j9T$F5Jx5fExrKuPp53xLKQ..1", false },
	{ "a short digest", "$y$j9T$F5Jx5fExrKuPp53xLKQ..1$6foLM1JhGup",
	    false },
	{ "a digest and more", "$y$j9T$F5Jx5fExrKuPp53xLKQ..1$"
		"6foLM1JhGupouWKMU70wxK61Kw9ZnecbACjJwRadqM2a", false },
	{ "a character of no alphabet", "$y$j9T$F5Jx5fExrKuPp53xLKQ.:1$"
		"6foLM1JhGupouWKMU70wxK61Kw9ZnecbACjJwRadqM2", false },
	{ "sha512crypt", "$6$abcdefgh$6foLM1JhGupouWKMU70wxK61Kw9Znecb", false },
	{ "DES", "abJnggxhB/yWI", false },
	{ "the end of \"$y$j\"", "$y$j", false },
	{ "a locked account", "!", false },
	{ "nothing", "", false },
};

START_TEST(hostile_setting_is_no_hash)
{
	for (size_t i = 0; i < nitems(hashes); i++) {
		ck_assert_msg(auth_password_is_hash(hashes[i].text) ==
			hashes[i].fine, "%s", hashes[i].what);
		ck_assert_msg(auth_password_verify(hashes[i].text, "x", 1) ==
			hashes[i].fine, "%s", hashes[i].what);
	}
	ck_assert(!auth_password_verify(NULL, "x", 1));
}
END_TEST

START_TEST(dearest_setting_is_computed)
{
	char hash[YESCRYPT_HASH_SIZE];

	/* 256 MiB at once, in the confined process. */
	ck_assert(yescrypt_hash("x", "$y$jDT$F5Jx5fExrKuPp53xLKQ..1", hash,
	    sizeof(hash)));
	put("sites/berlin.password", hash, 0600);
	attach_keeper();
	ck_assert(verify("berlin", true, "x", 1));
	ck_assert(!verify("berlin", true, "y", 1));
}
END_TEST

START_TEST(file_of_two_lines_is_no_hash)
{
	char hash[AUTH_PASSWORD_HASH_SIZE], got[AUTH_PASSWORD_HASH_SIZE];
	char   text[2 * AUTH_PASSWORD_HASH_SIZE + 2];
	size_t len;
	int    d = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	ck_assert_int_eq(auth_password_hash("x", hash, sizeof(hash)), 0);
	put("sites/berlin.password", hash, 0600);
	ck_assert_int_eq(credentials_line(d, "sites/berlin.password", got,
			     sizeof(got), &len), 0);
	ck_assert_str_eq(got, hash);
	snprintf(text, sizeof(text), "%s\n%s\n", hash, hash);
	put("sites/berlin.password", text, 0600);
	ck_assert_int_eq(credentials_line(d, "sites/berlin.password", got,
			     sizeof(got), &len), -EBADMSG);
	put("sites/berlin.password", "", 0600);
	ck_assert_int_eq(credentials_line(d, "sites/berlin.password", got,
			     sizeof(got), &len), -EBADMSG);
	close(d);
}
END_TEST

START_TEST(hashes_differ_and_bad_passwords_are_refused)
{
	char a[AUTH_PASSWORD_HASH_SIZE], b[AUTH_PASSWORD_HASH_SIZE];

	ck_assert_int_eq(auth_password_hash("x", a, sizeof(a)), 0);
	ck_assert_int_eq(auth_password_hash("x", b, sizeof(b)), 0);
	ck_assert_str_ne(a, b);
	ck_assert(auth_password_verify(a, "x", 1));
	ck_assert_int_eq(auth_password_hash("", a, sizeof(a)), -EINVAL);
	ck_assert_int_eq(auth_password_hash(LONGEST, a, sizeof(a)), 0);
	ck_assert_int_eq(auth_password_hash(LONGEST "!", a, sizeof(a)),
	    -EINVAL);
	ck_assert_int_eq(auth_password_hash("x", a, 20), -ENOSPC);
}
END_TEST

/* The processor time of one verdict, the least of a few. */
static int64_t
cost_of(const char *hash, const char *password, size_t len)
{
	int64_t least = INT64_MAX;

	for (int i = 0; i < 5; i++) {
		clock_t begin = clock();

		auth_password_verify(hash, password, len);
		if (clock() - begin < least)
			least = clock() - begin;
	}
	return least;
}

START_TEST(unknown_costs_the_same_work_as_known)
{
	char	hash[AUTH_PASSWORD_HASH_SIZE];
	int64_t wrong, unknown, impossible;

	ck_assert_int_eq(auth_password_hash("x", hash, sizeof(hash)), 0);
	wrong = cost_of(hash, "wrong", 5);
	unknown = cost_of(NULL, "wrong", 5);
	impossible = cost_of(hash, "wr\0ng", 5);
	/* The hash is some 20 ms; without it a verdict takes microseconds. */
	ck_assert_int_gt(unknown, wrong / 2);
	ck_assert_int_lt(unknown, wrong * 2);
	ck_assert_int_gt(impossible, wrong / 2);
	ck_assert_int_lt(impossible, wrong * 2);
}
END_TEST

/* ---- secrets ---- */

struct told {
	unsigned calls;
	char	 secret[600];
	size_t	 len;
	int	 error;
};

static void
on_told(void *arg, const char *secret, size_t len, int error)
{
	struct told *told = arg;

	told->calls++;
	told->error = error;
	told->len = len;
	if (secret != NULL)
		memcpy(told->secret, secret, len);
}

static const struct {
	const char *what;
	const char *text; /* NULL: no file */
	mode_t	    mode;
	const char *secret;
	int	    error;
} secrets[] = {
	{ "a line", "hunter2\n", 0600, "hunter2", 0 },
	{ "a line without its end", "hunter2", 0400, "hunter2", 0 },
	{ "blanks and bytes", " a\xc3\xa4 \n", 0600, " a\xc3\xa4 ", 0 },
	{ "the longest", LONGEST "\n", 0600, LONGEST, 0 },
	{ "one byte too long", LONGEST "!\n", 0600, NULL, EFBIG },
	{ "no file", NULL, 0, NULL, ENOENT },
	{ "an empty file", "", 0600, NULL, EBADMSG },
	{ "an empty line", "\n", 0600, NULL, EBADMSG },
	{ "two lines", "a\nb\n", 0600, NULL, EBADMSG },
	{ "readable by the group", "a\n", 0640, NULL, EPERM },
};

START_TEST(secret_is_the_line_of_its_file)
{
	attach_keeper();
	for (size_t i = 0; i < nitems(secrets); i++) {
		struct told told = { 0 };

		if (secrets[i].text != NULL)
			put(CREDENTIALS_SECRET, secrets[i].text,
			    secrets[i].mode);
		else {
			char *path = file_join(dir, CREDENTIALS_SECRET);

			unlink(path);
			free(path);
		}
		ck_assert_int_eq(keeper_ask_secret(ask, REQUEST_SECRET, on_told, &told), 0);
		wait_for(&told.calls, 1);
		ck_assert_msg(told.calls == 1 && told.error == secrets[i].error,
		    "%s: %d", secrets[i].what, told.error);
		ck_assert_msg(secrets[i].secret == NULL ||
			strcmp(told.secret, secrets[i].secret) == 0,
		    "%s", secrets[i].what);
	}
}
END_TEST

/* ---- signatures ---- */

static const struct {
	const char		*what;
	gnutls_pk_algorithm_t	 pk;
	unsigned		 bits;
	gnutls_sign_algorithm_t	 algorithm;
	const char		*expected; /* of the handshake */
} keys[] = {
	{ "ECDSA", GNUTLS_PK_ECDSA,
	    GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1),
	    GNUTLS_SIGN_ECDSA_SHA256, "ECDSA-SECP256R1-SHA256" },
	{ "ECDSA with P-384", GNUTLS_PK_ECDSA,
	    GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP384R1),
	    GNUTLS_SIGN_ECDSA_SHA384, "ECDSA-SECP384R1-SHA384" },
	{ "ECDSA with P-521", GNUTLS_PK_ECDSA,
	    GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP521R1),
	    GNUTLS_SIGN_ECDSA_SHA512, "ECDSA-SECP521R1-SHA512" },
	{ "RSA", GNUTLS_PK_RSA, 2048, GNUTLS_SIGN_RSA_PSS_RSAE_SHA256,
	    "RSA-PSS-RSAE-SHA256" },
	{ "RSA with 4096 bits", GNUTLS_PK_RSA, 4096,
	    GNUTLS_SIGN_RSA_PSS_RSAE_SHA512, "RSA-PSS-RSAE-SHA256" },
	{ "RSA-PSS", GNUTLS_PK_RSA_PSS, 2048, GNUTLS_SIGN_RSA_PSS_SHA256,
	    "RSA-PSS-SHA256" },
};

START_TEST(signature_by_the_keeper_verifies)
{
	static const char     text[] = "the transcript of a handshake";
	gnutls_datum_t	      data = { (unsigned char *)(uintptr_t)text,
			   sizeof(text) };
	gnutls_datum_t	      signature;
	gnutls_x509_privkey_t clear;
	gnutls_privkey_t      key, public_half;
	struct keypair_public public;
	gnutls_pubkey_t	      pubkey;

	put_key(CREDENTIALS_KEY, keys[_i].pk, keys[_i].bits, &clear);
	attach_keeper();
	public = public_of(clear);
	key = sign_ask_privkey(signer, REQUEST_KEY_MAIN, &public);
	ck_assert_msg(key != NULL, "%s", keys[_i].what);
	ck_assert_int_eq(gnutls_privkey_get_pk_algorithm(key, NULL),
	    keys[_i].pk);
	ck_assert_msg(gnutls_privkey_sign_data2(key, keys[_i].algorithm, 0,
			  &data, &signature) == 0, "%s", keys[_i].what);

	gnutls_privkey_init(&public_half);
	gnutls_privkey_import_x509(public_half, clear, 0);
	gnutls_pubkey_init(&pubkey);
	gnutls_pubkey_import_privkey(pubkey, public_half, 0, 0);
	ck_assert_msg(gnutls_pubkey_verify_data2(pubkey, keys[_i].algorithm, 0,
			  &data, &signature) >= 0, "%s", keys[_i].what);
	signature.data[signature.size - 1] ^= 1;
	ck_assert_int_lt(gnutls_pubkey_verify_data2(pubkey, keys[_i].algorithm,
			     0, &data, &signature), 0);
	gnutls_free(signature.data);
	gnutls_pubkey_deinit(pubkey);
	gnutls_privkey_deinit(public_half);
	gnutls_privkey_deinit(key);
	gnutls_x509_privkey_deinit(clear);
}
END_TEST

static gnutls_session_t
make_session(unsigned end, gnutls_certificate_credentials_t cred, int fd)
{
	gnutls_session_t session;

	ck_assert_int_eq(gnutls_init(&session, end | GNUTLS_NONBLOCK), 0);
	ck_assert_int_eq(gnutls_priority_set_direct(session,
			     "NORMAL:-VERS-ALL:+VERS-TLS1.3", NULL), 0);
	gnutls_credentials_set(session, GNUTLS_CRD_CERTIFICATE, cred);
	gnutls_transport_set_int(session, fd);
	return session;
}

START_TEST(tls_server_runs_on_the_keepers_key)
{
	gnutls_certificate_credentials_t server_cred, client_cred;
	gnutls_x509_privkey_t		 clear;
	gnutls_session_t		 server, client;
	gnutls_privkey_t		 key;
	gnutls_pcert_st			 pcert;
	struct keypair_public		 public;
	int				 fds[2], s = -1, c = -1;

	put_key(CREDENTIALS_KEY, keys[_i].pk, keys[_i].bits, &clear);
	make_certificate(clear, &pcert);
	attach_keeper();
	public = public_of(clear);
	key = sign_ask_privkey(signer, REQUEST_KEY_MAIN, &public);
	ck_assert_ptr_nonnull(key);
	gnutls_certificate_allocate_credentials(&server_cred);
	gnutls_certificate_allocate_credentials(&client_cred);
	/* Its trial is of a kind that is not signed. */
	gnutls_certificate_set_flags(server_cred,
	    GNUTLS_CERTIFICATE_SKIP_KEY_CERT_MATCH);
	ck_assert_int_ge(gnutls_certificate_set_key(server_cred, NULL, 0,
			     &pcert, 1, key), 0);
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0,
			     fds), 0);
	server = make_session(GNUTLS_SERVER, server_cred, fds[0]);
	client = make_session(GNUTLS_CLIENT, client_cred, fds[1]);
	for (int i = 0; i < 50 && (s != 0 || c != 0); i++) {
		if (c != 0)
			c = gnutls_handshake(client);
		if (s != 0)
			s = gnutls_handshake(server);
		ck_assert_msg(c == 0 || !gnutls_error_is_fatal(c), "%s: %s",
		    keys[_i].what, gnutls_strerror(c));
		ck_assert_msg(s == 0 || !gnutls_error_is_fatal(s), "%s: %s",
		    keys[_i].what, gnutls_strerror(s));
	}
	ck_assert_int_eq(s, 0);
	ck_assert_int_eq(c, 0);
	ck_assert_int_eq(gnutls_protocol_get_version(client), GNUTLS_TLS1_3);
	ck_assert_str_eq(gnutls_sign_get_name(
			     gnutls_sign_algorithm_get(client)),
	    keys[_i].expected);
	gnutls_deinit(server);
	gnutls_deinit(client);
	gnutls_certificate_free_credentials(server_cred);
	gnutls_certificate_free_credentials(client_cred);
	gnutls_x509_privkey_deinit(clear);
	close(fds[0]);
	close(fds[1]);
}
END_TEST

static const struct {
	const char *what;
	uint32_t    algorithm;
	size_t	    len;
	uint32_t    error;
} wishes[] = {
	{ "ECDSA-SHA256", GNUTLS_SIGN_ECDSA_SHA256, 32, 0 },
	{ "RSA-SHA256", GNUTLS_SIGN_RSA_SHA256, 32, EPERM },
	{ "RSA-RAW", GNUTLS_SIGN_RSA_RAW, 32, EPERM },
	{ "ECDSA-SHA1", GNUTLS_SIGN_ECDSA_SHA1, 20, EPERM },
	{ "EdDSA", GNUTLS_SIGN_EDDSA_ED25519, 32, EPERM },
	{ "DSA", GNUTLS_SIGN_DSA_SHA256, 32, EPERM },
	{ "an algorithm of the future", 9999, 32, EPERM },
	{ "none", 0, 32, EPERM },
	{ "a negative one", UINT32_MAX, 32, EPERM },
	{ "a hash too short", GNUTLS_SIGN_ECDSA_SHA256, 31, EINVAL },
	{ "a hash too long", GNUTLS_SIGN_ECDSA_SHA256, 33, EINVAL },
	{ "no hash", GNUTLS_SIGN_ECDSA_SHA256, 0, EINVAL },
	{ "RSA-PSS of an ECDSA key", GNUTLS_SIGN_RSA_PSS_RSAE_SHA256, 32, EIO },
};

START_TEST(only_what_tls_needs_is_signed)
{
	static const uint8_t  hash[64];
	gnutls_x509_privkey_t clear;
	struct keypair_public public;
	int		      auth, sign, status;
	pid_t		      pid;

	put_key(CREDENTIALS_KEY, GNUTLS_PK_ECDSA,
	    GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), &clear);
	public = public_of(clear);
	gnutls_x509_privkey_deinit(clear);
	pid = start_keeper(dir, -1, &auth, &sign);
	for (size_t i = 0; i < nitems(wishes); i++) {
		struct request_signature answer;

		sign_by(sign, REQUEST_KEY_MAIN, &public, wishes[i].algorithm,
		    hash, wishes[i].len, &answer);
		ck_assert_msg(answer.error == wishes[i].error, "%s: %u",
		    wishes[i].what, answer.error);
	}
	close(auth);
	close(sign);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
}
END_TEST

static int
prove(const struct ca_pem *chain, char why[REQUEST_WHY_SIZE])
{
	return sign_ask_prove(signer, REQUEST_KEY_MAIN, chain, why);
}

/* Whether the keeper signs for this key; by its id, as a handshake asks. */
static bool
signs_for(gnutls_x509_privkey_t clear)
{
	static const char     text[] = "a handshake";
	gnutls_datum_t	      data = { (unsigned char *)(uintptr_t)text,
			   sizeof(text) };
	gnutls_datum_t	      signature = { 0 };
	struct keypair_public public = public_of(clear);
	gnutls_privkey_t      key;
	bool		      signs;

	key = sign_ask_privkey(signer, REQUEST_KEY_MAIN, &public);
	ck_assert_ptr_nonnull(key);
	signs = gnutls_privkey_sign_data2(key, public.pk == GNUTLS_PK_RSA ?
			GNUTLS_SIGN_RSA_PSS_RSAE_SHA256 :
			GNUTLS_SIGN_ECDSA_SHA256, 0, &data, &signature) == 0;
	gnutls_free(signature.data);
	gnutls_privkey_deinit(key);
	return signs;
}

static void
kill_keeper(pid_t pid)
{
	attach(open("/dev/null", O_RDONLY), -1);
	ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
}

START_TEST(without_a_key_there_is_none)
{
	gnutls_x509_privkey_t clear;
	struct ca_pem	      chain;
	char		      why[REQUEST_WHY_SIZE];

	put_key("another.key", GNUTLS_PK_ECDSA,
	    GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), &clear);
	chain = make_chain(clear);
	attach_keeper();
	ck_assert_int_eq(prove(&chain, why), -EKEYREJECTED);
	ck_assert_msg(strstr(why, "No such file") != NULL, "%s", why);
	ck_assert(!signs_for(clear));
	/* And it is no reason to give the keeper up. */
	put_hash("sites/berlin.password", "open sesame");
	ck_assert(verify("berlin", true, "open sesame", 11));
	ca_pem_fini(&chain);
	gnutls_x509_privkey_deinit(clear);
}
END_TEST

static const struct {
	const char	     *what;
	gnutls_pk_algorithm_t from, to;
} renewals[] = {
	{ "ECDSA", GNUTLS_PK_ECDSA, GNUTLS_PK_ECDSA },
	{ "RSA", GNUTLS_PK_RSA, GNUTLS_PK_RSA },
	{ "ECDSA to RSA", GNUTLS_PK_ECDSA, GNUTLS_PK_RSA },
	{ "RSA to ECDSA", GNUTLS_PK_RSA, GNUTLS_PK_ECDSA },
};

static void
put_pair(gnutls_pk_algorithm_t pk, gnutls_x509_privkey_t *key,
    struct ca_pem *chain)
{
	put_key(CREDENTIALS_KEY, pk, pk == GNUTLS_PK_RSA ? 2048 :
		GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), key);
	*chain = make_chain(*key);
}

/*
 * Another key in the file: the chain before it goes on to be signed for, by this
 * keeper and the next, until there is one that the new key fits.
 */
START_TEST(renewal_is_taken_as_a_pair)
{
	gnutls_x509_privkey_t old, new;
	struct ca_pem	      before, after, kept;
	char		      why[REQUEST_WHY_SIZE];
	pid_t		      pid;

	put_pair(renewals[_i].from, &old, &before);
	pid = attach_keeper();
	ck_assert_int_eq(prove(&before, why), 0);
	ck_assert_str_eq(why, "");
	put_pair(renewals[_i].to, &new, &after);
	for (unsigned i = 0; i < 2; i++) {
		/* The key alone. */
		ck_assert_msg(signs_for(old), "%s", renewals[_i].what);
		ck_assert_int_eq(prove(&before, why), 0);
		ck_assert_msg(strstr(why, "server.key") != NULL, "%s", why);
		ck_assert_int_eq(sign_ask_kept(signer, REQUEST_KEY_MAIN, &kept,
				     why), 0);
		ck_assert_str_eq(kept.text, before.text);
		ca_pem_fini(&kept);
		kill_keeper(pid);
		pid = attach_keeper();
	}
	ck_assert_int_eq(prove(&after, why), 0);
	ck_assert_str_eq(why, "");
	ck_assert(signs_for(new));
	/* For the handshakes that began before. */
	ck_assert(signs_for(old));
	kill_keeper(pid);
	pid = attach_keeper();
	ck_assert(signs_for(new));
	ck_assert_int_eq(sign_ask_kept(signer, REQUEST_KEY_MAIN, &kept, why),
	    0);
	ck_assert_str_eq(kept.text, after.text);
	ck_assert_ptr_null(strstr(kept.text, "PRIVATE"));
	ca_pem_fini(&kept);
	/* The certificate alone: a third pair's. */
	ck_assert_int_eq(prove(&before, why), -EKEYREJECTED);
	ck_assert_msg(strstr(why, "does not match the certificate") != NULL, "%s",
	    why);
	ck_assert(signs_for(new));
	ca_pem_fini(&before);
	ca_pem_fini(&after);
	gnutls_x509_privkey_deinit(old);
	gnutls_x509_privkey_deinit(new);
}
END_TEST

static const struct {
	const char *what;
	const char *text; /* NULL: no file */
	mode_t	    mode;
	const char *says;
} bad_keys[] = {
	{ "half of it", "-----BEGIN PRIVATE KEY-----\nMIGHAgEAMBMGByq", 0600,
	    "not a private key" },
	{ "nothing", "", 0600, "not a private key" },
	{ "no file", NULL, 0, "No such file" },
	{ "others may read it", "x", 0644, "chmod" },
	{ "encrypted", "-----BEGIN ENCRYPTED PRIVATE KEY-----\n", 0600,
	    "encrypted" },
};

START_TEST(bad_key_file_leaves_the_last_good_pair)
{
	char *path = file_join(dir, CREDENTIALS_KEY);
	gnutls_x509_privkey_t key;
	struct ca_pem	      chain;
	char		      why[REQUEST_WHY_SIZE];
	struct stat	      st;
	pid_t		      pid;

	put_pair(GNUTLS_PK_ECDSA, &key, &chain);
	pid = attach_keeper();
	ck_assert_int_eq(prove(&chain, why), 0);
	for (size_t i = 0; i < nitems(bad_keys); i++) {
		unlink(path);
		if (bad_keys[i].text != NULL)
			put(CREDENTIALS_KEY, bad_keys[i].text,
			    bad_keys[i].mode);
		ck_assert_int_eq(prove(&chain, why), 0);
		ck_assert_msg(strstr(why, bad_keys[i].says) != NULL, "%s: %s",
		    bad_keys[i].what, why);
		kill_keeper(pid);
		pid = attach_keeper();
		ck_assert_msg(signs_for(key), "%s", bad_keys[i].what);
	}
	free(path);
	path = file_join(dir, CREDENTIALS_KEPT CREDENTIALS_KEY);
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_int_eq(st.st_mode & 07777, 0600);
	ca_pem_fini(&chain);
	gnutls_x509_privkey_deinit(key);
	free(path);
}
END_TEST

START_TEST(key_that_others_may_read_stops_the_keeper)
{
	gnutls_x509_privkey_t clear;
	char		     *path = file_join(dir, CREDENTIALS_KEY);
	int		      auth, sign, status;
	pid_t		      pid;

	put_key(CREDENTIALS_KEY, GNUTLS_PK_ECDSA,
	    GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), &clear);
	gnutls_x509_privkey_deinit(clear);
	chmod(path, 0640);
	pid = start_keeper(dir, -1, &auth, &sign);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 1);
	close(auth);
	close(sign);

	put(CREDENTIALS_KEY, "-----BEGIN NOTHING-----\n", 0600);
	pid = start_keeper(dir, -1, &auth, &sign);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 1);
	close(auth);
	close(sign);
	free(path);
}
END_TEST

START_TEST(refusal_says_how_to_mend_it)
{
	char text[512];
	int  d = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	credentials_explain(d, CREDENTIALS_KEY, -EPERM, text, sizeof(text));
	ck_assert_ptr_nonnull(strstr(text, dir));
	ck_assert_ptr_nonnull(strstr(text, "chmod 600"));
	credentials_explain(d, CREDENTIALS_KEY, -ENOENT, text, sizeof(text));
	ck_assert_ptr_nonnull(strstr(text, "No such file"));
	close(d);
}
END_TEST

/* ---- what the engine may not send ---- */

/* Zeros, but for `n` bytes from `at`.  Zeros alone are answered. */
static const struct nonsense {
	const char  *what;
	bool	     on_sign;
	enum request type;
	size_t	     len, at, n;
	uint8_t	     byte;
} nonsense[] = {
#define SIZE(name) sizeof(struct request_##name)
#define AT(name, field) offsetof(struct request_##name, field)
#define WHOLE(name, field)                                                       \
	SIZE(name), AT(name, field), sizeof(((struct request_##name *)0)->field)
	{ "another request", false, REQUEST_CONF, SIZE(piece), 0, 0, 0 },
	{ "an unknown one", false, (enum request)999, 0, 0, 0, 0 },
	{ "a SIGN on the wrong channel", false, REQUEST_SIGN, SIZE(sign), 0, 0,
	    0 },
	{ "a PAIR on the wrong channel", false, REQUEST_PAIR, SIZE(pair), 0, 0,
	    0 },
	{ "a TLS_SRP on the wrong channel", false, REQUEST_TLS_SRP,
	    SIZE(known), 0, 0, 0 },
	{ "a VERIFY on the wrong channel", true, REQUEST_VERIFY, SIZE(verify),
	    0, 0, 0 },
	{ "an empty VERIFY", false, REQUEST_VERIFY, 0, 0, 0, 0 },
	{ "a VERIFY cut short", false, REQUEST_VERIFY, SIZE(verify) - 1, 0, 0,
	    0 },
	{ "a VERIFY and a byte", false, REQUEST_VERIFY, SIZE(verify) + 1, 0, 0,
	    0 },
	{ "a VERIFY's name without an end", false, REQUEST_VERIFY,
	    WHOLE(verify, site), 'a' },
	{ "a VERIFY's `known` of 2", false, REQUEST_VERIFY, SIZE(verify),
	    AT(verify, known), 4, 2 },
	{ "a password of too many bytes", false, REQUEST_VERIFY,
	    WHOLE(verify, password_len), 2 },
	{ "an SRP_START cut short", false, REQUEST_SRP_START, SIZE(known) - 1,
	    0, 0, 0 },
	{ "an SRP_START's name without an end", false, REQUEST_SRP_START,
	    WHOLE(known, site), 'a' },
	{ "an SRP_START's `known` of 255s", false, REQUEST_SRP_START,
	    WHOLE(known, known), 255 },
	{ "an empty SRP_FINISH", false, REQUEST_SRP_FINISH, 0, 0, 0, 0 },
	{ "an SRP_FINISH's state too long", false, REQUEST_SRP_FINISH,
	    WHOLE(srp_finish, state_len), 5 },
	{ "an SRP_FINISH's A too long", false, REQUEST_SRP_FINISH,
	    WHOLE(srp_finish, public_a_len), 255 },
	{ "a RESUME cut short", false, REQUEST_RESUME, SIZE(resume) - 1, 0, 0,
	    0 },
	{ "a RESUME's name without an end", false, REQUEST_RESUME,
	    WHOLE(resume, site), 'a' },
	{ "a RESUME's token too long", false, REQUEST_RESUME,
	    WHOLE(resume, token_len), 2 },
	{ "a VOUCHED cut short", false, REQUEST_VOUCHED, SIZE(vouched) - 1, 0,
	    0, 0 },
	{ "a VOUCHED's name without an end", false, REQUEST_VOUCHED,
	    WHOLE(vouched, site), 'a' },
	{ "an SRP_ANSWER cut short", false, REQUEST_SRP_ANSWER,
	    SIZE(srp_question) - 1, 0, 0, 0 },
	{ "an SRP_ANSWER's name without an end", false, REQUEST_SRP_ANSWER,
	    WHOLE(srp_question, site), 'a' },
	{ "an SRP_ANSWER's setting without an end", false, REQUEST_SRP_ANSWER,
	    WHOLE(srp_question, setting), '$' },
	{ "an SRP_ANSWER's B too long", false, REQUEST_SRP_ANSWER,
	    WHOLE(srp_question, public_b_len), 128 },
	{ "a SECRET with something in it", false, REQUEST_SECRET, 1, 0, 1,
	    'x' },
	{ "a PROXY_LOGIN with something in it", false, REQUEST_PROXY_LOGIN, 1,
	    0, 1, 'x' },
#ifdef HAVE_TLS_SRP
	{ "a TLS_SRP's name without an end", true, REQUEST_TLS_SRP,
	    WHOLE(known, site), 'a' },
	{ "a TLS_SRP's `known` of 2", true, REQUEST_TLS_SRP, WHOLE(known, known),
	    2 },
#else
	{ "a TLS_SRP where that is not built", true, REQUEST_TLS_SRP,
	    SIZE(known), 0, 0, 0 },
#endif
	{ "a TLS_SRP cut short", true, REQUEST_TLS_SRP, SIZE(known) - 1, 0, 0,
	    0 },
	{ "a SIGN with another key", true, REQUEST_SIGN, WHOLE(sign, which), 2 },
	{ "a SIGN's hash too long", true, REQUEST_SIGN, WHOLE(sign, hash_len),
	    1 },
	{ "a SIGN cut short", true, REQUEST_SIGN, SIZE(sign) - 1, 0, 0, 0 },
	{ "a PAIR of another key", true, REQUEST_PAIR, WHOLE(pair, which), 2 },
	{ "an empty PAIR", true, REQUEST_PAIR, 0, 0, 0, 0 },
	{ "a PAIR too long", true, REQUEST_PAIR,
	    SIZE(pair) + KEYPAIR_MAX_TEXT + 1, 0, 0, 0 },
};

static int
say_nonsense(const struct nonsense *row, bool with_it, int *status)
{
	static uint8_t	data[CHAN_MAX_PAYLOAD];
	struct chan_msg msg;
	int		auth, sign, r;
	pid_t		pid = start_keeper(dir, -1, &auth, &sign);

	memset(data, 0, sizeof(data));
	if (with_it)
		memset(data + row->at, row->byte, row->n);
	ck_assert_int_eq(chan_send_fd(row->on_sign ? sign : auth,
			     (uint16_t)row->type, 1, data, row->len, NULL, 0),
	    0);
	r = chan_recv_fd(row->on_sign ? sign : auth, &msg, buf, 20000);
	close(auth);
	close(sign);
	ck_assert_int_eq(waitpid(pid, status, 0), pid);
	return r;
}

START_TEST(nonsense_ends_the_keeper)
{
	const struct nonsense *row = &nonsense[_i];
	int		       status;

	ck_assert_msg(say_nonsense(row, true, &status) == -EPIPE, "%s",
	    row->what);
	ck_assert(WIFEXITED(status));
	/* The field alone does it. */
	if (row->n > 1)
		ck_assert_msg(say_nonsense(row, false, &status) == 0, "%s",
		    row->what);
}
END_TEST

/* ---- a keeper that dies ---- */

/* Waited for, as a signature. */
static int
ask_kept(void)
{
	struct ca_pem chain = { 0 };
	char	      why[REQUEST_WHY_SIZE];
	int	      r = sign_ask_kept(signer, REQUEST_KEY_MAIN, &chain, why);

	ca_pem_fini(&chain);
	return r;
}

START_TEST(without_a_keeper_asks_fail_at_once)
{
	struct verdict verdict = { 0 };
	struct told    told = { 0 };

	ck_assert_int_eq(ask_verify("berlin", true, "x", 1,
			     on_verdict, &verdict), -ENOTCONN);
	ck_assert_int_eq(keeper_ask_secret(ask, REQUEST_SECRET, on_told, &told), -ENOTCONN);
	ck_assert_int_eq(ask_kept(), -ENOTCONN);
	ev_run(loop, EVRUN_NOWAIT);
	ck_assert_uint_eq(verdict.calls + told.calls, 0);
}
END_TEST

START_TEST(killed_keeper_fails_asks_and_a_new_one_serves)
{
	static const char     text[] = "transcript";
	gnutls_datum_t	      data = { (unsigned char *)(uintptr_t)text, 10 };
	gnutls_datum_t	      signature;
	gnutls_x509_privkey_t clear;
	struct keypair_public public;
	gnutls_privkey_t      key;
	struct verdict	      verdict = { 0 };
	struct mono	      begin;
	pid_t		      pid;

	put_hash("sites/berlin.password", "open sesame");
	put_key(CREDENTIALS_KEY, GNUTLS_PK_ECDSA,
	    GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), &clear);
	public = public_of(clear);
	gnutls_x509_privkey_deinit(clear);
	pid = attach_keeper();
	key = sign_ask_privkey(signer, REQUEST_KEY_MAIN, &public);
	ck_assert_ptr_nonnull(key);

	/* A hundred take a second or more; it dies in their midst. */
	for (int i = 0; i < 100; i++)
		ck_assert_int_eq(ask_verify("berlin", true,
				     "open sesame", 11, on_verdict, &verdict),
		    0);
	wait_for(&verdict.calls, 2);
	ck_assert(verdict.yes);
	ck_assert_uint_lt(verdict.calls, 100);
	kill(pid, SIGKILL);
	begin = mono_now();
	wait_for(&verdict.calls, 100);
	ck_assert_uint_eq(verdict.calls, 100);
	ck_assert(!verdict.yes);
	ck_assert_int_lt(mono_sub(mono_now(), begin), MONO_SEC);

	ck_assert_int_eq(ask_verify("berlin", true, "x", 1,
			     on_verdict, &verdict), -ENOTCONN);
	begin = mono_now();
	ck_assert_int_lt(gnutls_privkey_sign_data2(key,
			     GNUTLS_SIGN_ECDSA_SHA256, 0, &data, &signature),
	    0);
	ck_assert_int_lt(mono_sub(mono_now(), begin), MONO_SEC);

	/* The same privkey goes on with the next keeper. */
	attach_keeper();
	ck_assert(verify("berlin", true, "open sesame", 11));
	ck_assert_int_eq(gnutls_privkey_sign_data2(key,
			     GNUTLS_SIGN_ECDSA_SHA256, 0, &data, &signature),
	    0);
	gnutls_free(signature.data);
	gnutls_privkey_deinit(key);
}
END_TEST

START_TEST(attaching_a_new_keeper_fails_the_old_asks)
{
	struct verdict verdict = { 0 };

	put_hash("sites/berlin.password", "open sesame");
	attach_keeper();
	for (int i = 0; i < 20; i++)
		ck_assert_int_eq(ask_verify("berlin", true,
				     "open sesame", 11, on_verdict, &verdict),
		    0);
	attach_keeper();
	ck_assert_uint_eq(verdict.calls, 20);
	ck_assert(!verdict.yes);
	ck_assert(verify("berlin", true, "open sesame", 11));
	ck_assert_uint_eq(verdict.calls, 20);
}
END_TEST

START_TEST(silent_keeper_is_given_up_in_time)
{
	gnutls_x509_privkey_t clear;
	struct mono	      begin;
	pid_t		      pid;

	put_key(CREDENTIALS_KEY, GNUTLS_PK_ECDSA,
	    GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), &clear);
	gnutls_x509_privkey_deinit(clear);
	pid = attach_keeper();
	kill(pid, SIGSTOP);
	sign_ask_startup_done(signer);
	begin = mono_now();
	ck_assert_int_eq(ask_kept(), -ETIMEDOUT);
	ck_assert_int_lt(mono_sub(mono_now(), begin),
	    (SIGN_ASK_TIMEOUT_MS + 1000) * MONO_MS);
	/* Once, not with every handshake. */
	begin = mono_now();
	ck_assert_int_eq(ask_kept(), -ENOTCONN);
	ck_assert_int_lt(mono_sub(mono_now(), begin), MONO_SEC / 2);
	kill(pid, SIGKILL);
}
END_TEST

START_TEST(slow_keeper_is_waited_for_at_the_start)
{
	const struct timespec slow = {
		.tv_sec = SIGN_ASK_TIMEOUT_MS / 1000 + 1 };
	gnutls_x509_privkey_t clear;
	struct mono	      begin;
	pid_t		      pid, waker;

	put_key(CREDENTIALS_KEY, GNUTLS_PK_ECDSA,
	    GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), &clear);
	gnutls_x509_privkey_deinit(clear);
	pid = attach_keeper();
	kill(pid, SIGSTOP);
	waker = fork();
	if (waker == 0) {
		nanosleep(&slow, NULL);
		kill(pid, SIGCONT);
		_exit(0);
	}
	begin = mono_now();
	ck_assert_int_eq(ask_kept(), -ENOENT);
	ck_assert_int_gt(mono_sub(mono_now(), begin),
	    SIGN_ASK_TIMEOUT_MS * MONO_MS);
	ck_assert_int_eq(waitpid(waker, NULL, 0), waker);
}
END_TEST

START_TEST(cancelled_ask_is_not_answered)
{
	struct verdict kept = { 0 }, cancelled = { 0 };

	put_hash("sites/berlin.password", "open sesame");
	attach_keeper();
	ask_verify("berlin", true, "x", 1, on_verdict, &cancelled);
	ask_verify("berlin", true, "open sesame", 11, on_verdict,
	    &kept);
	ask_verify("berlin", true, "x", 1, on_verdict, &cancelled);
	keeper_ask_cancel(ask, &cancelled);
	wait_for(&kept.calls, 1);
	ck_assert(kept.yes);
	ck_assert(verify("berlin", true, "open sesame", 11));
	ck_assert_uint_eq(cancelled.calls, 0);
}
END_TEST

START_TEST(asks_under_way_are_bounded)
{
	struct verdict verdict = { 0 };
	pid_t	       pid = attach_keeper();

	kill(pid, SIGSTOP);
	for (int i = 0; i < KEEPER_ASK_MAX; i++)
		ck_assert_int_eq(ask_verify("berlin", true, "x", 1,
				     on_verdict, &verdict), 0);
	ck_assert_int_eq(ask_verify("berlin", true, "x", 1,
			     on_verdict, &verdict), -EAGAIN);
	/* The keeper still has them. */
	keeper_ask_cancel(ask, &verdict);
	ck_assert_int_eq(ask_verify("berlin", true, "x", 1,
			     on_verdict, &verdict), -EAGAIN);
	kill(pid, SIGKILL);
}
END_TEST

static void
ask_again(void *arg, const struct request_verdict *answer)
{
	enum keeper_verdict said = answer->verdict;
	struct verdict *verdict = arg;

	verdict->calls++;
	ck_assert_int_eq(said, KEEPER_FAILED);
	/* Another's too, in the middle of being told. */
	keeper_ask_cancel(ask, arg);
	ck_assert_int_eq(ask_verify("berlin", false, "x", 1,
			     on_verdict, verdict + 1), 0);
}

START_TEST(owner_may_ask_and_cancel_while_it_is_told)
{
	struct verdict verdicts2[2] = { 0 };

	attach_keeper();
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(ask_verify("berlin", true, "x", 1,
				     ask_again, &verdicts2[0]), 0);
	attach_keeper();
	ck_assert_uint_eq(verdicts2[0].calls, 1);
	wait_for(&verdicts2[1].calls, 1);
	ck_assert_uint_eq(verdicts2[1].calls, 1);
}
END_TEST

int
main(void)
{
	Suite	*suite = suite_create("keeper");
	TCase	*tc = tcase_create("keeper");
	SRunner *runner = srunner_create(suite);
	int	 failed;

	tcase_add_checked_fixture(tc, rig_setup, rig_teardown);
	tcase_set_timeout(tc, 300);
	tcase_add_test(tc, only_the_right_password_gets_a_yes);
	tcase_add_test(tc, changed_password_counts_at_once);
	tcase_add_test(tc, file_that_others_may_read_is_refused);
	tcase_add_test(tc, hostile_setting_is_no_hash);
	tcase_add_test(tc, dearest_setting_is_computed);
	tcase_add_test(tc, file_of_two_lines_is_no_hash);
	tcase_add_test(tc, hashes_differ_and_bad_passwords_are_refused);
	tcase_add_test(tc, unknown_costs_the_same_work_as_known);
	tcase_add_test(tc, secret_is_the_line_of_its_file);
	tcase_add_loop_test(tc, signature_by_the_keeper_verifies, 0,
	    nitems(keys));
	tcase_add_loop_test(tc, tls_server_runs_on_the_keepers_key, 0,
	    nitems(keys));
	tcase_add_test(tc, only_what_tls_needs_is_signed);
	tcase_add_test(tc, without_a_key_there_is_none);
	tcase_add_loop_test(tc, renewal_is_taken_as_a_pair, 0,
	    nitems(renewals));
	tcase_add_test(tc, bad_key_file_leaves_the_last_good_pair);
	tcase_add_test(tc, key_that_others_may_read_stops_the_keeper);
	tcase_add_test(tc, refusal_says_how_to_mend_it);
	tcase_add_loop_test(tc, nonsense_ends_the_keeper, 0, nitems(nonsense));
	tcase_add_test(tc, without_a_keeper_asks_fail_at_once);
	tcase_add_test(tc, killed_keeper_fails_asks_and_a_new_one_serves);
	tcase_add_test(tc, attaching_a_new_keeper_fails_the_old_asks);
	tcase_add_test(tc, silent_keeper_is_given_up_in_time);
	tcase_add_test(tc, slow_keeper_is_waited_for_at_the_start);
	tcase_add_test(tc, cancelled_ask_is_not_answered);
	tcase_add_test(tc, asks_under_way_are_bounded);
	tcase_add_test(tc, owner_may_ask_and_cancel_while_it_is_told);
	suite_add_tcase(suite, tc);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
