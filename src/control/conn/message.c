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

/* How a member of the struct looks in JSON. */
enum kind {
	KIND_UNSIGNED,	 /* integer within bounds */
	KIND_U32,	 /* the same into a uint32_t */
	KIND_ID,	 /* 64 bits, as 16 hexadecimal digits */
	KIND_STRING,	 /* text without control characters */
	KIND_BOOL,
	KIND_MODE,	 /* "tap" or "tun" */
	KIND_TRANSPORT,	 /* "auto", "udp" or "tcp" */
	KIND_SHARE,	 /* 32 bytes, as 64 hexadecimal digits */
	KIND_CREDENTIAL, /* up to 512 bytes, hexadecimal */
	KIND_PROOF,	 /* 32 bytes, hexadecimal */
	KIND_ANSWERS,	 /* 32 bytes, hexadecimal */
	KIND_TOKEN,	 /* 1 to 256 bytes, hexadecimal */
	KIND_SECRET,	 /* 32 bytes, hexadecimal: a token's */
	KIND_ADDRESSES,	 /* array of "ADDRESS/LENGTH" */
	KIND_ROUTES,
	KIND_SUBNETS,
	KIND_DNS,	 /* array of "ADDRESS" */
	KIND_DOMAINS,	 /* array of text */
};

#define IN(type) (1u << MESSAGE_##type)

/* clang-format off */
static const struct field {
	const char *name;
	enum kind   kind;
	unsigned    in;		/* which messages have it */
	size_t	    offset;
	size_t	    size;	/* strings */
	unsigned    min, max;	/* integers */
	bool	    optional;	/* may be missing */
} fields[] = {
#define AT(member) offsetof(struct message, member)
	{ "protocol", KIND_UNSIGNED, IN(HELLO), AT(protocol), 0, 1, 65535, false },
	{ "version", KIND_STRING, IN(HELLO), AT(version), 32, 0, 0, false },
	{ "mode", KIND_MODE, IN(HELLO), AT(mode), 0, 0, 0, false },
	{ "site", KIND_STRING, IN(HELLO), AT(site), CONF_NAME_MAX + 1, 0, 0, false },
	{ "method", KIND_STRING, IN(HELLO), AT(method), 32, 0, 0, false },
	{ "workers", KIND_UNSIGNED, IN(HELLO), AT(workers), 0, 1, 16, false },
	{ "transport", KIND_TRANSPORT, IN(HELLO) | IN(WELCOME), 0, 0, 0, 0, true },
	{ "share", KIND_SHARE, IN(HELLO) | IN(WELCOME) | IN(REKEY), AT(share), 0, 0, 0, false },
	{ "answers", KIND_ANSWERS, IN(REKEY), 0, 0, 0, 0, true },
	{ "subnets", KIND_SUBNETS, IN(HELLO), 0, 0, 0, 0, false },
	{ "token", KIND_TOKEN, IN(HELLO) | IN(WELCOME), 0, 0, 0, 0, true },
	{ "secret", KIND_SECRET, IN(WELCOME), 0, 0, 0, 0, true },
	{ "credential", KIND_CREDENTIAL, IN(HELLO) | IN(CHALLENGE) | IN(RESPONSE), 0, 0, 0, 0, true },
	{ "proof", KIND_PROOF, IN(RESPONSE) | IN(WELCOME), 0, 0, 0, 0, true },
	{ "group", KIND_UNSIGNED, IN(CHALLENGE), AT(group), 0, 1024, 8192, true },
	{ "setting", KIND_STRING, IN(CHALLENGE), AT(setting), MESSAGE_SETTING_SIZE, 0, 0, true },
	{ "text", KIND_STRING, IN(CHALLENGE) | IN(REFUSED) | IN(BYE), AT(text), MESSAGE_TEXT_SIZE, 0, 0, false },
	{ "echo", KIND_BOOL, IN(CHALLENGE), AT(echo), 0, 0, 0, false },
	{ "retry-after", KIND_UNSIGNED, IN(REFUSED), AT(retry_after_sec), 0, 0, 86400, false },
	{ "session", KIND_U32, IN(WELCOME), AT(session), 0, 1, 0xffffff, false },
	{ "session", KIND_U32, IN(HELLO), AT(session), 0, 1, 0xffffff, true },
	{ "lanes", KIND_UNSIGNED, IN(WELCOME), AT(lanes), 0, 0, 16, false },
	{ "keepalive", KIND_UNSIGNED, IN(WELCOME), AT(keepalive_sec), 0, 1, CONF_MAX_KEEPALIVE, false },
	{ "dead-peer", KIND_UNSIGNED, IN(WELCOME), AT(dead_peer_sec), 0, 2, CONF_MAX_DEAD_PEER, false },
	{ "keepalive", KIND_UNSIGNED, IN(UPDATE), AT(keepalive_sec), 0, 1, CONF_MAX_KEEPALIVE, true },
	{ "dead-peer", KIND_UNSIGNED, IN(UPDATE), AT(dead_peer_sec), 0, 2, CONF_MAX_DEAD_PEER, true },
	{ "mtu", KIND_UNSIGNED, IN(WELCOME), AT(mtu), 0, 68, 65535, false },
	{ "rekey-time", KIND_UNSIGNED, IN(WELCOME), AT(rekey_sec), 0, CONF_MIN_REKEY, CONF_MAX_REKEY, false },
	{ "rekey-volume", KIND_UNSIGNED, IN(WELCOME), AT(rekey_mib), 0, 1, CONF_MAX_REKEY_MIB, false },
	{ "phase", KIND_UNSIGNED, IN(REKEY), AT(phase), 0, 0, 3, false },
	{ "addresses", KIND_ADDRESSES, IN(WELCOME) | IN(UPDATE), 0, 0, 0, 0, false },
	{ "routes", KIND_ROUTES, IN(WELCOME) | IN(UPDATE), 0, 0, 0, 0, false },
	{ "dns", KIND_DNS, IN(WELCOME) | IN(UPDATE), 0, 0, 0, 0, true },
	{ "domains", KIND_DOMAINS, IN(WELCOME) | IN(UPDATE), 0, 0, 0, 0, true },
	{ "id", KIND_ID, IN(PING) | IN(PONG), AT(id), 0, 0, 0, false },
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
	[MESSAGE_BYE] = "bye",
};

