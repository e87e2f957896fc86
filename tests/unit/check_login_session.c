/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What becomes of a login while other things happen at the hub: time passes,
 * there are too many, what it depends on changes, or the site has a session
 * already.
 */
#include "far_site.h"

/* ---- time ---- */

START_TEST(a_login_has_its_time)
{
	struct message hello = hello_of("berlin", CONF_AUTH_SRP);
	struct message password = hello_of("oslo", CONF_AUTH_PASSWORD);
	struct mono    begun;
	static char    slow[] = "{\"type\":\"hello\"";

	hub_start(ALL_AUTHS "handshake-time = 1\n");
	/* Not even TLS. */
	far_site(&far, fresh_address());
	TURN_UNTIL(counter(&hub, "connections-unauthenticated") == 1);
	begun = mono_now();
	TURN_UNTIL(counter(&hub, "connections-unauthenticated") == 0);
	ck_assert_int_ge(mono_sub(mono_now(), begun), MONO_SEC / 2);
	ck_assert_int_le(mono_sub(mono_now(), begun), 5 * MONO_SEC);
	/* No hello; half of one, bit by bit; no response. */
	begin();
	ck_assert(far_hangs_up(&far));
	begin();
	for (size_t i = 0; i < sizeof(slow) && !far.over; i++) {
		uint8_t byte[5];

		message_header(byte, MESSAGE_TYPE_JSON, sizeof(slow) + 100);
		byte[4] = (uint8_t)slow[i];
		if (gnutls_record_send(far.tls, i == 0 ? byte : byte + 4,
			i == 0 ? 5 : 1) < 0)
			break;
		turn_for(0.2);
	}
	ck_assert(far_hangs_up(&far));
	begin();
	far_say(&far, &hello);
	FAR_HEARS(&far, MESSAGE_CHALLENGE);
	ck_assert(far_hangs_up(&far));
	begin();
	far_say(&far, &password);
	FAR_HEARS(&far, MESSAGE_CHALLENGE);
	ck_assert(far_hangs_up(&far));
	ck_assert_uint_eq(counter(&hub, "connections-unauthenticated"), 0);
	ck_assert_uint_eq(counter(&hub, "connections-refused"), 5);
	/* And a session has none. */
	log_in(&far, &hello);
	turn_for(1.5);
	ck_assert(hub_has("berlin"));
}
END_TEST

START_TEST(a_silent_site_is_given_up)
{
	struct message hello = hello_of("berlin", CONF_AUTH_SRP);

	hub_start(ALL_AUTHS "keepalive = 1\ndead-peer = 4\n");
	log_in(&far, &hello);
	ck_assert_uint_eq(far.heard.keepalive_sec, 1);
	ck_assert_uint_eq(far.heard.dead_peer_sec, 4);
	FAR_HEARS(&far, MESSAGE_PING);
	ck_assert(hub_has("berlin"));
	TURN_UNTIL(!hub_has("berlin"));
	ck_assert(nobody_is_up());
	ck_assert_uint_eq(counter(&hub, "connections-unauthenticated"), 0);
	/* One that answers is not. */
	far_close(&far);
	log_in(&far, &hello);
	for (unsigned i = 0; i < 3; i++) {
		FAR_HEARS(&far, MESSAGE_PING);
		far.heard.type = MESSAGE_PONG;
		far_say(&far, &far.heard);
	}
	ck_assert(hub_has("berlin"));
}
END_TEST

/* ---- too many ---- */

START_TEST(the_oldest_of_a_crowd_makes_room)
{
	static struct far crowd[3];
	struct message	  hello = hello_of("berlin", CONF_AUTH_SRP), msg;

	hub_start(ALL_AUTHS "max-handshakes = 3\n");
	/* At first nobody is pushed out: who comes waits outside. */
	for (unsigned i = 0; i < 3; i++)
		far_site(&crowd[i], "127.0.2.1");
	TURN_UNTIL(counter(&hub, "connections-unauthenticated") == 3);
	far_site(&far, fresh_address());
	turn_for(0.2);
	ck_assert_uint_eq(counter(&hub, "connections-turned-away"), 0);
	ck_assert_uint_ge(counter(&hub, "accepting-paused"), 1);
	ck_assert_uint_eq(counter(&hub, "connections-accepted"), 3);
	/* Then the oldest goes. */
	turn_for((double)ADMISSION_GRACE_START_US / MONO_SEC);
	ck_assert_uint_eq(counter(&hub, "connections-accepted"), 4);
	ck_assert_uint_eq(counter(&hub, "connections-turned-away"), 1);
	ck_assert(!far_shake(&crowd[0]));
	ck_assert(far_shake(&far));

	/* One that was asked, from elsewhere, outlives those. */
	far_say(&far, &hello);
	FAR_HEARS(&far, MESSAGE_CHALLENGE);
	for (unsigned i = 0; i < 3; i++) {
		far_close(&crowd[i]);
		far_site(&crowd[i], "127.0.2.1");
		turn_for(0.1);
	}
	ck_assert_uint_ge(counter(&hub, "connections-turned-away"), 2);
	ck_assert_uint_le(counter(&hub, "connections-unauthenticated"), 3);
	ck_assert(far_srp_response(&far, "berlin", PASSWORD, &msg));
	far_say(&far, &msg);
	FAR_HEARS(&far, MESSAGE_WELCOME);
	ck_assert(hub_has("berlin"));
	for (unsigned i = 0; i < 3; i++)
		far_close(&crowd[i]);
}
END_TEST

