/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Invitations: what was written is read; whatever else comes is refused.
 */
#include "unit.h"

#include <jansson.h>
#include <string.h>

#include "base/secret.h"
#include "pki/ca.h"
#include "pki/invite.h"

static struct ca_pem ca_cert, site_cert, site_key, other_key;

static void
make_ca(void)
{
	struct ca_pem key;

	ck_assert_int_eq(ca_make_key(&key), 0);
	ck_assert_int_eq(ca_make(&key, "a", ca_now(), &ca_cert), 0);
	ck_assert_int_eq(ca_make_key(&site_key), 0);
	ck_assert_int_eq(ca_make_key(&other_key), 0);
	ck_assert_int_eq(ca_sign_site(&ca_cert, &key, &site_key, "berlin",
			     ca_now(), &site_cert), 0);
	ca_pem_fini(&key);
}

static void
free_ca(void)
{
	ca_pem_fini(&ca_cert);
	ca_pem_fini(&site_cert);
	ca_pem_fini(&site_key);
	ca_pem_fini(&other_key);
}

#define PSK "65432100 " PSK_KEY
#define PSK_KEY                                                                \
	"00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

static struct invite
sample(void)
{
	static const struct prefix subnet = { { AF_INET, { 10, 0, 7 } }, 24 };
	struct prefix *subnets = malloc(sizeof(subnet));

	*subnets = subnet;
	return (struct invite) {
		.server = "vpn.example.org", .port = 4433, .name = "vpn",
		.ca = strdup(ca_cert.text), .site = "berlin", .mode = "tun",
		.auth = "password", .default_route = INVITE_REQUIRED,
		.nsubnets = 1, .subnets = subnets, .secret = "tr\xc3\xa4um \"süß\" \\ #1",
		.psk = PSK,
	};
}

static bool
parse(const char *text, struct invite *invite, char *why)
{
	return invite_parse(invite, text, strlen(text), why, 128);
}

START_TEST(what_was_written_is_read)
{
	struct invite invite = sample(), got;
	char	      why[128];
	char	     *text;
	size_t	      len;

	for (int with = 1; with >= 0; with--) {
		if (!with)
			invite.secret[0] = invite.psk[0] = '\0';
		text = invite_print(&invite, &len);
		ck_assert_ptr_nonnull(text);
		ck_assert_uint_eq(strlen(text), len);
		ck_assert_msg((strstr(text, "\"secret\"") != NULL) == with,
		    "%s", text);
		ck_assert_msg(parse(text, &got, why), "%s", why);
		ck_assert_str_eq(got.server, invite.server);
		ck_assert_uint_eq(got.port, invite.port);
		ck_assert_str_eq(got.name, invite.name);
		ck_assert_str_eq(got.ca, invite.ca);
		ck_assert_str_eq(got.site, invite.site);
		ck_assert_str_eq(got.mode, invite.mode);
		ck_assert_str_eq(got.auth, invite.auth);
		ck_assert_str_eq(got.secret, invite.secret);
		ck_assert_str_eq(got.psk, invite.psk);
		ck_assert_int_eq(got.default_route, INVITE_REQUIRED);
		ck_assert_uint_eq(got.nsubnets, 1);
		ck_assert(prefix_is_equal(&got.subnets[0],
		    &invite.subnets[0]));
		invite_fini(&got);
		secret_free(text, len + 1);
	}
	invite_fini(&invite);
}
END_TEST

