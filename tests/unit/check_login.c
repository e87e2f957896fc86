/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The login between a hub and sites, both whole: every method, how a site
 * comes back, and what ends a session.
 */
#include "far_end.h"
#include "proc/pam_chat.h"

static const char *const names[CONF_AUTHS] = {
	[CONF_AUTH_SRP] = "berlin",
	[CONF_AUTH_PASSWORD] = "oslo",
	[CONF_AUTH_PAM] = "rome",
	[CONF_AUTH_CERTIFICATE] = "wien",
	[CONF_AUTH_TLS_SRP] = "bern",
};

/* Methods of the hub, and what it needs for them; only what is built. */
static const char *
put_all(void)
{
	struct ca_pem key, cert;
	char	     *host[] = { (char[]) { "127.0.0.1" } };

	for (unsigned i = 0; i < CONF_AUTHS; i++) {
		if (i == CONF_AUTH_TLS_SRP && !tls_srp_is_there())
			continue;
		put_site(names[i], (enum conf_auth)i, "");
		put_credential(names[i], (enum conf_auth)i, PASSWORD);
	}
	put_certificate(&site, names[CONF_AUTH_CERTIFICATE], &cert);
	ca_pem_fini(&cert);
	if (!tls_srp_is_there())
		return ALL_AUTHS;
	ck_assert_int_eq(ca_make_rsa_key(&key), 0);
	ck_assert_int_eq(ca_sign_server(&ca_cert, &ca_key, &key, host, 1,
	    ca_now(), &cert), 0);
	put_below(hub.dir, "server-rsa.crt", cert.text, 0600);
	put_below(hub.dir, "keeper/server-rsa.key", key.text, 0600);
	ca_pem_fini(&key);
	ca_pem_fini(&cert);
	return ALL_AUTHS "auth = tls-srp\n";
}

static void
helper_says(enum pam_chat_type type, const void *data, size_t len)
{
	uint8_t buf[PAM_CHAT_MAX];

	buf[0] = (uint8_t)type;
	memcpy(buf + 1, data, len);
	ck_assert_int_eq(send(hub.helper, buf, 1 + len, 0), (ssize_t)(1 + len));
}

static void
helper_asks(const char *prompt, bool echo)
{
	char buf[64];

	snprintf(buf, sizeof(buf), "%c%s", echo ? 1 : 0, prompt);
	helper_says(PAM_CHAT_PROMPT, buf, 1 + strlen(prompt));
}

static void
helper_hears(const char *answer)
{
	char	buf[PAM_CHAT_MAX + 1];
	ssize_t n = -1;

	TURN_UNTIL((n = recv(hub.helper, buf, sizeof(buf) - 1, 0)) > 0);
	buf[n] = '\0';
	ck_assert_int_eq(buf[0], PAM_CHAT_ANSWER);
	ck_assert_str_eq(buf + 1, answer);
}

static void
helper_lets_in(const char *name)
{
	uint8_t voucher[VOUCHER_LEN];

	voucher_make(voucher, voucher_key, name, mono_now());
	helper_says(PAM_CHAT_YES, voucher, sizeof(voucher));
}

/* A frame into one device, and out of the other. */
static bool
crosses(struct end *from, struct end *to)
{
	uint8_t frame[60] = { 2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 0x88, 0xb5 };

	frame[5] = to == &hub;
	frame[11] = from == &hub;
	ck_assert_int_eq(send(from->frames, frame, sizeof(frame), 0),
	    sizeof(frame));
	return gets_frame(to);
}

static void
log_in(struct end *end, enum conf_auth auth)
{
	ck_assert(strcmp(status(&hub, "sites_connected"), "0") == 0);
	ck_assert(!hub_has(names[auth]));
	site_start(end, names[auth], auth);
	if (auth == CONF_AUTH_PAM) {
		TURN_UNTIL(hub.helper != -1);
		helper_asks("Password: ", false);
		helper_hears(PASSWORD);
		ck_assert(!is_up(end));
		helper_lets_in(names[auth]);
	}
	TURN_UNTIL(is_up(end) && hub_has(names[auth]));
}

