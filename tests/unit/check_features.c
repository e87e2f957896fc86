/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What two ends agree on: a protocol, features, a pre-shared key; and that an end
 * that says nothing of these, as 0.1.0 does, is served without.
 */
#include "control/incoming.h"
#include "far_site.h"
#include "keeper/psk.h"

#define RING "00" RING_TAIL
#define RING_TAIL                                                              \
	"112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

/* The hub's key of berlin, and the site's, each of a generation (0: none). */
static void
put_psks(const char *ring, uint32_t at_the_hub, uint32_t at_the_site)
{
	uint8_t	   bytes[PSK_LEN];
	struct psk psk;
	char	   line[PSK_LINE_SIZE];

	put_line("keeper/psk.key", ring);
	if (at_the_hub != 0)
		put_text(hub.dir, "keeper/sites/berlin.psk", "%08x\n",
		    at_the_hub);
	if (at_the_site == 0)
		return;
	ck_assert(psk_parse_ring(bytes, RING));
	psk_derive(&psk, bytes, "berlin", at_the_site);
	psk_print(line, &psk);
	put_text(site.dir, "keeper/psk", "%s\n", line);
}

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

/* By lanes: where the two derive other keys none comes up. */
static void
come_up(void)
{
	hub_start(ALL_AUTHS);
	site_start(&site, "berlin", CONF_AUTH_SRP);
	TURN_UNTIL(is_up(&site) && hub_has("berlin"));
	TURN_UNTIL(strcmp(at_hub("berlin", "transport"), "udp") == 0 &&
	    strcmp(at_site(&site, "transport"), "udp") == 0);
	ck_assert(crosses(&site, &hub) && crosses(&hub, &site));
}

START_TEST(lanes_have_the_pre_shared_key_of_both_ends)
{
	put_psks(RING, 7, 7);
	come_up();
	ck_assert_str_eq(at_hub("berlin", "psk"), "true");
	ck_assert_str_eq(at_site(&site, "psk"), "true");
	/* New keys have it, too. */
	rekey_want(&site.engine->client->session->rekey);
	TURN_UNTIL(strcmp(at_hub("berlin", "renewals"), "1") == 0 &&
	    strcmp(at_site(&site, "renewals"), "1") == 0);
	ck_assert(crosses(&site, &hub) && crosses(&hub, &site));
	/* And those after it has come back by another connection. */
	end_cut(&site);
	TURN_UNTIL(counter(&hub, "sessions-taken-over") == 1 && is_up(&site));
	rekey_want(&site.engine->client->session->rekey);
	TURN_UNTIL(strcmp(at_hub("berlin", "renewals"), "2") == 0 &&
	    strcmp(at_site(&site, "renewals"), "2") == 0);
	ck_assert(crosses(&site, &hub) && crosses(&hub, &site));
	ck_assert_str_eq(at_hub("berlin", "psk"), "true");
	/* It is mixed in: with another one there are no lanes. */
	sites_find(&hub.engine->server->sites, "berlin")
	    ->session->rekey.psk[0] ^= 1;
	rekey_want(&site.engine->client->session->rekey);
	turn_for(4);
	ck_assert_str_eq(at_hub("berlin", "renewals"), "2");
}
END_TEST

static void
go_without(const char *ring, uint32_t at_the_hub, uint32_t at_the_site)
{
	put_psks(ring, at_the_hub, at_the_site);
	come_up();
	ck_assert_str_eq(at_hub("berlin", "psk"), "false");
	ck_assert_str_eq(at_site(&site, "psk"), "false");
}

START_TEST(an_earlier_invitation_s_key_is_not_used)
{
	go_without(RING, 8, 7);
}
END_TEST

START_TEST(another_ring_s_key_is_not_used)
{
	go_without("ff" RING_TAIL, 7, 7);
}
END_TEST

START_TEST(a_key_that_the_hub_does_not_have_is_not_used)
{
	go_without(RING, 0, 7);
}
END_TEST

START_TEST(a_site_of_an_old_invitation_goes_without)
{
	go_without(RING, 7, 0);
}
END_TEST

START_TEST(a_broken_ring_keeps_nobody_out)
{
	go_without("no key", 7, 7);
}
END_TEST

