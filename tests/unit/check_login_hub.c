/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A hub, and a site that says what it likes: what is refused, what is out of
 * turn, and that no frame passes before the login is over.
 */
#include "far_site.h"

/* ---- out of turn ---- */

enum place { NOTHING_SAID, TOKEN_SHOWN, ASKED, LOOKED_AT, UP, PLACES };
static const char *const places[PLACES] = { "nothing said", "token shown",
	"asked", "looked at", "up" };

static void
reach(enum place place)
{
	struct message hello = hello_of("berlin", CONF_AUTH_SRP);

	if (place == UP) {
		log_in(&far, &hello);
		return;
	}
	begin();
	if (place == TOKEN_SHOWN) {
		memset(hello.token, 7, 100);
		hello.token_len = 100;
	}
	if (place == LOOKED_AT) {
		hold_keeper(&hub);
		hello = hello_of("oslo", CONF_AUTH_PASSWORD);
		hello.has_credential = true;
		memcpy(hello.credential, PASSWORD, strlen(PASSWORD));
		hello.credential_len = strlen(PASSWORD);
	}
	if (place != NOTHING_SAID)
		far_say(&far, &hello);
	if (place == ASKED)
		FAR_HEARS(&far, MESSAGE_CHALLENGE);
	else
		turn_for(0.02);
}

/* One that could be said, if it were its turn. */
static struct message
any_message(enum message_type type)
{
	struct message msg = hello_of("berlin", CONF_AUTH_SRP);

	msg.type = type;
	msg.has_credential = msg.has_proof = true;
	msg.credential[0] = 2;
	msg.credential_len = 1;
	strcpy(msg.text, "some words");
	msg.retry_after_sec = 1;
	msg.session = 77;
	msg.keepalive_sec = 10;
	msg.dead_peer_sec = 30;
	msg.mtu = 1500;
	msg.rekey_sec = CONF_MIN_REKEY;
	msg.rekey_mib = 1;
	msg.phase = 1;
	msg.id = 5;
	return msg;
}

/* Its turn: the test of that is another. */
static bool
may_be_said(enum place place, enum message_type type)
{
	return type == MESSAGE_BYE ||
	    (place == NOTHING_SAID && type == MESSAGE_HELLO) ||
	    ((place == ASKED || place == TOKEN_SHOWN) &&
		type == MESSAGE_RESPONSE) ||
	    (place == UP && (type == MESSAGE_REKEY || type == MESSAGE_PING ||
		type == MESSAGE_PONG));
}

START_TEST(a_message_out_of_turn_ends_the_connection)
{
	hub_start(ALL_AUTHS);
	for (unsigned i = 0; i < (unsigned)PLACES * MESSAGE_TYPES; i++) {
		enum place	  place = (enum place)(i / MESSAGE_TYPES);
		enum message_type type = (enum message_type)(i % MESSAGE_TYPES);
		struct message	  msg = any_message(type);

		if (may_be_said(place, type))
			continue;
		reach(place);
		far_say(&far, &msg);
		let_keeper_go(&hub);
		ck_assert_msg(far_hears(&far) == MESSAGE_BYE, "%s: %s: %s",
		    places[place], message_name(type),
		    message_name(far.heard.type));
		ck_assert_msg(says(far.heard.text, "out of turn") ||
		    says(far.heard.text, "not asked for"), "%s",
		    far.heard.text);
		ck_assert(far_hangs_up(&far));
		TURN_UNTIL(nobody_is_up());
		ck_assert_uint_eq(counter(&hub, "connections-unauthenticated"),
		    0);
	}
}
END_TEST

START_TEST(a_goodbye_ends_it_everywhere)
{
	struct message bye = any_message(MESSAGE_BYE);

	hub_start(ALL_AUTHS);
	for (enum place place = NOTHING_SAID; place < PLACES; place++) {
		reach(place);
		far_say(&far, &bye);
		let_keeper_go(&hub);
		ck_assert_msg(far_hangs_up(&far), "%s", places[place]);
		ck_assert(nobody_is_up());
		ck_assert_uint_eq(counter(&hub, "connections-unauthenticated"),
		    0);
	}
}
END_TEST

