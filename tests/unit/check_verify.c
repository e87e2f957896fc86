/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the keeper says to SRP, tokens and vouchers, asked as the engine
 * asks it; what its directory must be; how often it answers.
 */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

#include <bsd/string.h>
#include <gnutls/abstract.h>
#include <gnutls/gnutls.h>
#include <linux/magic.h>
#include <nettle/hmac.h>

#include "base/nitems.h"
#include "keeper/auth_srp.h"
#include "keeper/psk.h"
#include "keeper/verify.h"
#include "keeper/token.h"
#include "keeper/secret_store.h"
#include "keeper_rig.h"
#include "proc/voucher.h"

#define HOUR 3600

static const uint8_t binding[32] = { 'b' }, other_binding[32] = { 'o' };
static const uint8_t hello[32] = { 'h' }, other_hello[32] = { 'x' };
static const uint8_t voucher_key[VOUCHER_KEY_LEN] = { 'v' };

/* ---- what is in its directory ---- */

static void
put_srp(const char *site, const char *password)
{
	char line[AUTH_SRP_LINE_SIZE], name[CREDENTIALS_NAME_MAX];

	ck_assert_int_eq(auth_srp_make(site, password, line, sizeof(line)), 0);
	ck_assert(credentials_site_name(site, CONF_AUTH_SRP, name));
	put_credential_line(name, line);
}

static void
get(const char *name, char *text, size_t size)
{
	size_t len;
	int    d = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	ck_assert_int_eq(credentials_line(d, name, text, size, &len), 0);
	close(d);
}

static void
discard(const char *name)
{
	char *path = file_join(dir, name);

	ck_assert_int_eq(unlink(path), 0);
	free(path);
}

static bool
exists(const char *name)
{
	char *path = file_join(dir, name);
	bool  there = access(path, F_OK) == 0;

	free(path);
	return there;
}

static pid_t
attach_keeper_with(const uint8_t key[VOUCHER_KEY_LEN])
{
	int   auth, sign;
	pid_t pid = start_keeper(dir, voucher_key_pipe(key), &auth, &sign);

	attach(auth, sign);
	return pid;
}

/* ---- asking ---- */

struct said {
	unsigned	     calls;
	struct request_verdict answer;
};

static void
on_said(void *arg, const struct request_verdict *answer)
{
	struct said *said = arg;

	said->calls++;
	said->answer = *answer;
}

struct challenged {
	unsigned		    calls;
	bool			    looked;
	struct request_srp_challenge challenge;
};

static void
on_challenge(void *arg, const struct request_srp_challenge *challenge)
{
	struct challenged *challenged = arg;

	challenged->calls++;
	challenged->looked = challenge != NULL;
	if (challenge != NULL)
		challenged->challenge = *challenge;
}

struct answered {
	unsigned		 calls;
	int			 error;
	struct request_srp_answer answer;
};

static void
on_srp_answer(void *arg, const struct request_srp_answer *answer, int error)
{
	struct answered *answered = arg;

	answered->calls++;
	answered->error = error;
	if (answer != NULL)
		answered->answer = *answer;
}

/* By which the latest log-in was, and a token says it was. */
static enum conf_auth method;

static bool
verify(const char *site, const char *password, unsigned lifetime,
    struct said *said)
{
	*said = (struct said) { 0 };
	method = CONF_AUTH_PASSWORD;
	ck_assert_int_eq(keeper_ask_verify(ask, site, true, password,
			     strlen(password), lifetime, on_said, said), 0);
	wait_for(&said->calls, 1);
	ck_assert_uint_eq(said->calls, 1);
	ck_assert_int_ne(said->answer.verdict, KEEPER_FAILED);
	return said->answer.verdict == KEEPER_YES;
}

static void
srp_start(const char *site, bool known, struct request_srp_challenge *challenge)
{
	struct challenged challenged = { 0 };

	ck_assert_int_eq(keeper_ask_srp_start(ask, site, known, on_challenge,
			     &challenged), 0);
	wait_for(&challenged.calls, 1);
	ck_assert_uint_eq(challenged.calls, 1);
	ck_assert(challenged.looked);
	*challenge = challenged.challenge;
}

static void
srp_answer(const char *site, const char *password,
    const struct request_srp_challenge *challenge,
    struct request_srp_answer *answer)
{
	size_t len;

	ck_assert_int_eq(auth_srp_answer(site, password, strlen(password),
			     challenge->group, challenge->setting,
			     challenge->public_b, challenge->public_b_len,
			     binding, answer->public_a, &len, answer->m1,
			     answer->m2), 0);
	answer->public_a_len = (uint32_t)len;
}

static bool
srp_finish(const struct request_srp_challenge *challenge,
    const struct request_srp_answer *answer, const uint8_t *bound,
    struct said *said)
{
	*said = (struct said) { 0 };
	method = CONF_AUTH_SRP;
	ck_assert_int_eq(keeper_ask_srp_finish(ask, challenge->state,
			     challenge->state_len, bound, answer->public_a,
			     answer->public_a_len, answer->m1, HOUR, on_said,
			     said), 0);
	wait_for(&said->calls, 1);
	ck_assert_uint_eq(said->calls, 1);
	ck_assert_int_ne(said->answer.verdict, KEEPER_FAILED);
	return said->answer.verdict == KEEPER_YES;
}

/* The whole of it. */
static bool
srp(const char *site, bool known, const char *password, struct said *said)
{
	struct request_srp_challenge challenge;
	struct request_srp_answer    answer;

	srp_start(site, known, &challenge);
	srp_answer(site, password, &challenge, &answer);
	if (!srp_finish(&challenge, &answer, binding, said))
		return false;
	ck_assert_uint_eq(said->answer.has_proof, 1);
	ck_assert_mem_eq(said->answer.proof, answer.m2, sizeof(answer.m2));
	return true;
}

