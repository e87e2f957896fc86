/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The methods that take more than a password, at the hub: certificates, PAM,
 * and SRP in the handshake.  The site is scripted, and so is PAM's helper.
 */
#include "far_site.h"
#include "proc/pam_chat.h"

/* ---- certificates ---- */

static void
show(struct far *one, const char *name, struct ca_pem *cert)
{
	put_certificate(&site, name, cert);
	far_close(one);
	far_site(one, fresh_address());
	far_shows(one, &site);
}

START_TEST(a_certificate_must_be_the_sites_own)
{
	struct message hello = hello_of("wien", CONF_AUTH_CERTIFICATE);
	struct ca_pem  cert, key, ca, mine = ca_cert, mine_key = ca_key;
	static const char *const lower[] = { "wien", "oslo", "wien2", "WIEN",
		"" };

	hub_start(ALL_AUTHS);
	for (size_t i = 0; i < nitems(lower) - 1; i++) {
		show(&far, lower[i], &cert);
		ck_assert(far_shake(&far));
		far_say(&far, &hello);
		if (i == 0) {
			FAR_HEARS(&far, MESSAGE_WELCOME);
			ck_assert(hub_has("wien"));
			ck_assert_uint_eq(far.heard.token_len, 0);
			far_say(&far, &(struct message) {
			    .type = MESSAGE_BYE });
			TURN_UNTIL(!hub_has("wien"));
		} else {
			FAR_REFUSED(&far, "authentication failed");
		}
		ck_assert(nobody_is_up());
		ca_pem_fini(&cert);
	}
	/* Of another CA: TLS itself may fail, or the login does. */
	ck_assert_int_eq(ca_make_key(&key), 0);
	ck_assert_int_eq(ca_make(&key, "a", ca_now(), &ca), 0);
	ca_cert = ca;
	ca_key = key;
	show(&far, "wien", &cert);
	ca_cert = mine;
	ca_key = mine_key;
	if (far_shake(&far)) {
		far_say(&far, &hello);
		(void)far_hangs_up(&far);
	}
	ck_assert(nobody_is_up());
	ca_pem_fini(&cert);
	ca_pem_fini(&key);
	ca_pem_fini(&ca);

	/* Its site's, but for another method. */
	show(&far, "berlin", &cert);
	ck_assert(far_shake(&far));
	hello = hello_of("berlin", CONF_AUTH_CERTIFICATE);
	far_say(&far, &hello);
	FAR_REFUSED(&far, "authentication failed");
	ck_assert(nobody_is_up());
	ca_pem_fini(&cert);
}
END_TEST

START_TEST(a_revoked_certificate_is_none)
{
	struct message hello = hello_of("wien", CONF_AUTH_CERTIFICATE);
	struct ca_pem  cert, second;

	show(&far, "wien", &cert);
	ck_assert_int_eq(crl_add(&ca_cert, &ca_key, &(struct ca_pem) { 0 },
	    &cert, ca_now(), &crl), 0);
	put_below(hub.dir, "crl.pem", crl.text, 0600);
	hub_start(ALL_AUTHS);
	if (far_shake(&far)) {
		far_say(&far, &hello);
		ck_assert_int_ne(far_hears(&far), MESSAGE_WELCOME);
	}
	ck_assert(nobody_is_up());
	/* Another one of the site's is good. */
	show(&far, "wien", &second);
	ck_assert(far_shake(&far));
	far_say(&far, &hello);
	FAR_HEARS(&far, MESSAGE_WELCOME);
	ck_assert(hub_has("wien"));
	ca_pem_fini(&cert);
	ca_pem_fini(&second);
}
END_TEST

