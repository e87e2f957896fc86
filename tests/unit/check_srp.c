/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * SRP: RFC 5054's own vectors through our arithmetic, ours (PROTOCOL 4.5), and
 * everything that must be refused.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <nettle/sha1.h>

#include "keeper/auth_srp.h"
#include "keeper/srp.h"
#include "keeper/srp_line.h"
#include "unit.h"

#define SITE	 "berlin"
#define PASSWORD "open sesame"
#define SETTING	 "$y$j9T$F5Jx5fExrKuPp53xLKQ..1"

static const uint8_t binding[32] = { 1, 2, 3 };
static const uint8_t other_binding[32] = { 1, 2, 4 };

/* Hexadecimal with spaces, as RFCs print it. */
static size_t
unhex(const char *text, uint8_t *dst, size_t size)
{
	char	    clean[2 * SRP_MAX_LEN + 1];
	const char *at = clean;
	size_t	    n = 0, len;

	for (; *text != '\0'; text++) {
		if (*text == ' ')
			continue;
		ck_assert_uint_lt(n, sizeof(clean) - 1);
		clean[n++] = *text >= 'A' && *text <= 'F' ?
		    (char)(*text - 'A' + 'a') : *text;
	}
	clean[n] = '\0';
	ck_assert(srp_line_take_hex(&at, dst, size, &len));
	return len;
}

/* ---- RFC 5054, appendix B: 1024 bits, SHA-1 ---- */

#define RFC_N                                                                  \
	"EEAF0AB9ADB38DD69C33F80AFA8FC5E86072618775FF3C0B9EA2314C9C256576"     \
	"D674DF7496EA81D3383B4813D692C6E0E0D5D8E250B98BE48E495C1D6089DAD1"     \
	"5DC7D7B46154D6B6CE8EF4AD69B15D4982559B297BCF1885C529F566660E57EC"     \
	"68EDBC3C05726CC02FD4CBF4976EAA9AFD5138FE8376435B9FC61D2FC0EB06E3"
#define RFC_SALT "BEB25379 D1A8581E B5A72767 3A2441EE"
#define RFC_K	 "7556AA04 5AEF2CDD 07ABAF0F 665C3E81 8913186F"
#define RFC_X	 "94B7555A ABE9127C C58CCF49 93DB6CF8 4D16C124"
#define RFC_V                                                                  \
	"7E273DE8 696FFC4F 4E337D05 B4B375BE B0DDE156 9E8FA00A 9886D812"       \
	"9BADA1F1 822223CA 1A605B53 0E379BA4 729FDC59 F105B478 7E5186F5"       \
	"C671085A 1447B52A 48CF1970 B4FB6F84 00BBF4CE BFBB1681 52E08AB5"       \
	"EA53D15C 1AFF87B2 B9DA6E04 E058AD51 CC72BFC9 033B564E 26480D78"       \
	"E955A5E2 9E7AB245 DB2BE315 E2099AFB"
#define RFC_PRIVATE_A                                                          \
	"60975527 035CF2AD 1989806F 0407210B C81EDC04 E2762A56 AFD529DD"       \
	"DA2D4393"
#define RFC_PRIVATE_B                                                          \
	"E487CB59 D31AC550 471E81F0 0F6928E0 1DDA08E9 74A004F4 9E61F5D1"       \
	"05284D20"
#define RFC_A                                                                  \
	"61D5E490 F6F1B795 47B0704C 436F523D D0E560F0 C64115BB 72557EC4"       \
	"4352E890 3211C046 92272D8B 2D1A5358 A2CF1B6E 0BFCF99F 921530EC"       \
	"8E393561 79EAE45E 42BA92AE ACED8251 71E1E8B9 AF6D9C03 E1327F44"       \
	"BE087EF0 6530E69F 66615261 EEF54073 CA11CF58 58F0EDFD FE15EFEA"       \
	"B349EF5D 76988A36 72FAC47B 0769447B"
