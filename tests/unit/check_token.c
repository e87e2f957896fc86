/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tokens and vouchers: only whole, only ours, only in time. */
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include <bsd/string.h>

#include "keeper/seal.h"
#include "keeper/token.h"
#include "proc/voucher.h"
#include "unit.h"

#define NOW ((time_t)1900000000)

static const uint8_t key[TOKEN_KEY_LEN] = { 1 }, other_key[32] = { 2 };

static struct token
sample(void)
{
	struct token token = { .site = "berlin", .method = CONF_AUTH_PAM,
		.expiry = NOW + 60 };

	memset(token.credential, 0xcc, sizeof(token.credential));
	memset(token.secret, 0x55, sizeof(token.secret));
	return token;
}

START_TEST(a_token_comes_back_as_it_was)
{
	struct token in = sample(), out;
	uint8_t	     sealed[TOKEN_MAX], again[TOKEN_MAX];
	size_t	     len = token_seal(sealed, key, &in);

	ck_assert(token_open(&out, key, sealed, len, NOW));
	ck_assert_str_eq(out.site, "berlin");
	ck_assert_int_eq(out.method, CONF_AUTH_PAM);
	ck_assert_mem_eq(out.credential, in.credential, sizeof(in.credential));
	ck_assert_mem_eq(out.secret, in.secret, sizeof(in.secret));
	/* Never twice the same bytes. */
	ck_assert_uint_eq(token_seal(again, key, &in), len);
	ck_assert_mem_ne(sealed, again, len);
}
END_TEST

START_TEST(the_longest_name_fits)
{
	struct token in = sample(), out;
	uint8_t	     sealed[TOKEN_MAX];
	size_t	     len;

	memset(in.site, 'a', CONF_NAME_MAX);
	len = token_seal(sealed, key, &in);
	ck_assert_uint_le(len, TOKEN_MAX);
	ck_assert(token_open(&out, key, sealed, len, NOW));
	ck_assert_uint_eq(strlen(out.site), CONF_NAME_MAX);
}
END_TEST

START_TEST(a_token_ends_at_its_time)
{
	struct token in = sample(), out;
	uint8_t	     sealed[TOKEN_MAX];
	size_t	     len = token_seal(sealed, key, &in);

	ck_assert(token_open(&out, key, sealed, len, NOW + 59));
	ck_assert(!token_open(&out, key, sealed, len, NOW + 60));
	ck_assert_uint_eq(out.secret[0], 0);
}
END_TEST

START_TEST(every_bit_and_every_length_counts)
{
	struct token in = sample(), out;
	uint8_t	     sealed[TOKEN_MAX + 1] = { 0 };
	size_t	     len = token_seal(sealed, key, &in);

	for (size_t i = 0; i < 8 * len; i++) {
		sealed[i / 8] ^= (uint8_t)(1 << i % 8);
		ck_assert_msg(!token_open(&out, key, sealed, len, NOW),
		    "bit %zu", i);
		sealed[i / 8] ^= (uint8_t)(1 << i % 8);
	}
	for (size_t i = 0; i <= TOKEN_MAX + 1; i++)
		ck_assert(token_open(&out, key, sealed, i, NOW) == (i == len));
	ck_assert(!token_open(&out, other_key, sealed, len, NOW));
}
END_TEST

/* What is in one, byte by byte; sites bring back those of older versions. */
static const struct {
	const char *what;
	uint8_t	    version, method, length[2];
	const char *site;
	size_t	    site_len;
	bool	    good;
} insides[] = {
	{ "as it should be", 1, CONF_AUTH_PAM, { 0, 6 }, "berlin", 6, true },
	{ "no name", 1, CONF_AUTH_PAM, { 0, 0 }, "", 0, true },
	{ "another version", 2, CONF_AUTH_PAM, { 0, 6 }, "berlin", 6, false },
	{ "a method too many", 1, CONF_AUTHS, { 0, 6 }, "berlin", 6, false },
	{ "a NUL in the name", 1, CONF_AUTH_PAM, { 0, 6 }, "ber\0in", 6, false },
	{ "less than it says", 1, CONF_AUTH_PAM, { 0, 7 }, "berlin", 6, false },
	{ "more than it says", 1, CONF_AUTH_PAM, { 0, 5 }, "berlin", 6, false },
	{ "the largest length", 1, CONF_AUTH_PAM, { 0xff, 0xff }, "berlin", 6,
	    false },
	{ "a name too long", 1, CONF_AUTH_PAM, { 0, CONF_NAME_MAX + 1 },
	    "0123456789012345678901234567890123456789012345678901234567890123",
	    CONF_NAME_MAX + 1, false },
};