/* As the site does it (PROTOCOL 4.4), written once more. */
static void
prove(const struct request_grant *grant, const char *label, const uint8_t *bound,
    const uint8_t *greeting, uint8_t proof[32])
{
	struct hmac_sha256_ctx hmac;

	hmac_sha256_set_key(&hmac, sizeof(grant->secret), grant->secret);
	hmac_sha256_update(&hmac, strlen(label), (const uint8_t *)label);
	hmac_sha256_update(&hmac, 32, bound);
	hmac_sha256_update(&hmac, 32, greeting);
	hmac_sha256_digest(&hmac, 32, proof);
}

/* A proof over `binding` and `hello`, shown with these. */
static bool
resume_with(const char *site, const struct request_grant *grant,
    const uint8_t *bound, const uint8_t *greeting)
{
	struct said said = { 0 };
	uint8_t	    proof[32], right[32];

	prove(grant, "tombolo resume site", binding, hello, proof);
	ck_assert_int_eq(keeper_ask_resume(ask, site, method, bound, greeting,
			     grant->token, grant->token_len, proof, on_said,
			     &said), 0);
	wait_for(&said.calls, 1);
	ck_assert_uint_eq(said.calls, 1);
	ck_assert_int_ne(said.answer.verdict, KEEPER_FAILED);
	if (said.answer.verdict != KEEPER_YES)
		return false;
	prove(grant, "tombolo resume server", binding, hello, right);
	ck_assert_uint_eq(said.answer.has_proof, 1);
	ck_assert_mem_eq(said.answer.proof, right, sizeof(right));
	ck_assert_uint_eq(said.answer.grant.token_len, 0);
	return true;
}

static bool
resume(const char *site, const struct request_grant *grant)
{
	return resume_with(site, grant, binding, hello);
}

static bool
vouched(const char *site, const uint8_t *voucher, struct said *said)
{
	*said = (struct said) { 0 };
	method = CONF_AUTH_PAM;
	ck_assert_int_eq(keeper_ask_vouched(ask, site, voucher, HOUR, on_said,
			     said), 0);
	wait_for(&said->calls, 1);
	ck_assert_uint_eq(said->calls, 1);
	return said->answer.verdict == KEEPER_YES;
}

/* ---- SRP ---- */

START_TEST(srp_says_yes_to_the_password_alone)
{
	struct said said;

	put_server_key();
	put_srp("berlin", "open sesame");
	attach_keeper();
	ck_assert(srp("berlin", true, "open sesame", &said));
	ck_assert_uint_gt(said.answer.grant.token_len, 0);
	ck_assert(!srp("berlin", true, "open barley", &said));
	ck_assert_uint_eq(said.answer.grant.token_len, 0);
	ck_assert(!srp("berlin", false, "open sesame", &said));
	ck_assert(!srp("paris", true, "open sesame", &said));
	ck_assert(!srp("paris", false, "open sesame", &said));
	/* A password's hash is no verifier. */
	put_hash("sites/berlin.srp", "open sesame");
	ck_assert(!srp("berlin", true, "open sesame", &said));
}
END_TEST

START_TEST(an_exchange_is_one_sites_one_connections_and_whole)
{
	static struct request_srp_challenge challenge, other, bad;
	struct request_srp_answer    answer, wrong;
	struct said		    said;

	put_server_key();
	put_srp("berlin", "open sesame");
	put_srp("oslo", "open sesame");
	attach_keeper();
	srp_start("berlin", true, &challenge);
	srp_answer("berlin", "open sesame", &challenge, &answer);

	ck_assert(!srp_finish(&challenge, &answer, other_binding, &said));
	srp_start("berlin", true, &other);
	ck_assert(!srp_finish(&other, &answer, binding, &said));
	srp_start("oslo", true, &other);
	ck_assert(!srp_finish(&other, &answer, binding, &said));

	for (size_t i = 0; i < challenge.state_len; i += 5) {
		bad = challenge;
		bad.state[i] ^= 0x10;
		ck_assert_msg(!srp_finish(&bad, &answer, binding, &said),
		    "byte %zu of the state", i);
	}
	bad = challenge;
	bad.state_len--;
	ck_assert(!srp_finish(&bad, &answer, binding, &said));
	bad.state_len = 0;
	ck_assert(!srp_finish(&bad, &answer, binding, &said));

	wrong = answer;
	wrong.m1[31] ^= 1;
	ck_assert(!srp_finish(&challenge, &wrong, binding, &said));
	wrong = answer;
	memset(wrong.public_a, 0, wrong.public_a_len);
	ck_assert(!srp_finish(&challenge, &wrong, binding, &said));
	wrong.public_a_len = 0;
	ck_assert(!srp_finish(&challenge, &wrong, binding, &said));

	/* After all that it is still good. */
	ck_assert(srp_finish(&challenge, &answer, binding, &said));
}
END_TEST

