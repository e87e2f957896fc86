/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/secret.h"
#include "control/conn/message.h"
#include "unit.h"

/* Encodes and decodes; the caller finishes `out`. */
static void
round_trip(const struct message *in, struct message *out)
{
	const char *why;
	size_t	    len;
	char	   *text = message_encode(in, &len);

	ck_assert_ptr_nonnull(text);
	ck_assert_msg(message_decode(out, text, len, &why) == 0, "%s: %s", why,
	    text);
	secret_free(text, len + 1);
}

START_TEST(hello_comes_back_as_it_was)
{
	struct prefix  subnet;
	struct message in = { .type = MESSAGE_HELLO, .protocol = 1,
		.version = "0.1.0", .mode = CONF_TUN, .site = "berlin",
		.method = "password", .workers = 3,
		.transport = CONF_TRANSPORT_TCP, .has_credential = true,
		.credential = "s\xff\0x", .credential_len = 4,
		.subnets = &subnet, .nsubnets = 1 };
	struct message out;

	ck_assert(prefix_parse(&subnet, "10.0.7.0/24"));
	memset(in.share, 0xab, sizeof(in.share));
	round_trip(&in, &out);
	ck_assert_uint_eq(out.protocol, 1);
	ck_assert_str_eq(out.site, "berlin");
	ck_assert_str_eq(out.method, "password");
	ck_assert_int_eq(out.mode, CONF_TUN);
	ck_assert_uint_eq(out.workers, 3);
	ck_assert_int_eq(out.transport, CONF_TRANSPORT_TCP);
	ck_assert_mem_eq(out.share, in.share, sizeof(in.share));
	ck_assert_uint_eq(out.credential_len, 4);
	ck_assert_mem_eq(out.credential, in.credential, 4);
	ck_assert_uint_eq(out.nsubnets, 1);
	ck_assert(prefix_is_equal(&out.subnets[0], &subnet));
	message_fini(&out);
}
END_TEST

START_TEST(welcome_comes_back_as_it_was)
{
	struct prefix  routes[2], address;
	struct message in = { .type = MESSAGE_WELCOME, .session = 0xabcdef,
		.lanes = 16, .keepalive_sec = 10, .dead_peer_sec = 30,
		.rekey_sec = 3600, .rekey_mib = 65536, .mtu = 1500, .addresses = &address, .naddresses = 1,
		.routes = routes, .nroutes = 2 };
	struct message out;

	ck_assert(prefix_parse(&address, "10.4.2.2/24"));
	ck_assert(prefix_parse(&routes[0], "192.168.60.0/24"));
	ck_assert(prefix_parse(&routes[1], "fd00:8::/64"));
	round_trip(&in, &out);
	ck_assert_uint_eq(out.session, 0xabcdef);
	ck_assert_uint_eq(out.lanes, 16);
	ck_assert_uint_eq(out.nroutes, 2);
	ck_assert(prefix_is_equal(&out.routes[1], &routes[1]));
	ck_assert(prefix_is_equal(&out.addresses[0], &address));
	message_fini(&out);
}
END_TEST

START_TEST(times_of_an_update_may_be_left_out)
{
	struct message in = { .type = MESSAGE_UPDATE, .keepalive_sec = 5,
		.dead_peer_sec = 20 };
	struct message out;

	round_trip(&in, &out);
	ck_assert_uint_eq(out.keepalive_sec, 5);
	ck_assert_uint_eq(out.dead_peer_sec, 20);
	message_fini(&out);

	in.keepalive_sec = in.dead_peer_sec = 0;
	round_trip(&in, &out);
	ck_assert_uint_eq(out.keepalive_sec, 0);
	ck_assert_uint_eq(out.dead_peer_sec, 0);
	message_fini(&out);
}
END_TEST

START_TEST(rekey_comes_back_as_it_was)
{
	struct message in = { .type = MESSAGE_REKEY, .phase = 3 };
	struct message out;

	memset(in.share, 0xcd, sizeof(in.share));
	round_trip(&in, &out);
	ck_assert_uint_eq(out.phase, 3);
	ck_assert_mem_eq(out.share, in.share, sizeof(in.share));
	ck_assert(!out.has_answers);
	message_fini(&out);

	in.has_answers = true;
	memset(in.answers, 0xef, sizeof(in.answers));
	round_trip(&in, &out);
	ck_assert(out.has_answers);
	ck_assert_mem_eq(out.answers, in.answers, sizeof(in.answers));
	message_fini(&out);
}
END_TEST

