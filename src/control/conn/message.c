/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "control/conn/message.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/json_safe.h"
#include "base/members.h"
#include "base/nitems.h"
#include "base/secret.h"
#include "base/wire.h"
#include "conf/conf_words.h"

static const char *const feature_names[] = { "tag", "train", "announce", "mtu",
	"hub", "psk", "rate", "ecn", "drain", "keep-local" };
static const char *const local_names[] = { "dhcp", "dhcp6", "ra",
	"mcast-query" };
static const struct words features = { feature_names, nitems(feature_names) };
static const struct words local_words = { local_names, nitems(local_names) };

static bool is_printable(const void *text);
static bool is_domain(const void *text);
static bool is_station(const void *station);

#define IN(type)	       (1u << MESSAGE_##type)
#define AT(m)		       MEMBER_AT(struct message, m)
#define MANY(m, number, most)  MEMBER_LIST(struct message, m, number, most)
#define IF(m)		       MEMBER_IF(struct message, m)
#define BOUNDS(lo, hi)	       .min = (lo), .max = (hi)

/* clang-format off */
static const struct member members[] = {
	{ "protocol", MEMBER_NUMBER, IN(HELLO), AT(protocol), BOUNDS(1, 65535) },
	{ "protocol", MEMBER_NUMBER, IN(WELCOME), AT(protocol), BOUNDS(1, 65535), IF(protocol) },
	{ "protocol-max", MEMBER_NUMBER, IN(HELLO), AT(protocol_max), BOUNDS(1, 65535), IF(protocol_max) },
	{ "features", MEMBER_WORDS, IN(HELLO) | IN(WELCOME), AT(features), IF(features), .words = &features },
	{ "version", MEMBER_TEXT, IN(HELLO), AT(version), .is_good = is_printable },
	{ "mode", MEMBER_WORD, IN(HELLO), AT(mode), .words = &conf_words_mode },
	{ "site", MEMBER_TEXT, IN(HELLO), AT(site), .is_good = is_printable },
	{ "method", MEMBER_TEXT, IN(HELLO), AT(method), .is_good = is_printable },
	{ "workers", MEMBER_NUMBER, IN(HELLO), AT(workers), BOUNDS(1, 16) },
	{ "transport", MEMBER_WORD, IN(HELLO) | IN(WELCOME), AT(transport), .optional = true, .words = &conf_words_transport },
	{ "share", MEMBER_BYTES, IN(HELLO) | IN(WELCOME) | IN(REKEY), AT(share) },
	{ "answers", MEMBER_BYTES, IN(REKEY), AT(answers), IF(has_answers) },
	{ "psk", MEMBER_BYTES, IN(HELLO), AT(psk_id), IF(psk_generation) },
	{ "psk-generation", MEMBER_NUMBER, IN(HELLO), AT(psk_generation), BOUNDS(1, UINT32_MAX), IF(psk_generation) },
	{ "subnets", MEMBER_PREFIXES, IN(HELLO), MANY(subnets, nsubnets, MESSAGE_MAX_SUBNETS) },
	{ "token", MEMBER_BLOB, IN(HELLO) | IN(WELCOME), MANY(token, token_len, MESSAGE_MAX_TOKEN), .min = 1, IF(token_len) },
	{ "secret", MEMBER_BYTES, IN(WELCOME), AT(secret), IF(token_len) },
	{ "credential", MEMBER_BLOB, IN(HELLO) | IN(CHALLENGE) | IN(RESPONSE), MANY(credential, credential_len, MESSAGE_MAX_CREDENTIAL), IF(has_credential) },
	{ "proof", MEMBER_BYTES, IN(RESPONSE) | IN(WELCOME), AT(proof), IF(has_proof) },
	{ "group", MEMBER_NUMBER, IN(CHALLENGE), AT(group), BOUNDS(1024, 8192), IF(group) },
	{ "setting", MEMBER_TEXT, IN(CHALLENGE), AT(setting), IF(group), .is_good = is_printable },
	{ "text", MEMBER_TEXT, IN(CHALLENGE) | IN(REFUSED) | IN(BYE), AT(text), .is_good = is_printable },
	{ "echo", MEMBER_BOOL, IN(CHALLENGE), AT(echo) },
	{ "retry-after", MEMBER_NUMBER, IN(REFUSED), AT(retry_after_sec), BOUNDS(0, 86400) },
	{ "session", MEMBER_NUMBER, IN(WELCOME), AT(session), BOUNDS(1, 0xffffff) },
	{ "session", MEMBER_NUMBER, IN(HELLO), AT(session), BOUNDS(1, 0xffffff), IF(session) },
	{ "lanes", MEMBER_NUMBER, IN(WELCOME), AT(lanes), BOUNDS(0, 16) },
	{ "keepalive", MEMBER_NUMBER, IN(WELCOME), AT(keepalive_sec), BOUNDS(1, CONF_MAX_KEEPALIVE) },
	{ "dead-peer", MEMBER_NUMBER, IN(WELCOME), AT(dead_peer_sec), BOUNDS(2, CONF_MAX_DEAD_PEER) },
	{ "keepalive", MEMBER_NUMBER, IN(UPDATE), AT(keepalive_sec), BOUNDS(1, CONF_MAX_KEEPALIVE), IF(keepalive_sec) },
	{ "dead-peer", MEMBER_NUMBER, IN(UPDATE), AT(dead_peer_sec), BOUNDS(2, CONF_MAX_DEAD_PEER), IF(dead_peer_sec) },
	{ "mtu", MEMBER_NUMBER, IN(WELCOME) | IN(MTU), AT(mtu), BOUNDS(68, 65535) },
	{ "mtu", MEMBER_NUMBER, IN(HELLO), AT(mtu), BOUNDS(68, 65535), IF(mtu) },
	{ "rekey-time", MEMBER_NUMBER, IN(WELCOME), AT(rekey_sec), BOUNDS(CONF_MIN_REKEY, CONF_MAX_REKEY) },
	{ "rekey-volume", MEMBER_NUMBER, IN(WELCOME), AT(rekey_mib), BOUNDS(1, CONF_MAX_REKEY_MIB) },
	{ "phase", MEMBER_NUMBER, IN(REKEY), AT(phase), BOUNDS(0, 3) },
	{ "addresses", MEMBER_PREFIXES, IN(WELCOME) | IN(UPDATE), MANY(addresses, naddresses, MESSAGE_MAX_ADDRESSES) },
	{ "routes", MEMBER_PREFIXES, IN(WELCOME) | IN(UPDATE), MANY(routes, nroutes, MESSAGE_MAX_ROUTES) },
	{ "dns", MEMBER_HOSTS, IN(WELCOME) | IN(UPDATE), MANY(dns, ndns, CONF_MAX_DNS), IF(ndns) },
	{ "domains", MEMBER_STRINGS, IN(WELCOME) | IN(UPDATE), MANY(domains, ndomains, CONF_MAX_DOMAINS), IF(ndomains), .is_good = is_domain },
	{ "hub", MEMBER_U64, IN(WELCOME), AT(hub_id), IF(hub_id) },
	{ "rank", MEMBER_NUMBER, IN(WELCOME), AT(hub_rank), BOUNDS(1, 65535), IF(hub_rank) },
	{ "generation", MEMBER_NUMBER, IN(WELCOME), AT(generation), BOUNDS(1, UINT32_MAX), IF(generation) },
	{ "rate", MEMBER_NUMBER, IN(WELCOME) | IN(UPDATE), AT(rate_kbit), BOUNDS(1, UINT32_MAX), IF(rate_kbit) },
	{ "keep-local", MEMBER_WORDS, IN(WELCOME) | IN(UPDATE), AT(keep_local), IF(keep_local), .words = &local_words },
	{ "within", MEMBER_NUMBER, IN(DRAIN), AT(within_sec), BOUNDS(0, 86400) },
	{ "server", MEMBER_TEXT, IN(DRAIN), AT(server), IF(server), .is_good = is_printable },
	{ "stations", MEMBER_U64S, IN(ANNOUNCE), MANY(stations, nstations, MESSAGE_MAX_STATIONS), IF(nstations), .is_good = is_station },
	{ "networks", MEMBER_PREFIXES, IN(ANNOUNCE), MANY(networks, nnetworks, MESSAGE_MAX_ROUTES), IF(nnetworks) },
	{ "id", MEMBER_U64, IN(PING) | IN(PONG), AT(id) },
};
/* clang-format on */