/* TLS was up before the list came: what it said then counts no more. */
START_TEST(a_handshake_under_an_older_list_is_not_believed)
{
	struct message hello = hello_of("wien", CONF_AUTH_CERTIFICATE);
	struct ca_pem  cert;

	hub_start(ALL_AUTHS);
	show(&far, "wien", &cert);
	ck_assert(far_shake(&far));
	ck_assert_int_eq(crl_add(&ca_cert, &ca_key, &(struct ca_pem) { 0 },
	    &cert, ca_now(), &crl), 0);
	put_below(hub.dir, "crl.pem", crl.text, 0600);
	end_news(&hub);
	far_say(&far, &hello);
	ck_assert_int_ne(far_hears(&far), MESSAGE_WELCOME);
	ck_assert(nobody_is_up());
	ca_pem_fini(&cert);
}
END_TEST

/* ---- PAM ---- */

static void
helper_says(const char *data, size_t len)
{
	ck_assert_int_eq(send(hub.helper, data, len, 0), (ssize_t)len);
}

/* What it hears, or "" when the hub hung up. */
static const char *
helper_hears(void)
{
	static char buf[PAM_CHAT_MAX + 1];
	ssize_t	    n = -1;

	TURN_UNTIL((n = recv(hub.helper, buf, sizeof(buf) - 1, 0)) >= 0);
	buf[n] = '\0';
	ck_assert(n == 0 || buf[0] == PAM_CHAT_ANSWER);
	return n == 0 ? "" : buf + 1;
}

static void
say_yes(const char *name, const uint8_t key[VOUCHER_KEY_LEN])
{
	char buf[1 + VOUCHER_LEN] = { PAM_CHAT_YES };

	voucher_make((uint8_t *)buf + 1, key, name, mono_now());
	helper_says(buf, sizeof(buf));
}

/* The helper is there, and nothing was asked. */
static void
begin_pam(const char *name)
{
	struct message hello = hello_of(name, CONF_AUTH_PAM);
	unsigned       n = hub.nhelpers;

	begin();
	far_say(&far, &hello);
	TURN_UNTIL(hub.nhelpers == n + 1);
}

START_TEST(pam_decides)
{
	static const struct {
		const char *what, *says, *why;
		size_t	    len;
	} cases[] = {
		{ "no", "\4wrong answer", "wrong answer", 13 },
		{ "no, without a word", "\4", "PAM says no", 1 },
		{ "a fault", "\5no such user", "no such user", 13 },
		{ "a short voucher", "\3abc", "", 4 },
		{ "an empty prompt", "\1", "", 1 },
		{ "an answer", "\2x", "", 2 },
		{ "nonsense", "\x7fx", "", 2 },
		{ "it hangs up", NULL, "PAM says no", 0 },
	};
	struct message msg;

	hub_start(ALL_AUTHS);
	for (size_t i = 0; i < nitems(cases); i++) {
		begin_pam("rome");
		helper_says("\1\0Password", 10);
		FAR_HEARS(&far, MESSAGE_CHALLENGE);
		ck_assert_str_eq(far.heard.text, "Password");
		ck_assert(!far.heard.echo);
		msg = response_of("guess");
		far_say(&far, &msg);
		ck_assert_str_eq(helper_hears(), "guess");
		if (cases[i].says != NULL)
			helper_says(cases[i].says, cases[i].len);
		else
			shutdown(hub.helper, SHUT_RDWR);
		FAR_REFUSED(&far, "authentication failed");
		ck_assert_msg(nobody_is_up(), "%s", cases[i].what);
		ck_assert_msg(says(at_hub("rome", "last_error"), cases[i].why),
		    "%s: %s", cases[i].what, at_hub("rome", "last_error"));
	}
	begin_pam("rome");
	say_yes("rome", voucher_key);
	FAR_HEARS(&far, MESSAGE_WELCOME);
	ck_assert_uint_gt(far.heard.token_len, 0);
	ck_assert(hub_has("rome"));
}
END_TEST