#define RFC_B                                                                  \
	"BD0C6151 2C692C0C B6D041FA 01BB152D 4916A1E7 7AF46AE1 05393011"       \
	"BAF38964 DC46A067 0DD125B9 5A981652 236F99D9 B681CBF8 7837EC99"       \
	"6C6DA044 53728610 D0C6DDB5 8B318885 D7D82C7F 8DEB75CE 7BD4FBAA"       \
	"37089E6F 9C6059F3 88838E7A 00030B33 1EB76840 910440B1 B27AAEAE"       \
	"EB4012B7 D7665238 A8E3FB00 4B117B58"
#define RFC_S                                                                  \
	"B0DC82BA BCF30674 AE450C02 87745E79 90A3381F 63B387AA F271A10D"       \
	"233861E3 59B48220 F7C4693C 9AE12B0A 6F67809F 0876E2D0 13800D6C"       \
	"41BB59B6 D5979B5C 00A172B4 A2A5903A 0BDCAF8A 709585EB 2AFAFA8F"       \
	"3499B200 210DCC1F 10EB3394 3CD67FC8 8A2F39A4 BE5BEC4E C0A3212D"       \
	"C346D7E4 74B29EDE 8A469FFE CA686E5A"

struct vectors {
	uint8_t x[20], a[32], b[32];
	uint8_t v[128], public_a[128], public_b[128], s[128];
};

static void
rfc_vectors(struct srp *srp, struct vectors *vectors)
{
	srp_init_group(srp, SRP_SHA1, RFC_N, 2);
	ck_assert_uint_eq(srp->len, 128);
	unhex(RFC_X, vectors->x, sizeof(vectors->x));
	unhex(RFC_PRIVATE_A, vectors->a, sizeof(vectors->a));
	unhex(RFC_PRIVATE_B, vectors->b, sizeof(vectors->b));
	unhex(RFC_V, vectors->v, sizeof(vectors->v));
	unhex(RFC_A, vectors->public_a, sizeof(vectors->public_a));
	unhex(RFC_B, vectors->public_b, sizeof(vectors->public_b));
	unhex(RFC_S, vectors->s, sizeof(vectors->s));
}

START_TEST(rfc_5054_appendix_b_comes_out)
{
	struct srp     srp;
	struct vectors right;
	uint8_t	       got[128], k[20], x[20], salt[16], inner[20];
	struct sha1_ctx ctx;
	size_t	       n;

	rfc_vectors(&srp, &right);
	mpz_export(got, &n, 1, 1, 1, 0, srp.k);
	unhex(RFC_K, k, sizeof(k));
	ck_assert_uint_eq(n, sizeof(k));
	ck_assert_mem_eq(got, k, sizeof(k));

	/* x of "alice", "password123", as auth_tls_srp.c has it. */
	unhex(RFC_SALT, salt, sizeof(salt));
	sha1_init(&ctx);
	sha1_update(&ctx, 17, (const uint8_t *)"alice:password123");
	sha1_digest(&ctx, sizeof(inner), inner);
	sha1_init(&ctx);
	sha1_update(&ctx, sizeof(salt), salt);
	sha1_update(&ctx, sizeof(inner), inner);
	sha1_digest(&ctx, sizeof(x), x);
	ck_assert_mem_eq(x, right.x, sizeof(x));

	srp_verifier(&srp, x, sizeof(x), got);
	ck_assert_mem_eq(got, right.v, sizeof(got));
	srp_public_a(&srp, right.a, sizeof(right.a), got);
	ck_assert_mem_eq(got, right.public_a, sizeof(got));
	srp_public_b(&srp, right.v, right.b, sizeof(right.b), got);
	ck_assert_mem_eq(got, right.public_b, sizeof(got));
	ck_assert(srp_secret_server(&srp, right.v, right.b, sizeof(right.b),
	    right.public_a, right.public_b, got));
	ck_assert_mem_eq(got, right.s, sizeof(got));
	ck_assert(srp_secret_client(&srp, right.x, sizeof(right.x), right.a,
	    sizeof(right.a), right.public_a, right.public_b, got));
	ck_assert_mem_eq(got, right.s, sizeof(got));
	srp_fini(&srp);
}
END_TEST