START_TEST(only_what_is_whole_inside_is_a_token)
{
	static_assert(CONF_NAME_MAX + 1 <= 64, "the name too long");
	for (size_t i = 0; i < nitems(insides); i++) {
		uint8_t plain[60 + 64] = { insides[i].version,
			insides[i].method, 0, 0, 0, 0, 0x71, 0x3f, 0xb3, 0x01 };
		uint8_t	     sealed[sizeof(plain) + SEAL_OVERHEAD];
		size_t	     len = 60 + insides[i].site_len;
		struct token token, want = sample();

		memset(plain + 10, 0xcc, 16);
		memset(plain + 26, 0x55, 32);
		memcpy(plain + 58, insides[i].length, 2);
		memcpy(plain + 60, insides[i].site, insides[i].site_len);
		seal_close(sealed, key, "tombolo token 1", plain, len);
		ck_assert_msg(token_open(&token, key, sealed,
		    len + SEAL_OVERHEAD, NOW) == insides[i].good, "%s",
		    insides[i].what);
		ck_assert_str_eq(token.site,
		    insides[i].good ? insides[i].site : "");
		if (!insides[i].good)
			continue;
		ck_assert_int_eq(token.method, want.method);
		ck_assert_int_eq(token.expiry, NOW + 1);
		ck_assert_mem_eq(token.credential, want.credential, 16);
		ck_assert_mem_eq(token.secret, want.secret, 32);
		/* Cut short in front of the name. */
		seal_close(sealed, key, "tombolo token 1", plain, 59);
		ck_assert(!token_open(&token, key, sealed, 59 + SEAL_OVERHEAD,
		    NOW));
	}
}
END_TEST

/* What else the keeper seals is no token, even under its key. */
START_TEST(another_label_is_another_thing)
{
	uint8_t	     plain[64] = { 1 }, sealed[64 + SEAL_OVERHEAD], out[64];
	struct token token;

	seal_close(sealed, key, "tombolo srp state", plain, sizeof(plain));
	ck_assert(!token_open(&token, key, sealed, sizeof(sealed), NOW));
	memset(out, 0x5a, sizeof(out));
	ck_assert(!seal_open(out, key, "tombolo token 1", sealed,
	    sizeof(sealed)));
	for (size_t i = 0; i < sizeof(out); i++)
		ck_assert_uint_eq(out[i], 0);
	ck_assert(seal_open(out, key, "tombolo srp state", sealed,
	    sizeof(sealed)));
	ck_assert_mem_eq(out, plain, sizeof(plain));
}
END_TEST

START_TEST(a_voucher_is_for_one_site_and_a_minute)
{
	struct mono now = { 1000 * MONO_SEC };
	uint8_t	    voucher[VOUCHER_LEN];

	voucher_make(voucher, key, "berlin", now);
	ck_assert(voucher_is_good(voucher, key, "berlin", now));
	ck_assert(voucher_is_good(voucher, key, "berlin",
	    mono_add(now, VOUCHER_SEC * MONO_SEC)));
	ck_assert(!voucher_is_good(voucher, key, "berlin",
	    mono_add(now, VOUCHER_SEC * MONO_SEC + 1)));
	ck_assert(!voucher_is_good(voucher, key, "berlin", mono_add(now, -1)));
	ck_assert(!voucher_is_good(voucher, key, "berli", now));
	ck_assert(!voucher_is_good(voucher, other_key, "berlin", now));
	for (size_t i = 0; i < 8 * VOUCHER_LEN; i++) {
		voucher[i / 8] ^= (uint8_t)(1 << i % 8);
		ck_assert(!voucher_is_good(voucher, key, "berlin", now));
		voucher[i / 8] ^= (uint8_t)(1 << i % 8);
	}
}
END_TEST

START_TEST(the_vouchers_key_goes_through_a_pipe)
{
	uint8_t got[VOUCHER_KEY_LEN];
	int	fd = voucher_key_pipe(key);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(voucher_key_read(fd, got), 0);
	ck_assert_mem_eq(got, key, sizeof(got));
	ck_assert_int_lt(voucher_key_read(fd, got), 0);
}
END_TEST

UNIT_MAIN("token", a_token_comes_back_as_it_was, the_longest_name_fits,
    a_token_ends_at_its_time, every_bit_and_every_length_counts,
    only_what_is_whole_inside_is_a_token, another_label_is_another_thing,
    a_voucher_is_for_one_site_and_a_minute,
    the_vouchers_key_goes_through_a_pipe)