/* What is there and cannot be read is not taken for none. */
START_TEST(a_site_does_not_go_without_a_key_that_it_cannot_read)
{
	put_psks(RING, 7, 7);
	put_text(site.dir, "keeper/psk", "00000007 abc\n");
	hub_start(ALL_AUTHS);
	site_start(&site, "berlin", CONF_AUTH_SRP);
	TURN_UNTIL(says(status(&site, "last_error"), "pre-shared key"));
	ck_assert(!hub_has("berlin"));
}
END_TEST

/* Its certificate is right; then the keeper looks for its key, for long. */
START_TEST(who_is_disabled_while_the_key_is_looked_for_is_refused)
{
	struct message hello = hello_of("wien", CONF_AUTH_CERTIFICATE);
	struct ca_pem  cert;

	hello.features = MESSAGE_CAN_PSK;
	hello.psk_generation = 7;
	put_certificate(&site, "wien", &cert);
	ca_pem_fini(&cert);
	hub_start(ALL_AUTHS);
	for (unsigned disabled = 0; disabled < 2; disabled++) {
		const struct applicant *one;

		far_close(&far);
		far_site(&far, fresh_address());
		far_shows(&far, &site);
		ck_assert(far_shake(&far));
		hold_keeper(&hub);
		far_say(&far, &hello);
		TURN_UNTIL((one = LIST_FIRST(
		    &hub.engine->server->admission.applicants)) != NULL &&
		    one->state == APPLICANT_DONE);
		ck_assert_int_eq(one->incoming->auth.answer.verdict,
		    KEEPER_YES);
		if (disabled)
			put_site("wien", CONF_AUTH_CERTIFICATE,
			    "disabled = yes\n");
		end_reload(&hub);
		let_keeper_go(&hub);
		if (!disabled)
			FAR_HEARS(&far, MESSAGE_WELCOME);
	}
	FAR_REFUSED(&far, "authentication failed");
	ck_assert(says(at_hub("wien", "last_error"), "disabled"));
	ck_assert(nobody_is_up());
}
END_TEST

/* ---- a scripted site ---- */

static struct message
hello_of_berlin(unsigned features)
{
	struct message hello = hello_of("berlin", CONF_AUTH_SRP);

	hello.features = features;
	return hello;
}

START_TEST(a_site_without_any_feature_is_served)
{
	struct message hello = hello_of_berlin(0);

	hub_start(ALL_AUTHS);
	log_in(&far, &hello);
	ck_assert_uint_eq(far.heard.features, 0);
	ck_assert_uint_eq(far.heard.protocol, 1);
	ck_assert_uint_eq(far.heard.hub_id, 0);
	TURN_UNTIL(hub_has("berlin"));
	ck_assert_str_eq(at_hub("berlin", "psk"), "false");
	ck_assert_str_eq(at_hub("berlin", "version"), "test");
	ck_assert_str_eq(at_hub("berlin", "mtu"), "");
}
END_TEST

START_TEST(a_hub_takes_of_the_features_those_that_it_has)
{
	struct message hello = hello_of_berlin(~0u);

	hub_start(ALL_AUTHS);
	hello.mtu = 9000;
	log_in(&far, &hello);
	/* No key was named, so there is none. */
	ck_assert_uint_eq(far.heard.features,
	    MESSAGE_CAN_TAG | MESSAGE_CAN_MTU);
	ck_assert_str_eq(at_hub("berlin", "mtu"), "9000");
}
END_TEST

START_TEST(a_name_cannot_write_to_the_terminal)
{
	struct message hello = hello_of_berlin(0);

	hub_start(ALL_AUTHS);
	strcpy(hello.version, "1.0 \xc2\x9b" "31m");
	log_in(&far, &hello);
	ck_assert_str_eq(at_hub("berlin", "version"), "1.0 \\xc2\\x9b31m");
}
END_TEST

START_TEST(of_a_range_the_hub_takes_what_it_speaks)
{
	struct message hello = hello_of_berlin(0);

	hub_start(ALL_AUTHS);
	hello.protocol_max = 9;
	log_in(&far, &hello);
	ck_assert_uint_eq(far.heard.protocol, MESSAGE_PROTOCOL_MAX);
	begin();
	hello.protocol = MESSAGE_PROTOCOL_MAX + 1;
	far_say(&far, &hello);
	FAR_REFUSED(&far, "speaks protocol 1 to 1, the site 2 to 9");
}
END_TEST