static void *wiping_malloc(size_t size);
static void wiping_free(void *p);
static bool is_there(const struct field *field, const struct message *msg);
static json_t *encode_field(const struct field *field,
    const struct message *msg);
static json_t *encode_prefixes(const struct prefix *list, size_t n);
static json_t *encode_hosts(const struct prefix *list, size_t n);
static json_t *encode_domains(char *const *domains, size_t n);
static json_t *encode_hex(const uint8_t *bytes, size_t len);
static bool decode_field(const struct field *field, struct message *msg,
    const json_t *value);
static bool decode_string(const struct field *field, char *dst,
    const json_t *value);
static bool decode_prefixes(const json_t *value, size_t max,
    struct prefix **list, size_t *n);
static bool decode_hosts(const json_t *value, struct message *msg);
static bool decode_domains(const json_t *value, struct message *msg);
static bool decode_hex(const json_t *value, uint8_t *dst, size_t size,
    size_t *len);
static bool decode_exactly(const json_t *value, uint8_t *dst, size_t size);
static int hex_digit(char c);

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
	for (size_t i = 0; i < nitems(fields); i++) {
		if ((fields[i].in & 1u << msg->type) == 0)
			continue;
		if (fields[i].optional && !is_there(&fields[i], msg))
			continue;
		value = encode_field(&fields[i], msg);
		failed |= json_object_set_new(object, fields[i].name, value);
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
		*why = "a type we do not know";
		r = -ENOENT;
		goto out;
	}
	for (size_t i = 0; i < nitems(fields); i++) {
		if ((fields[i].in & 1u << msg->type) == 0)
			continue;
		*why = fields[i].name;
		value = json_object_get(object, fields[i].name);
		if (value == NULL && fields[i].optional)
			continue;
		if (value == NULL || !decode_field(&fields[i], msg, value))
			goto out;
	}
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

/* What may be missing, and is not. */
static bool
is_there(const struct field *field, const struct message *msg)
{
	switch (field->kind) {
	case KIND_CREDENTIAL:
		return msg->has_credential;
	case KIND_PROOF:
		return msg->has_proof;
	case KIND_ANSWERS:
		return msg->has_answers;
	case KIND_TOKEN:
	case KIND_SECRET:
		return msg->token_len > 0;
	case KIND_U32:
		return msg->session > 0;
	case KIND_UNSIGNED:
		return *(const unsigned *)(const void *)((const char *)msg +
			   field->offset) > 0;
	case KIND_TRANSPORT:
		return true;
	case KIND_DNS:
		return msg->ndns > 0;
	case KIND_DOMAINS:
		return msg->ndomains > 0;
	default: /* setting */
		return msg->group > 0;
	}
}