/* ---- a whole exchange ---- */

struct run {
	char			 line[AUTH_SRP_LINE_SIZE];
	struct auth_srp_verifier verifier;
	uint8_t b[AUTH_SRP_PRIVATE_LEN];
	uint8_t public_b[AUTH_SRP_MAX_LEN], public_a[AUTH_SRP_MAX_LEN];
	size_t	b_len, a_len;
	uint8_t m1[32], m2[32], answer[32];
};

static void
begin(struct run *run, const char *password)
{
	ck_assert_int_eq(auth_srp_make(SITE, password, run->line,
			     sizeof(run->line)), 0);
	ck_assert(auth_srp_parse(&run->verifier, run->line));
	ck_assert_int_eq(auth_srp_start(&run->verifier, run->b, run->public_b,
			     &run->b_len), 0);
	ck_assert_uint_eq(run->b_len, 384);
}

static int
answer(struct run *run, const char *site, const char *password,
    const uint8_t *bound)
{
	return auth_srp_answer(site, password, strlen(password),
	    run->verifier.group, run->verifier.setting, run->public_b,
	    run->b_len, bound, run->public_a, &run->a_len, run->m1, run->m2);
}

static bool
finish(struct run *run)
{
	return auth_srp_finish(&run->verifier, SITE, run->b, binding,
	    run->public_a, run->a_len, run->m1, run->answer);
}

START_TEST(both_ends_agree_on_the_right_password)
{
	struct run run;

	begin(&run, PASSWORD);
	ck_assert_int_eq(answer(&run, SITE, PASSWORD, binding), 0);
	ck_assert(finish(&run));
	ck_assert_mem_eq(run.answer, run.m2, sizeof(run.m2));
	/* M1 is not M2, and a second exchange has other numbers. */
	ck_assert_mem_ne(run.m1, run.m2, sizeof(run.m1));
}
END_TEST

static const struct {
	const char    *what, *site, *password;
	const uint8_t *bound;
} wrongs[] = {
	{ "another password", SITE, "open sesam", binding },
	{ "another site", "berlin2", PASSWORD, binding },
	{ "another connection", SITE, PASSWORD, other_binding },
};

START_TEST(whatever_is_wrong_is_found)
{
	uint8_t none[32] = { 0 };

	for (size_t i = 0; i < nitems(wrongs); i++) {
		struct run run;

		begin(&run, PASSWORD);
		ck_assert_int_eq(answer(&run, wrongs[i].site,
				     wrongs[i].password, wrongs[i].bound), 0);
		ck_assert_msg(!finish(&run), "%s", wrongs[i].what);
		/* And nothing is given away. */
		ck_assert_mem_eq(run.answer, none, sizeof(none));
	}
}
END_TEST

START_TEST(every_bit_of_a_and_m1_counts)
{
	struct run run;

	begin(&run, PASSWORD);
	ck_assert_int_eq(answer(&run, SITE, PASSWORD, binding), 0);
	for (unsigned i = 0; i < 256; i += 37) {
		run.m1[i / 8] ^= (uint8_t)(1 << i % 8);
		ck_assert(!finish(&run));
		run.m1[i / 8] ^= (uint8_t)(1 << i % 8);
	}
	for (unsigned i = 0; i < 8 * run.a_len; i += 511) {
		run.public_a[i / 8] ^= (uint8_t)(1 << i % 8);
		ck_assert(!finish(&run));
		run.public_a[i / 8] ^= (uint8_t)(1 << i % 8);
	}
	ck_assert(finish(&run));
}
END_TEST

/* 0, N and 2N (where it fits) would make S known to everybody. */
static void
multiple_of_n(uint8_t *dst, unsigned times)
{
	struct srp srp;
	mpz_t	   number;

	ck_assert(srp_init(&srp, SRP_SHA256, 3072));
	memset(dst, 0, srp.len);
	mpz_init(number);
	mpz_mul_ui(number, srp.n, times);
	if (times > 0)
		mpz_export(dst, NULL, 1, 1, 1, 0, number);
	mpz_clear(number);
	srp_fini(&srp);
}