START_TEST(dns_comes_back_as_it_was_and_may_be_missing)
{
	struct prefix  servers[CONF_MAX_DNS];
	char	       domain[CONF_DOMAIN_MAX + 1];
	char	      *domains[CONF_MAX_DOMAINS];
	struct message in = { .type = MESSAGE_UPDATE, .dns = servers,
		.ndns = CONF_MAX_DNS, .domains = domains,
		.ndomains = CONF_MAX_DOMAINS };
	struct message out;

	for (size_t i = 0; i < CONF_MAX_DNS; i++)
		ck_assert(prefix_parse(&servers[i],
		    i % 2 == 0 ? "192.0.2.53" : "2001:db8::53"));
	memset(domain, 'a', sizeof(domain) - 1);
	for (size_t i = 63; i < sizeof(domain); i += 64)
		domain[i] = '.';
	domain[CONF_DOMAIN_MAX] = '\0';
	for (size_t i = 0; i < CONF_MAX_DOMAINS; i++)
		domains[i] = domain;
	round_trip(&in, &out);
	ck_assert_uint_eq(out.ndns, CONF_MAX_DNS);
	ck_assert(prefix_is_equal(&out.dns[1], &servers[1]));
	ck_assert_uint_eq(out.ndomains, CONF_MAX_DOMAINS);
	ck_assert_str_eq(out.domains[CONF_MAX_DOMAINS - 1], domain);
	message_fini(&out);

	in.ndns = in.ndomains = 0;
	round_trip(&in, &out);
	ck_assert_uint_eq(out.ndns, 0);
	ck_assert_uint_eq(out.ndomains, 0);
	message_fini(&out);
}
END_TEST

/* The session that a site goes on with: named, or not there. */
START_TEST(hello_may_name_a_session)
{
	struct message in = { .type = MESSAGE_HELLO, .protocol = 1,
		.workers = 1 };
	struct message out;

	round_trip(&in, &out);
	ck_assert_uint_eq(out.session, 0);
	message_fini(&out);
	in.session = 0xffffff;
	round_trip(&in, &out);
	ck_assert_uint_eq(out.session, 0xffffff);
	message_fini(&out);
}
END_TEST

START_TEST(dns_that_could_mean_something_else_is_refused)
{
#define UPDATE "{\"type\":\"update\",\"addresses\":[],\"routes\":[],"
#define NINE   "\"192.0.2.1\",\"192.0.2.1\",\"192.0.2.1\","
	static const char *const texts[] = {
		UPDATE "\"dns\":\"192.0.2.53\"}",
		UPDATE "\"dns\":[7]}",
		UPDATE "\"dns\":[\"192.0.2.0/24\"]}",
		UPDATE "\"dns\":[\"dns.example.org\"]}",
		UPDATE "\"dns\":[\"fe80::1%eth0\"]}",
		UPDATE "\"dns\":[\"192.0.2.53\\n\"]}",
		UPDATE "\"dns\":[" NINE NINE NINE "\"192.0.2.1\"]}",
		UPDATE "\"domains\":\"example.org\"}",
		UPDATE "\"domains\":[\"\"]}",
		UPDATE "\"domains\":[\".\"]}",
		UPDATE "\"domains\":[\"~.\"]}",
		UPDATE "\"domains\":[\"example.org.\"]}",
		UPDATE "\"domains\":[\"ok\",\"a b\"]}",
		UPDATE "\"domains\":[\"ok\",\"a\\nnameserver 192.0.2.1\"]}",
		UPDATE "\"domains\":[\"ok\",\"a\\u0000b\"]}",
		UPDATE "\"domains\":[\"$(reboot)\"]}",
		UPDATE "\"domains\":[\"-x\"]}",
		UPDATE "\"domains\":[\"a.-x\"]}",
		UPDATE "\"domains\":[\"a'b\"]}",
	};
	struct message msg;
	const char    *why;

	for (size_t i = 0; i < nitems(texts); i++)
		ck_assert_msg(message_decode(&msg, texts[i], strlen(texts[i]),
				  &why) == -EBADMSG,
		    "%s", texts[i]);
}
END_TEST