static json_t *
encode_field(const struct field *field, const struct message *msg)
{
	const void *at = (const char *)msg + field->offset;
	uint8_t	    id[8];

	switch (field->kind) {
	case KIND_UNSIGNED:
		return json_integer(*(const unsigned *)at);
	case KIND_U32:
		return json_integer(*(const uint32_t *)at);
	case KIND_ID:
		wire_write_u64(id, msg->id);
		return encode_hex(id, sizeof(id));
	case KIND_STRING:
		return json_string(at);
	case KIND_BOOL:
		return json_boolean(*(const bool *)at);
	case KIND_MODE:
		return json_string(conf_mode_name(msg->mode));
	case KIND_TRANSPORT:
		return json_string(conf_transport_name(msg->transport));
	case KIND_SHARE:
		return encode_hex(msg->share, sizeof(msg->share));
	case KIND_ANSWERS:
		return encode_hex(msg->answers, sizeof(msg->answers));
	case KIND_CREDENTIAL:
		return encode_hex(msg->credential, msg->credential_len);
	case KIND_PROOF:
		return encode_hex(msg->proof, sizeof(msg->proof));
	case KIND_TOKEN:
		return encode_hex(msg->token, msg->token_len);
	case KIND_SECRET:
		return encode_hex(msg->secret, sizeof(msg->secret));
	case KIND_ADDRESSES:
		return encode_prefixes(msg->addresses, msg->naddresses);
	case KIND_ROUTES:
		return encode_prefixes(msg->routes, msg->nroutes);
	case KIND_SUBNETS:
		return encode_prefixes(msg->subnets, msg->nsubnets);
	case KIND_DNS:
		return encode_hosts(msg->dns, msg->ndns);
	case KIND_DOMAINS:
		return encode_domains(msg->domains, msg->ndomains);
	}
	return NULL;
}

static json_t *
encode_prefixes(const struct prefix *list, size_t n)
{
	json_t *array = json_array();
	char	text[PREFIX_STRLEN];

	for (size_t i = 0; i < n; i++)
		json_array_append_new(array,
		    json_string(prefix_print(&list[i], text, sizeof(text))));
	return array;
}

static json_t *
encode_hosts(const struct prefix *list, size_t n)
{
	json_t *array = json_array();
	char	text[ADDR_STRLEN];

	for (size_t i = 0; i < n; i++)
		json_array_append_new(array,
		    json_string(addr_print(&list[i].addr, text, sizeof(text))));
	return array;
}

static json_t *
encode_domains(char *const *domains, size_t n)
{
	json_t *array = json_array();

	for (size_t i = 0; i < n; i++)
		json_array_append_new(array, json_string(domains[i]));
	return array;
}

static json_t *
encode_hex(const uint8_t *bytes, size_t len)
{
	static const char digits[] = "0123456789abcdef";
	char		  text[2 * (MESSAGE_MAX_CREDENTIAL + 1)];
	json_t		 *value;

	for (size_t i = 0; i < len; i++) {
		text[2 * i] = digits[bytes[i] >> 4];
		text[2 * i + 1] = digits[bytes[i] & 0x0f];
	}
	value = json_stringn(text, 2 * len);
	secret_wipe(text, sizeof(text));
	return value;
}

