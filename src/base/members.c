/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/members.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/addr.h"
#include "base/hex.h"
#include "base/secret.h"
#include "base/wire.h"

static bool is_there(const struct member *member, const void *src);
static json_t *encode(const struct member *member, const void *src);
static json_t *encode_array(enum member_kind kind, const void *list, size_t n);
static json_t *encode_words(const struct words *words, unsigned bits);
static json_t *encode_hex(const uint8_t *bytes, size_t len);
static json_t *encode_u64(uint64_t v);
static bool decode(const struct member *member, void *dst, const json_t *value);
static bool decode_text(const struct member *member, char *dst,
    const json_t *value);
static bool decode_string(char **dst, const json_t *value);
static bool decode_word(const struct member *member, unsigned *dst,
    const json_t *value);
static bool decode_words(const struct words *words, unsigned *bits,
    const json_t *value);
static bool decode_array(const struct member *member, void **list, size_t *n,
    const json_t *value);
static bool decode_element(const struct member *member, void *list, size_t i,
    const json_t *value);
static bool is_good(const struct member *member, const void *value);
static const char *text_of(const json_t *value);
static bool decode_hex(const json_t *value, uint8_t *dst, size_t size,
    size_t *len);
static bool decode_exactly(const json_t *value, uint8_t *dst, size_t size);
static bool decode_u64(uint64_t *dst, const json_t *value);

bool
members_encode(const struct member *members, size_t n, unsigned in,
    const void *src, json_t *object)
{
	bool ok = object != NULL;

	for (size_t i = 0; ok && i < n; i++) {
		if ((members[i].in & in) != 0 && is_there(&members[i], src))
			ok = json_object_set_new(object, members[i].name,
				 encode(&members[i], src)) == 0;
	}
	return ok;
}

/* What must be, or may be missing and is not.  A text is there by its first. */
static bool
is_there(const struct member *member, const void *src)
{
	const uint8_t *has = (const uint8_t *)src + member->has;
	bool	       is_text = member->kind == MEMBER_TEXT &&
	    member->has == member->at;
	size_t size = is_text ? 1 : member->has_size, i = 0;

	while (i < size && has[i] == 0)
		i++;
	return !member->optional || i < size || size == 0;
}

static json_t *
encode(const struct member *member, const void *src)
{
	const void   *at = (const char *)src + member->at;
	const size_t *n = (const void *)((const char *)src + member->n);

	switch (member->kind) {
	case MEMBER_NUMBER:
		return json_integer(*(const unsigned *)at);
	case MEMBER_U64:
		return encode_u64(*(const uint64_t *)at);
	case MEMBER_TEXT:
		return json_string(at);
	case MEMBER_STRING:
		return json_string(*(const char *const *)at);
	case MEMBER_BOOL:
		return json_boolean(*(const bool *)at);
	case MEMBER_WORD:
		return json_string(member->words->names[*(const unsigned *)at]);
	case MEMBER_WORDS:
		return encode_words(member->words, *(const unsigned *)at);
	case MEMBER_BYTES:
		return encode_hex(at, member->size);
	case MEMBER_BLOB:
		return encode_hex(at, *n);
	default:
		return encode_array(member->kind, *(void *const *)at, *n);
	}
}

static json_t *
encode_array(enum member_kind kind, const void *list, size_t n)
{
	const struct prefix *prefixes = list;
	char *const	    *strings = list;
	const uint64_t	    *numbers = list;
	json_t		    *array = json_array(), *value;
	char		     text[PREFIX_STRLEN];

	for (size_t i = 0; i < n; i++) {
		if (kind == MEMBER_PREFIXES)
			value = json_string(prefix_print(&prefixes[i], text,
			    sizeof(text)));
		else if (kind == MEMBER_HOSTS)
			value = json_string(addr_print(&prefixes[i].addr, text,
			    sizeof(text)));
		else if (kind == MEMBER_STRINGS)
			value = json_string(strings[i]);
		else
			value = encode_u64(numbers[i]);
		json_array_append_new(array, value);
	}
	return array;
}

static json_t *
encode_words(const struct words *words, unsigned bits)
{
	json_t *array = json_array();

	for (unsigned i = 0; i < words->n; i++) {
		if ((bits & 1u << i) != 0)
			json_array_append_new(array,
			    json_string(words->names[i]));
	}
	return array;
}