static void
each_method(enum conf_auth auth)
{
	const char *methods = put_all();

	if (auth == CONF_AUTH_TLS_SRP && !tls_srp_is_there())
		return;
	hub_start(methods);
	log_in(&site, auth);
	ck_assert_str_eq(status(&hub, "sites_connected"), "1");
	ck_assert_uint_eq(counter(&hub, "connections-accepted"), 1);
	ck_assert_uint_eq(counter(&hub, "connections-refused"), 0);
	ck_assert_uint_eq(counter(&hub, "connections-unauthenticated"), 0);
	ck_assert_uint_eq(counter(&hub, "log-ins-resumed"), 0);
	ck_assert_str_eq(at_hub(names[auth], "auth"), conf_auth_name(auth));
	ck_assert(says(at_hub(names[auth], "address"), "127.0.0.2:"));
	ck_assert_str_eq(at_hub(names[auth], "last_error"), "");
	ck_assert(says(status(&site, "tls"),
	    auth == CONF_AUTH_TLS_SRP ? "TLS1.2" : "TLS1.3"));
	ck_assert_str_eq(status(&site, "sessions"), "1");
	ck_assert_str_eq(status(&site, "last_error"), "");
	TURN_UNTIL(strcmp(at_site(&site, "transport"), "udp") == 0 &&
	    strcmp(at_hub(names[auth], "transport"), "udp") == 0);
	ck_assert(crosses(&site, &hub));
	ck_assert(crosses(&hub, &site));

	/* The connection breaks: frames go on, it comes back by its token. */
	end_cut(&site);
	TURN_UNTIL(is_adrift(names[auth]) || site.nconnections == 2);
	ck_assert(hub_has(names[auth]));
	TURN_UNTIL(strcmp(status(&site, "reconnects"), "1") == 0);
	ck_assert(is_up(&site) && hub_has(names[auth]));
	ck_assert(crosses(&site, &hub));
	ck_assert_str_eq(status(&site, "sessions"), "1");
	ck_assert_uint_eq(counter(&hub, "sessions-taken-over"), 1);
	/* What proves itself anew in each handshake needs none. */
	ck_assert_uint_eq(counter(&hub, "log-ins-resumed"),
	    auth != CONF_AUTH_CERTIFICATE && auth != CONF_AUTH_TLS_SRP);
	ck_assert_uint_eq(hub.nhelpers, auth == CONF_AUTH_PAM);
}

START_TEST(by_srp)
{
	each_method(CONF_AUTH_SRP);
}
END_TEST

START_TEST(by_password)
{
	each_method(CONF_AUTH_PASSWORD);
}
END_TEST

START_TEST(by_pam)
{
	each_method(CONF_AUTH_PAM);
}
END_TEST

START_TEST(by_certificate)
{
	each_method(CONF_AUTH_CERTIFICATE);
}
END_TEST

START_TEST(by_tls_srp)
{
	each_method(CONF_AUTH_TLS_SRP);
}
END_TEST

/* Another method than the hub's entry, both ways round, wrong passwords. */
START_TEST(a_site_that_is_refused_says_so_and_waits)
{
	static const struct {
		const char    *name;
		enum conf_auth auth;
		const char    *password, *why;
	} cases[] = {
		{ "berlin", CONF_AUTH_SRP, "open barley", "wrong credential" },
		{ "oslo", CONF_AUTH_PASSWORD, "open barley",
		    "wrong credential" },
		{ "berlin", CONF_AUTH_PASSWORD, PASSWORD, "another method" },
		{ "oslo", CONF_AUTH_SRP, PASSWORD, "another method" },
		{ "berlin", CONF_AUTH_CERTIFICATE, PASSWORD,
		    "another method" },
	};

	put_all();
	hub_start(ALL_AUTHS);
	for (size_t i = 0; i < nitems(cases); i++) {
		put_text(site.dir, "keeper/password", "%s\n",
		    cases[i].password);
		fork_keeper_anew(&site);
		site_start(&site, cases[i].name, cases[i].auth);
		TURN_UNTIL(strcmp(status(&site, "state"), "waiting") == 0);
		ck_assert_msg(says(status(&site, "last_error"),
		    "authentication failed"), "%s",
		    status(&site, "last_error"));
		ck_assert_str_eq(status(&site, "waits_for"),
		    "the time that the hub set");
		ck_assert_msg(says(at_hub(cases[i].name, "last_error"),
		    cases[i].why), "%s", at_hub(cases[i].name, "last_error"));
		ck_assert_str_eq(status(&hub, "sites_connected"), "0");
		ck_assert(!crosses(&site, &hub));
		ck_assert_uint_eq(counter(&hub, "connections-refused"), i + 1);
		end_stop(&site);
	}
}
END_TEST

START_TEST(a_site_that_pushes_out_its_twin)
{
	put_all();
	hub_start(ALL_AUTHS);
	log_in(&site, CONF_AUTH_SRP);
	ck_assert(addr_parse(&twin.from, "127.0.0.3"));
	site_start(&twin, "berlin", CONF_AUTH_SRP);
	TURN_UNTIL(is_up(&twin));
	TURN_UNTIL(!is_up(&site));
	ck_assert(says(status(&site, "last_error"), "logged in from 127.0.0.3"));
	ck_assert_str_eq(status(&hub, "sites_connected"), "1");
	ck_assert_uint_eq(counter(&hub, "sessions-taken-over"), 0);
	/* In turn, until somebody is told. */
	TURN_UNTIL(says(at_hub("berlin", "last_error"), "used twice"));
	ck_assert_str_eq(status(&hub, "sites_connected"), "1");
}
END_TEST