START_TEST(another_password_or_keeper_ends_an_exchange)
{
	struct request_srp_challenge challenge;
	struct request_srp_answer    answer;
	struct said		    said;
	char			    line[AUTH_SRP_LINE_SIZE];

	put_server_key();
	put_srp("berlin", "open sesame");
	attach_keeper();
	srp_start("berlin", true, &challenge);
	srp_answer("berlin", "open sesame", &challenge, &answer);
	get("sites/berlin.srp", line, sizeof(line));
	put_srp("berlin", "open sesame");
	ck_assert(!srp_finish(&challenge, &answer, binding, &said));
	/* A file written anew is another one. */
	put_credential_line("sites/berlin.srp", line);
	ck_assert(!srp_finish(&challenge, &answer, binding, &said));
	srp_start("berlin", true, &challenge);
	srp_answer("berlin", "open sesame", &challenge, &answer);
	ck_assert(srp_finish(&challenge, &answer, binding, &said));
	attach_keeper();
	ck_assert(!srp_finish(&challenge, &answer, binding, &said));
}
END_TEST

START_TEST(an_unknown_name_looks_like_any)
{
	static struct request_srp_challenge berlin, paris, again, rome;

	put_server_key();
	put_srp("berlin", "open sesame");
	attach_keeper();
	srp_start("berlin", true, &berlin);
	srp_start("paris", false, &paris);
	srp_start("rome", false, &rome);
	ck_assert_uint_eq(paris.group, berlin.group);
	ck_assert_uint_eq(paris.public_b_len, berlin.public_b_len);
	ck_assert_uint_eq(paris.state_len, berlin.state_len);
	ck_assert_uint_eq(strlen(paris.setting), strlen(berlin.setting));
	ck_assert_mem_eq(paris.setting, berlin.setting, strlen("$y$j9T$"));
	ck_assert_str_ne(paris.setting, rome.setting);
	/* Its salt stays, as a known one's does; B does not. */
	attach_keeper();
	srp_start("paris", true, &again);
	ck_assert_str_eq(again.setting, paris.setting);
	ck_assert_mem_ne(again.public_b, paris.public_b, paris.public_b_len);
	/* A disabled one does not show its own. */
	srp_start("berlin", false, &again);
	ck_assert_str_ne(again.setting, berlin.setting);
}
END_TEST

/* Somebody knows nobody's password: still nobody. */
START_TEST(nobody_never_logs_in)
{
	struct said said;

	put_server_key();
	put_hash("nobody.password", "open sesame");
	put("sites/oslo.password", "no hash\n", 0600);
	attach_keeper();
	ck_assert(!verify("berlin", "open sesame", HOUR, &said));
	ck_assert(!verify("oslo", "open sesame", HOUR, &said));
	ck_assert(!verify("nobody", "open sesame", HOUR, &said));
	ck_assert_uint_eq(said.answer.grant.token_len, 0);
}
END_TEST

START_TEST(a_client_answers_with_the_password_of_its_file)
{
	struct request_srp_challenge challenge;
	struct answered		    answered = { 0 };
	struct said		    said;

	put_server_key();
	put_srp("berlin", "open sesame");
	attach_keeper();
	srp_start("berlin", true, &challenge);
	/* The same directory serves as the client's. */
	put(CREDENTIALS_SECRET, "open sesame\n", 0600);
	ck_assert_int_eq(keeper_ask_srp_answer(ask, "berlin", challenge.group,
			     challenge.setting, challenge.public_b,
			     challenge.public_b_len, binding, on_srp_answer,
			     &answered), 0);
	wait_for(&answered.calls, 1);
	ck_assert_int_eq(answered.error, 0);
	ck_assert(srp_finish(&challenge, &answered.answer, binding, &said));
	ck_assert_mem_eq(said.answer.proof, answered.answer.m2, 32);
}
END_TEST

static const struct {
	const char *what;
	const char *password; /* the file; NULL: there is none */
	mode_t	    mode;
	unsigned    group;
	const char *setting;
	size_t	    b_len;
	int	    error;
} bad_challenges[] = {
	{ "all is well", "x\n", 0600, 3072, "$y$j9T$F5Jx5fExrKuPp53xLKQ..1",
	    384, 0 },
	{ "no password", NULL, 0, 3072, "$y$j9T$F5Jx5fExrKuPp53xLKQ..1", 384,
	    ENOENT },
	{ "a loose one", "x\n", 0644, 3072, "$y$j9T$F5Jx5fExrKuPp53xLKQ..1",
	    384, EPERM },
	{ "a small group", "x\n", 0600, 1024, "$y$j9T$F5Jx5fExrKuPp53xLKQ..1",
	    128, EPROTO },
	{ "no cost", "x\n", 0600, 3072, "$y$j/5$F5Jx5fExrKuPp53xLKQ..1", 384,
	    EPROTO },
	{ "minutes", "x\n", 0600, 3072, "$y$jFT$F5Jx5fExrKuPp53xLKQ..1", 384,
	    EPROTO },
	{ "a short B", "x\n", 0600, 3072, "$y$j9T$F5Jx5fExrKuPp53xLKQ..1", 383,
	    EPROTO },
	{ "no B", "x\n", 0600, 3072, "$y$j9T$F5Jx5fExrKuPp53xLKQ..1", 0,
	    EPROTO },
};

START_TEST(a_client_answers_no_weak_challenge)
{
	uint8_t public_b[512];

	memset(public_b, 7, sizeof(public_b));
	attach_keeper();
	for (size_t i = 0; i < nitems(bad_challenges); i++) {
		struct answered answered = { 0 };

		if (exists(CREDENTIALS_SECRET))
			discard(CREDENTIALS_SECRET);
		if (bad_challenges[i].password != NULL)
			put(CREDENTIALS_SECRET, bad_challenges[i].password,
			    bad_challenges[i].mode);
		ck_assert_int_eq(keeper_ask_srp_answer(ask, "berlin",
				     bad_challenges[i].group,
				     bad_challenges[i].setting, public_b,
				     bad_challenges[i].b_len, binding,
				     on_srp_answer, &answered), 0);
		wait_for(&answered.calls, 1);
		ck_assert_msg(answered.calls == 1 &&
			answered.error == bad_challenges[i].error,
		    "%s: %d", bad_challenges[i].what, answered.error);
	}
}
END_TEST

