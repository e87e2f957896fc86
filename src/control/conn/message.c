/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "control/conn/message.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <bsd/stdlib.h>
#include <bsd/string.h>
#include <jansson.h>

#include "base/nitems.h"
#include "base/secret.h"
#include "base/wire.h"
#include "control/conn/member.h"

static const char *const features[] = { "tag", "train", "announce", "mtu",
	"hub", "psk", "rate", "ecn", "drain", "keep-local", NULL };
static const char *const local_words[] = { "dhcp", "dhcp6", "ra", "mcast-query",
	NULL };

#define IN(type)  (1u << MESSAGE_##type)
#define PLACE(m)  offsetof(struct message, m)
#define SIZE(m)	  sizeof(((struct message *)0)->m)
#define AT(m)	  .at = PLACE(m), .size = SIZE(m)
#define MANY(m, number, most)                                                  \
	.at = PLACE(m), .n = PLACE(number), .size = (most)
#define BOUNDS(lo, hi) .min = (lo), .max = (hi)
#define IF(m)	  .optional = true, .has = PLACE(m), .has_size = SIZE(m)

/* clang-format off */
static const struct member members[] = {
	{ "protocol", MEMBER_NUMBER, IN(HELLO), AT(protocol), BOUNDS(1, 65535) },
	{ "protocol", MEMBER_NUMBER, IN(WELCOME), AT(protocol), BOUNDS(1, 65535), IF(protocol) },
	{ "protocol-max", MEMBER_NUMBER, IN(HELLO), AT(protocol_max), BOUNDS(1, 65535), IF(protocol_max) },
	{ "features", MEMBER_WORDS, IN(HELLO) | IN(WELCOME), AT(features), IF(features), .words = features },
	{ "version", MEMBER_TEXT, IN(HELLO), AT(version) },
	{ "mode", MEMBER_MODE, IN(HELLO), AT(mode) },
	{ "site", MEMBER_TEXT, IN(HELLO), AT(site) },
	{ "method", MEMBER_TEXT, IN(HELLO), AT(method) },
	{ "workers", MEMBER_NUMBER, IN(HELLO), AT(workers), BOUNDS(1, 16) },
	{ "transport", MEMBER_TRANSPORT, IN(HELLO) | IN(WELCOME), AT(transport), .optional = true },
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
	{ "setting", MEMBER_TEXT, IN(CHALLENGE), AT(setting), IF(group) },
	{ "text", MEMBER_TEXT, IN(CHALLENGE) | IN(REFUSED) | IN(BYE), AT(text) },
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
	{ "domains", MEMBER_DOMAINS, IN(WELCOME) | IN(UPDATE), MANY(domains, ndomains, CONF_MAX_DOMAINS), IF(ndomains) },
	{ "hub", MEMBER_U64, IN(WELCOME), AT(hub_id), IF(hub_id) },
	{ "rank", MEMBER_NUMBER, IN(WELCOME), AT(hub_rank), BOUNDS(1, 65535), IF(hub_rank) },
	{ "generation", MEMBER_NUMBER, IN(WELCOME), AT(generation), BOUNDS(1, UINT32_MAX), IF(generation) },
	{ "rate", MEMBER_NUMBER, IN(WELCOME) | IN(UPDATE), AT(rate_kbit), BOUNDS(1, UINT32_MAX), IF(rate_kbit) },
	{ "keep-local", MEMBER_WORDS, IN(WELCOME) | IN(UPDATE), AT(keep_local), IF(keep_local), .words = local_words },
	{ "within", MEMBER_NUMBER, IN(DRAIN), AT(within_sec), BOUNDS(0, 86400) },
	{ "server", MEMBER_TEXT, IN(DRAIN), AT(server), IF(server) },
	{ "stations", MEMBER_STATIONS, IN(ANNOUNCE), MANY(stations, nstations, MESSAGE_MAX_STATIONS), IF(nstations) },
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

static void *wiping_malloc(size_t size);
static void wiping_free(void *p);
void
message_setup(void)
{
	json_set_alloc_funcs(wiping_malloc, wiping_free);
	/* Or it opens /dev/urandom when the first object is made. */
	json_object_seed(arc4random());
}

char *
message_encode(const struct message *msg, size_t *len)
{
	json_t *object = json_object(), *value;
	char   *text = NULL;
	int	failed;

	failed = json_object_set_new(object, "type",
	    json_string(names[msg->type]));
	for (size_t i = 0; i < nitems(members); i++) {
		if ((members[i].in & 1u << msg->type) == 0)
			continue;
		if (members[i].optional && !member_is_there(&members[i], msg))
			continue;
		value = member_encode(&members[i], msg);
		failed |= json_object_set_new(object, members[i].name, value);
	}
	if (failed == 0) {
		size_t n = json_dumpb(object, NULL, 0, JSON_COMPACT);

		text = malloc(n + 1);
		if (text != NULL && n > 0) {
			json_dumpb(object, text, n, JSON_COMPACT);
			text[n] = '\0';
			*len = n;
		}
	}
	json_decref(object);
	return text;
}

int
message_decode(struct message *msg, const void *payload, size_t len,
    const char **why)
{
	json_t	   *object, *value;
	const char *type;
	int	    r = -EBADMSG;

	*msg = (struct message) { .type = MESSAGE_TYPES,
		.transport = CONF_TRANSPORT_UDP };
	*why = "not one JSON object";
	object = json_loadb(payload, len, JSON_REJECT_DUPLICATES, NULL);
	if (object == NULL)
		return -EBADMSG;
	type = json_string_value(json_object_get(object, "type"));
	if (type == NULL)
		goto out;
	for (unsigned i = 0; i < MESSAGE_TYPES; i++) {
		if (strcmp(type, names[i]) == 0)
			msg->type = (enum message_type)i;
	}
	if (msg->type == MESSAGE_TYPES) {
		*why = "an unknown type";
		r = -ENOENT;
		goto out;
	}
	for (size_t i = 0; i < nitems(members); i++) {
		if ((members[i].in & 1u << msg->type) == 0)
			continue;
		*why = members[i].name;
		value = json_object_get(object, members[i].name);
		if (value == NULL && members[i].optional)
			continue;
		if (value == NULL || !member_decode(&members[i], msg, value))
			goto out;
	}
	if (msg->protocol_max == 0)
		msg->protocol_max = msg->protocol;
	r = 0;
out:
	json_decref(object);
	if (r != 0)
		message_fini(msg);
	return r;
}

void
message_fini(struct message *msg)
{
	free(msg->addresses);
	free(msg->routes);
	free(msg->subnets);
	free(msg->dns);
	free(msg->stations);
	free(msg->networks);
	message_free_domains(msg->domains, msg->ndomains);
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

/* The size stands in front, aligned, so that free knows what to wipe. */
static void *
wiping_malloc(size_t size)
{
	max_align_t *p;

	if (size > SIZE_MAX - sizeof(*p))
		return NULL;
	p = malloc(sizeof(*p) + size);
	if (p == NULL)
		return NULL;
	memcpy(p, &size, sizeof(size));
	return p + 1;
}

static void
wiping_free(void *p)
{
	max_align_t *block = p;
	size_t	     size;

	if (block == NULL)
		return;
	block--;
	memcpy(&size, block, sizeof(size));
	secret_free(block, sizeof(*block) + size);
}