/* Says nothing; the hub has accepted it. */
static void
knock(struct far *one, const char *from)
{
	unsigned n = counter(&hub, "connections-accepted");

	far_close(one);
	far_site(one, from);
	TURN_UNTIL(counter(&hub, "connections-accepted") == n + 1);
}

START_TEST(whom_a_new_connection_pushes_out)
{
	static struct far known, asked, silent, third, fourth;
	struct message	  hello = hello_of("berlin", CONF_AUTH_SRP);

	hub_start(ALL_AUTHS "max-handshakes = 3\n");
	turn_for((double)ADMISSION_GRACE_START_US / MONO_SEC);
	ck_assert_int_eq(far_log_in(&far, "127.0.3.1", "berlin", PASSWORD,
	    &hello), MESSAGE_WELCOME);
	turn_for(0.6); /* what that login has bought */

	/* Of one network: who was asked has done more than who is silent. */
	knock(&known, "127.0.3.1");
	knock(&asked, "127.0.2.1");
	ck_assert(far_shake(&asked));
	far_say(&asked, &hello);
	FAR_HEARS(&asked, MESSAGE_CHALLENGE);
	knock(&silent, "127.0.2.1");
	knock(&third, "127.0.4.1");
	ck_assert(far_hangs_up(&silent));
	/* Of three networks: the silent one, but not where a site lives. */
	knock(&fourth, "127.0.5.1");
	ck_assert(far_hangs_up(&third));
	ck_assert_uint_eq(counter(&hub, "connections-turned-away"), 2);
	ck_assert(!known.over && far_shake(&known));
	ck_assert(!asked.over);
	/* A network that has two of them loses one, whatever it has done. */
	ck_assert(far_shake(&fourth));
	knock(&silent, "127.0.2.1");
	ck_assert(far_hangs_up(&fourth));
	knock(&third, "127.0.4.1");
	ck_assert(far_hangs_up(&silent));
	ck_assert(!known.over && !asked.over);
	far_close(&known);
	far_close(&asked);
	far_close(&silent);
	far_close(&third);
	far_close(&fourth);
}
END_TEST

/* The work would be for nothing. */
START_TEST(nobody_is_pushed_out_while_the_keeper_works_for_it)
{
	struct message hello = hello_of("oslo", CONF_AUTH_PASSWORD);

	hello.has_credential = true;
	memcpy(hello.credential, PASSWORD, strlen(PASSWORD));
	hello.credential_len = strlen(PASSWORD);
	hub_start(ALL_AUTHS "max-handshakes = 1\n");
	turn_for((double)ADMISSION_GRACE_START_US / MONO_SEC);
	begin();
	hold_keeper(&hub);
	far_say(&far, &hello);
	turn_for(0.05);
	far_site(&other, fresh_address());
	TURN_UNTIL(counter(&hub, "connections-turned-away") == 1);
	ck_assert(!far_shake(&other));
	ck_assert_uint_eq(counter(&hub, "connections-accepted"), 1);
	let_keeper_go(&hub);
	FAR_HEARS(&far, MESSAGE_WELCOME);
	ck_assert(hub_has("oslo"));
}
END_TEST

/* Or a crowd that keeps it busy would keep sites out. */
START_TEST(an_unknown_client_is_for_a_known_one)
{
	static struct far known;
	struct message	  hello = hello_of("berlin", CONF_AUTH_SRP);

	hub_start(ALL_AUTHS "max-handshakes = 1\n");
	turn_for((double)ADMISSION_GRACE_START_US / MONO_SEC);
	ck_assert_int_eq(far_log_in(&far, "127.0.3.1", "berlin", PASSWORD,
	    &hello), MESSAGE_WELCOME);
	turn_for(0.6); /* what that login has bought */
	begin();
	hold_keeper(&hub);
	far_say(&far, &hello);
	turn_for(0.05);
	far_site(&known, "127.0.3.1");
	ck_assert(far_hangs_up(&far));
	ck_assert_uint_eq(counter(&hub, "connections-accepted"), 3);
	let_keeper_go(&hub);
	ck_assert(far_shake(&known));
	far_say(&known, &hello);
	FAR_HEARS(&known, MESSAGE_CHALLENGE);
	far_close(&known);
}
END_TEST

