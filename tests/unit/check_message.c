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

/* As 0.1.0 says it: a protocol, and no features. */
START_TEST(who_says_nothing_of_features_has_none)
{
	static const char text[] = "{\"type\":\"hello\",\"protocol\":1,"
	    "\"version\":\"0.1.0\",\"mode\":\"tap\",\"site\":\"berlin\","
	    "\"method\":\"srp\",\"workers\":2,\"subnets\":[],\"share\":\""
	    "abababababababababababababababababababababababababababababababab"
	    "\"}";
	struct message msg;
	const char    *why;

	ck_assert_int_eq(message_decode(&msg, text, sizeof(text) - 1, &why), 0);
	ck_assert_uint_eq(msg.protocol, 1);
	ck_assert_uint_eq(msg.protocol_max, 1);
	ck_assert_uint_eq(msg.features, 0);
	ck_assert_uint_eq(msg.psk_generation, 0);
	ck_assert_uint_eq(msg.mtu, 0);
	message_fini(&msg);
}
END_TEST

START_TEST(features_are_words_and_unknown_ones_are_ignored)
{
	static const struct {
		const char *list;
		int	    result;
		unsigned    features;
	} rows[] = {
		{ "[]", 0, 0 },
		{ "[\"tag\",\"teleport\",\"psk\",\"\"]", 0,
		    MESSAGE_CAN_TAG | MESSAGE_CAN_PSK },
		{ "[\"psk\",\"psk\"]", 0, MESSAGE_CAN_PSK },
		{ "[\"Tag\",\"tag \",\"ta\"]", 0, 0 },
		{ "[\"tag\",\"train\",\"announce\",\"mtu\",\"hub\","
		  "\"psk\",\"rate\",\"ecn\",\"drain\",\"keep-local\"]", 0,
		    0x3ff },
		{ "\"tag\"", -EBADMSG, 0 },
		{ "{\"tag\":1}", -EBADMSG, 0 },
		{ "[1]", -EBADMSG, 0 },
		{ "[null]", -EBADMSG, 0 },
		{ "[[\"tag\"]]", -EBADMSG, 0 },
	};

	for (size_t i = 0; i < nitems(rows); i++) {
		char	       text[512];
		struct message msg;
		const char    *why;

		snprintf(text, sizeof(text),
		    "{\"type\":\"hello\",\"protocol\":1,\"protocol-max\":9,"
		    "\"features\":%s,\"version\":\"\",\"mode\":\"tap\","
		    "\"site\":\"a\",\"method\":\"srp\",\"workers\":1,"
		    "\"subnets\":[],\"share\":\"%064d\"}", rows[i].list, 0);
		ck_assert_msg(message_decode(&msg, text, strlen(text), &why) ==
			rows[i].result, "%s", rows[i].list);
		if (rows[i].result != 0)
			continue;
		ck_assert_uint_eq(msg.protocol_max, 9);
		ck_assert_msg(msg.features == rows[i].features, "%s",
		    rows[i].list);
		message_fini(&msg);
	}
}
END_TEST

START_TEST(more_words_than_anybody_has_are_refused)
{
	char	       text[2048] = "{\"type\":\"update\",\"addresses\":[],"
				    "\"routes\":[],\"keep-local\":[\"ra\"";
	struct message msg;
	const char    *why;
	size_t	       len;

	for (unsigned n = 1; n < 64; n++)
		strcat(text, ",\"x\"");
	len = strlen(text);
	strcat(text, "]}");
	ck_assert_int_eq(message_decode(&msg, text, strlen(text), &why), 0);
	ck_assert_uint_eq(msg.keep_local, 4);
	message_fini(&msg);
	strcpy(text + len, ",\"x\"]}");
	ck_assert_int_eq(message_decode(&msg, text, strlen(text), &why),
	    -EBADMSG);
}
END_TEST

START_TEST(a_hub_and_its_wishes_come_back_as_they_were)
{
	struct message in = { .type = MESSAGE_WELCOME, .protocol = 1,
		.session = 1, .lanes = 1, .keepalive_sec = 1,
		.dead_peer_sec = 2, .mtu = 1500, .rekey_sec = CONF_MIN_REKEY,
		.rekey_mib = 1, .features = MESSAGE_CAN_HUB,
		.hub_id = UINT64_C(0xfedcba9876543210), .hub_rank = 65535,
		.generation = 7, .rate_kbit = 4000, .keep_local = 0xf };
	struct message out;

	round_trip(&in, &out);
	ck_assert_uint_eq(out.protocol, 1);
	ck_assert_uint_eq(out.features, MESSAGE_CAN_HUB);
	ck_assert_uint_eq(out.hub_id, in.hub_id);
	ck_assert_uint_eq(out.hub_rank, 65535);
	ck_assert_uint_eq(out.generation, 7);
	ck_assert_uint_eq(out.rate_kbit, 4000);
	ck_assert_uint_eq(out.keep_local, 0xf);
	message_fini(&out);
	in = (struct message) { .type = MESSAGE_DRAIN, .within_sec = 60,
		.server = "hub2.example.org" };
	round_trip(&in, &out);
	ck_assert_uint_eq(out.within_sec, 60);
	ck_assert_str_eq(out.server, "hub2.example.org");
	message_fini(&out);
}
END_TEST