/* ---- pre-shared keys ---- */

#define RING "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

struct keyed {
	unsigned	  calls;
	int		  error;
	struct request_psk psk;
};

static void
on_psk(void *arg, const struct request_psk *psk, int error)
{
	struct keyed *keyed = arg;

	keyed->calls++;
	keyed->error = error;
	if (psk != NULL)
		keyed->psk = *psk;
}

static int
ask_psk(const char *site, const uint8_t *bound, struct keyed *keyed)
{
	*keyed = (struct keyed) { 0 };
	ck_assert_int_eq(keeper_ask_psk(ask, site, bound, on_psk, keyed), 0);
	wait_for(&keyed->calls, 1);
	ck_assert_uint_eq(keyed->calls, 1);
	return keyed->error;
}

/* The bytes are from another implementation (Python's hmac). */
START_TEST(both_ends_make_the_same_of_an_invitation)
{
	static const uint8_t id[] = { 0x8d, 0xd4, 0xb1, 0x26, 0x63, 0x8b, 0xe8, 0x15 };
	static const uint8_t key[] = { 0x4e, 0x65, 0xd7, 0x43, 0x8e, 0x9d, 0x2d, 0x65, 0xd3, 0x25,
		0x14, 0x85, 0x9b, 0xcf, 0xd4, 0x2a, 0x9c, 0x75, 0xaf, 0xa2,
		0x2a, 0xcb, 0x6c, 0x65, 0x8e, 0xe2, 0xf2, 0xb0, 0x2f, 0x2d,
		0x18, 0x82 };
	struct psk   psk;
	char	     line[PSK_LINE_SIZE];
	uint8_t	     ring[PSK_LEN];
	struct keyed hub, site, other;

	put_server_key();
	put_credential_line(CREDENTIALS_RING, RING);
	put_credential_line("sites/berlin.psk", "65432100");
	put_credential_line("sites/oslo.psk", "65432101");
	ck_assert(psk_parse_ring(ring, RING));
	psk_derive(&psk, ring, "berlin", 0x65432100);
	psk_print(line, &psk);
	put_credential_line(CREDENTIALS_PSK, line);
	attach_keeper();
	ck_assert_int_eq(ask_psk("berlin", binding, &hub), 0);
	ck_assert_int_eq(ask_psk("", binding, &site), 0);
	ck_assert_mem_eq(&hub.psk, &site.psk, sizeof(hub.psk));
	ck_assert_uint_eq(hub.psk.generation, 0x65432100);
	ck_assert_mem_eq(hub.psk.id, id, sizeof(id));
	ck_assert_mem_eq(hub.psk.key, key, sizeof(key));
	/* The same key, which is another one for each connection. */
	ck_assert_int_eq(ask_psk("berlin", other_binding, &other), 0);
	ck_assert_mem_eq(other.psk.id, hub.psk.id, sizeof(other.psk.id));
	ck_assert_mem_ne(other.psk.key, hub.psk.key, sizeof(other.psk.key));
	/* Nobody else's. */
	ck_assert_int_eq(ask_psk("oslo", binding, &other), 0);
	ck_assert_mem_ne(other.psk.id, hub.psk.id, sizeof(other.psk.id));
	/* A new generation counts at once, and is another key. */
	put_credential_line("sites/berlin.psk", "65432101");
	ck_assert_int_eq(ask_psk("berlin", binding, &other), 0);
	ck_assert_uint_eq(other.psk.generation, 0x65432101);
	ck_assert_mem_ne(other.psk.id, hub.psk.id, sizeof(other.psk.id));
}
END_TEST

static const struct {
	const char *what, *ring, *generation, *own;
	int	    hub, site;
} bad_psks[] = {
	{ "none", NULL, NULL, NULL, ENOENT, ENOENT },
	{ "no generation", RING, NULL, NULL, ENOENT, ENOENT },
	{ "no ring", NULL, "00000001", NULL, ENOENT, ENOENT },
	{ "generation 0", RING, "00000000", "00000000 " RING, EBADMSG,
	    EBADMSG },
	{ "a short generation", RING, "000001", "000001 " RING, EBADMSG,
	    EBADMSG },
	{ "a long one", RING, "0000000001", "0000000001 " RING, EBADMSG,
	    EBADMSG },
	{ "something behind", RING, "00000001 1", "00000001 " RING "00",
	    EBADMSG, EBADMSG },
	{ "capitals", RING, "0000000A", "0000000A " RING, EBADMSG, EBADMSG },
	{ "a short ring", "0011", "00000001", "00000001 0011", EBADMSG,
	    EBADMSG },
	{ "empty files", "", "", "", EBADMSG, EBADMSG },
	{ "all is well", RING, "00000001", "00000001 " RING, 0, 0 },
};