/* As editors of other systems save it. */
START_TEST(byte_order_marks_and_line_ends_are_no_fault)
{
	struct invite invite = sample(), got;
	static char   other[8192];
	char	      why[128];
	char	     *text;
	size_t	      len, n;

	text = invite_print(&invite, &len);
	for (int kind = 0; kind < 3; kind++) {
		n = 0;
		for (const char *mark = "\xef\xbb\xbf"; kind > 0 && *mark; mark++)
			other[n++] = *mark;
		for (size_t i = 0; i < len; i++) {
			if (text[i] == '\n' && kind > 1)
				other[n++] = '\r';
			other[n++] = text[i];
		}
		ck_assert_msg(invite_parse(&got, other, n, why, sizeof(why)),
		    "%d: %s", kind, why);
		ck_assert_str_eq(got.secret, invite.secret);
		invite_fini(&got);
	}
	for (size_t i = 0; i < len; i++) {
		other[2 * i] = text[i];
		other[2 * i + 1] = '\0';
	}
	ck_assert(!invite_parse(&got, other, 2 * len, why, sizeof(why)));
	ck_assert_str_eq(why, "is UTF-16; save it as UTF-8");
	secret_free(text, len + 1);
	invite_fini(&invite);
}
END_TEST

START_TEST(certificate_and_key_go_together)
{
	static char two[3 * CA_PEM_MAX];
	const struct {
		const char *what;
		const char *certificate, *key;
		bool	    good;
	} pairs[] = {
		{ "both", site_cert.text, site_key.text, true },
		{ "none", NULL, NULL, true },
		{ "no key", site_cert.text, NULL, false },
		{ "no certificate", NULL, site_key.text, false },
		{ "another key", site_cert.text, other_key.text, false },
		{ "the other way round", site_key.text, site_cert.text, false },
		{ "words", "a", "b", false },
		{ "two certificates", two, site_key.text, false },
	};
	struct invite invite = sample(), got;
	char	      why[128];
	char	     *text;
	size_t	      len;

	snprintf(two, sizeof(two), "%s%s", site_cert.text, ca_cert.text);
	for (size_t i = 0; i < nitems(pairs); i++) {
		bool good;

		invite.certificate = (char *)(uintptr_t)pairs[i].certificate;
		invite.key = (char *)(uintptr_t)pairs[i].key;
		text = invite_print(&invite, &len);
		good = parse(text, &got, why);
		ck_assert_msg(good == pairs[i].good, "%s", pairs[i].what);
		secret_free(text, len + 1);
		if (!good) {
			ck_assert_ptr_nonnull(strstr(why, "\"certificate\""));
			ck_assert(got.certificate == NULL && got.key == NULL);
			continue;
		}
		ck_assert_msg((got.key == NULL) == (invite.key == NULL), "%s",
		    pairs[i].what);
		if (got.key != NULL) {
			ck_assert_str_eq(got.key, invite.key);
			ck_assert_str_eq(got.certificate, invite.certificate);
		}
		invite_fini(&got);
	}
	invite.certificate = invite.key = NULL;
	invite_fini(&invite);
}
END_TEST