/* All that unknown clients may ask of the keeper at a time. */
#define UNKNOWN_ASKS 224

START_TEST(unknown_clients_leave_some_of_the_keepers_time)
{
	static struct far crowd[UNKNOWN_ASKS + 1];
	static struct far known;
	struct message	  hello = hello_of("berlin", CONF_AUTH_SRP);
	char		  from[32];

	hub_start(ALL_AUTHS "max-handshakes = 1000\n");
	ck_assert_int_eq(far_log_in(&far, "127.0.3.1", "berlin", PASSWORD,
	    &hello), MESSAGE_WELCOME);

	/* TLS needs the keeper, too. */
	far_site(&known, "127.0.3.1");
	ck_assert(far_shake(&known));
	for (unsigned i = 0; i < nitems(crowd); i++) {
		snprintf(from, sizeof(from), "127.0.4.%u", i + 1);
		far_site(&crowd[i], from);
		ck_assert(far_shake(&crowd[i]));
	}
	hold_keeper(&hub);
	for (unsigned i = 0; i < nitems(crowd); i++) {
		snprintf(hello.site, sizeof(hello.site), "s%u", i);
		far_say(&crowd[i], &hello);
		turn();
	}
	FAR_REFUSED(&crowd[UNKNOWN_ASKS], "busy");
	ck_assert_uint_eq(counter(&hub, "connections-refused"), 1);
	strcpy(hello.site, "berlin");
	far_say(&known, &hello);
	turn_for(0.05);
	ck_assert_uint_eq(counter(&hub, "connections-refused"), 1);
	let_keeper_go(&hub);
	FAR_HEARS(&known, MESSAGE_CHALLENGE);
	for (unsigned i = 0; i < nitems(crowd); i++)
		far_close(&crowd[i]);
	far_close(&known);
}
END_TEST

/* ---- what a login depends on changes meanwhile ---- */

START_TEST(a_credential_that_changes_ends_logins_by_the_old_one)
{
	struct message hello = hello_of("berlin", CONF_AUTH_SRP), msg;

	hub_start(ALL_AUTHS);
	/* One under way. */
	begin();
	far_say(&far, &hello);
	FAR_HEARS(&far, MESSAGE_CHALLENGE);
	ck_assert(far_srp_response(&far, "berlin", PASSWORD, &msg));
	credential_changed("berlin");
	turn_for(0.05);
	far_say(&far, &msg);
	FAR_REFUSED(&far, "authentication failed");
	ck_assert(nobody_is_up());
	ck_assert_uint_eq(counter(&hub, "connections-unauthenticated"), 0);

	/* One of which the keeper thinks, with the right password. */
	begin();
	hello = hello_of("oslo", CONF_AUTH_PASSWORD);
	hello.has_credential = true;
	memcpy(hello.credential, PASSWORD, strlen(PASSWORD));
	hello.credential_len = strlen(PASSWORD);
	hold_keeper(&hub);
	far_say(&far, &hello);
	turn_for(0.05);
	credential_changed("oslo");
	turn_for(0.05);
	let_keeper_go(&hub);
	FAR_REFUSED(&far, "authentication failed");
	turn_for(0.5);
	ck_assert(nobody_is_up());

	/* A session. */
	hello = hello_of("berlin", CONF_AUTH_SRP);
	log_in(&far, &hello);
	credential_changed("oslo");
	turn_for(0.1);
	ck_assert(hub_has("berlin"));
	credential_changed("berlin");
	FAR_BYE(&far, "credential was changed");
	ck_assert(nobody_is_up());
}
END_TEST