static const char *const names[MESSAGE_TYPES] = {
	[MESSAGE_HELLO] = "hello",
	[MESSAGE_CHALLENGE] = "challenge",
	[MESSAGE_RESPONSE] = "response",
	[MESSAGE_WELCOME] = "welcome",
	[MESSAGE_REFUSED] = "refused",
	[MESSAGE_UPDATE] = "update",
	[MESSAGE_REKEY] = "rekey",
	[MESSAGE_REKEY_WANTED] = "rekey-wanted",
	[MESSAGE_PING] = "ping",
	[MESSAGE_PONG] = "pong",
	[MESSAGE_MTU] = "mtu",
	[MESSAGE_ANNOUNCE] = "announce",
	[MESSAGE_DRAIN] = "drain",
	[MESSAGE_BYE] = "bye",
};
static const struct words types = { names, MESSAGE_TYPES };

char *
message_encode(const struct message *msg, size_t *len)
{
	json_t *object = json_pack("{s:s}", "type", names[msg->type]);
	char   *text = NULL;

	if (members_encode(members, nitems(members), 1u << msg->type, msg,
		object))
		text = json_safe_print(object, JSON_COMPACT, "", len);
	json_decref(object);
	return text;
}

int
message_decode(struct message *msg, const void *payload, size_t len,
    const char **why)
{
	json_t	   *object = json_loadb(payload, len, JSON_REJECT_DUPLICATES,
		   NULL);
	const char *type = json_string_value(json_object_get(object, "type"));
	unsigned    found;
	const struct member *wrong = NULL;
	int	    r = -EBADMSG;

	*msg = (struct message) { .type = MESSAGE_TYPES,
		.transport = CONF_TRANSPORT_UDP };
	*why = "not one JSON object";
	if (type != NULL && !words_find(&types, type, &found)) {
		*why = "an unknown type";
		r = -ENOENT;
	} else if (type != NULL) {
		msg->type = (enum message_type)found;
		wrong = members_decode(members, nitems(members), 1u << found,
		    msg, object);
		r = wrong == NULL ? 0 : -EBADMSG;
	}
	if (wrong != NULL)
		*why = wrong->name;
	if (msg->protocol_max == 0)
		msg->protocol_max = msg->protocol;
	json_decref(object);
	if (r != 0)
		message_fini(msg);
	return r;
}