START_TEST(multiples_of_n_are_refused_by_both_ends)
{
	struct run run;

	begin(&run, PASSWORD);
	ck_assert_int_eq(answer(&run, SITE, PASSWORD, binding), 0);
	for (unsigned times = 0; times < 2; times++) {
		multiple_of_n(run.public_a, times);
		ck_assert(!finish(&run));
	}
	for (unsigned times = 0; times < 2; times++) {
		multiple_of_n(run.public_b, times);
		ck_assert_int_eq(answer(&run, SITE, PASSWORD, binding),
		    -EPROTO);
	}
}
END_TEST

START_TEST(other_lengths_than_the_groups_are_refused)
{
	static const size_t lengths[] = { 0, 1, 383, 385, 512 };
	struct run	    run;

	begin(&run, PASSWORD);
	ck_assert_int_eq(answer(&run, SITE, PASSWORD, binding), 0);
	for (size_t i = 0; i < nitems(lengths); i++) {
		run.a_len = lengths[i];
		ck_assert(!finish(&run));
		run.b_len = lengths[i];
		ck_assert_int_eq(answer(&run, SITE, PASSWORD, binding),
		    -EPROTO);
	}
}
END_TEST

static const struct {
	const char *what;
	unsigned    group;
	const char *setting;
	int	    result;
} challenges[] = {
	{ "ours", 3072, SETTING, 0 },
	{ "the larger group's B is another length", 4096, SETTING, -EPROTO },
	{ "a small group", 1024, SETTING, -EPROTO },
	{ "no group", 0, SETTING, -EPROTO },
	{ "a setting without cost", 3072, "$y$j/5$abcd", -EPROTO },
	{ "a setting of a minute", 3072, "$y$jFT$abcd", -EPROTO },
	{ "a setting with a digest", 3072, SETTING "$abcd", -EPROTO },
	{ "another hash", 3072, "$6$abcd", -EPROTO },
	{ "no salt", 3072, "$y$j9T$", -EPROTO },
	{ "no setting", 3072, "", -EPROTO },
};

START_TEST(a_hostile_servers_wishes_are_refused)
{
	struct run run;

	begin(&run, PASSWORD);
	for (size_t i = 0; i < nitems(challenges); i++)
		ck_assert_msg(auth_srp_answer(SITE, PASSWORD, 11,
				  challenges[i].group, challenges[i].setting,
				  run.public_b, run.b_len, binding,
				  run.public_a, &run.a_len, run.m1, run.m2) ==
			challenges[i].result, "%s", challenges[i].what);
}
END_TEST

/* ---- our own vectors, PROTOCOL 4.5 ---- */

#include "srp_vectors.h"

START_TEST(the_protocols_own_vectors_come_out)
{
	struct auth_srp_verifier verifier;
	uint8_t b[32], public_a[384], m1[32], right[384], m2[32], public_b[384];
	struct srp srp;

	ck_assert(auth_srp_parse(&verifier,
	    "srp1 3072 " SETTING " " VECTOR_V));
	unhex(VECTOR_PRIVATE_B, b, sizeof(b));
	unhex(VECTOR_A, public_a, sizeof(public_a));
	unhex(VECTOR_M1, m1, sizeof(m1));
	ck_assert(srp_init(&srp, SRP_SHA256, 3072));
	srp_public_b(&srp, verifier.v, b, sizeof(b), public_b);
	unhex(VECTOR_B, right, sizeof(right));
	ck_assert_mem_eq(public_b, right, sizeof(right));
	srp_fini(&srp);
	ck_assert(auth_srp_finish(&verifier, SITE, b, binding, public_a,
	    sizeof(public_a), m1, m2));
	unhex(VECTOR_M2, right, 32);
	ck_assert_mem_eq(m2, right, 32);
}
END_TEST

/* ---- lines ---- */