START_TEST(the_file_counts_as_it_is_when_it_ends)
{
	struct message hello = hello_of("berlin", CONF_AUTH_SRP), msg;
	static const char *const files[] = {
		"[site berlin]\nauth = srp\ndisabled = yes\n",
		"[site berlin]\nauth = password\n",
		"[site berlin]\nauth = nonsense\n",
		"[site bern]\nauth = srp\n",
	};

	hub_start(ALL_AUTHS);
	for (size_t i = 0; i < nitems(files); i++) {
		begin();
		put_site("berlin", CONF_AUTH_SRP, "");
		unlink_below(hub.dir, "sites.d/bern.conf");
		end_reload(&hub);
		far_say(&far, &hello);
		FAR_HEARS(&far, MESSAGE_CHALLENGE);
		ck_assert(far_srp_response(&far, "berlin", PASSWORD, &msg));
		unlink_below(hub.dir, "sites.d/berlin.conf");
		put_text(hub.dir, strstr(files[i], "bern]") != NULL ?
			"sites.d/bern.conf" : "sites.d/berlin.conf", "%s",
		    files[i]);
		end_reload(&hub);
		far_say(&far, &msg);
		FAR_REFUSED(&far, "authentication failed");
		ck_assert_msg(nobody_is_up(), "%s", files[i]);
	}
}
END_TEST

START_TEST(a_session_ends_with_its_sites_entry)
{
	struct message hello = hello_of("berlin", CONF_AUTH_SRP);
	static const struct {
		const char *file, *why;
	} cases[] = {
		{ "[site berlin]\nauth = srp\ndisabled = yes\n", "disabled" },
		{ "[site berlin]\nauth = password\n", "method was changed" },
		{ "", "removed" },
	};

	hub_start(ALL_AUTHS);
	for (size_t i = 0; i < nitems(cases); i++) {
		put_site("berlin", CONF_AUTH_SRP, "");
		end_reload(&hub);
		log_in(&far, &hello);
		/* What is the same changes nothing. */
		end_reload(&hub);
		ck_assert(hub_has("berlin"));
		unlink_below(hub.dir, "sites.d/berlin.conf");
		if (cases[i].file[0] != '\0')
			put_text(hub.dir, "sites.d/berlin.conf", "%s",
			    cases[i].file);
		end_reload(&hub);
		FAR_BYE(&far, cases[i].why);
		ck_assert(nobody_is_up());
	}
	/* A fault in its file lets nobody in, and ends nothing. */
	put_site("berlin", CONF_AUTH_SRP, "");
	end_reload(&hub);
	log_in(&far, &hello);
	put_site("berlin", CONF_AUTH_SRP, "no such key\n");
	end_reload(&hub);
	ck_assert(hub_has("berlin"));
	ck_assert_int_eq(far_log_in(&other, fresh_address(), "berlin", PASSWORD,
	    &hello), MESSAGE_REFUSED);
	ck_assert(hub_has("berlin"));
}
END_TEST

START_TEST(without_a_keeper_the_hub_is_busy)
{
	struct message hello = hello_of("berlin", CONF_AUTH_SRP), msg;

	hub_start(ALL_AUTHS);
	begin();
	far_say(&far, &hello);
	FAR_HEARS(&far, MESSAGE_CHALLENGE);
	ck_assert(far_srp_response(&far, "berlin", PASSWORD, &msg));
	far_site(&other, fresh_address());
	ck_assert(far_shake(&other));
	kill_keeper(&hub);
	turn_for(0.1);
	far_say(&far, &msg);
	FAR_REFUSED(&far, "busy");
	far_say(&other, &hello);
	FAR_REFUSED(&other, "busy");
	far_close(&far);
	far_site(&far, fresh_address());
	ck_assert(!far_shake(&far));
	ck_assert(nobody_is_up());
	TURN_UNTIL(counter(&hub, "connections-unauthenticated") == 0);
}
END_TEST

/* ---- the site has a session ---- */

START_TEST(who_proves_it_goes_on_with_the_session)
{
	struct message hello = hello_of("berlin", CONF_AUTH_SRP), welcome;
	uint8_t	       item[128];
	size_t	       len = far_frame(item);

	hub_start(ALL_AUTHS);
	log_in(&far, &hello);
	welcome = far.heard;
	far.heard = (struct message) { 0 };
	hello = hello_again(&welcome, "berlin", CONF_AUTH_SRP);
	hello.session = welcome.session;

	/* The old connection is still there. */
	ck_assert_int_eq(resume(&other, &hello, welcome.secret),
	    MESSAGE_WELCOME);
	ck_assert_uint_eq(other.heard.session, welcome.session);
	ck_assert_uint_eq(counter(&hub, "sessions-taken-over"), 1);
	FAR_BYE(&far, "continues on another connection");
	far_send(&other, MESSAGE_TYPE_FRAMES, item, len);
	ck_assert(gets_frame(&hub));
	/* It is gone, and nobody said so. */
	far_close(&other);
	TURN_UNTIL(is_adrift("berlin"));
	ck_assert(hub_has("berlin"));
	/* By its password as well. */
	hello = hello_of("berlin", CONF_AUTH_SRP);
	hello.session = welcome.session;
	log_in(&other, &hello);
	ck_assert_uint_eq(other.heard.session, welcome.session);
	ck_assert(!is_adrift("berlin"));
	ck_assert_uint_eq(counter(&hub, "sessions-taken-over"), 2);
	/* Its counters go on. */
	ck_assert_str_eq(at_hub("berlin", "rx_frames"), "1");
	message_fini(&welcome);
}
END_TEST

