/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A site, and a hub that says what it likes: whom the site believes, what it
 * tells before it does, and what is out of turn.
 */
#include "far_end.h"

static struct far far;

static void
setup(void)
{
	login_setup();
	far_listen(&site);
}

static void
teardown(void)
{
	far_close(&far);
	close(far_tcp);
	login_teardown();
}

/* The site connects and says hello. */
static void
meet(void)
{
	far_close(&far);
	far_accept(&far);
	ck_assert(far_shake(&far));
	FAR_HEARS(&far, MESSAGE_HELLO);
}

static struct message
welcome_of(enum conf_transport transport)
{
	struct message	  msg = { .type = MESSAGE_WELCOME, .session = 77,
		   .transport = transport,
		   .lanes = transport == CONF_TRANSPORT_TCP ? 0 : 1,
		   .keepalive_sec = 10, .dead_peer_sec = 30, .mtu = 1500,
		   .rekey_sec = 3600, .rekey_mib = 1024, .token_len = 40 };
	struct lane_share share;

	lane_keys_share_new(&share);
	memcpy(msg.share, share.public_key, sizeof(msg.share));
	memset(msg.token, 't', msg.token_len);
	memset(msg.secret, 's', sizeof(msg.secret));
	return msg;
}

/* The hub's half of SRP, as the keeper does it. */
struct srp {
	struct auth_srp_verifier verifier;
	uint8_t			 b[AUTH_SRP_PRIVATE_LEN];
};

static struct message
challenge_of(struct srp *srp, const char *password)
{
	struct message msg = { .type = MESSAGE_CHALLENGE,
		.has_credential = true };
	char	       line[AUTH_SRP_LINE_SIZE];

	ck_assert_int_eq(auth_srp_make("berlin", password, line, sizeof(line)),
	    0);
	ck_assert(auth_srp_parse(&srp->verifier, line));
	ck_assert_int_eq(auth_srp_start(&srp->verifier, srp->b, msg.credential,
	    &msg.credential_len), 0);
	msg.group = srp->verifier.group;
	strlcpy(msg.setting, srp->verifier.setting, sizeof(msg.setting));
	return msg;
}

/* To the response heard last: whether it is right, and the proof back. */
static bool
proves(const struct srp *srp, uint8_t m2[AUTH_SRP_PROOF_LEN])
{
	uint8_t binding[32];

	far_binding(&far, binding);
	return auth_srp_finish(&srp->verifier, "berlin", srp->b, binding,
	    far.heard.credential, far.heard.credential_len, far.heard.proof,
	    m2);
}

/* By SRP, all of it. */
static struct message
let_in(enum conf_transport transport)
{
	struct srp     srp;
	struct message challenge = challenge_of(&srp, PASSWORD);
	struct message welcome = welcome_of(transport);

	meet();
	ck_assert_str_eq(far.heard.method, "srp");
	far_say(&far, &challenge);
	FAR_HEARS(&far, MESSAGE_RESPONSE);
	ck_assert(proves(&srp, welcome.proof));
	welcome.has_proof = true;
	far_say(&far, &welcome);
	TURN_UNTIL(is_up(&site));
	return welcome;
}

static bool
is_out(void)
{
	return strcmp(at_site(&site, "state"), "down") == 0 &&
	    strcmp(at_site(&site, "lanes"), "") == 0;
}

/* ---- whom it believes ---- */

static void
put_hub_certificate(const struct ca_pem *ca, const struct ca_pem *key,
    const char *name)
{
	struct ca_pem own, cert;
	char	     *names[] = { strdup(name) };

	ck_assert_int_eq(ca_make_key(&own), 0);
	ck_assert_int_eq(ca_sign_server(ca, key, &own, names, 1, ca_now(),
	    &cert), 0);
	put_below(hub.dir, "server.crt", cert.text, 0600);
	put_below(hub.dir, "keeper/server.key", own.text, 0600);
	ca_pem_fini(&own);
	ca_pem_fini(&cert);
	free(names[0]);
}

