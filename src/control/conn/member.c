/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "control/conn/member.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/addr.h"
#include "base/secret.h"
#include "base/wire.h"
#include "conf/conf.h"

#define MAX_HEX 512 /* bytes */

static json_t *encode_array(const struct member *member, const void *list,
    size_t n);
static json_t *encode_words(const struct member *member, unsigned bits);
static json_t *encode_hex(const uint8_t *bytes, size_t len);
static json_t *encode_u64(uint64_t v);
static bool decode_text(const struct member *member, char *dst,
    const json_t *value);
static bool decode_array(const struct member *member, void **list, size_t *n,
    const json_t *value);
static bool decode_element(enum member_kind kind, void *list, size_t i,
    const json_t *value);
static bool decode_words(const struct member *member, unsigned *bits,
    const json_t *value);
static bool decode_domain(char **dst, const json_t *value);
static bool decode_station(uint64_t *dst, const json_t *value);
static bool decode_hex(const json_t *value, uint8_t *dst, size_t size,
    size_t *len);
static bool decode_exactly(const json_t *value, uint8_t *dst, size_t size);
static bool decode_u64(uint64_t *dst, const json_t *value);
static int hex_digit(char c);

/* What must be, or may be missing and is not. */
bool
member_is_there(const struct member *member, const void *msg)
{
	const uint8_t *has = (const uint8_t *)msg + member->has;
	size_t	       i = 0;

	while (i < member->has_size && has[i] == 0)
		i++;
	return i < member->has_size || member->has_size == 0;
}

json_t *
member_encode(const struct member *member, const void *msg)
{
	const void   *at = (const char *)msg + member->at;
	const size_t *n = (const void *)((const char *)msg + member->n);

	switch (member->kind) {
	case MEMBER_NUMBER:
		return json_integer(*(const unsigned *)at);
	case MEMBER_U64:
		return encode_u64(*(const uint64_t *)at);
	case MEMBER_TEXT:
		return json_string(at);
	case MEMBER_BOOL:
		return json_boolean(*(const bool *)at);
	case MEMBER_MODE:
		return json_string(conf_mode_name(*(const enum conf_mode *)at));
	case MEMBER_TRANSPORT:
		return json_string(conf_transport_name(
		    *(const enum conf_transport *)at));
	case MEMBER_BYTES:
		return encode_hex(at, member->size);
	case MEMBER_BLOB:
		return encode_hex(at, *n);
	case MEMBER_WORDS:
		return encode_words(member, *(const unsigned *)at);
	default:
		return encode_array(member, *(void *const *)at, *n);
	}
}

static json_t *
encode_array(const struct member *member, const void *list, size_t n)
{
	const struct prefix *prefixes = list;
	char *const	    *domains = list;
	const uint64_t	    *stations = list;
	json_t		    *array = json_array(), *value;
	char		     text[PREFIX_STRLEN];

	for (size_t i = 0; i < n; i++) {
		if (member->kind == MEMBER_PREFIXES)
			value = json_string(prefix_print(&prefixes[i], text,
			    sizeof(text)));
		else if (member->kind == MEMBER_HOSTS)
			value = json_string(addr_print(&prefixes[i].addr, text,
			    sizeof(text)));
		else if (member->kind == MEMBER_DOMAINS)
			value = json_string(domains[i]);
		else
			value = encode_u64(stations[i]);
		json_array_append_new(array, value);
	}
	return array;
}

static json_t *
encode_words(const struct member *member, unsigned bits)
{
	json_t *array = json_array();

	for (unsigned i = 0; member->words[i] != NULL; i++) {
		if ((bits & 1u << i) != 0)
			json_array_append_new(array,
			    json_string(member->words[i]));
	}
	return array;
}

static json_t *
encode_hex(const uint8_t *bytes, size_t len)
{
	static const char digits[] = "0123456789abcdef";
	char		  text[2 * (MAX_HEX + 1)];
	json_t		 *value;

	for (size_t i = 0; i < len; i++) {
		text[2 * i] = digits[bytes[i] >> 4];
		text[2 * i + 1] = digits[bytes[i] & 0x0f];
	}
	value = json_stringn(text, 2 * len);
	secret_wipe(text, sizeof(text));
	return value;
}

static json_t *
encode_u64(uint64_t v)
{
	uint8_t bytes[8];

	wire_write_u64(bytes, v);
	return encode_hex(bytes, sizeof(bytes));
}