/* A member of a good invitation, replaced by other JSON (NULL: taken out). */
static const struct {
	const char *what;
	const char *key, *json;
	const char *why; /* NULL: it is still good */
} changes[] = {
	{ "nothing", "unknown", "[1, {\"a\": null}]", NULL },
	{ "no secret", "secret", NULL, NULL },
	{ "the smallest port", "port", "1", NULL },
	{ "the largest port", "port", "65535", NULL },
	{ "an address", "server", "\"2001:db8::1\"", NULL },
	{ "no version", "tombolo-invitation", NULL, "is no invitation" },
	{ "a later version", "tombolo-invitation", "2", "of another version" },
	{ "a version in words", "tombolo-invitation", "\"1\"",
	    "is no invitation" },
	{ "no port", "port", NULL, "no \"port\"" },
	{ "port 0", "port", "0", "bad \"port\"" },
	{ "a pre-shared key that is short", "psk", "\"65432100 0011\"",
	    "bad \"psk\"" },
	{ "one with another generation", "psk", "\"6543210 " PSK_KEY "\"",
	    "bad \"psk\"" },
	{ "one that is a number", "psk", "65432100", "bad \"psk\"" },
	{ "one with a line break", "psk", "\"65432100\\n" PSK_KEY "\"",
	    "bad \"psk\"" },
	{ "one with something behind", "psk", "\"" PSK " \"", "bad \"psk\"" },
	{ "a port too large", "port", "65536", "bad \"port\"" },
	{ "a port far too large", "port", "18446744073709551617", "not JSON" },
	{ "a negative port", "port", "-1", "bad \"port\"" },
	{ "a port of another type", "port", "4433.0", "bad \"port\"" },
	{ "no server", "server", NULL, "no \"server\"" },
	{ "an empty server", "server", "\"\"", "bad \"server\"" },
	{ "a server of another type", "server", "1", "bad \"server\"" },
	{ "a null server", "server", "null", "bad \"server\"" },
	{ "a line break", "server", "\"a\\nnat = yes\"", "bad \"server\"" },
	{ "a NUL", "server", "\"a\\u0000b\"", "not JSON" },
	{ "a comment", "site", "\"berlin#\"", "bad \"site\"" },
	{ "an escape", "site", "\"berlin\\\\\"", "bad \"site\"" },
	{ "a blank", "name", "\"a b\"", "bad \"name\"" },
	{ "a section", "name", "\"[server]\"", "bad \"name\"" },
	{ "not ASCII", "name", "\"m\\u00fcnchen\"", "bad \"name\"" },
	{ "a mode too long", "mode", "\"tuntuntun\"", "bad \"mode\"" },
	{ "a site too long", "site",
	    "\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	    "\"", "bad \"site\"" },
	{ "no CA", "ca", NULL, "no \"ca\"" },
	{ "something else as CA", "ca", "\"-----BEGIN CERTIFICATE-----\"",
	    "bad \"ca\"" },
	{ "networks behind the site", "subnets",
	    "[\"10.0.7.0/24\", \"fd00:7::/64\"]", NULL },
	{ "networks that are no list", "subnets", "\"10.0.7.0/24\"",
	    "bad \"subnets\"" },
	{ "a network that is none", "subnets", "[\"10.0.7.0/33\"]",
	    "bad \"subnets\"" },
	{ "a network that is a number", "subnets", "[10]",
	    "bad \"subnets\"" },
	{ "a default route", "default-route", "\"required\"", NULL },
	{ "one for all sites", "default-route", "\"offered\"", NULL },
	{ "a default route that is a word", "default-route", "\"yes\"",
	    "bad \"default-route\"" },
	{ "a default route that is true", "default-route", "true",
	    "bad \"default-route\"" },
	{ "a key of another type", "key", "[\"a\"]", "bad \"key\"" },
	{ "a certificate alone", "certificate", "\"a\"", "\"certificate\"" },
	{ "an empty secret", "secret", "\"\"", "bad \"secret\"" },
	{ "a secret of two lines", "secret", "\"a\\nb\"", "bad \"secret\"" },
	{ "a secret of another type", "secret", "[]", "bad \"secret\"" },
};

START_TEST(changed_members_are_refused_or_ignored)
{
	struct invite invite = sample(), got;
	char	      why[128] = "";
	char	     *text, *changed, *value;
	size_t	      len, changed_len;
	json_t	     *root, *to;
	bool	      good;
	FILE	     *out;

	text = invite_print(&invite, &len);
	root = json_loads(text, 0, NULL);
	if (changes[_i].json == NULL)
		json_object_del(root, changes[_i].key);
	else
		json_object_set_new(root, changes[_i].key, json_string("@@"));
	to = root;
	value = json_dumps(to, 0);
	/* By text: some of these no JSON library would write. */
	out = open_memstream(&changed, &changed_len);
	if (changes[_i].json != NULL) {
		char *at = strstr(value, "\"@@\"");

		ck_assert_ptr_nonnull(at);
		fprintf(out, "%.*s%s%s", (int)(at - value), value,
		    changes[_i].json, at + 4);
	} else {
		fputs(value, out);
	}
	fclose(out);
	good = parse(changed, &got, why);
	if (changes[_i].why == NULL)
		ck_assert_msg(good, "%s: %s", changes[_i].what, why);
	else
		ck_assert_msg(!good && strstr(why, changes[_i].why) != NULL,
		    "%s: %s", changes[_i].what, why);
	if (!good)
		ck_assert_ptr_null(got.ca);
	else
		invite_fini(&got);
	free(value);
	free(changed);
	json_decref(root);
	secret_free(text, len + 1);
	invite_fini(&invite);
}
END_TEST