START_TEST(what_is_no_pre_shared_key_is_refused)
{
	static const char *const names[] = { CREDENTIALS_RING,
		"sites/berlin.psk", CREDENTIALS_PSK };
	struct keyed keyed;

	put_server_key();
	attach_keeper();
	for (size_t i = 0; i < nitems(bad_psks); i++) {
		const char *const texts[] = { bad_psks[i].ring,
			bad_psks[i].generation, bad_psks[i].own };

		for (size_t j = 0; j < nitems(names); j++) {
			if (exists(names[j]))
				discard(names[j]);
			if (texts[j] != NULL)
				put_credential_line(names[j], texts[j]);
		}
		ck_assert_msg(ask_psk("berlin", binding, &keyed) ==
			bad_psks[i].hub, "%s: %d", bad_psks[i].what,
		    keyed.error);
		ck_assert_msg(ask_psk("", binding, &keyed) == bad_psks[i].site,
		    "%s: %d", bad_psks[i].what, keyed.error);
	}
	/* Nor is one that others may read. */
	put(CREDENTIALS_PSK, "00000001 " RING "\n", 0644);
	ck_assert_int_eq(ask_psk("", binding, &keyed), EPERM);
	/* And a name is a name, whatever the engine says. */
	ck_assert_int_eq(ask_psk("../berlin", binding, &keyed), ENOENT);
	ck_assert_int_eq(ask_psk("a/../berlin", binding, &keyed), ENOENT);
}
END_TEST

/* ---- tokens ---- */

START_TEST(a_token_brings_its_site_back)
{
	struct said said;

	put_server_key();
	put_hash("sites/berlin.password", "open sesame");
	put_srp("oslo", "open sesame");
	attach_keeper();
	ck_assert(verify("berlin", "open sesame", HOUR, &said));
	ck_assert(resume("berlin", &said.answer.grant));
	ck_assert(resume("berlin", &said.answer.grant));
	method = CONF_AUTH_CERTIFICATE; /* the site's, by now */
	ck_assert(!resume("berlin", &said.answer.grant));
	method = CONF_AUTH_PASSWORD;
	ck_assert(!resume("oslo", &said.answer.grant));
	ck_assert(!resume("", &said.answer.grant));
	ck_assert(srp("oslo", true, "open sesame", &said));
	ck_assert(resume("oslo", &said.answer.grant));
	/* Also at the next keeper. */
	attach_keeper();
	ck_assert(resume("oslo", &said.answer.grant));
	ck_assert(verify("berlin", "open sesame", 0, &said));
	ck_assert_uint_eq(said.answer.grant.token_len, 0);
	ck_assert(!resume("berlin", &said.answer.grant));
	ck_assert(!verify("berlin", "open barley", HOUR, &said));
	ck_assert_uint_eq(said.answer.grant.token_len, 0);
}
END_TEST

START_TEST(a_proof_is_for_one_connection_and_one_hello)
{
	struct request_grant grant;
	struct said	    said;

	put_server_key();
	put_hash("sites/berlin.password", "open sesame");
	attach_keeper();
	ck_assert(verify("berlin", "open sesame", HOUR, &said));
	grant = said.answer.grant;
	ck_assert(!resume_with("berlin", &grant, other_binding, hello));
	ck_assert(!resume_with("berlin", &grant, binding, other_hello));
	ck_assert(resume_with("berlin", &grant, binding, hello));
	/* The token alone is worth nothing. */
	grant.secret[0] ^= 1;
	ck_assert(!resume("berlin", &grant));
	memset(grant.secret, 0, sizeof(grant.secret));
	ck_assert(!resume("berlin", &grant));
}
END_TEST

START_TEST(a_token_is_whole_or_nothing)
{
	struct request_grant good, bad;
	struct said	    said;

	put_server_key();
	put_hash("sites/berlin.password", "open sesame");
	attach_keeper();
	ck_assert(verify("berlin", "open sesame", HOUR, &said));
	good = said.answer.grant;
	for (size_t i = 0; i < 8 * good.token_len; i++) {
		bad = good;
		bad.token[i / 8] ^= (uint8_t)(1 << i % 8);
		ck_assert_msg(!resume("berlin", &bad), "bit %zu", i);
	}
	for (size_t i = 0; i < REQUEST_MAX_TOKEN; i++) {
		bad = good;
		bad.token_len = i;
		ck_assert_msg(resume("berlin", &bad) == (i == good.token_len),
		    "length %zu", i);
	}
}
END_TEST

START_TEST(another_credential_ends_every_token)
{
	struct request_grant grant;
	struct said	    said;
	char		   *path;
	char		    line[SECRET_STORE_LINE_SIZE];

	put_server_key();
	put_hash("sites/berlin.password", "open sesame");
	attach_keeper();
	ck_assert(verify("berlin", "open sesame", HOUR, &said));
	grant = said.answer.grant;
	get("sites/berlin.password", line, sizeof(line));
	/* The same password, set again. */
	put_hash("sites/berlin.password", "open sesame");
	ck_assert(!resume("berlin", &grant));
	/* Another method's file is not the one that it was made from. */
	discard("sites/berlin.password");
	put_credential_line("sites/berlin.srp", line);
	ck_assert(!resume("berlin", &grant));
	/* A file written anew is another one, as when a site was disabled. */
	put_credential_line("sites/berlin.password", line);
	ck_assert(!resume("berlin", &grant));
	ck_assert(verify("berlin", "open sesame", HOUR, &said));
	grant = said.answer.grant;
	ck_assert(resume("berlin", &grant));
	path = file_join(dir, "sites/berlin.password");
	ck_assert_int_eq(utimensat(AT_FDCWD, path, NULL, 0), 0);
	free(path);
	ck_assert(!resume("berlin", &grant));
}
END_TEST

START_TEST(a_token_expires)
{
	struct said said;

	put_server_key();
	put_hash("sites/berlin.password", "open sesame");
	attach_keeper();
	ck_assert(verify("berlin", "open sesame", 2, &said));
	ck_assert(resume("berlin", &said.answer.grant));
	usleep(2100 * 1000);
	ck_assert(!resume("berlin", &said.answer.grant));
}
END_TEST