/* ---- what ends a session ---- */

START_TEST(another_password_ends_it_and_its_token)
{
	put_all();
	hub_start(ALL_AUTHS);
	log_in(&site, CONF_AUTH_SRP);
	put_credential("berlin", CONF_AUTH_SRP, "another");
	credential_changed("berlin");
	TURN_UNTIL(!is_up(&site));
	ck_assert(!hub_has("berlin"));
	TURN_UNTIL(says(status(&site, "last_error"), "authentication failed"));
	ck_assert(says(at_hub("berlin", "last_error"), "wrong credential"));
	ck_assert_uint_eq(counter(&hub, "log-ins-resumed"), 0);
	/* It is told the new one. */
	put_text(site.dir, "keeper/password", "another\n");
	TURN_UNTIL(is_up(&site) && hub_has("berlin"));
}
END_TEST

START_TEST(an_administrator_ends_it_and_it_comes_back)
{
	put_all();
	hub_start(ALL_AUTHS);
	log_in(&site, CONF_AUTH_SRP);
	ck_assert(server_kick(hub.engine->server, "berlin"));
	ck_assert(!hub_has("berlin"));
	TURN_UNTIL(!is_up(&site));
	ck_assert(says(status(&site, "last_error"), "administrator"));
	TURN_UNTIL(is_up(&site) && hub_has("berlin"));
	ck_assert_uint_eq(counter(&hub, "log-ins-resumed"), 1);
	ck_assert_uint_eq(counter(&hub, "sessions-taken-over"), 0);
	ck_assert_str_eq(status(&site, "sessions"), "2");
	ck_assert_str_eq(status(&site, "reconnects"), "0");
}
END_TEST

START_TEST(a_revoked_certificate_ends_it)
{
	struct ca_pem cert;

	put_all();
	put_certificate(&site, "wien", &cert);
	hub_start(ALL_AUTHS);
	log_in(&site, CONF_AUTH_CERTIFICATE);
	ck_assert_int_eq(crl_add(&ca_cert, &ca_key, &(struct ca_pem) { 0 },
	    &cert, ca_now(), &crl), 0);
	put_below(hub.dir, "crl.pem", crl.text, 0600);
	end_news(&hub);
	TURN_UNTIL(!is_up(&site));
	ck_assert(!hub_has("wien"));
	TURN_UNTIL(says(at_hub("wien", "last_error"), "no valid certificate"));
	TURN_UNTIL(says(status(&site, "last_error"), "authentication failed"));
	ck_assert_str_eq(status(&hub, "sites_connected"), "0");
	ca_pem_fini(&cert);
}
END_TEST

START_TEST(a_certificate_is_one_sites)
{
	struct ca_pem cert;

	put_all();
	put_certificate(&site, "oslo", &cert);
	hub_start(ALL_AUTHS);
	site_start(&site, "wien", CONF_AUTH_CERTIFICATE);
	TURN_UNTIL(says(status(&site, "last_error"), "authentication failed"));
	ck_assert(says(at_hub("wien", "last_error"), "no valid certificate"));
	ck_assert_str_eq(status(&hub, "sites_connected"), "0");
	ca_pem_fini(&cert);
}
END_TEST

START_TEST(a_hub_that_stops_says_so)
{
	put_all();
	hub_start(ALL_AUTHS);
	log_in(&site, CONF_AUTH_SRP);
	server_bye(hub.engine->server, "the hub stops");
	TURN_UNTIL(!is_up(&site));
	ck_assert_str_eq(at_site(&site, "state"), "down");
	ck_assert(says(status(&site, "last_error"), "the hub stops"));
	ck_assert(!hub_has("berlin"));
}
END_TEST

/* Without a word: each end gives it up in its own time. */
START_TEST(an_end_that_is_gone_is_missed)
{
	put_all();
	hub_start(ALL_AUTHS "keepalive = 1\ndead-peer = 5\n");
	log_in(&site, CONF_AUTH_SRP);
	TURN_UNTIL(strcmp(at_hub("berlin", "lanes_up"), "1") == 0);
	end_stop(&site);
	TURN_UNTIL(is_adrift("berlin"));
	TURN_UNTIL(!hub_has("berlin"));
	fork_keeper_anew(&site);
	log_in(&site, CONF_AUTH_SRP);
	TURN_UNTIL(strcmp(at_site(&site, "lanes_up"), "1") == 0);
	end_stop(&hub);
	TURN_UNTIL(strcmp(status(&site, "state"), "adrift") == 0);
	TURN_UNTIL(strcmp(status(&site, "state"), "adrift") != 0);
	ck_assert(!is_up(&site));
	ck_assert_str_eq(at_site(&site, "lanes"), "");
}
END_TEST