START_TEST(what_is_no_invitation_is_refused)
{
	static const char *const bad[] = { "", "{", "[]", "1", "null", "{}",
		"\"tombolo-invitation\"", "{\"tombolo-invitation\": 1}",
		"{\"tombolo-invitation\": 1, \"tombolo-invitation\": 1}",
		"{\"tombolo-invitation\": 1} x" };
	struct invite got;
	char	      why[128];
	char	     *big;

	for (size_t i = 0; i < nitems(bad); i++)
		ck_assert_msg(!parse(bad[i], &got, why), "%s", bad[i]);
	big = calloc(1, INVITE_MAX + 1);
	memset(big, ' ', INVITE_MAX + 1);
	ck_assert(!invite_parse(&got, big, INVITE_MAX + 1, why, sizeof(why)));
	ck_assert_str_eq(why, "is larger than any invitation");
	/* As deep as it gets. */
	memset(big, '[', INVITE_MAX);
	ck_assert(!invite_parse(&got, big, INVITE_MAX, why, sizeof(why)));
	free(big);
}
END_TEST

START_TEST(truncated_at_any_byte_is_refused)
{
	struct invite invite = sample(), got;
	char	      why[128];
	size_t	      len;
	char	     *text = invite_print(&invite, &len);

	for (size_t n = 0; n < len - 2; n++) {
		char *part = malloc(n > 0 ? n : 1);

		memcpy(part, text, n);
		ck_assert_msg(!invite_parse(&got, part, n, why, sizeof(why)),
		    "cut to %zu", n);
		ck_assert_msg(strstr(why, "um") == NULL, "it quotes: %s", why);
		free(part);
	}
	secret_free(text, len + 1);
	invite_fini(&invite);
}
END_TEST

START_TEST(drawn_secrets_are_readable_and_differ)
{
	char	 secret[64], before[64] = "";
	unsigned seen[256] = { 0 }, letters = 0;

	for (int i = 0; i < 1000; i++) {
		invite_draw_secret(secret, sizeof(secret));
		ck_assert_uint_eq(strlen(secret), INVITE_SECRET_LEN);
		ck_assert_str_ne(secret, before);
		strcpy(before, secret);
		for (int j = 0; j < INVITE_SECRET_LEN; j++) {
			if (j % 5 == 4)
				ck_assert_int_eq(secret[j], '-');
			else
				seen[(unsigned char)secret[j]]++;
		}
	}
	/* 28,000 letters of 32: each 875 times, give or take. */
	for (unsigned c = 0; c < 256; c++) {
		if (seen[c] == 0)
			continue;
		letters++;
		ck_assert_msg(strchr("01lo", (int)c) == NULL, "%c", c);
		ck_assert_msg(seen[c] > 600 && seen[c] < 1200, "%c: %u", c,
		    seen[c]);
	}
	ck_assert_uint_eq(letters, 32);
}
END_TEST

int
main(void)
{
	Suite	*suite = suite_create("invite");
	TCase	*tcase = tcase_create("invite");
	SRunner *runner = srunner_create(suite);
	int	 failed;

	tcase_add_unchecked_fixture(tcase, make_ca, free_ca);
	tcase_add_test(tcase, what_was_written_is_read);
	tcase_add_test(tcase, byte_order_marks_and_line_ends_are_no_fault);
	tcase_add_test(tcase, certificate_and_key_go_together);
	tcase_add_loop_test(tcase, changed_members_are_refused_or_ignored, 0,
	    nitems(changes));
	tcase_add_test(tcase, what_is_no_invitation_is_refused);
	tcase_add_test(tcase, truncated_at_any_byte_is_refused);
	tcase_add_test(tcase, drawn_secrets_are_readable_and_differ);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