START_TEST(only_its_hub_hears_a_hello)
{
	struct ca_pem key, ca;

	ck_assert_int_eq(ca_make_key(&key), 0);
	ck_assert_int_eq(ca_make(&key, "a", ca_now(), &ca), 0);
	put_hub_certificate(&ca, &key, "127.0.0.1");
	site_start(&site, "oslo", CONF_AUTH_PASSWORD);
	far_accept(&far);
	(void)far_shake(&far);
	ck_assert(far_hangs_up(&far));
	TURN_UNTIL(strcmp(status(&site, "state"), "waiting") == 0);
	ck_assert(says(status(&site, "last_error"), "certificate"));

	put_hub_certificate(&ca_cert, &ca_key, "127.0.0.9");
	far_close(&far);
	far_accept(&far);
	(void)far_shake(&far);
	ck_assert(far_hangs_up(&far));
	TURN_UNTIL(strcmp(status(&site, "state"), "waiting") == 0);

	/* The right one, and only that, gets the password. */
	put_hub_certificate(&ca_cert, &ca_key, "127.0.0.1");
	meet();
	ck_assert(far.heard.has_credential);
	ck_assert_mem_eq(far.heard.credential, PASSWORD, strlen(PASSWORD));
	ca_pem_fini(&key);
	ca_pem_fini(&ca);
}
END_TEST

START_TEST(a_hub_must_prove_that_it_knows_the_password)
{
	struct srp     srp;
	struct message challenge, welcome;
	static const char *const whys[] = { "did not ask for SRP's proof",
		"proof is wrong", "proof is wrong", "proof is wrong" };

	site_start(&site, "berlin", CONF_AUTH_SRP);
	for (unsigned i = 0; i < 4; i++) {
		meet();
		welcome = welcome_of(CONF_TRANSPORT_TCP);
		if (i > 0) {
			/* The last does not know it. */
			challenge = challenge_of(&srp,
			    i == 3 ? "open barley" : PASSWORD);
			far_say(&far, &challenge);
			FAR_HEARS(&far, MESSAGE_RESPONSE);
			ck_assert_uint_gt(far.heard.credential_len, 0);
			ck_assert(proves(&srp, welcome.proof) == (i != 3));
			welcome.has_proof = i != 1;
			welcome.proof[0] ^= i == 2;
		}
		far_say(&far, &welcome);
		FAR_BYE(&far, whys[i]);
		ck_assert(is_out());
		ck_assert(says(status(&site, "last_error"), whys[i]));
		ck_assert_str_eq(status(&site, "sessions"), "0");
	}
	let_in(CONF_TRANSPORT_TCP);
	ck_assert_str_eq(status(&site, "sessions"), "1");
}
END_TEST

/* A welcome without a question is good only for who was not to prove it. */
START_TEST(a_password_is_given_once)
{
	struct message msg = { .type = MESSAGE_CHALLENGE }, welcome;

	strcpy(msg.text, "Password");
	site_start(&site, "oslo", CONF_AUTH_PASSWORD);
	meet();
	ck_assert(far.heard.has_credential);
	far_say(&far, &msg);
	FAR_HEARS(&far, MESSAGE_RESPONSE);
	ck_assert_mem_eq(far.heard.credential, PASSWORD, strlen(PASSWORD));
	far_say(&far, &msg);
	FAR_BYE(&far, "asked for twice");
	meet();
	welcome = welcome_of(CONF_TRANSPORT_TCP);
	far_say(&far, &welcome);
	TURN_UNTIL(is_up(&site));
}
END_TEST

START_TEST(srp_answers_srp_alone)
{
	static const char *const whats[] = { "no share", "no group",
		"a small group", "no setting", "a cheap setting", "B is 0",
		"again" };
	struct srp srp;

	site_start(&site, "berlin", CONF_AUTH_SRP);
	for (unsigned i = 0; i < nitems(whats); i++) {
		struct message msg = challenge_of(&srp, PASSWORD);

		meet();
		ck_assert(!far.heard.has_credential);
		if (i == 0)
			msg.has_credential = false;
		else if (i == 1)
			msg.group = 0;
		else if (i == 2)
			msg.group = 2048;
		else if (i == 3)
			strcpy(msg.setting, "$6$abcdefgh$");
		else if (i == 4)
			strcpy(msg.setting, "$y$j/5$F5Jx5fExrKuPp53xLKQ..1");
		else if (i == 5)
			memset(msg.credential, 0, msg.credential_len);
		far_say(&far, &msg);
		if (i == 6) {
			FAR_HEARS(&far, MESSAGE_RESPONSE);
			far_say(&far, &msg);
		}
		/* It may say why. */
		ck_assert_msg(far_hangs_up(&far) || far_hangs_up(&far), "%s",
		    whats[i]);
		ck_assert(is_out());
	}
}
END_TEST