START_TEST(a_lifetime_has_a_limit)
{
	struct said  said;
	struct secret_store store;
	struct token token;
	char	     why[512];
	time_t	     before = time(NULL);
	int	     d = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	put_server_key();
	put_hash("sites/berlin.password", "open sesame");
	attach_keeper();
	ck_assert(verify("berlin", "open sesame", UINT32_MAX, &said));
	ck_assert(secret_store_open(&store, d, d, -1, why, sizeof(why)));
	ck_assert(token_open(&token, store.token_key, said.answer.grant.token,
	    said.answer.grant.token_len, before));
	ck_assert_int_ge(token.expiry, before + VERIFY_MAX_LIFETIME_SEC);
	ck_assert_int_le(token.expiry, time(NULL) + VERIFY_MAX_LIFETIME_SEC);
	ck_assert_int_eq(token.method, CONF_AUTH_PASSWORD);
	ck_assert_mem_eq(token.secret, said.answer.grant.secret,
	    sizeof(token.secret));
	secret_store_close(&store);
	close(d);
}
END_TEST

/* As of one that has expired, on a host whose clock begins at 1970. */
START_TEST(a_token_for_longer_than_any_is_given_is_none)
{
	struct said	     said;
	struct secret_store  store;
	struct token	     token;
	struct request_grant grant;
	char	     why[512];
	int	     d = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	put_server_key();
	put_hash("sites/berlin.password", "open sesame");
	attach_keeper();
	ck_assert(verify("berlin", "open sesame", 60, &said));
	grant = said.answer.grant;
	ck_assert(secret_store_open(&store, d, d, -1, why, sizeof(why)));
	ck_assert(token_open(&token, store.token_key, grant.token,
	    grant.token_len, time(NULL)));
	token.expiry = time(NULL) + VERIFY_MAX_LIFETIME_SEC;
	grant.token_len = (uint32_t)token_seal(grant.token, store.token_key,
	    &token);
	ck_assert(resume("berlin", &grant));
	token.expiry += 60;
	grant.token_len = (uint32_t)token_seal(grant.token, store.token_key,
	    &token);
	ck_assert(!resume("berlin", &grant));
	secret_store_close(&store);
	close(d);
}
END_TEST

START_TEST(a_client_has_no_tokens)
{
	struct said said;

	/* No server.key, and yet a site: somebody else's tree. */
	put_hash("sites/berlin.password", "open sesame");
	attach_keeper();
	ck_assert(verify("berlin", "open sesame", HOUR, &said));
	attach_keeper();
	ck_assert(!resume("berlin", &said.answer.grant));
	ck_assert(!exists(CREDENTIALS_MASTER));
	ck_assert(!exists("nobody.srp"));
}
END_TEST

/* ---- vouchers ---- */

START_TEST(a_voucher_is_the_monitors_word)
{
	uint8_t		    voucher[VOUCHER_LEN], bad[VOUCHER_LEN];
	struct request_grant grant;
	struct said	    said;

	put_server_key();
	put("sites/berlin.pam", "0123456789abcdef\n", 0600);
	put("sites/oslo.pam", "0123456789abcdef\n", 0600);
	put_hash("sites/paris.password", "open sesame");
	attach_keeper_with(voucher_key);
	voucher_make(voucher, voucher_key, "berlin", mono_now());
	ck_assert(vouched("berlin", voucher, &said));
	grant = said.answer.grant;
	ck_assert(resume("berlin", &grant));
	/* Their files are the same; the name is in the token. */
	ck_assert(!resume("oslo", &grant));
	ck_assert(!vouched("oslo", voucher, &said));
	ck_assert_uint_eq(said.answer.grant.token_len, 0);
	for (size_t i = 0; i < sizeof(voucher); i++) {
		memcpy(bad, voucher, sizeof(bad));
		bad[i] ^= 1;
		ck_assert_msg(!vouched("berlin", bad, &said), "byte %zu", i);
	}
	voucher_make(bad, other_hello, "berlin", mono_now());
	ck_assert(!vouched("berlin", bad, &said));
	voucher_make(bad, voucher_key, "berlin",
	    mono_add(mono_now(), -(VOUCHER_SEC + 1) * MONO_SEC));
	ck_assert(!vouched("berlin", bad, &said));
	/* Not a site of that method. */
	voucher_make(bad, voucher_key, "paris", mono_now());
	ck_assert(!vouched("paris", bad, &said));

	put("sites/berlin.pam", "fedcba9876543210\n", 0600);
	ck_assert(!resume("berlin", &grant));
	ck_assert(vouched("berlin", voucher, &said));
	discard("sites/berlin.pam");
	ck_assert(!resume("berlin", &said.answer.grant));
	ck_assert(!vouched("berlin", voucher, &said));
}
END_TEST

START_TEST(without_the_monitors_key_no_voucher_is_good)
{
	static const uint8_t zero[VOUCHER_KEY_LEN];
	uint8_t		     voucher[VOUCHER_LEN];
	struct said	     said;

	put_server_key();
	put("sites/berlin.pam", "0123456789abcdef\n", 0600);
	attach_keeper();
	voucher_make(voucher, zero, "berlin", mono_now());
	ck_assert(!vouched("berlin", voucher, &said));
}
END_TEST

/* ---- how often ---- */