/* What was not agreed is out of turn; see also check_login_hub. */
START_TEST(a_feature_s_messages_need_the_feature)
{
	struct message hello = hello_of_berlin(MESSAGE_CAN_MTU);
	struct message msg = { .type = MESSAGE_MTU, .mtu = 1400 };

	hub_start(ALL_AUTHS);
	log_in(&far, &hello);
	far_say(&far, &msg);
	TURN_UNTIL(strcmp(at_hub("berlin", "mtu"), "1400") == 0);
	msg.type = MESSAGE_ANNOUNCE;
	far_say(&far, &msg);
	FAR_BYE(&far, "a announce out of turn");
	hello.features = 0;
	log_in(&far, &hello);
	msg.type = MESSAGE_MTU;
	far_say(&far, &msg);
	FAR_BYE(&far, "a mtu out of turn");
}
END_TEST

/* The lanes of a session have what it began with. */
START_TEST(with_other_features_it_is_another_session)
{
	struct message hello = hello_of_berlin(MESSAGE_CAN_TAG);
	unsigned       session;

	hub_start(ALL_AUTHS);
	log_in(&far, &hello);
	session = hello.session = far.heard.session;
	log_in(&other, &hello);
	ck_assert_uint_eq(other.heard.session, session);
	hello.features = 0;
	log_in(&far, &hello);
	ck_assert_uint_ne(far.heard.session, session);
}
END_TEST

/* A FRAME with its VLAN tag outside, and one with an item of the future. */
static size_t
put_tagged(uint8_t *dst)
{
	size_t n = item_put_tagged(dst, &(struct frame) { .len = 60 },
	    0x8100000a);

	memset(dst + n, 0, 60);
	memcpy(dst + n, "\x02\0\0\0\0\x01\x02\0\0\0\0\x02\x88\xb5", 14);
	return n + 60;
}

static void
expect_frame(const void *head, size_t head_len, ssize_t len)
{
	uint8_t buf[2048];
	ssize_t n = -1;

	TURN_UNTIL((n = recv(hub.frames, buf, sizeof(buf), 0)) > 0);
	ck_assert_int_eq(n, len);
	ck_assert_mem_eq(buf, head, head_len);
}

START_TEST(a_tagged_frame_comes_out_with_its_tag_inside)
{
	struct message hello = hello_of_berlin(MESSAGE_CAN_TAG);
	uint8_t	       items[256] = { 0x80, 0, 1, 7 };
	size_t	       n = 4;

	hub_start(ALL_AUTHS);
	log_in(&far, &hello);
	n += put_tagged(items + n);
	n += far_frame(items + n);
	far_send(&far, MESSAGE_TYPE_FRAMES, items, n);
	expect_frame("\x02\0\0\0\0\x01\x02\0\0\0\0\x02\x81\0\0\x0a\x88\xb5",
	    18, 64);
	expect_frame("\x02\0\0\0\0\x01\x02\0\0\0\0\x02\x88\xb5", 14, 60);
}
END_TEST

START_TEST(without_the_feature_it_is_dropped_alone)
{
	struct message hello = hello_of_berlin(0);
	uint8_t	       items[256];
	size_t	       n;

	hub_start(ALL_AUTHS);
	log_in(&far, &hello);
	n = put_tagged(items);
	n += far_frame(items + n);
	far_send(&far, MESSAGE_TYPE_FRAMES, items, n);
	expect_frame("\x02\0\0\0\0\x01\x02\0\0\0\0\x02\x88\xb5", 14, 60);
}
END_TEST

LOGIN_MAIN("features", setup, teardown,
    lanes_have_the_pre_shared_key_of_both_ends,
    an_earlier_invitation_s_key_is_not_used, another_ring_s_key_is_not_used,
    a_key_that_the_hub_does_not_have_is_not_used,
    a_site_of_an_old_invitation_goes_without, a_broken_ring_keeps_nobody_out,
    a_site_does_not_go_without_a_key_that_it_cannot_read,
    who_is_disabled_while_the_key_is_looked_for_is_refused,
    a_site_without_any_feature_is_served,
    a_hub_takes_of_the_features_those_that_it_has,
    a_name_cannot_write_to_the_terminal,
    of_a_range_the_hub_takes_what_it_speaks,
    a_feature_s_messages_need_the_feature,
    with_other_features_it_is_another_session,
    a_tagged_frame_comes_out_with_its_tag_inside,
    without_the_feature_it_is_dropped_alone)