/* Whatever the hub asks: the method is the configuration's. */
START_TEST(no_question_weakens_the_method)
{
	struct message msg = { .type = MESSAGE_CHALLENGE };
	struct ca_pem  cert;

	strcpy(msg.text, "Password");
	site_start(&site, "berlin", CONF_AUTH_SRP);
	meet();
	far_say(&far, &msg);
	FAR_BYE(&far, "method is srp");
	end_stop(&site);
	fork_keeper_anew(&site);
	put_certificate(&site, "wien", &cert);
	ca_pem_fini(&cert);
	site_start(&site, "wien", CONF_AUTH_CERTIFICATE);
	meet();
	far_say(&far, &msg);
	FAR_BYE(&far, "the hub asks a question");
}
END_TEST

/* ---- coming back ---- */

START_TEST(a_hub_that_resumes_must_prove_it_knows_the_token)
{
	struct srp     srp;
	struct message welcome, first, challenge;

	site_start(&site, "berlin", CONF_AUTH_SRP);
	first = let_in(CONF_TRANSPORT_TCP);
	for (unsigned i = 0; i < 3; i++) {
		uint8_t binding[32];

		end_cut(&site);
		meet();
		ck_assert_uint_eq(far.heard.token_len, first.token_len);
		ck_assert_mem_eq(far.heard.token, first.token, first.token_len);
		FAR_HEARS(&far, MESSAGE_RESPONSE);
		ck_assert(far.heard.has_proof && !far.heard.has_credential);
		welcome = welcome_of(CONF_TRANSPORT_TCP);
		welcome.token_len = 0;
		/* None, ours back, and the right one. */
		welcome.has_proof = i > 0;
		memcpy(welcome.proof, far.heard.proof, sizeof(welcome.proof));
		if (i == 2) {
			far_binding(&far, binding);
			far_prove(first.secret, "tombolo resume server",
			    binding, far.hello, welcome.proof);
		}
		far_say(&far, &welcome);
		if (i == 2)
			break;
		FAR_BYE(&far, "proof is wrong");
		ck_assert(!is_up(&site));
		ck_assert_str_eq(status(&site, "reconnects"), "0");
	}
	TURN_UNTIL(is_up(&site));
	ck_assert_str_eq(status(&site, "sessions"), "1");
	ck_assert_str_eq(status(&site, "reconnects"), "1");

	/* One that asks anew gets no welcome for the token's sake. */
	end_cut(&site);
	meet();
	FAR_HEARS(&far, MESSAGE_RESPONSE);
	challenge = challenge_of(&srp, PASSWORD);
	far_say(&far, &challenge);
	FAR_HEARS(&far, MESSAGE_RESPONSE);
	ck_assert(far.heard.has_credential);
	welcome = welcome_of(CONF_TRANSPORT_TCP);
	far_say(&far, &welcome);
	FAR_BYE(&far, "proof is wrong");
	/* And the token is forgotten. */
	meet();
	ck_assert_uint_eq(far.heard.token_len, 0);
}
END_TEST

/* Its keeper is asked for its key first: until hello there is no proof to tell. */
START_TEST(nothing_is_answered_before_hello)
{
	struct message welcome = welcome_of(CONF_TRANSPORT_TCP);

	site_start(&site, "berlin", CONF_AUTH_SRP);
	let_in(CONF_TRANSPORT_TCP);
	end_cut(&site);
	far_close(&far);
	far_accept(&far);
	hold_keeper(&site);
	ck_assert(far_shake(&far));
	welcome.session = 78;
	welcome.token_len = 0;
	far_say(&far, &welcome);
	FAR_BYE(&far, "a welcome out of turn");
	let_keeper_go(&site);
	ck_assert(!is_up(&site));
	ck_assert_str_eq(status(&site, "sessions"), "1");
}
END_TEST