START_TEST(frames_pass_only_when_it_is_up)
{
	struct message udp = hello_of("berlin", CONF_AUTH_SRP);
	uint8_t	       item[128];
	size_t	       len = far_frame(item);

	hub_start(ALL_AUTHS);
	for (enum place place = NOTHING_SAID; place < UP; place++) {
		reach(place);
		far_send(&far, MESSAGE_TYPE_FRAMES, item, len);
		let_keeper_go(&hub);
		FAR_BYE(&far, "not agreed");
		ck_assert_msg(!gets_frame(&hub), "%s", places[place]);
		ck_assert(nobody_is_up());
	}
	/* The same bytes do pass then, and back. */
	reach(UP);
	far_send(&far, MESSAGE_TYPE_FRAMES, item, len);
	ck_assert(gets_frame(&hub));
	ck_assert_uint_eq(counter(&hub, "site-frames-in"), 1);
	far.in_len = 0;
	ck_assert_int_eq(send(hub.frames, item + len - 60, 60, 0), 60);
	ck_assert(far_read(&far, 5));
	ck_assert_uint_eq(far.in[0], MESSAGE_TYPE_FRAMES);

	/* But not by TCP when it was not agreed on. */
	udp.transport = CONF_TRANSPORT_UDP;
	log_in(&far, &udp);
	far_send(&far, MESSAGE_TYPE_FRAMES, item, len);
	FAR_BYE(&far, "not agreed");
	ck_assert(!gets_frame(&hub));
}
END_TEST

/* ---- what is no message ---- */

START_TEST(an_unknown_client_may_not_say_nonsense)
{
	static const struct {
		uint8_t	    type;
		size_t	    len;
		const char *text, *why;
	} cases[] = {
		{ 1, 0, "", "too large" },
		{ 1, MESSAGE_MAX_UNAUTH + 1, "", "too large" },
		{ 1, 60000, "", "too large" },
		{ 0, 4, "", "unknown type" },
		{ 3, 4, "", "unknown type" },
		{ 1, 0, "{}", "malformed" },
		{ 1, 0, "[1]", "malformed" },
		{ 1, 0, "{\"type\":\"hello\"}", "malformed" },
		{ 1, 0, "{\"type\":\"tomorrow\"}", "malformed" },
		{ 1, 0, "{\"type\":\"bye\",\"type\":\"bye\"}", "malformed" },
	};
	static char big[60001];

	hub_start(ALL_AUTHS);
	for (size_t i = 0; i < nitems(cases); i++) {
		size_t len = cases[i].text[0] != '\0' ? strlen(cases[i].text) :
							cases[i].len;

		begin();
		far_send(&far, cases[i].type, cases[i].text[0] != '\0' ?
			cases[i].text : big, len);
		FAR_BYE(&far, cases[i].why);
	}
	/* A newer site's message is passed over, once it is known. */
	reach(UP);
	far_send(&far, 1, "{\"type\":\"tomorrow\"}", 19);
	turn_for(0.1);
	ck_assert(hub_has("berlin"));
}
END_TEST

/* ---- hello ---- */

START_TEST(another_protocol_mode_or_transport_is_refused)
{
	struct message msg = hello_of("berlin", CONF_AUTH_SRP);

	hub_start(ALL_AUTHS "transport = udp\n");
	begin();
	msg.protocol = MESSAGE_PROTOCOL_MAX + 1;
	far_say(&far, &msg);
	FAR_REFUSED(&far, "speaks protocol");
	begin();
	msg = hello_of("berlin", CONF_AUTH_SRP);
	msg.mode = CONF_TUN;
	far_say(&far, &msg);
	FAR_REFUSED(&far, "mode is tap");
	begin();
	msg = hello_of("berlin", CONF_AUTH_SRP);
	far_say(&far, &msg);
	FAR_REFUSED(&far, "transport");
	ck_assert(nobody_is_up());
	ck_assert_uint_eq(counter(&hub, "connections-unauthenticated"), 0);
}
END_TEST