/* ---- a person ---- */

START_TEST(what_the_password_does_not_answer_a_person_may)
{
	put_all();
	hub_start(ALL_AUTHS);
	site_start(&site, "rome", CONF_AUTH_PAM);
	TURN_UNTIL(hub.helper != -1);
	helper_asks("Password: ", false);
	helper_hears(PASSWORD);
	helper_asks("Code: ", true);
	/* Nobody is there: it waits, and does not ask PAM again and again. */
	TURN_UNTIL(strcmp(status(&site, "waits_for"), "tombolo login") == 0);
	ck_assert_str_eq(status(&site, "state"), "waiting");
	turn_for(2);
	ck_assert_uint_eq(hub.nhelpers, 1);
	client_login(site.engine->client);
	TURN_UNTIL(hub.nhelpers == 2 && hub.helper != -1);
	helper_asks("Password: ", false);
	helper_hears(PASSWORD);
	ck_assert(!auth_client_typed(&site.engine->client->auth, "early", 5));
	helper_asks("Code: ", true);
	TURN_UNTIL(strcmp(status(&site, "question"), "Code: ") == 0);
	ck_assert(auth_client_typed(&site.engine->client->auth, "123456", 6));
	helper_hears("123456");
	ck_assert(!is_up(&site));
	helper_lets_in("rome");
	TURN_UNTIL(is_up(&site) && hub_has("rome"));
}
END_TEST

/* ---- tun: what the hub assigns ---- */

START_TEST(it_is_up_when_what_was_assigned_is_set)
{
	put_all();
	put_site("berlin", CONF_AUTH_SRP, "address = 10.4.2.2\n");
	put_site("oslo", CONF_AUTH_PASSWORD, "address = 10.4.2.3\n");
	put_site("rome", CONF_AUTH_PAM, "address = 10.4.2.4\n");
	put_site("wien", CONF_AUTH_CERTIFICATE, "address = 10.4.2.5\n");
	unlink_below(hub.dir, "sites.d/bern.conf");
	hub_configure("tun", ALL_AUTHS);
	end_start(&hub);
	site.network_errno = EACCES;
	site_configure(&site, "berlin", CONF_AUTH_SRP, "tun", "");
	end_start(&site);
	TURN_UNTIL(says(status(&site, "last_error"), "is refused: not here"));
	ck_assert(!is_up(&site));
	TURN_UNTIL(!hub_has("berlin"));
	end_stop(&site);
	fork_keeper_anew(&site);
	site.network_errno = 0;
	end_start(&site);
	TURN_UNTIL(is_up(&site) && hub_has("berlin"));
}
END_TEST

/* The other mode, and what carries frames. */
START_TEST(two_ends_that_do_not_fit_say_why)
{
	put_all();
	hub_start(ALL_AUTHS "transport = tcp\n");
	site_configure(&site, "berlin", CONF_AUTH_SRP, "tun", "");
	end_start(&site);
	TURN_UNTIL(says(status(&site, "last_error"), "mode is tap"));
	end_stop(&site);
	fork_keeper_anew(&site);
	site_configure(&site, "berlin", CONF_AUTH_SRP, "tap",
	    "transport = udp\n");
	end_start(&site);
	TURN_UNTIL(says(status(&site, "last_error"), "transport"));
	ck_assert_str_eq(status(&hub, "sites_connected"), "0");
	end_stop(&site);
	fork_keeper_anew(&site);
	site_start(&site, "berlin", CONF_AUTH_SRP);
	TURN_UNTIL(is_up(&site) && hub_has("berlin"));
	ck_assert_str_eq(at_site(&site, "transport"), "tcp");
	ck_assert(crosses(&site, &hub));
	ck_assert(crosses(&hub, &site));
}
END_TEST

LOGIN_MAIN("login", login_setup, login_teardown, by_srp, by_password, by_pam,
    by_certificate, by_tls_srp, a_site_that_is_refused_says_so_and_waits,
    a_site_that_pushes_out_its_twin, another_password_ends_it_and_its_token,
    an_administrator_ends_it_and_it_comes_back, a_revoked_certificate_ends_it,
    a_certificate_is_one_sites, a_hub_that_stops_says_so,
    an_end_that_is_gone_is_missed,
    what_the_password_does_not_answer_a_person_may,
    it_is_up_when_what_was_assigned_is_set, two_ends_that_do_not_fit_say_why)