START_TEST(what_proves_comes_back_as_it_was)
{
	struct message hello = { .type = MESSAGE_HELLO, .protocol = 1,
		.workers = 1, .token_len = MESSAGE_MAX_TOKEN };
	struct message challenge = { .type = MESSAGE_CHALLENGE, .group = 3072,
		.setting = "$y$j9T$salt", .has_credential = true,
		.credential_len = MESSAGE_MAX_CREDENTIAL };
	struct message welcome = { .type = MESSAGE_WELCOME, .session = 1,
		.lanes = 1, .keepalive_sec = 1, .dead_peer_sec = 2, .mtu = 1500,
		.rekey_sec = CONF_MIN_REKEY, .rekey_mib = 1,
		.has_proof = true, .token_len = 3 };
	struct message out;

	memset(hello.token, 0x5a, sizeof(hello.token));
	round_trip(&hello, &out);
	ck_assert(!out.has_credential);
	ck_assert_uint_eq(out.token_len, MESSAGE_MAX_TOKEN);
	ck_assert_mem_eq(out.token, hello.token, sizeof(hello.token));
	message_fini(&out);

	memset(challenge.credential, 0xc3, MESSAGE_MAX_CREDENTIAL);
	round_trip(&challenge, &out);
	ck_assert_uint_eq(out.group, 3072);
	ck_assert_str_eq(out.setting, "$y$j9T$salt");
	ck_assert_uint_eq(out.credential_len, MESSAGE_MAX_CREDENTIAL);
	ck_assert_mem_eq(out.credential, challenge.credential,
	    MESSAGE_MAX_CREDENTIAL);
	message_fini(&out);

	memset(welcome.proof, 0x11, sizeof(welcome.proof));
	memset(welcome.secret, 0x22, sizeof(welcome.secret));
	memcpy(welcome.token, "tok", 3);
	round_trip(&welcome, &out);
	ck_assert(out.has_proof);
	ck_assert_mem_eq(out.proof, welcome.proof, sizeof(welcome.proof));
	ck_assert_uint_eq(out.token_len, 3);
	ck_assert_mem_eq(out.secret, welcome.secret, sizeof(welcome.secret));
	message_fini(&out);
}
END_TEST

/* Optional means: right, or not there at all. */
START_TEST(what_may_be_missing_must_still_be_right)
{
	static const char *const bad[] = {
		"{\"type\":\"response\",\"proof\":\"\"}",
		"{\"type\":\"response\",\"proof\":\"00\"}",
		"{\"type\":\"response\",\"proof\":7}",
		"{\"type\":\"response\",\"credential\":null}",
		"{\"type\":\"response\",\"credential\":\"0\"}",
		"{\"type\":\"challenge\",\"text\":\"\",\"echo\":false,"
		"\"group\":8193}",
		"{\"type\":\"challenge\",\"text\":\"\",\"echo\":false,"
		"\"group\":-1}",
		"{\"type\":\"challenge\",\"text\":\"\",\"echo\":false,"
		"\"setting\":1}",
	};
	struct message out;
	const char    *why;

	for (size_t i = 0; i < nitems(bad); i++)
		ck_assert_msg(message_decode(&out, bad[i], strlen(bad[i]),
				  &why) == -EBADMSG,
		    "%s", bad[i]);
	ck_assert_int_eq(message_decode(&out, "{\"type\":\"response\"}", 19,
			     &why),
	    0);
	ck_assert(!out.has_proof && !out.has_credential);
	message_fini(&out);
}
END_TEST

START_TEST(every_type_comes_back)
{
	for (unsigned i = 0; i < MESSAGE_TYPES; i++) {
		struct message in = { .type = (enum message_type)i,
			.protocol = 1, .workers = 1, .session = 1, .lanes = 1,
			.keepalive_sec = 1, .dead_peer_sec = 2, .mtu = 1500,
		.rekey_sec = CONF_MIN_REKEY, .rekey_mib = 1,
			.id = UINT64_C(0x0123456789abcdef), .text = "why" };
		struct message out;

		round_trip(&in, &out);
		ck_assert_int_eq(out.type, in.type);
		if (in.type == MESSAGE_PING)
			ck_assert_uint_eq(out.id, in.id);
		message_fini(&out);
	}
}
END_TEST

static const struct {
	const char *what;
	const char *text;
	int	    result;
} bad[] = {
	{ "nothing", "", -EBADMSG },
	{ "not JSON", "GET / HTTP/1.1", -EBADMSG },
	{ "an array", "[1]", -EBADMSG },
	{ "no type", "{\"id\":\"0000000000000000\"}", -EBADMSG },
	{ "a type that is a number", "{\"type\":1}", -EBADMSG },
	{ "a type of the future", "{\"type\":\"teleport\"}", -ENOENT },
	{ "a member twice", "{\"type\":\"bye\",\"type\":\"bye\",\"text\":\"\"}",
	    -EBADMSG },
	{ "a ping without an id", "{\"type\":\"ping\"}", -EBADMSG },
	{ "an id that is too short", "{\"type\":\"ping\",\"id\":\"00\"}",
	    -EBADMSG },
	{ "an id in capitals",
	    "{\"type\":\"ping\",\"id\":\"00000000000000AA\"}", -EBADMSG },
	{ "a text with a line break", "{\"type\":\"bye\",\"text\":\"a\\nb\"}",
	    -EBADMSG },
	{ "a text with a NUL", "{\"type\":\"bye\",\"text\":\"a\\u0000b\"}",
	    -EBADMSG },
	{ "something behind the object", "{\"type\":\"bye\",\"text\":\"\"} x",
	    -EBADMSG },
	{ "a route that is none",
	    "{\"type\":\"update\",\"addresses\":[],\"routes\":[\"10/8\"]}",
	    -EBADMSG },
	{ "a route with a length out of bounds",
	    "{\"type\":\"update\",\"addresses\":[],\"routes\":[\"10.0.0.0/33\"]}",
	    -EBADMSG },
	{ "routes that are no list",
	    "{\"type\":\"update\",\"addresses\":[],\"routes\":\"10.0.0.0/8\"}",
	    -EBADMSG },
};