/* Whatever it is, who asks cannot tell; the hub's own log can. */
START_TEST(every_refusal_has_the_same_words)
{
	static const struct {
		const char    *what, *name, *method, *password, *why;
	} cases[] = {
		{ "wrong password", "berlin", "srp", "open barley",
		    "wrong credential" },
		{ "no such site", "paris", "srp", PASSWORD, "" },
		{ "disabled", "off", "srp", PASSWORD, "disabled" },
		{ "faulty", "bad", "srp", PASSWORD, "has an error" },
		{ "its method is not allowed", "far", "password", PASSWORD,
		    "has an error" },
		{ "another method", "berlin", "password", PASSWORD,
		    "another method" },
		{ "srp for a password", "oslo", "srp", PASSWORD,
		    "another method" },
		{ "unknown method", "berlin", "magic", PASSWORD,
		    "another method" },
		{ "no method", "oslo", "", PASSWORD, "another method" },
		{ "wrong password", "oslo", "password", "open barley",
		    "wrong credential" },
		{ "no such site", "paris", "password", PASSWORD, "" },
		{ "pam for a password", "oslo", "certificate", PASSWORD,
		    "another method" },
		{ "no certificate", "wien", "certificate", PASSWORD,
		    "no valid certificate" },
		{ "tls-srp without it", "berlin", "tls-srp", PASSWORD,
		    "another method" },
		{ "a name that cannot be", "../oslo", "srp", PASSWORD, "" },
		{ "no name", "", "srp", PASSWORD, "" },
	};

	put_site("bad", CONF_AUTH_SRP, "no such key\n");
	put_credential("bad", CONF_AUTH_SRP, PASSWORD);
	put_site("far", CONF_AUTH_PASSWORD, "");
	put_credential("far", CONF_AUTH_PASSWORD, PASSWORD);
	put_text(hub.dir, "sites.d/far.conf", "[site far]\nauth = tls-srp\n");
	hub_start(ALL_AUTHS);
	for (size_t i = 0; i < nitems(cases); i++) {
		struct message hello = hello_of(cases[i].name, CONF_AUTH_SRP);

		strcpy(hello.method, cases[i].method);
		far_close(&far);
		ck_assert_msg(far_log_in(&far, fresh_address(), cases[i].name,
			cases[i].password, &hello) == MESSAGE_REFUSED, "%s",
		    cases[i].what);
		ck_assert_str_eq(far.heard.text, "authentication failed");
		ck_assert_uint_eq(far.heard.retry_after_sec, 2);
		ck_assert(far_hangs_up(&far));
		ck_assert_msg(nobody_is_up(), "%s", cases[i].what);
		if (cases[i].why[0] != '\0')
			ck_assert_msg(says(at_hub(cases[i].name, "last_error"),
			    cases[i].why), "%s: %s", cases[i].what,
			    at_hub(cases[i].name, "last_error"));
	}
	ck_assert_uint_eq(counter(&hub, "connections-refused"), nitems(cases));
	ck_assert_uint_eq(counter(&hub, "connections-unauthenticated"), 0);
}
END_TEST

START_TEST(a_response_must_have_what_was_asked_for)
{
	struct message bare = { .type = MESSAGE_RESPONSE }, half;
	struct message password = hello_of("oslo", CONF_AUTH_PASSWORD);

	hub_start(ALL_AUTHS);
	reach(ASKED);
	far_say(&far, &bare);
	FAR_BYE(&far, "not asked for");
	reach(ASKED);
	ck_assert(far_srp_response(&far, "berlin", PASSWORD, &half));
	half.has_proof = false;
	far_say(&far, &half);
	FAR_BYE(&far, "not asked for");
	reach(ASKED);
	ck_assert(far_srp_response(&far, "berlin", PASSWORD, &half));
	half.has_credential = false;
	far_say(&far, &half);
	FAR_BYE(&far, "not asked for");
	begin();
	far_say(&far, &password);
	FAR_HEARS(&far, MESSAGE_CHALLENGE);
	far_say(&far, &bare);
	FAR_BYE(&far, "not asked for");
	/* A second one while the first is looked at. */
	begin();
	far_say(&far, &password);
	FAR_HEARS(&far, MESSAGE_CHALLENGE);
	hold_keeper(&hub);
	half = response_of("open barley");
	far_say(&far, &half);
	half = response_of(PASSWORD);
	far_say(&far, &half);
	turn_for(0.05);
	let_keeper_go(&hub);
	FAR_BYE(&far, "not asked for");
	turn_for(0.3);
	ck_assert(nobody_is_up());
}
END_TEST