START_TEST(who_does_not_prove_it_changes_nothing)
{
	struct message hello = hello_of("berlin", CONF_AUTH_SRP), welcome;
	uint8_t	       wrong[32] = { 1 };
	uint32_t       session;

	put_site("bern", CONF_AUTH_SRP, "");
	put_credential("bern", CONF_AUTH_SRP, PASSWORD);
	hub_start(ALL_AUTHS);
	log_in(&far, &hello);
	welcome = far.heard;
	far.heard = (struct message) { 0 };
	session = welcome.session;

	hello.session = session;
	ck_assert_int_eq(far_log_in(&other, fresh_address(), "berlin",
	    "open barley", &hello), MESSAGE_REFUSED);
	hello = hello_again(&welcome, "berlin", CONF_AUTH_SRP);
	hello.session = session;
	ck_assert_int_eq(resume(&other, &hello, wrong), MESSAGE_CHALLENGE);
	far_close(&other);
	/* Another site with that number gets one of its own. */
	hello = hello_of("bern", CONF_AUTH_SRP);
	hello.session = session;
	log_in(&other, &hello);
	ck_assert_uint_ne(other.heard.session, session);
	ck_assert(hub_has("berlin") && hub_has("bern"));
	ck_assert_uint_eq(counter(&hub, "sessions-taken-over"), 0);
	ck_assert_str_eq(status(&hub, "sites_connected"), "2");
	/* It still is where it was: a ping comes back. */
	far_say(&far, &(struct message) { .type = MESSAGE_PING, .id = 9 });
	FAR_HEARS(&far, MESSAGE_PONG);
	message_fini(&welcome);
}
END_TEST

START_TEST(another_login_replaces_the_session)
{
	struct message hello = hello_of("berlin", CONF_AUTH_SRP);
	uint32_t       session;

	hub_start(ALL_AUTHS);
	log_in(&far, &hello);
	session = far.heard.session;
	/* It names another one; then that by what was not agreed on. */
	hello.session = session ^ 1;
	log_in(&other, &hello);
	ck_assert_uint_ne(other.heard.session, session);
	ck_assert_uint_ne(other.heard.session, session ^ 1);
	FAR_BYE(&far, "logged in from");
	session = other.heard.session;
	hello.session = session;
	hello.transport = CONF_TRANSPORT_AUTO;
	log_in(&far, &hello);
	ck_assert_uint_ne(far.heard.session, session);
	FAR_BYE(&other, "logged in from");
	ck_assert_uint_eq(counter(&hub, "sessions-taken-over"), 0);
	ck_assert_str_eq(status(&hub, "sites_connected"), "1");
}
END_TEST

START_TEST(one_that_is_adrift_can_be_ended)
{
	struct message hello = hello_of("berlin", CONF_AUTH_SRP);

	hub_start(ALL_AUTHS "keepalive = 1\ndead-peer = 2\n");
	for (unsigned i = 0; i < 3; i++) {
		log_in(&far, &hello);
		far_close(&far);
		TURN_UNTIL(is_adrift("berlin"));
		if (i == 0)
			ck_assert(server_kick(hub.engine->server, "berlin"));
		else if (i == 1)
			credential_changed("berlin");
		/* Or it does not come back. */
		TURN_UNTIL(!hub_has("berlin"));
		ck_assert(nobody_is_up());
	}
	ck_assert(!server_kick(hub.engine->server, "berlin"));
}
END_TEST

LOGIN_MAIN("login_session", setup, teardown, a_login_has_its_time,
    a_silent_site_is_given_up, the_oldest_of_a_crowd_makes_room,
    whom_a_new_connection_pushes_out,
    nobody_is_pushed_out_while_the_keeper_works_for_it,
    an_unknown_client_is_for_a_known_one,
    unknown_clients_leave_some_of_the_keepers_time,
    a_credential_that_changes_ends_logins_by_the_old_one,
    the_file_counts_as_it_is_when_it_ends, a_session_ends_with_its_sites_entry,
    without_a_keeper_the_hub_is_busy, who_proves_it_goes_on_with_the_session,
    who_does_not_prove_it_changes_nothing,
    another_login_replaces_the_session, one_that_is_adrift_can_be_ended)