START_TEST(another_session_ends_the_one_before)
{
	struct message welcome;

	site_start(&site, "oslo", CONF_AUTH_PASSWORD);
	meet();
	ck_assert_uint_eq(far.heard.session, 0);
	welcome = welcome_of(CONF_TRANSPORT_TCP);
	welcome.token_len = 0;
	far_say(&far, &welcome);
	TURN_UNTIL(is_up(&site));
	end_cut(&site);
	meet();
	ck_assert_uint_eq(far.heard.session, 77);
	ck_assert_str_eq(status(&site, "state"), "adrift");
	welcome.session = 78;
	far_say(&far, &welcome);
	TURN_UNTIL(is_up(&site));
	ck_assert_str_eq(status(&site, "sessions"), "2");
	ck_assert_str_eq(status(&site, "reconnects"), "0");
	/* It says that it is the same one, but by what was not agreed on. */
	end_cut(&site);
	meet();
	welcome = welcome_of(CONF_TRANSPORT_AUTO);
	welcome.session = 78;
	far_say(&far, &welcome);
	FAR_BYE(&far, "transport is not");
	/* A hub that refuses has ended it. */
	meet();
	ck_assert_str_eq(status(&site, "state"), "adrift");
	far_say(&far, &(struct message) { .type = MESSAGE_REFUSED,
	    .text = "no", .retry_after_sec = 3 });
	TURN_UNTIL(strcmp(status(&site, "state"), "waiting") == 0);
	ck_assert(is_out());
	ck_assert(says(status(&site, "last_error"), "refused: no"));
	ck_assert_str_eq(status(&site, "waits_for"),
	    "the time that the hub set");
	meet();
	ck_assert_uint_eq(far.heard.session, 0);
}
END_TEST

START_TEST(a_session_goes_on_with_what_was_agreed)
{
	struct message welcome = welcome_of(CONF_TRANSPORT_TCP);
	static const struct {
		unsigned    features, protocol;
		const char *why;
	} others[] = {
		{ 0, 1, "features are not" },
		{ MESSAGE_CAN_TAG | MESSAGE_CAN_MTU, 1, "features are not" },
		{ MESSAGE_CAN_TAG, MESSAGE_PROTOCOL_MAX + 1,
		    "another protocol" },
	};

	site_start(&site, "oslo", CONF_AUTH_PASSWORD);
	meet();
	welcome.token_len = 0;
	welcome.features = MESSAGE_CAN_TAG;
	far_say(&far, &welcome);
	TURN_UNTIL(is_up(&site));
	end_cut(&site);
	for (size_t i = 0; i < nitems(others); i++) {
		struct message other = welcome;

		meet();
		ck_assert_uint_eq(far.heard.session, welcome.session);
		other.features = others[i].features;
		other.protocol = others[i].protocol;
		far_say(&far, &other);
		FAR_BYE(&far, others[i].why);
		/* It has its time to come back, all the same. */
		ck_assert_str_eq(status(&site, "state"), "adrift");
	}
	meet();
	far_say(&far, &welcome);
	TURN_UNTIL(is_up(&site));
	ck_assert_str_eq(status(&site, "sessions"), "1");
	ck_assert_str_eq(status(&site, "reconnects"), "1");
}
END_TEST

/* ---- welcome ---- */

START_TEST(a_welcome_must_make_sense)
{
	static const char *const whys[] = { "not more than keepalive",
		"transport is not", "transport is not",
		"keys could not be agreed", "malformed", "malformed",
		"another protocol" };

	site_configure(&site, "oslo", CONF_AUTH_PASSWORD, "tap",
	    "transport = tcp\n");
	end_start(&site);
	for (unsigned i = 0; i < nitems(whys); i++) {
		struct message msg = welcome_of(CONF_TRANSPORT_TCP);

		meet();
		if (i == 0)
			msg.dead_peer_sec = msg.keepalive_sec;
		else if (i == 1)
			msg = welcome_of(CONF_TRANSPORT_AUTO);
		else if (i == 2)
			msg = welcome_of(CONF_TRANSPORT_UDP);
		else if (i == 3)
			memset(msg.share, 0, sizeof(msg.share));
		else if (i == 4)
			msg.session = 0;
		else if (i == 5)
			msg.rekey_sec = 1;
		else
			msg.protocol = MESSAGE_PROTOCOL_MAX + 1;
		msg.token_len = 0;
		far_say(&far, &msg);
		FAR_BYE(&far, whys[i]);
		ck_assert(is_out());
		ck_assert_str_eq(status(&site, "sessions"), "0");
	}
}
END_TEST

/* ---- out of turn ---- */

static struct message
any_message(enum message_type type)
{
	struct message msg = welcome_of(CONF_TRANSPORT_TCP);

	msg.type = type;
	msg.protocol = MESSAGE_PROTOCOL_MIN;
	msg.mode = CONF_TAP;
	msg.workers = 1;
	strcpy(msg.site, "oslo");
	strcpy(msg.method, "password");
	strcpy(msg.text, "some words");
	msg.has_proof = true;
	msg.phase = 1;
	return msg;
}