/* A proof of this site, in this exchange, on this connection. */
START_TEST(srp_wants_the_right_proof)
{
	struct message hello = hello_of("berlin", CONF_AUTH_SRP), msg;

	hub_start(ALL_AUTHS);
	for (unsigned i = 0; i < 4; i++) {
		reach(ASKED);
		ck_assert(far_srp_response(&far, "berlin", PASSWORD, &msg));
		if (i == 0)
			msg.proof[31] ^= 1;
		else if (i == 1)
			memset(msg.credential, 0, msg.credential_len);
		else if (i == 2)
			msg.credential_len = 1;
		else
			memcpy(msg.proof, far.m2, sizeof(msg.proof));
		far_say(&far, &msg);
		FAR_REFUSED(&far, "authentication failed");
	}
	/* Over to another connection. */
	reach(ASKED);
	ck_assert(far_srp_response(&far, "berlin", PASSWORD, &msg));
	far_site(&other, fresh_address());
	ck_assert(far_shake(&other));
	far_say(&other, &hello);
	FAR_HEARS(&other, MESSAGE_CHALLENGE);
	far_say(&other, &msg);
	FAR_REFUSED(&other, "authentication failed");
	ck_assert(nobody_is_up());
	far_say(&far, &msg);
	FAR_HEARS(&far, MESSAGE_WELCOME);
	/* The hub knows it, too. */
	ck_assert(far.heard.has_proof);
	ck_assert_mem_eq(far.heard.proof, far.m2, sizeof(far.m2));
	ck_assert(hub_has("berlin"));
}
END_TEST

START_TEST(who_guesses_is_held_off)
{
	struct message hello = hello_of("berlin", CONF_AUTH_SRP), welcome;

	hub_start(ALL_AUTHS);
	log_in(&far, &hello);
	welcome = far.heard;
	far.heard = (struct message) { 0 };
	for (unsigned i = 0; i <= ADMISSION_FREE; i++) {
		far_close(&other);
		ck_assert_int_eq(far_log_in(&other, "127.0.9.9", "berlin",
		    "open barley", &hello), MESSAGE_REFUSED);
		ck_assert_str_eq(other.heard.text, "authentication failed");
	}
	/* The right one, too: or one could guess on while waiting. */
	far_close(&other);
	ck_assert_int_eq(far_log_in(&other, "127.0.9.9", "berlin", PASSWORD,
	    &hello), MESSAGE_REFUSED);
	ck_assert(says(other.heard.text, "too many attempts"));
	ck_assert_uint_ge(other.heard.retry_after_sec, 1);
	ck_assert_uint_eq(counter(&hub, "connections-held-off"), 1);
	ck_assert_uint_eq(counter(&hub, "connections-unauthenticated"), 0);
	/* From elsewhere, and with a token from anywhere. */
	log_in(&far, &hello);
	hello = hello_again(&welcome, "berlin", CONF_AUTH_SRP);
	ck_assert_int_eq(resume(&other, &hello, welcome.secret),
	    MESSAGE_WELCOME);
	message_fini(&welcome);
}
END_TEST

/* ---- tokens ---- */

START_TEST(a_token_is_for_its_site_method_and_connection)
{
	struct message hello = hello_of("berlin", CONF_AUTH_SRP), welcome, msg;
	struct message bare = { .type = MESSAGE_RESPONSE };
	uint8_t	       wrong[32] = { 1 };

	hub_start(ALL_AUTHS);
	log_in(&far, &hello);
	welcome = far.heard;
	far.heard = (struct message) { 0 };
	ck_assert_uint_gt(welcome.token_len, 0);

	/* Each of these gets the question, as if there were no token. */
	hello = hello_again(&welcome, "berlin", CONF_AUTH_SRP);
	ck_assert_int_eq(resume(&other, &hello, wrong), MESSAGE_CHALLENGE);
	hello.token[20] ^= 1;
	ck_assert_int_eq(resume(&other, &hello, welcome.secret),
	    MESSAGE_CHALLENGE);
	hello = hello_again(&welcome, "oslo", CONF_AUTH_PASSWORD);
	ck_assert_int_eq(resume(&other, &hello, welcome.secret),
	    MESSAGE_CHALLENGE);
	hello = hello_again(&welcome, "berlin", CONF_AUTH_PASSWORD);
	ck_assert_int_eq(resume(&other, &hello, welcome.secret),
	    MESSAGE_CHALLENGE);
	/* Of another hello: what is in it is proved, too. */
	hello = hello_again(&welcome, "berlin", CONF_AUTH_SRP);
	far_close(&other);
	far_site(&other, fresh_address());
	ck_assert(far_shake(&other));
	far_say(&other, &hello);
	msg = (struct message) { .type = MESSAGE_RESPONSE, .has_proof = true };
	far_binding(&other, wrong);
	far_prove(welcome.secret, "tombolo resume site", wrong, far.hello,
	    msg.proof);
	far_say(&other, &msg);
	FAR_HEARS(&other, MESSAGE_CHALLENGE);
	/* Of another connection. */
	far_close(&other);
	far_site(&other, fresh_address());
	ck_assert(far_shake(&other));
	far_say(&other, &hello);
	far_prove(welcome.secret, "tombolo resume site", wrong, other.hello,
	    msg.proof);
	far_say(&other, &msg);
	FAR_HEARS(&other, MESSAGE_CHALLENGE);
	/* And without its proof it is not looked at. */
	far_close(&other);
	far_site(&other, fresh_address());
	ck_assert(far_shake(&other));
	far_say(&other, &hello);
	far_say(&other, &bare);
	FAR_BYE(&other, "not asked for");
	ck_assert_uint_eq(counter(&hub, "log-ins-resumed"), 0);

	ck_assert_int_eq(resume(&other, &hello, welcome.secret),
	    MESSAGE_WELCOME);
	ck_assert(other.heard.has_proof);
	ck_assert_mem_eq(other.heard.proof, other.m2, sizeof(other.m2));
	ck_assert_uint_eq(other.heard.token_len, 0);
	ck_assert_uint_eq(counter(&hub, "log-ins-resumed"), 1);
	message_fini(&welcome);
}
END_TEST