/* It lets a user in; which sites are PAM's, the hub's files say. */
START_TEST(pam_lets_in_only_its_own_sites)
{
	static const char *const others[] = { "berlin", "paris", "off" };

	hub_start(ALL_AUTHS);
	for (size_t i = 0; i < nitems(others); i++) {
		begin_pam(others[i]);
		say_yes(others[i], voucher_key);
		FAR_REFUSED(&far, "authentication failed");
		ck_assert_msg(nobody_is_up(), "%s", others[i]);
	}
	/* Without the monitor's word to the keeper there is no token. */
	begin_pam("rome");
	say_yes("rome", (const uint8_t[VOUCHER_KEY_LEN]) { 1 });
	FAR_HEARS(&far, MESSAGE_WELCOME);
	ck_assert_uint_eq(far.heard.token_len, 0);
}
END_TEST

START_TEST(nothing_is_said_to_pam_unasked)
{
	struct message msg = response_of("early");
	char	       prompt[] = "\1\1Prompt 0";

	hub_start(ALL_AUTHS);
	begin_pam("rome");
	far_say(&far, &msg);
	FAR_BYE(&far, "not asked for");
	ck_assert_str_eq(helper_hears(), "");

	/* Twice for one question. */
	begin_pam("rome");
	helper_says("\1\0Password", 10);
	FAR_HEARS(&far, MESSAGE_CHALLENGE);
	far_say(&far, &msg);
	far_say(&far, &msg);
	FAR_BYE(&far, "not asked for");
	ck_assert_str_eq(helper_hears(), "early");
	ck_assert_str_eq(helper_hears(), "");

	/* More questions than there may be. */
	begin_pam("rome");
	for (unsigned i = 0; i < MESSAGE_MAX_ROUNDS; i++) {
		prompt[9] = (char)('0' + i);
		helper_says(prompt, 10);
		FAR_HEARS(&far, MESSAGE_CHALLENGE);
		ck_assert(far.heard.echo);
		far_say(&far, &msg);
		ck_assert_str_eq(helper_hears(), "early");
	}
	helper_says(prompt, 10);
	FAR_REFUSED(&far, "authentication failed");
	ck_assert(says(at_hub("rome", "last_error"), "too many questions"));
	ck_assert(nobody_is_up());

	/* A yes that comes when the site has gone is nobody's. */
	begin_pam("rome");
	far_close(&far);
	TURN_UNTIL(counter(&hub, "connections-unauthenticated") == 0);
	ck_assert_str_eq(helper_hears(), "");
	ck_assert(nobody_is_up());
}
END_TEST

START_TEST(without_a_helper_the_hub_is_busy)
{
	struct message hello = hello_of("rome", CONF_AUTH_PAM);

	hub.no_helper = true;
	hub_start(ALL_AUTHS);
	begin_pam("rome");
	FAR_REFUSED(&far, "busy");
	ck_assert(nobody_is_up());
	/* A hub without a site of PAM's does not ask it. */
	unlink_below(hub.dir, "sites.d/rome.conf");
	end_reload(&hub);
	begin();
	far_say(&far, &hello);
	FAR_REFUSED(&far, "authentication failed");
	ck_assert_uint_eq(hub.nhelpers, 1);
}
END_TEST

/* ---- SRP in the handshake ---- */

static void
start_tls_srp(void)
{
	struct ca_pem key, cert;
	char	     *host[] = { (char[]) { "127.0.0.1" } };

	ck_assert_int_eq(ca_make_rsa_key(&key), 0);
	ck_assert_int_eq(ca_sign_server(&ca_cert, &ca_key, &key, host, 1,
	    ca_now(), &cert), 0);
	put_below(hub.dir, "server-rsa.crt", cert.text, 0600);
	put_below(hub.dir, "keeper/server-rsa.key", key.text, 0600);
	ca_pem_fini(&key);
	ca_pem_fini(&cert);
	put_site("bern", CONF_AUTH_TLS_SRP, "");
	put_site("basel", CONF_AUTH_TLS_SRP, "");
	put_credential("bern", CONF_AUTH_TLS_SRP, PASSWORD);
	put_credential("basel", CONF_AUTH_TLS_SRP, PASSWORD);
	put_credential("berlin", CONF_AUTH_TLS_SRP, PASSWORD);
	hub_start(ALL_AUTHS "auth = tls-srp\n");
}