START_TEST(what_is_out_of_turn_ends_the_connection)
{
	struct message welcome = welcome_of(CONF_TRANSPORT_TCP);
	uint8_t	       item[128];
	size_t	       len = far_frame(item);

	welcome.token_len = 0;
	site_start(&site, "oslo", CONF_AUTH_PASSWORD);
	for (unsigned i = 0; i < 2u * MESSAGE_TYPES; i++) {
		enum message_type type = (enum message_type)(i / 2);
		struct message	  msg = any_message(type);
		bool		  up = i % 2 == 1;

		/* In its turn, or the test of something else. */
		if (type == MESSAGE_BYE || (!up && (type == MESSAGE_WELCOME ||
			type == MESSAGE_CHALLENGE || type == MESSAGE_REFUSED)) ||
		    (up && (type == MESSAGE_PING || type == MESSAGE_PONG ||
			type == MESSAGE_UPDATE || type == MESSAGE_REKEY ||
			type == MESSAGE_REKEY_WANTED)))
			continue;
		meet();
		if (up) {
			far_say(&far, &welcome);
			TURN_UNTIL(is_up(&site));
		}
		far_say(&far, &msg);
		FAR_BYE(&far, "out of turn");
		TURN_UNTIL(!is_up(&site));
		/* Not to wait out a pause that grows. */
		client_login(site.engine->client);
	}
	meet();
	far_send(&far, MESSAGE_TYPE_FRAMES, item, len);
	FAR_BYE(&far, "not agreed");
	ck_assert(!gets_frame(&site));
	ck_assert(is_out());
	/* The same bytes pass behind the welcome. */
	client_login(site.engine->client);
	meet();
	far_say(&far, &welcome);
	TURN_UNTIL(is_up(&site));
	far_send(&far, MESSAGE_TYPE_FRAMES, item, len);
	ck_assert(gets_frame(&site));
}
END_TEST

START_TEST(a_hub_that_says_nothing_is_left_when_the_network_changes)
{
	struct message welcome = welcome_of(CONF_TRANSPORT_TCP);
	struct mono    begun;

	site_start(&site, "oslo", CONF_AUTH_PASSWORD);
	meet();
	begun = mono_now();
	ck_assert_int_eq(startup_send(&site.monitor, REQUEST_NETCHANGE,
	    NULL, 0, NULL, 0), 0);
	ck_assert(far_hangs_up(&far));
	ck_assert_int_ge(mono_sub(mono_now(), begun), 2 * MONO_SEC);
	ck_assert_int_le(mono_sub(mono_now(), begun), 10 * MONO_SEC);
	TURN_UNTIL(says(status(&site, "last_error"), "in time"));
	/* A session must show that it lives. */
	meet();
	far_say(&far, &welcome);
	TURN_UNTIL(is_up(&site));
	ck_assert_int_eq(startup_send(&site.monitor, REQUEST_NETCHANGE,
	    NULL, 0, NULL, 0), 0);
	FAR_HEARS(&far, MESSAGE_PING);
	TURN_UNTIL(!is_up(&site));
	ck_assert(says(status(&site, "last_error"), "no answer to a probe"));
}
END_TEST

/* PAM may ask much, but not for ever, and nobody is there. */
START_TEST(questions_have_an_end)
{
	struct message msg = { .type = MESSAGE_CHALLENGE };
	unsigned       n = 0;

	strcpy(msg.text, "More");
	site_start(&site, "rome", CONF_AUTH_PAM);
	meet();
	client_login(site.engine->client);
	for (; n < 2u * MESSAGE_MAX_ROUNDS; n++) {
		far_say(&far, &msg);
		if (n > 0 && n < MESSAGE_MAX_ROUNDS) {
			TURN_UNTIL(status(&site, "question")[0] != '\0');
			ck_assert(auth_client_typed(
			    &site.engine->client->auth, "x", 1));
		}
		if (far_hears(&far) != MESSAGE_RESPONSE)
			break;
	}
	ck_assert_uint_eq(n, MESSAGE_MAX_ROUNDS);
	ck_assert(says(far.heard.text, "too many questions"));
}
END_TEST

LOGIN_MAIN("login_site", setup, teardown, only_its_hub_hears_a_hello,
    a_hub_must_prove_that_it_knows_the_password, a_password_is_given_once,
    srp_answers_srp_alone, no_question_weakens_the_method,
    a_hub_that_resumes_must_prove_it_knows_the_token,
    nothing_is_answered_before_hello, another_session_ends_the_one_before,
    a_session_goes_on_with_what_was_agreed, a_welcome_must_make_sense,
    what_is_out_of_turn_ends_the_connection,
    a_hub_that_says_nothing_is_left_when_the_network_changes,
    questions_have_an_end)