START_TEST(malformed_messages_are_refused)
{
	for (size_t i = 0; i < nitems(bad); i++) {
		struct message msg;
		const char    *why;

		ck_assert_msg(message_decode(&msg, bad[i].text,
				  strlen(bad[i].text), &why) == bad[i].result,
		    "%s", bad[i].what);
	}
}
END_TEST

START_TEST(who_does_not_say_a_transport_knows_udp_only)
{
	static const struct {
		const char	   *member;
		int		    result;
		enum conf_transport transport;
	} rows[] = {
		{ "", 0, CONF_TRANSPORT_UDP },
		{ "\"transport\":\"udp\",", 0, CONF_TRANSPORT_UDP },
		{ "\"transport\":\"auto\",", 0, CONF_TRANSPORT_AUTO },
		{ "\"transport\":\"sctp\",", -EBADMSG, 0 },
		{ "\"transport\":1,", -EBADMSG, 0 },
	};

	for (size_t i = 0; i < nitems(rows); i++) {
		char	       text[512];
		struct message msg;
		const char    *why;

		snprintf(text, sizeof(text),
		    "{\"type\":\"welcome\",\"session\":1,\"lanes\":1,%s"
		    "\"keepalive\":10,\"dead-peer\":30,\"mtu\":1500,"
		    "\"rekey-time\":3600,\"rekey-volume\":1,"
		    "\"addresses\":[],\"routes\":[],\"share\":\"%064d\"}",
		    rows[i].member, 0);
		ck_assert_int_eq(message_decode(&msg, text, strlen(text), &why),
		    rows[i].result);
		if (rows[i].result != 0)
			continue;
		ck_assert_int_eq(msg.transport, rows[i].transport);
		message_fini(&msg);
	}
}
END_TEST

START_TEST(numbers_out_of_bounds_are_refused)
{
	static const char *const lanes[] = { "17", "-1", "1e9", "\"2\"",
		"9223372036854775807", "null" };
	char		   text[512];
	struct message	   msg;
	const char	  *why;

	for (size_t i = 0; i < nitems(lanes); i++) {
		snprintf(text, sizeof(text),
		    "{\"type\":\"welcome\",\"session\":1,\"lanes\":%s,"
		    "\"keepalive\":10,\"dead-peer\":30,\"mtu\":1500,"
		    "\"rekey-time\":3600,\"rekey-volume\":1,"
		    "\"addresses\":[],\"routes\":[],\"share\":\"%064d\"}",
		    lanes[i], 0);
		ck_assert_int_eq(message_decode(&msg, text, strlen(text), &why),
		    -EBADMSG);
		ck_assert_str_eq(why, "lanes");
	}
}
END_TEST

START_TEST(a_message_cut_short_is_refused_at_every_byte)
{
	struct message in = { .type = MESSAGE_HELLO, .protocol = 1,
		.workers = 1, .site = "a", .method = "password" };
	struct message out;
	const char    *why;
	size_t	       len;
	char	      *text = message_encode(&in, &len);

	for (size_t i = 0; i < len; i++)
		ck_assert_int_eq(message_decode(&out, text, i, &why), -EBADMSG);
	secret_free(text, len + 1);
}
END_TEST

UNIT_MAIN("message", hello_comes_back_as_it_was, welcome_comes_back_as_it_was,
    times_of_an_update_may_be_left_out,
    rekey_comes_back_as_it_was, hello_may_name_a_session,
    dns_comes_back_as_it_was_and_may_be_missing,
    dns_that_could_mean_something_else_is_refused,
    what_proves_comes_back_as_it_was,
    what_may_be_missing_must_still_be_right, every_type_comes_back, malformed_messages_are_refused,
    who_does_not_say_a_transport_knows_udp_only,
    numbers_out_of_bounds_are_refused,
    a_message_cut_short_is_refused_at_every_byte)