static bool
decode_field(const struct field *field, struct message *msg,
    const json_t *value)
{
	void	 *at = (char *)msg + field->offset;
	json_int_t n = json_integer_value(value);
	uint8_t	   id[8];

	switch (field->kind) {
	case KIND_UNSIGNED:
		*(unsigned *)at = (unsigned)n;
		return json_is_integer(value) && n >= field->min &&
		    n <= field->max;
	case KIND_U32:
		*(uint32_t *)at = (uint32_t)n;
		return json_is_integer(value) && n >= field->min &&
		    n <= field->max;
	case KIND_ID:
		if (!decode_exactly(value, id, sizeof(id)))
			return false;
		msg->id = wire_read_u64(id);
		return true;
	case KIND_STRING:
		return decode_string(field, at, value);
	case KIND_BOOL:
		*(bool *)at = json_is_true(value);
		return json_is_boolean(value);
	case KIND_MODE:
		return json_is_string(value) &&
		    conf_mode_parse(&msg->mode, json_string_value(value));
	case KIND_TRANSPORT:
		return json_is_string(value) &&
		    conf_transport_parse(&msg->transport,
			json_string_value(value));
	case KIND_SHARE:
		return decode_exactly(value, msg->share, sizeof(msg->share));
	case KIND_ANSWERS:
		msg->has_answers = true;
		return decode_exactly(value, msg->answers,
		    sizeof(msg->answers));
	case KIND_CREDENTIAL:
		msg->has_credential = true;
		return decode_hex(value, msg->credential,
		    MESSAGE_MAX_CREDENTIAL, &msg->credential_len);
	case KIND_PROOF:
		msg->has_proof = true;
		return decode_exactly(value, msg->proof, sizeof(msg->proof));
	case KIND_TOKEN:
		return decode_hex(value, msg->token, MESSAGE_MAX_TOKEN,
			   &msg->token_len) &&
		    msg->token_len > 0;
	case KIND_SECRET:
		return decode_exactly(value, msg->secret, sizeof(msg->secret));
	case KIND_ADDRESSES:
		return decode_prefixes(value, MESSAGE_MAX_ADDRESSES,
		    &msg->addresses, &msg->naddresses);
	case KIND_ROUTES:
		return decode_prefixes(value, MESSAGE_MAX_ROUTES, &msg->routes,
		    &msg->nroutes);
	case KIND_SUBNETS:
		return decode_prefixes(value, MESSAGE_MAX_SUBNETS,
		    &msg->subnets, &msg->nsubnets);
	case KIND_DNS:
		return decode_hosts(value, msg);
	case KIND_DOMAINS:
		return decode_domains(value, msg);
	}
	return false;
}

static bool
decode_string(const struct field *field, char *dst, const json_t *value)
{
	const char *text = json_string_value(value);
	size_t	    len = json_string_length(value);

	if (text == NULL || len >= field->size || strlen(text) != len)
		return false;
	for (size_t i = 0; i < len; i++) {
		if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f)
			return false;
	}
	memcpy(dst, text, len + 1);
	return true;
}

static bool
decode_prefixes(const json_t *value, size_t max, struct prefix **list, size_t *n)
{
	size_t count = json_array_size(value);

	if (!json_is_array(value) || count > max)
		return false;
	*list = calloc(count > 0 ? count : 1, sizeof(**list));
	if (*list == NULL)
		return false;
	for (size_t i = 0; i < count; i++) {
		const char *text = json_string_value(json_array_get(value, i));

		if (text == NULL || !prefix_parse(&(*list)[i], text))
			return false;
	}
	*n = count;
	return true;
}

static bool
decode_hosts(const json_t *value, struct message *msg)
{
	if (!decode_prefixes(value, CONF_MAX_DNS, &msg->dns, &msg->ndns))
		return false;
	for (size_t i = 0; i < msg->ndns; i++) {
		if (msg->dns[i].len != addr_bits(msg->dns[i].addr.family))
			return false;
	}
	return true;
}

/* message_fini() frees as many as were read. */
static bool
decode_domains(const json_t *value, struct message *msg)
{
	size_t count = json_array_size(value);

	if (!json_is_array(value) || count > CONF_MAX_DOMAINS)
		return false;
	msg->domains = calloc(count + 1, sizeof(*msg->domains));
	if (msg->domains == NULL)
		return false;
	for (size_t i = 0; i < count; i++) {
		const json_t *item = json_array_get(value, i);
		const char   *text = json_string_value(item);

		if (text == NULL || strlen(text) != json_string_length(item) ||
		    !conf_is_domain(text))
			return false;
		msg->domains[i] = strdup(text);
		if (msg->domains[i] == NULL)
			return false;
		msg->ndomains++;
	}
	return true;
}

static bool
decode_hex(const json_t *value, uint8_t *dst, size_t size, size_t *len)
{
	const char *text = json_string_value(value);
	size_t	    n = json_string_length(value);

	if (text == NULL || n % 2 != 0 || n / 2 > size)
		return false;
	for (size_t i = 0; i < n / 2; i++) {
		int high = hex_digit(text[2 * i]);
		int low = hex_digit(text[2 * i + 1]);

		if (high < 0 || low < 0)
			return false;
		dst[i] = (uint8_t)(high << 4 | low);
	}
	*len = n / 2;
	return true;
}

static bool
decode_exactly(const json_t *value, uint8_t *dst, size_t size)
{
	size_t len;

	return decode_hex(value, dst, size, &len) && len == size;
}

static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return -1;
}