START_TEST(more_than_an_honest_engine_asks_is_refused)
{
	uint8_t	    voucher[VOUCHER_LEN];
	struct said said;
	unsigned    n = 0;

	put_server_key();
	put("sites/berlin.pam", "0123456789abcdef\n", 0600);
	attach_keeper_with(voucher_key);
	voucher_make(voucher, voucher_key, "berlin", mono_now());
	for (int i = 0; i < 400; i++)
		n += vouched("berlin", voucher, &said);
	ck_assert_uint_ge(n, 256);
	ck_assert_uint_lt(n, 300);
	/* The others go on, and after a while this one does. */
	put_hash("sites/berlin.password", "open sesame");
	ck_assert(verify("berlin", "open sesame", 0, &said));
	usleep(300 * 1000);
	ck_assert(vouched("berlin", voucher, &said));
}
END_TEST

START_TEST(no_oracle_signs_without_end)
{
	static const uint8_t	 hash[32];
	gnutls_x509_privkey_t	 clear;
	struct keypair_public	 public;
	struct request_signature answer = { .error = 0 };
	struct mono		 began;
	int64_t			 sec;
	int			 auth, sign, i;

	put_key(CREDENTIALS_KEY, GNUTLS_PK_ECDSA,
	    GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), &clear);
	public = public_of(clear);
	gnutls_x509_privkey_deinit(clear);
	start_keeper(dir, -1, &auth, &sign);
	began = mono_now();
	for (i = 0; i < 50000 && answer.error == 0; i++)
		sign_by(sign, REQUEST_KEY_MAIN, &public,
		    GNUTLS_SIGN_ECDSA_SHA256, hash, sizeof(hash), &answer);
	/* A slow host may never come to the limit, but not past it either. */
	sec = mono_sub(mono_now(), began) / MONO_SEC + 1;
	ck_assert_int_le(i, 4096 + 2000 * sec);
	if (answer.error != 0) {
		ck_assert_uint_eq(answer.error, EAGAIN);
		ck_assert_int_gt(i, 2048);
	}
	close(auth);
	close(sign);
}
END_TEST

START_TEST(guesses_do_not_delay_a_site_that_comes_back)
{
	struct said	    guesses = { 0 }, said;
	struct request_grant grant;

	put_server_key();
	put_hash("sites/berlin.password", "open sesame");
	attach_keeper();
	ck_assert(verify("berlin", "open sesame", HOUR, &said));
	grant = said.answer.grant;
	for (int i = 0; i < 40; i++)
		ck_assert_int_eq(keeper_ask_verify(ask, "berlin", true, "x", 1,
				     0, on_said, &guesses), 0);
	ck_assert(resume("berlin", &grant));
	ck_assert_uint_lt(guesses.calls, 20); /* behind them all: 38 or more */
	wait_for(&guesses.calls, 40);
	ck_assert_uint_eq(guesses.calls, 40);
}
END_TEST

/* ---- its directory, at the start ---- */

static void
refuses_to_start(const char *what)
{
	int   auth, sign, status;
	pid_t pid = start_keeper(dir, -1, &auth, &sign);

	/* One that does start ends now, with 0. */
	close(auth);
	close(sign);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 1, "%s",
	    what);
}