bool
member_decode(const struct member *member, void *msg,
    const json_t *value)
{
	void	  *at = (char *)msg + member->at;
	size_t	  *n = (void *)((char *)msg + member->n);
	json_int_t number = json_integer_value(value);

	if (member->has_size == sizeof(bool))
		*((bool *)msg + member->has) = true;
	switch (member->kind) {
	case MEMBER_NUMBER:
		*(unsigned *)at = (unsigned)number;
		return json_is_integer(value) && number >= member->min &&
		    number <= member->max;
	case MEMBER_U64:
		return decode_u64(at, value);
	case MEMBER_TEXT:
		return decode_text(member, at, value);
	case MEMBER_BOOL:
		*(bool *)at = json_is_true(value);
		return json_is_boolean(value);
	case MEMBER_MODE:
		return json_is_string(value) &&
		    conf_mode_parse(at, json_string_value(value));
	case MEMBER_TRANSPORT:
		return json_is_string(value) &&
		    conf_transport_parse(at, json_string_value(value));
	case MEMBER_BYTES:
		return decode_exactly(value, at, member->size);
	case MEMBER_BLOB:
		return decode_hex(value, at, member->size, n) &&
		    *n >= member->min;
	case MEMBER_WORDS:
		return decode_words(member, at, value);
	default:
		return decode_array(member, at, n, value);
	}
}

static bool
decode_text(const struct member *member, char *dst, const json_t *value)
{
	const char *text = json_string_value(value);
	size_t	    len = json_string_length(value);

	if (text == NULL || len >= member->size || strlen(text) != len)
		return false;
	for (size_t i = 0; i < len; i++) {
		if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f)
			return false;
	}
	memcpy(dst, text, len + 1);
	return true;
}

/* message_fini() frees as many as were read. */
static bool
decode_array(const struct member *member, void **list, size_t *n,
    const json_t *value)
{
	static const size_t sizes[] = {
		[MEMBER_PREFIXES] = sizeof(struct prefix),
		[MEMBER_HOSTS] = sizeof(struct prefix),
		[MEMBER_DOMAINS] = sizeof(char *),
		[MEMBER_STATIONS] = sizeof(uint64_t),
	};
	size_t count = json_array_size(value);

	if (!json_is_array(value) || count > member->size)
		return false;
	*list = calloc(count + 1, sizes[member->kind]);
	if (*list == NULL)
		return false;
	for (; *n < count; (*n)++) {
		if (!decode_element(member->kind, *list, *n,
			json_array_get(value, *n)))
			return false;
	}
	return true;
}

static bool
decode_element(enum member_kind kind, void *list, size_t i, const json_t *value)
{
	const char    *text = json_string_value(value);
	struct prefix *prefix;

	if (text == NULL)
		return false;
	if (kind == MEMBER_DOMAINS)
		return decode_domain((char **)list + i, value);
	if (kind == MEMBER_STATIONS)
		return decode_station((uint64_t *)list + i, value);
	prefix = (struct prefix *)list + i;
	return prefix_parse(prefix, text) && (kind != MEMBER_HOSTS ||
	    prefix->len == addr_bits(prefix->addr.family));
}

static bool
decode_domain(char **dst, const json_t *value)
{
	const char *text = json_string_value(value);

	if (strlen(text) != json_string_length(value) || !conf_is_domain(text))
		return false;
	*dst = strdup(text);
	return *dst != NULL;
}

/* One host's address, and a VLAN that can be. */
static bool
decode_station(uint64_t *dst, const json_t *value)
{
	return decode_u64(dst, value) && *dst >> 16 != 0 &&
	    (*dst >> 56 & 1) == 0 && (*dst & 0x7fff) < 0xfff;
}

/* Those that this version does not know are for later ones. */
static bool
decode_words(const struct member *member, unsigned *bits, const json_t *value)
{
	const json_t *word;
	size_t	      i;

	*bits = 0;
	json_array_foreach (value, i, word) {
		if (!json_is_string(word) || i == MEMBER_MAX_WORDS)
			return false;
		for (unsigned j = 0; member->words[j] != NULL; j++) {
			if (strcmp(json_string_value(word), member->words[j]) ==
			    0)
				*bits |= 1u << j;
		}
	}
	return json_is_array(value);
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

static bool
decode_u64(uint64_t *dst, const json_t *value)
{
	uint8_t bytes[8];

	if (!decode_exactly(value, bytes, sizeof(bytes)))
		return false;
	*dst = wire_read_u64(bytes);
	return true;
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