/* One line without control characters. */
static bool
is_printable(const void *text)
{
	for (const unsigned char *p = text; *p != '\0'; p++) {
		if (*p < 0x20 || *p == 0x7f)
			return false;
	}
	return true;
}

static bool
is_domain(const void *text)
{
	return conf_is_domain(text);
}

/* A unicast MAC address and a valid VLAN. */
static bool
is_station(const void *station)
{
	uint64_t v = *(const uint64_t *)station;

	return v >> 16 != 0 && (v >> 56 & 1) == 0 && (v & 0x7fff) < 0xfff;
}

void
message_fini(struct message *msg)
{
	members_free(members, nitems(members), msg);
	secret_wipe(msg, sizeof(*msg));
}

char **
message_copy_domains(char *const *domains, size_t n)
{
	char **copy = calloc(n + 1, sizeof(*copy));

	for (size_t i = 0; copy != NULL && i < n; i++) {
		copy[i] = strdup(domains[i]);
		if (copy[i] == NULL) {
			message_free_domains(copy, i);
			return NULL;
		}
	}
	return copy;
}

void
message_free_domains(char **domains, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(domains[i]);
	free(domains);
}

const char *
message_name(enum message_type type)
{
	return type < MESSAGE_TYPES ? names[type] : "unknown";
}

void
message_header(uint8_t dst[MESSAGE_HEADER_LEN], uint8_t type, size_t len)
{
	dst[0] = type;
	wire_write_u24(dst + 1, (uint32_t)len);
}