static const struct {
	const char *what, *from, *to;
} damages[] = {
	{ "another word", "srp1 ", "srp2 " },
	{ "two spaces", "srp1 3072", "srp1  3072" },
	{ "a sign", "3072", "+3072" },
	{ "a zero in front", "3072", "03072" },
	{ "a group that we do not take", "3072", "2048" },
	{ "a larger group than the number", "3072", "4096" },
	{ "a setting without cost", "$y$j9T$", "$y$j/5$" },
};

START_TEST(damaged_lines_are_refused)
{
	struct run run;
	struct auth_srp_verifier verifier;
	char   text[AUTH_SRP_LINE_SIZE + 16];
	size_t len;

	begin(&run, PASSWORD);
	len = strlen(run.line);
	for (size_t i = 0; i < nitems(damages); i++) {
		char *at = strstr(run.line, damages[i].from);

		ck_assert_ptr_nonnull(at);
		snprintf(text, sizeof(text), "%.*s%s%s", (int)(at - run.line),
		    run.line, damages[i].to, at + strlen(damages[i].from));
		ck_assert_msg(!auth_srp_parse(&verifier, text), "%s",
		    damages[i].what);
	}
	for (size_t i = 0; i < len; i++) {
		memcpy(text, run.line, i);
		text[i] = '\0';
		ck_assert_msg(!auth_srp_parse(&verifier, text), "%zu bytes", i);
	}
	snprintf(text, sizeof(text), "%s ", run.line);
	ck_assert(!auth_srp_parse(&verifier, text));
	snprintf(text, sizeof(text), "%s00", run.line);
	ck_assert(!auth_srp_parse(&verifier, text));
	text[len - 1] = 'X';
	text[len] = '\0';
	ck_assert(!auth_srp_parse(&verifier, text));
}
END_TEST

START_TEST(a_disguise_is_always_the_same_and_looks_real)
{
	static const uint8_t secret[32] = { 7 }, another[32] = { 8 };
	struct run run;
	struct auth_srp_verifier a, b, c;

	begin(&run, PASSWORD);
	a = b = c = run.verifier;
	auth_srp_disguise(&a, secret, "nowhere");
	auth_srp_disguise(&b, secret, "nowhere");
	ck_assert_str_eq(a.setting, b.setting);
	auth_srp_disguise(&b, secret, "elsewhere");
	ck_assert_str_ne(a.setting, b.setting);
	auth_srp_disguise(&c, another, "nowhere");
	ck_assert_str_ne(a.setting, c.setting);
	/* Of the form of a real one, to the last letter. */
	ck_assert_uint_eq(strlen(a.setting), strlen(run.verifier.setting));
	for (unsigned i = 0; i < 200; i++) {
		char site[16];

		snprintf(site, sizeof(site), "site%u", i);
		auth_srp_disguise(&a, secret, site);
		ck_assert_mem_eq(a.setting, "$y$j9T$", 7);
		ck_assert_ptr_nonnull(strchr("./01",
		    a.setting[strlen(a.setting) - 1]));
	}
}
END_TEST

START_TEST(passwords_that_cannot_be_are_refused)
{
	char long_one[513], line[AUTH_SRP_LINE_SIZE];

	memset(long_one, 'x', 512);
	long_one[512] = '\0';
	ck_assert_int_eq(auth_srp_make(SITE, "", line, sizeof(line)), -EINVAL);
	ck_assert_int_eq(auth_srp_make(SITE, long_one, line, sizeof(line)),
	    -EINVAL);
	long_one[511] = '\0';
	ck_assert_int_eq(auth_srp_make(SITE, long_one, line, sizeof(line)), 0);
	ck_assert_int_eq(auth_srp_make(SITE, "x", line, 100), -ENOSPC);
}
END_TEST

UNIT_MAIN("srp", rfc_5054_appendix_b_comes_out,
    both_ends_agree_on_the_right_password, whatever_is_wrong_is_found,
    every_bit_of_a_and_m1_counts, multiples_of_n_are_refused_by_both_ends,
    other_lengths_than_the_groups_are_refused,
    a_hostile_servers_wishes_are_refused, the_protocols_own_vectors_come_out,
    damaged_lines_are_refused, a_disguise_is_always_the_same_and_looks_real,
    passwords_that_cannot_be_are_refused)