START_TEST(what_a_site_tells_comes_back_as_it_was)
{
	uint64_t       stations[] = { UINT64_C(0x020000000001) << 16,
		      UINT64_C(0x0200000000fe) << 16 | 0x8000 | 4094 };
	struct prefix  network;
	struct message in = { .type = MESSAGE_HELLO, .protocol = 1,
		.workers = 1, .mtu = 9000, .psk_generation = 0xffffffff,
		.psk_id = { 1, 2, 3, 4, 5, 6, 7, 8 } };
	struct message out;

	round_trip(&in, &out);
	ck_assert_uint_eq(out.mtu, 9000);
	ck_assert_uint_eq(out.psk_generation, 0xffffffff);
	ck_assert_mem_eq(out.psk_id, in.psk_id, sizeof(out.psk_id));
	message_fini(&out);
	ck_assert(prefix_parse(&network, "fd00:8::/64"));
	in = (struct message) { .type = MESSAGE_ANNOUNCE,
		.stations = stations, .nstations = 2, .networks = &network,
		.nnetworks = 1 };
	round_trip(&in, &out);
	ck_assert_uint_eq(out.nstations, 2);
	ck_assert_mem_eq(out.stations, stations, sizeof(stations));
	ck_assert_uint_eq(out.nnetworks, 1);
	ck_assert(prefix_is_equal(&out.networks[0], &network));
	message_fini(&out);
}
END_TEST

/* An address of one host, and a VLAN that there can be. */
START_TEST(stations_that_cannot_be_are_refused)
{
	static const struct {
		const char *station;
		int	    result;
	} rows[] = {
		{ "\"0200000000010000\"", 0 },
		{ "\"0200000000018ffe\"", 0 },
		{ "\"0300000000010000\"", -EBADMSG },
		{ "\"ffffffffffff0000\"", -EBADMSG },
		{ "\"0000000000000001\"", -EBADMSG },
		{ "\"0200000000010fff\"", -EBADMSG },
		{ "\"0200000000011000\"", -EBADMSG },
		{ "\"020000000001000\"", -EBADMSG },
		{ "\"02:00:00:00:00:01\"", -EBADMSG },
		{ "1", -EBADMSG },
	};
	char	       text[128];
	struct message msg;
	const char    *why;

	for (size_t i = 0; i < nitems(rows); i++) {
		snprintf(text, sizeof(text),
		    "{\"type\":\"announce\",\"stations\":[%s]}",
		    rows[i].station);
		ck_assert_msg(message_decode(&msg, text, strlen(text), &why) ==
			rows[i].result, "%s", rows[i].station);
		if (rows[i].result == 0)
			message_fini(&msg);
	}
}
END_TEST

/* The longest announcement fits a message; one more is refused. */
START_TEST(announcements_are_bounded)
{
	static uint64_t stations[MESSAGE_MAX_STATIONS + 1];
	struct message in = { .type = MESSAGE_ANNOUNCE, .stations = stations,
		.nstations = MESSAGE_MAX_STATIONS };
	struct message out;
	const char    *why;
	char	      *text;
	size_t	       len;

	for (size_t i = 0; i < nitems(stations); i++)
		stations[i] = UINT64_C(0x02fffffffffe) << 16 | 4094;
	round_trip(&in, &out);
	ck_assert_uint_eq(out.nstations, MESSAGE_MAX_STATIONS);
	message_fini(&out);
	in.nstations++;
	text = message_encode(&in, &len);
	ck_assert_uint_le(len, MESSAGE_MAX / 2);
	ck_assert_int_eq(message_decode(&out, text, len, &why), -EBADMSG);
	secret_free(text, len + 1);
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
    who_says_nothing_of_features_has_none,
    features_are_words_and_unknown_ones_are_ignored,
    more_words_than_anybody_has_are_refused,
    a_hub_and_its_wishes_come_back_as_they_were,
    what_a_site_tells_comes_back_as_it_was,
    stations_that_cannot_be_are_refused, announcements_are_bounded,
    rekey_comes_back_as_it_was, hello_may_name_a_session,
    dns_comes_back_as_it_was_and_may_be_missing,
    dns_that_could_mean_something_else_is_refused,
    what_proves_comes_back_as_it_was,
    what_may_be_missing_must_still_be_right, every_type_comes_back, malformed_messages_are_refused,
    who_does_not_say_a_transport_knows_udp_only,
    numbers_out_of_bounds_are_refused,
    a_message_cut_short_is_refused_at_every_byte)