static json_t *
encode_hex(const uint8_t *bytes, size_t len)
{
	char	text[2 * MEMBERS_MAX_BYTES + 1];
	json_t *value;

	hex_encode(text, bytes, len);
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

const struct member *
members_decode(const struct member *members, size_t n, unsigned in, void *dst,
    const json_t *object)
{
	for (size_t i = 0; i < n; i++) {
		const json_t *value = json_object_get(object, members[i].name);

		if ((members[i].in & in) != 0 && (value == NULL ?
			!members[i].optional :
			!decode(&members[i], dst, value)))
			return &members[i];
	}
	return NULL;
}

static bool
decode(const struct member *member, void *dst, const json_t *value)
{
	void	  *at = (char *)dst + member->at;
	size_t	  *n = (void *)((char *)dst + member->n);
	json_int_t number = json_integer_value(value);

	if (member->has_size == sizeof(bool))
		*((bool *)dst + member->has) = true;
	switch (member->kind) {
	case MEMBER_NUMBER:
		*(unsigned *)at = (unsigned)number;
		return json_is_integer(value) && number >= member->min &&
		    number <= member->max;
	case MEMBER_U64:
		return decode_u64(at, value);
	case MEMBER_TEXT:
		return decode_text(member, at, value);
	case MEMBER_STRING:
		return decode_string(at, value);
	case MEMBER_BOOL:
		*(bool *)at = json_is_true(value);
		return json_is_boolean(value);
	case MEMBER_WORD:
		return decode_word(member, at, value);
	case MEMBER_WORDS:
		return decode_words(member->words, at, value);
	case MEMBER_BYTES:
		return decode_exactly(value, at, member->size);
	case MEMBER_BLOB:
		return decode_hex(value, at, member->size, n) &&
		    *n >= member->min;
	default:
		return decode_array(member, at, n, value);
	}
}

static bool
decode_text(const struct member *member, char *dst, const json_t *value)
{
	const char *text = text_of(value);

	if (text == NULL || json_string_length(value) >= member->size ||
	    !is_good(member, text))
		return false;
	memcpy(dst, text, json_string_length(value) + 1);
	return true;
}

static bool
decode_string(char **dst, const json_t *value)
{
	const char *text = text_of(value);

	*dst = text != NULL ? strdup(text) : NULL;
	return *dst != NULL;
}

static bool
decode_word(const struct member *member, unsigned *dst, const json_t *value)
{
	return json_is_string(value) && words_find(member->words,
	    json_string_value(value), dst) && *dst >= member->min;
}

/* Those that this version does not know are for later ones. */
static bool
decode_words(const struct words *words, unsigned *bits, const json_t *value)
{
	const json_t *word;
	size_t	      i;
	unsigned      bit;

	*bits = 0;
	json_array_foreach (value, i, word) {
		if (!json_is_string(word) || i == MEMBERS_MAX_WORDS)
			return false;
		if (words_find(words, json_string_value(word), &bit))
			*bits |= 1u << bit;
	}
	return json_is_array(value);
}

/* members_free() frees as many as were read. */
static bool
decode_array(const struct member *member, void **list, size_t *n,
    const json_t *value)
{
	static const size_t sizes[] = {
		[MEMBER_PREFIXES] = sizeof(struct prefix),
		[MEMBER_HOSTS] = sizeof(struct prefix),
		[MEMBER_STRINGS] = sizeof(char *),
		[MEMBER_U64S] = sizeof(uint64_t),
	};
	size_t count = json_array_size(value);

	if (!json_is_array(value) || count > member->size)
		return false;
	*list = calloc(count + 1, sizes[member->kind]);
	if (*list == NULL)
		return false;
	for (; *n < count; (*n)++) {
		if (!decode_element(member, *list, *n,
			json_array_get(value, *n)))
			return false;
	}
	return true;
}

static bool
decode_element(const struct member *member, void *list, size_t i,
    const json_t *value)
{
	const char    *text = text_of(value);
	struct prefix *prefix = (struct prefix *)list + i;

	if (text == NULL)
		return false;
	if (member->kind == MEMBER_STRINGS)
		return is_good(member, text) &&
		    decode_string((char **)list + i, value);
	if (member->kind == MEMBER_U64S)
		return decode_u64((uint64_t *)list + i, value) &&
		    is_good(member, (uint64_t *)list + i);
	return prefix_parse(prefix, text) && (member->kind != MEMBER_HOSTS ||
	    prefix->len == addr_bits(prefix->addr.family));
}

static bool
is_good(const struct member *member, const void *value)
{
	return member->is_good == NULL || member->is_good(value);
}

/* NULL if it is none, or ends before its end. */
static const char *
text_of(const json_t *value)
{
	const char *text = json_string_value(value);

	return text != NULL && strlen(text) == json_string_length(value) ?
	    text : NULL;
}

static bool
decode_hex(const json_t *value, uint8_t *dst, size_t size, size_t *len)
{
	const char *text = json_string_value(value);
	size_t	    n = json_string_length(value);

	if (text == NULL || n % 2 != 0 || n / 2 > size ||
	    !hex_decode(dst, text, n / 2))
		return false;
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

void
members_free(const struct member *members, size_t n, void *object)
{
	for (size_t i = 0; i < n; i++) {
		void   **at = (void *)((char *)object + members[i].at);
		size_t	*many = (void *)((char *)object + members[i].n);

		if (members[i].kind == MEMBER_STRING && *at != NULL)
			secret_free(*at, strlen(*at) + 1);
		else if (members[i].kind >= MEMBER_PREFIXES) {
			while (members[i].kind == MEMBER_STRINGS && *many > 0)
				free(((char **)*at)[--*many]);
			free(*at);
		}
	}
}