static bool
shake_by(const char *name, const char *password)
{
	far_close(&far);
	far_site(&far, fresh_address());
	far_by_srp(&far, name, password);
	return far_shake(&far);
}

START_TEST(srp_in_the_handshake_is_for_its_site_and_method)
{
	struct message hello = hello_of("bern", CONF_AUTH_TLS_SRP);

	if (!tls_srp_is_there())
		return;
	start_tls_srp();
	ck_assert(!shake_by("bern", "open barley"));
	ck_assert(!shake_by("paris", PASSWORD));
	/* It has a verifier, but that is not its method. */
	ck_assert(!shake_by("berlin", PASSWORD));
	TURN_UNTIL(counter(&hub, "connections-unauthenticated") == 0);

	/* Another site's name behind it, or another method. */
	ck_assert(shake_by("basel", PASSWORD));
	far_say(&far, &hello);
	FAR_REFUSED(&far, "authentication failed");
	ck_assert(says(at_hub("bern", "last_error"), "for another site"));
	ck_assert(shake_by("bern", PASSWORD));
	hello = hello_of("oslo", CONF_AUTH_PASSWORD);
	ck_assert_int_eq((far_say(&far, &hello), far_hears(&far)),
	    MESSAGE_CHALLENGE);
	hello = response_of(PASSWORD);
	far_say(&far, &hello);
	FAR_REFUSED(&far, "authentication failed");
	ck_assert(says(at_hub("oslo", "last_error"), "tls-srp with another"));
	/* And without it, that method. */
	begin();
	hello = hello_of("bern", CONF_AUTH_TLS_SRP);
	far_say(&far, &hello);
	FAR_REFUSED(&far, "authentication failed");
	ck_assert(nobody_is_up());

	ck_assert(shake_by("bern", PASSWORD));
	far_say(&far, &hello);
	FAR_HEARS(&far, MESSAGE_WELCOME);
	ck_assert(hub_has("bern"));
}
END_TEST

START_TEST(srp_in_the_handshake_ends_with_its_credential)
{
	struct message hello = hello_of("bern", CONF_AUTH_TLS_SRP);

	if (!tls_srp_is_there())
		return;
	start_tls_srp();
	/* Nothing was said yet, but the old one is proved. */
	ck_assert(shake_by("bern", PASSWORD));
	turn_for(0.05);
	credential_changed("bern");
	turn_for(0.05);
	far_say(&far, &hello);
	FAR_REFUSED(&far, "authentication failed");
	ck_assert(nobody_is_up());
	/* Guesses count, here too. */
	for (unsigned i = 0; i <= ADMISSION_FREE; i++) {
		far_close(&far);
		far_site(&far, "127.0.9.9");
		far_by_srp(&far, "bern", "open barley");
		ck_assert(!far_shake(&far));
	}
	far_close(&far);
	far_site(&far, "127.0.9.9");
	far_by_srp(&far, "bern", PASSWORD);
	(void)far_shake(&far);
	TURN_UNTIL(counter(&hub, "connections-held-off") >= 1);
	ck_assert(nobody_is_up());
}
END_TEST

LOGIN_MAIN("login_methods", setup, teardown,
    a_certificate_must_be_the_sites_own, a_revoked_certificate_is_none,
    a_handshake_under_an_older_list_is_not_believed, pam_decides,
    pam_lets_in_only_its_own_sites, nothing_is_said_to_pam_unasked,
    without_a_helper_the_hub_is_busy,
    srp_in_the_handshake_is_for_its_site_and_method,
    srp_in_the_handshake_ends_with_its_credential)