START_TEST(a_token_ends)
{
	struct message hello = hello_of("berlin", CONF_AUTH_SRP), welcome;

	hub_start(ALL_AUTHS "resume-time = 1\n");
	log_in(&far, &hello);
	welcome = far.heard;
	far.heard = (struct message) { 0 };
	hello = hello_again(&welcome, "berlin", CONF_AUTH_SRP);
	ck_assert_int_eq(resume(&other, &hello, welcome.secret),
	    MESSAGE_WELCOME);
	turn_for(2.1);
	ck_assert_int_eq(resume(&other, &hello, welcome.secret),
	    MESSAGE_CHALLENGE);
	/* With its password, another one. */
	put_credential("berlin", CONF_AUTH_SRP, PASSWORD);
	hello = hello_of("berlin", CONF_AUTH_SRP);
	log_in(&far, &hello);
	message_fini(&welcome);
	welcome = far.heard;
	far.heard = (struct message) { 0 };
	hello = hello_again(&welcome, "berlin", CONF_AUTH_SRP);
	put_credential("berlin", CONF_AUTH_SRP, "another");
	ck_assert_int_eq(resume(&other, &hello, welcome.secret),
	    MESSAGE_CHALLENGE);
	message_fini(&welcome);
}
END_TEST

START_TEST(a_token_does_not_open_what_is_closed)
{
	struct message hello = hello_of("berlin", CONF_AUTH_SRP), welcome, msg;

	hub_start(ALL_AUTHS);
	log_in(&far, &hello);
	welcome = far.heard;
	far.heard = (struct message) { 0 };
	put_site("berlin", CONF_AUTH_SRP, "disabled = yes\n");
	end_reload(&hub);
	FAR_BYE(&far, "disabled");
	hello = hello_again(&welcome, "berlin", CONF_AUTH_SRP);
	ck_assert_int_eq(resume(&other, &hello, welcome.secret),
	    MESSAGE_CHALLENGE);
	ck_assert(far_srp_response(&other, "berlin", PASSWORD, &msg));
	far_say(&other, &msg);
	FAR_REFUSED(&other, "authentication failed");
	ck_assert_uint_eq(counter(&hub, "log-ins-resumed"), 0);
	ck_assert(nobody_is_up());
	message_fini(&welcome);
}
END_TEST

LOGIN_MAIN("login_hub", setup, teardown,
    a_message_out_of_turn_ends_the_connection, a_goodbye_ends_it_everywhere,
    frames_pass_only_when_it_is_up, an_unknown_client_may_not_say_nonsense,
    another_protocol_mode_or_transport_is_refused,
    every_refusal_has_the_same_words,
    a_response_must_have_what_was_asked_for, srp_wants_the_right_proof,
    who_guesses_is_held_off, a_token_is_for_its_site_method_and_connection,
    a_token_ends, a_token_does_not_open_what_is_closed)