static void
starts(void)
{
	int   auth, sign, status;
	pid_t pid = start_keeper(dir, -1, &auth, &sign);

	close(auth);
	close(sign);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

START_TEST(a_loose_directory_stops_the_keeper)
{
	char *sites = file_join(dir, "sites");

	put_server_key();
	starts();
	ck_assert_int_eq(chmod(dir, 0750), 0);
	refuses_to_start("keeper/");
	ck_assert_int_eq(chmod(dir, 0700), 0);
	ck_assert_int_eq(chmod(sites, 0701), 0);
	refuses_to_start("keeper/sites/");
	ck_assert_int_eq(chmod(sites, 0700), 0);
	put("sites/berlin.srp", "x\n", 0644);
	starts();
	free(sites);
}
END_TEST

START_TEST(what_is_missing_is_made_once)
{
	static const char *const names[] = { "nobody.srp", "nobody.password",
		CREDENTIALS_MASTER };
	char		  first[nitems(names)][SECRET_STORE_LINE_SIZE];
	char		  again[SECRET_STORE_LINE_SIZE];
	struct auth_srp_verifier verifier;

	put_server_key();
	starts();
	for (size_t i = 0; i < nitems(names); i++)
		get(names[i], first[i], sizeof(first[i]));
	ck_assert(auth_srp_parse(&verifier, first[0]));
	ck_assert(auth_password_is_hash(first[1]));
	ck_assert_uint_eq(strlen(first[2]), 64);
	starts();
	for (size_t i = 0; i < nitems(names); i++) {
		get(names[i], again, sizeof(again));
		ck_assert_msg(strcmp(first[i], again) == 0, "%s", names[i]);
	}
	/* One of nobody's that is broken is nobody's loss. */
	put("nobody.srp", "srp1 3072\n", 0600);
	put("nobody.password", "", 0600);
	starts();
	get("nobody.srp", again, sizeof(again));
	ck_assert(auth_srp_parse(&verifier, again));
	get("nobody.password", again, sizeof(again));
	ck_assert(auth_password_is_hash(again));
	put("nobody.srp", first[0], 0644);
	refuses_to_start("a loose nobody.srp");
}
END_TEST

static const struct {
	const char *what;
	const char *text;
	mode_t	    mode;
} bad_masters[] = {
	{ "nothing", "", 0600 },
	{ "too short", "00112233\n", 0600 },
	{ "a digit too many",
	    "00112233445566778899aabbccddeeff"
	    "00112233445566778899aabbccddeeff0\n", 0600 },
	{ "a byte too many",
	    "00112233445566778899aabbccddeeff"
	    "00112233445566778899aabbccddeeff00\n", 0600 },
	{ "no digits",
	    "00112233445566778899aabbccddeegg"
	    "00112233445566778899aabbccddeeff\n", 0600 },
	{ "two lines",
	    "00112233445566778899aabbccddeeff\n"
	    "00112233445566778899aabbccddeeff\n", 0600 },
	{ "loose",
	    "00112233445566778899aabbccddeeff"
	    "00112233445566778899aabbccddeeff\n", 0640 },
};

START_TEST(a_bad_master_key_stops_the_keeper_and_stays)
{
	char *path = file_join(dir, CREDENTIALS_MASTER), *text;
	size_t len;

	put_server_key();
	for (size_t i = 0; i < nitems(bad_masters); i++) {
		put(CREDENTIALS_MASTER, bad_masters[i].text,
		    bad_masters[i].mode);
		refuses_to_start(bad_masters[i].what);
		ck_assert_int_eq(file_read(path, 1000, &text, &len), 0);
		ck_assert_msg(len == strlen(bad_masters[i].text) &&
			memcmp(text, bad_masters[i].text, len) == 0, "%s",
		    bad_masters[i].what);
		free(text);
	}
	ck_assert_int_eq(chmod(path, 0600), 0);
	starts();
	free(path);
}
END_TEST

/* Its log names the paths. */
START_TEST(a_key_of_version_0_1_is_moved_whole_or_not_at_all)
{
	char *state = file_join(dir, "state");
	char *new = file_join(dir, "state/" CREDENTIALS_MASTER), *text;
	const char *good = "00112233445566778899aabbccddeeff"
			   "00112233445566778899aabbccddeeff\n";
	struct statfs fs;
	size_t	      len;
	int	      from, to;

	ck_assert_int_eq(mkdir(state, 0700), 0);
	from = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	to = open(state, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ck_assert(secret_store_move(from, to));
	ck_assert_int_eq(access(new, F_OK), -1);
	/* Not ignored: a new one would end every token. */
	put(CREDENTIALS_MASTER, good, 0640);
	ck_assert(!secret_store_move(from, to));
	ck_assert_int_eq(access(new, F_OK), -1);
	put(CREDENTIALS_MASTER, "", 0600);
	ck_assert(!secret_store_move(from, to));
	/* Cut short: what is half there does not count. */
	put(CREDENTIALS_MASTER, good, 0600);
	put("nobody.srp", "x\n", 0600);
	put("state/master.key.new", "0011", 0600);
	ck_assert(secret_store_move(from, to));
	ck_assert_int_eq(file_read(new, 1000, &text, &len), 0);
	ck_assert_str_eq(text, good);
	free(text);
	/* What a boot takes away is no place to move it to. */
	if (fstatfs(to, &fs) == 0 && fs.f_type != TMPFS_MAGIC) {
		ck_assert(!exists(CREDENTIALS_MASTER));
		ck_assert(!exists("nobody.srp"));
	}
	/* A later one, of an old version that ran in between, is not taken. */
	put(CREDENTIALS_MASTER, "01\n", 0600);
	ck_assert(secret_store_move(from, to));
	ck_assert_int_eq(file_read(new, 1000, &text, &len), 0);
	ck_assert_str_eq(text, good);
	free(text);
	close(from);
	close(to);
	ck_assert_int_eq(unlink(new), 0);
	ck_assert_int_eq(rmdir(state), 0);
	free(state);
	free(new);
}
END_TEST

int
main(void)
{
	Suite	*suite = suite_create("verify");
	TCase	*tc = tcase_create("verify");
	SRunner *runner = srunner_create(suite);
	int	 failed;

	tcase_add_checked_fixture(tc, rig_setup, rig_teardown);
	tcase_set_timeout(tc, 300);
	tcase_add_test(tc, srp_says_yes_to_the_password_alone);
	tcase_add_test(tc, an_exchange_is_one_sites_one_connections_and_whole);
	tcase_add_test(tc, another_password_or_keeper_ends_an_exchange);
	tcase_add_test(tc, an_unknown_name_looks_like_any);
	tcase_add_test(tc, nobody_never_logs_in);
	tcase_add_test(tc, a_client_answers_with_the_password_of_its_file);
	tcase_add_test(tc, a_client_answers_no_weak_challenge);
	tcase_add_test(tc, both_ends_make_the_same_of_an_invitation);
	tcase_add_test(tc, what_is_no_pre_shared_key_is_refused);
	tcase_add_test(tc, a_token_brings_its_site_back);
	tcase_add_test(tc, a_proof_is_for_one_connection_and_one_hello);
	tcase_add_test(tc, a_token_is_whole_or_nothing);
	tcase_add_test(tc, another_credential_ends_every_token);
	tcase_add_test(tc, a_token_expires);
	tcase_add_test(tc, a_lifetime_has_a_limit);
	tcase_add_test(tc, a_token_for_longer_than_any_is_given_is_none);
	tcase_add_test(tc, a_client_has_no_tokens);
	tcase_add_test(tc, a_voucher_is_the_monitors_word);
	tcase_add_test(tc, without_the_monitors_key_no_voucher_is_good);
	tcase_add_test(tc, more_than_an_honest_engine_asks_is_refused);
	tcase_add_test(tc, no_oracle_signs_without_end);
	tcase_add_test(tc, guesses_do_not_delay_a_site_that_comes_back);
	tcase_add_test(tc, a_loose_directory_stops_the_keeper);
	tcase_add_test(tc, what_is_missing_is_made_once);
	tcase_add_test(tc, a_bad_master_key_stops_the_keeper_and_stays);
	tcase_add_test(tc, a_key_of_version_0_1_is_moved_whole_or_not_at_all);
	suite_add_tcase(suite, tc);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
